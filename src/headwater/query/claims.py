"""Compares the lineage that a job's producer claims with what our own parse of its SQL finds.

The claim is kept as it is, and so is our finding: neither is corrected by the other. The ``lineage`` graph is that of
the claims; this shows where it can be relied on and where somebody should look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.dataset_facets import try_facet
from headwater.formats.run_facets import Sql
from headwater.model.graph import NodeKind, RunState
from headwater.query.claims_parse import LONGEST, Found, TableColumns, dialect_of, parse
from headwater.query.facet_values import known_columns
from headwater.query.names import node_id
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow


class Verdict(StrEnum):
    """Who says so."""

    AGREED = "agreed"
    EMITTER = "emitter"
    OURS = "ours"


class Confidence(StrEnum):
    """How far something can be relied on: ``high`` where both say so, ``medium`` where the other side says nothing of
    the kind at all, ``low`` where the other side looked and does not say so."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class TableClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset that is read or written. ``name`` is the one in the SQL where only that says so and no dataset of that
    name is known; then there is no ``id``."""

    name: str
    verdict: Verdict
    confidence: Confidence
    id: str = ""


class ColumnClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A value that flows from one column to another."""

    source: str
    source_field: str
    target: str
    target_field: str
    verdict: Verdict
    confidence: Confidence


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of one job. ``agreement`` is the share of all that is said that both say, None if there is nothing
    to compare: no SQL, or SQL that cannot be parsed."""

    job: str
    statement: str = ""
    """With its literals masked."""
    dialect: str = ""
    reads: tuple[TableClaim, ...] = ()
    writes: tuple[TableClaim, ...] = ()
    columns: tuple[ColumnClaim, ...] = ()
    agreement: float | None = None
    has_conflict: bool = False
    """Something is said by one side that the other looked for and does not say."""
    unresolved: tuple[str, ...] = ()
    """What our parse could not resolve, or assumed."""
    note: str = ""
    """Why there is nothing to compare."""


_Flow = tuple[int | str, str, int | str, str]
"""(source, column of it, target, column of it): nodes by id, or a name in SQL that is no known dataset."""


class _Stated(msgspec.Struct):
    """What the emitter says, in terms of nodes."""

    reads: dict[int, NodeRow]
    writes: dict[int, NodeRow]
    columns: set[tuple[int, str, int, str]]


def claims_of(store: Store, job: NodeRow) -> Claims:
    """Compare both sides of a job.

    Raises:
        InvalidInput: the node is no job.
    """
    if job.kind is not NodeKind.JOB:
        raise InvalidInput(field="id", value=job.name, rule="must be a job: datasets claim nothing about SQL")
    stated = _stated(store, job)
    sql = try_facet(store.facets(job.id), Sql)
    alone = Claims(
        job=node_id(job),
        reads=_tables(stated.reads, (), {}),
        writes=_tables(stated.writes, (), {}),
        columns=_columns(stated, Found(), {}),
    )
    if sql is None or not sql.query.strip():
        return msgspec.structs.replace(alone, note="the job has no SQL that could be compared")
    if len(sql.query) > LONGEST:
        return msgspec.structs.replace(alone, note=f"the SQL is longer than {LONGEST:,} characters")
    known = {**stated.reads, **stated.writes}
    dialect = dialect_of(sql.dialect or "", [row.namespace for row in known.values()])
    found = parse(sql.query, dialect, _columns_of(store, known.values()))
    if all(kind == "UNPARSED" for kind in found.kinds):
        return msgspec.structs.replace(
            alone, note="the SQL could not be parsed", statement=found.text, unresolved=found.unresolved
        )
    return _compared(store, job, stated, found, dialect or "")


def _stated(store: Store, job: NodeRow) -> _Stated:
    """The edges of the job that hold, and what its latest complete run lists."""
    edges = [edge for edge in store.edges(job_id=job.id) if edge.valid_to is None]
    ends = {end for edge in edges for end in (edge.source_id, edge.target_id)} - {job.id}
    latest = store.runs(job_id=job.id, state=RunState.COMPLETED, limit=1) or store.runs(job_id=job.id, limit=1)
    inputs, outputs = store.run_io(latest[0].run_id) if latest else ([], [])
    ends |= {version.dataset_id for version in (*inputs, *outputs)}
    rows = {row.id: row for row in sorted(store.nodes(list(ends)), key=node_id) if row.kind is NodeKind.DATASET}
    sources = {edge.source_id for edge in edges} | {version.dataset_id for version in inputs}
    targets = {edge.target_id for edge in edges} | {version.dataset_id for version in outputs}
    return _Stated(
        reads={node: row for node, row in rows.items() if node in sources},
        writes={node: row for node, row in rows.items() if node in targets},
        columns={
            flow
            for edge in edges
            if edge.source_id in rows and edge.target_id in rows  # a lineage facet can also give fields to a job
            for flow in _fields(store, edge)
        },
    )


def _fields(store: Store, edge: EdgeRow) -> Iterable[tuple[int, str, int, str]]:
    for field in store.mapping_fields(edge):
        if field.type == "DIRECT":
            yield edge.source_id, field.source_field, edge.target_id, field.target_field


def _columns_of(store: Store, rows: Iterable[NodeRow]) -> TableColumns:
    tables = {}
    for row in rows:
        columns = tuple(name for name, _ in known_columns(store, row.id))
        tables.update(dict.fromkeys(_names(row), columns))
    return tuple(sorted((name, columns) for name, columns in tables.items() if columns))


def _names(row: NodeRow) -> list[str]:
    """What a dataset is called, the name that is shown first: Spark's tables are folders, and SQL names the tables."""
    return [_plain(row.name), *(_plain(name) for _, name in row.aliases)]


def _plain(name: str) -> str:
    """A name without the quotes that some emitters leave on it."""
    return ".".join(part.strip('"`[]') for part in name.split("."))


class _Resolver:
    """From the names in SQL to the datasets they mean."""

    def __init__(self, store: Store, stated: _Stated) -> None:
        self._store = store
        self._near = {**stated.reads, **stated.writes}
        self._called = [(row, [called.casefold() for called in _names(row)]) for row in self._near.values()]
        common = Counter(row.namespace for row in self._near.values()).most_common(1)
        self._namespace = common[0][0] if common else ""
        #: the catalog and schema that the job works in, inferred from full names in that namespace and from other names
        self._places = [(self._namespace, _plain(row.name).split(".")[:-1]) for row in self._near.values()]
        others = [alias for row in self._near.values() for alias in row.aliases]
        self._places += [(namespace, _plain(name).split(".")[:-1]) for namespace, name in others]

    def __call__(self, name: str) -> NodeRow | None:
        wanted = name.casefold().split(".")
        fits = [
            (row, names)
            for row, names in self._called
            if any(_ends_alike(called.split("."), wanted) for called in names)
        ]
        if len(fits) == 1:
            return fits[0][0]
        if fits:
            return next((row for row, names in fits if name.casefold() in names), None)
        parts = name.split(".")
        for namespace, place in self._places or [(self._namespace, [])]:
            whole = [*place[: max(0, len(place) + 1 - len(parts))], *parts]
            found = self._store.find(NodeKind.DATASET, namespace, ".".join(whole))
            if found is not None:
                return found
        return None


def _ends_alike(left: list[str], right: list[str]) -> bool:
    size = min(len(left), len(right))
    return left[-size:] == right[-size:]


def _compared(store: Store, job: NodeRow, stated: _Stated, found: Found, dialect: str) -> Claims:
    resolve = _Resolver(store, stated)
    nodes = {name: resolve(name) for name in (*found.reads, *found.writes)}
    reads = _tables(stated.reads, found.reads, nodes)
    writes = _tables(stated.writes, found.writes, nodes)
    columns = _columns(stated, found, nodes)
    every: list[TableClaim | ColumnClaim] = [*reads, *writes, *columns]
    agreed = sum(claim.verdict is Verdict.AGREED for claim in every)
    return Claims(
        job=node_id(job),
        statement=found.text,
        dialect=dialect,
        reads=reads,
        writes=writes,
        columns=columns,
        agreement=round(agreed / len(every), 4) if every else None,
        has_conflict=any(claim.confidence is Confidence.LOW for claim in every),
        unresolved=found.unresolved,
    )


def _verdict(emitter: bool, ours: bool, *, both_speak: bool) -> tuple[Verdict, Confidence]:
    if emitter and ours:
        return Verdict.AGREED, Confidence.HIGH
    return Verdict.EMITTER if emitter else Verdict.OURS, Confidence.LOW if both_speak else Confidence.MEDIUM


def _tables(
    claimed: dict[int, NodeRow], names: tuple[str, ...], nodes: dict[str, NodeRow | None]
) -> tuple[TableClaim, ...]:
    ours = {row.id: row for name in names if (row := nodes[name]) is not None}
    both = bool(claimed) and bool(names)
    compared = []
    for node, row in sorted({**ours, **claimed}.items(), key=lambda one: node_id(one[1])):
        verdict, confidence = _verdict(node in claimed, node in ours, both_speak=both)
        compared.append(TableClaim(name=row.name, id=node_id(row), verdict=verdict, confidence=confidence))
    verdict, confidence = _verdict(False, True, both_speak=both)
    compared += [
        TableClaim(name=name, verdict=verdict, confidence=confidence)
        for name in sorted(set(names))
        if nodes[name] is None
    ]
    return tuple(compared)


def _as_claimed(ours: set[_Flow], claimed: set[_Flow]) -> set[_Flow]:
    """Our finding, spelled as the producer spells it if it differs from exactly one claim, and only in case."""
    folded: dict[_Flow, list[_Flow]] = {}
    for flow in claimed:
        folded.setdefault(_folded(flow), []).append(flow)
    found: set[_Flow] = set()
    for flow in ours:
        near = folded.get(_folded(flow), [])
        found.add(near[0] if flow not in claimed and len(near) == 1 else flow)
    return found


def _folded(flow: _Flow) -> _Flow:
    return flow[0], flow[1].casefold(), flow[2], flow[3].casefold()


def _columns(stated: _Stated, found: Found, nodes: dict[str, NodeRow | None]) -> tuple[ColumnClaim, ...]:
    ours: set[_Flow] = set()
    shown: dict[int | str, str] = {node: node_id(row) for node, row in {**stated.reads, **stated.writes}.items()}
    for source, source_field, target, target_field in found.columns:
        ends: list[int | str] = []
        for name in (source, target):
            row = nodes.get(name)
            ends.append(name if row is None else row.id)
            shown.setdefault(ends[-1], name if row is None else node_id(row))
        ours.add((ends[0], source_field, ends[1], target_field))
    claimed: set[_Flow] = set(stated.columns)
    ours = _as_claimed(ours, claimed)
    both = bool(claimed) and bool(ours)
    compared = []
    for edge in sorted(claimed | ours, key=lambda one: (shown[one[2]], one[3], shown[one[0]], one[1])):
        verdict, confidence = _verdict(edge in claimed, edge in ours, both_speak=both)
        compared.append(
            ColumnClaim(
                source=shown[edge[0]],
                source_field=edge[1],
                target=shown[edge[2]],
                target_field=edge[3],
                verdict=verdict,
                confidence=confidence,
            )
        )
    return tuple(compared)
