"""Converts table rows to the rows that the ``Store`` contract returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from headwater.model.graph import FieldEdge
from headwater.model.run_ids import canonical_run_id
from headwater.storage.projection.names import display_order, is_deleted
from headwater.storage.projection.projector import Projector
from headwater.storage.projection.records import (
    HOWS,
    KIND_NAMES,
    OBSERVED,
    Change,
    Edge,
    Name,
    Node,
    Run,
    Version,
)
from headwater.storage.projection.run_documents import STATES, RunDoc, Touched
from headwater.storage.projection.tables import HeldEdge, Side, Tables
from headwater.storage.row_types import DerivationRow, EdgeRow, FacetChange, NodeRow, RunRow, VersionRow

_END = (2**63 - 1, b"")
"""After every change."""


class ContractRows:
    """Reads the tables. The caller ensures that they may be read."""

    def __init__(self, tables: Tables, projector: Projector) -> None:
        self._tables = tables
        self._projector = projector

    # -- nodes -----------------------------------------------------------------------------------------------------
    def node(self, node_id: int) -> NodeRow | None:
        """The row of a dataset or job."""
        node = self._tables.nodes.get(node_id)
        return None if node is None else _node_row(node, self._tables.names.where(node=node_id))

    def nodes(self, node_ids: Sequence[int]) -> list[NodeRow]:
        """The rows of these datasets and jobs, in order; an unknown id is skipped."""
        rows: dict[int, NodeRow] = {}
        others: list[int] = []
        for key, kind, type_, created_at, updated_at, is_dropped, namespace, name in self._tables.named_nodes(node_ids):
            if is_dropped or key in rows:  # deleted, or has several names: needs all of them
                others.append(key)
            rows[key] = NodeRow(
                id=key,
                kind=KIND_NAMES[kind],
                namespace=namespace,
                name=name,
                type=type_,
                created_at=created_at,
                updated_at=updated_at,
            )
        if others:
            rows.update((row.id, row) for row in self.node_rows(self._tables.nodes.get_many(others)))
        return [rows[key] for key in node_ids if key in rows]

    def node_rows(self, nodes: Sequence[Node]) -> list[NodeRow]:
        """The contract's rows of these datasets and jobs, in order."""
        names: dict[int, list[Name]] = {}
        for name in self._tables.names.where_any("node", [node.id for node in nodes]):
            names.setdefault(name.node, []).append(name)
        return [_node_row(node, names[node.id]) for node in nodes]

    def facets(self, node_id: int, as_of: int | None) -> dict[str, msgspec.Raw]:
        """The facets of a node at an instant."""
        latest = {row.name: row.body for row in self._tables.latest_changes(node_id, as_of)}
        return {name: msgspec.Raw(self._tables.bodies.get(body)) for name, body in sorted(latest.items()) if body}

    def _changes(self, node_id: int, facet: str | None, limit: int | None) -> list[Change]:
        table = self._tables.changes
        if limit is not None:
            return self._last_changes(node_id, facet, limit)
        rows = table.where(node=node_id) if facet is None else table.where(node=node_id, name=facet)
        return sorted(rows, key=_history_order)

    def _last_changes(self, node_id: int, facet: str | None, limit: int) -> list[Change]:
        """The last changes of a node, after the one before them of each of their facets."""
        names = [row.name for row in self._tables.latest_changes(node_id)] if facet is None else [facet]
        by_name = {name: self._tables.changes_before(node_id, name, _END, limit + 1) for name in names}
        last = sorted((row for rows in by_name.values() for row in rows), key=_history_order)[-limit:]
        shown = Counter(row.name for row in last)
        before = [row for name, count in shown.items() for row in by_name[name][count : count + 1]]
        return sorted(before + last, key=_history_order)

    def history(self, node_id: int, facet: str | None, limit: int | None) -> list[FacetChange]:
        """Every change of a node's facets, oldest first, or the last ones and what they changed."""
        return [
            FacetChange(
                name=row.name,
                changed_at=row.at,
                body=msgspec.Raw(self._tables.bodies.get(row.body)) if row.body else None,
                event_key=row.key.hex(),
                run_id=row.run_id,
            )
            for row in self._changes(node_id, facet, limit)
        ]

    # -- runs ------------------------------------------------------------------------------------------------------
    def run(self, run_id: str) -> RunRow | None:
        """One run, or None if it is unknown or the id is not a UUID."""
        row = self._tables.run(run_id) if canonical_run_id(run_id) else None
        return None if row is None else self.run_row(row)

    def run_row(self, row: Run) -> RunRow:
        """The contract's row of a run."""
        return RunRow(
            run_id=row.run_id,
            job_id=row.job,
            state=STATES[row.state],
            operation=row.operation,
            started_at=row.started_at,
            ended_at=row.ended_at,
            parent_run=row.parent_run,
        )

    def latest_runs(self, job_ids: Sequence[int], as_of: int | None) -> dict[int, RunRow]:
        """The latest run of each job that had started by an instant."""
        return {row.job: self.run_row(row) for row in self._tables.latest_run_of_each(job_ids, as_of)}

    def derivation_runs(self, step_ids: Sequence[int]) -> dict[int, RunRow]:
        """The run of each derivation."""
        steps = self._tables.derivations.get_many(step_ids)
        heads = {row.id: row for row in self._tables.run_heads({step.run for step in steps})}
        return {step.id: self.run_row(heads[step.run]) for step in steps if step.run in heads}

    def _doc(self, run_id: str) -> tuple[Run, RunDoc] | None:
        row = self._tables.run(run_id)
        return None if row is None else (row, self._projector.runs.doc(row))

    def run_facets(self, run_id: str) -> dict[str, msgspec.Raw]:
        """The facets of a run."""
        found = self._doc(run_id)
        if found is None:
            return {}
        return {name: msgspec.Raw(one.body) for name, one in sorted(found[1].facets.items())}

    def run_io(self, run_id: str) -> tuple[list[VersionRow], list[VersionRow]]:
        """The versions that a run read and wrote, sorted by dataset name."""
        found = self._doc(run_id)
        if found is None:
            return [], []
        read, written = self._read_and_written(*found)
        rows = {row.id: (row.namespace, row.name) for row in self.nodes([one.dataset_id for one in (*read, *written)])}

        def by_name(version: VersionRow) -> tuple[tuple[str, str], str, str]:
            return rows[version.dataset_id], version.version, version.run_id

        return sorted(read, key=by_name), sorted(written, key=by_name)

    def _read_and_written(self, run: Run, doc: RunDoc) -> tuple[list[VersionRow], list[VersionRow]]:
        if doc.settled is None:
            return self._claimed(run, doc.inputs, is_input=True), self._claimed(run, doc.outputs, is_input=False)
        steps = [self._tables.derivations.get(step) for step in doc.settled.derivations]
        read = {version for step in steps if step is not None for version, _ in step.inputs}
        written = sorted(doc.settled.versions.values())
        return self._version_rows(sorted(read.difference(written))), self._version_rows(written)

    def _claimed(self, run: Run, touched: dict[int, Touched], *, is_input: bool) -> list[VersionRow]:
        """The versions that an unfinished or failed run reports as read or written."""
        bindings = self._projector.bindings
        rows: list[VersionRow] = []
        for dataset, seen in bindings.by_node(touched).items():
            marks = bindings.marks(seen)
            found = bindings.find(dataset, run, marks) if is_input else None
            if found is not None:
                rows.append(self.version_row(found))
                continue
            mark = marks[0] if marks else ""
            rows.append(
                VersionRow(
                    id=0,
                    dataset_id=dataset,
                    version=mark or ("" if is_input else run.run_id),
                    run_id="" if is_input else run.run_id,
                    created_at=run.ended_at or run.started_at,
                )
            )
        return rows

    def _version_rows(self, ids: list[int]) -> list[VersionRow]:
        rows = (self._tables.versions.get(version) for version in ids)
        return [self.version_row(row) for row in rows if row is not None]

    # -- versions --------------------------------------------------------------------------------------------------
    def version_row(self, row: Version, ordinal: int | None = None) -> VersionRow:
        """The contract's row of a version."""
        fingerprint = row.fingerprint or row.file_digest
        return VersionRow(
            id=row.id,
            dataset_id=row.dataset,
            version=row.tag or fingerprint or row.run_id,
            run_id=row.run_id,
            created_at=row.created_at,
            fingerprint=fingerprint,
            ordinal=self._tables.version_ordinal(row) if ordinal is None else ordinal,
            row_count=row.row_count,
        )

    def versions(self, dataset_id: int, as_of: int | None, limit: int) -> list[VersionRow]:
        """Versions of a dataset, latest first."""
        rows = self._tables.latest_versions(dataset_id, as_of, limit)
        if not rows:
            return []
        top = self._tables.version_ordinal(rows[0])
        return [self.version_row(row, top - place) for place, row in enumerate(rows)]

    def latest_versions(self, dataset_ids: Sequence[int], as_of: int | None) -> dict[int, VersionRow]:
        """The latest version of each dataset at an instant, without its ordinal."""
        rows = self._tables.latest_version_of_each(dataset_ids, as_of)
        return {row.dataset: self.version_row(row, ordinal=0) for row in rows}

    def version_facets(self, version_ids: Sequence[int]) -> dict[int, dict[str, msgspec.Raw]]:
        """The facets of each of these versions, by id; unknown ids are left out."""
        found = self._statements_about(self._tables.versions.get_many(version_ids))
        sets = self._projector.sets
        sets.fetch({given.facets for some in found.values() for touched in some for given in touched.statements})
        return {key: self._merged(given) for key, given in found.items()}

    def _statements_about(self, rows: Iterable[Version]) -> dict[int, list[Touched]]:
        """What the run that wrote (or first read) each version reported about the dataset, by version id."""
        bindings = self._projector.bindings
        rows = list(rows)
        runs = {run.id: run for run in self._tables.runs.get_many({row.run for row in rows if row.run})}
        readers = bindings.first_readers([row for row in rows if not row.run])
        sides: dict[tuple[int, bool], dict[int, list[Touched]]] = {}
        found: dict[int, list[Touched]] = {}
        for row in rows:
            is_input = not row.run
            run = readers.get(row.id) if is_input else runs.get(row.run)
            found[row.id] = []
            if run is None:
                continue
            side = sides.get((run.id, is_input))
            if side is None:
                doc = self._projector.runs.doc(run)
                side = sides[run.id, is_input] = bindings.by_node(doc.inputs if is_input else doc.outputs)
            found[row.id] = side.get(row.dataset, [])
        return found

    def _merged(self, given: Iterable[Touched]) -> dict[str, msgspec.Raw]:
        """The merged facets of everything that one run reported about a dataset."""
        found: dict[str, msgspec.Raw] = {}
        for one in given:
            for statement in one.statements:
                facets = self._projector.sets.by_id(statement.facets)
                for name, body in facets.bodies.items():
                    if body:
                        found[name] = facets.raw[name]
                    else:
                        found.pop(name, None)
            found.update((name, msgspec.Raw(extra.body)) for name, extra in one.extras.items())
        return dict(sorted(found.items()))

    def run_nodes(self, steps: Sequence[int]) -> list[VersionRow | DerivationRow]:
        """The rows of these nodes of the run level, in order; an unknown id is skipped."""
        versions = {row.id: row for row in self._tables.versions.get_many(steps)}
        places = self._tables.version_ordinals(versions)
        rest = [step for step in steps if step not in versions]
        found: dict[int, VersionRow | DerivationRow] = {
            key: self.version_row(row, places[key]) for key, row in versions.items()
        }
        for key, run in self.derivation_runs(rest).items():
            found[key] = DerivationRow(id=key, run_id=run.run_id)
        return [found[step] for step in steps if step in found]

    def derivation_fields(self, derivation_id: int, target: int) -> tuple[tuple[int, FieldEdge], ...]:
        """(source version id, column edge) pairs of a derivation into one of its outputs."""
        step = self._tables.derivations.get(derivation_id)
        if step is None or target not in step.outputs:
            return ()
        pairs = [(version, self._tables.mappings.get(mapping)) for version, mapping in step.inputs if mapping]
        return tuple((version, edge) for version, mapping in pairs for edge in mapping.fields)

    # -- edges -----------------------------------------------------------------------------------------------------
    def edges(self, job: int | None, source: int | None, target: int | None) -> list[EdgeRow]:
        """Dataset-level edges with these ends."""
        given = {"job": job, "source": source, "target": target}
        wanted = {name: value for name, value in given.items() if value is not None}
        if not wanted:
            rows = list(self._tables.edges.rows())
        else:
            first = next(name for name in ("target", "source", "job") if name in wanted)
            rows = self._tables.edges.where(**{first: wanted[first]})
            rows = [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]
        return [self._edge(row) for row in sorted(rows, key=_edge_order)]

    def _edge(self, row: Edge) -> EdgeRow:
        last_by = ""
        if row.valid_to is None and row.kind == OBSERVED:
            flow = self._tables.flows.get((row.job, row.target, row.kind))
            last_by = flow.last_by if flow is not None else ""
        return _edge_row(row, last_by)

    def edges_of(self, node_ids: Sequence[int], side: Side, as_of: int | None) -> list[EdgeRow]:
        """Dataset-level edges valid at an instant, with one of these nodes on that side."""
        return _edge_rows(self._tables.edges_holding(side, node_ids, as_of))

    def edges_between(self, pairs: Iterable[tuple[int, int]], as_of: int | None) -> list[EdgeRow]:
        """Dataset-level edges valid at an instant, between these (source, target) pairs."""
        return _edge_rows(self._tables.edges_between(pairs, as_of))

    def column_edges(self) -> int:
        """Number of column edges of all valid edges."""
        return sum(count * size for count, size in self._tables.held_mappings())


def _node_row(node: Node, names: list[Name]) -> NodeRow:
    shown, *others = sorted(names, key=display_order) if len(names) > 1 else names
    return NodeRow(
        id=node.id,
        kind=KIND_NAMES[node.kind],
        namespace=shown.raw_namespace,
        name=shown.raw_name,
        type=node.type,
        created_at=node.created_at,
        updated_at=node.updated_at,
        is_deleted=is_deleted(node),
        aliases=tuple((name.raw_namespace, name.raw_name) for name in others),
    )


def _edge_order(row: Edge) -> tuple[int, int, int, int, int]:
    return (row.source, row.target, row.job, row.kind, row.valid_from)


def _edge_rows(found: list[HeldEdge]) -> list[EdgeRow]:
    """The contract's rows of edges, in ``_edge_order``: by their first columns, which are unique."""
    found.sort()
    return [
        EdgeRow(
            source_id=source,
            target_id=target,
            job_id=job,
            how=HOWS[how],
            run_id=(last_by or "") if valid_to is None and kind == OBSERVED else run,
            valid_from=valid_from,
            valid_to=valid_to,
            mapping=mapping,
        )
        for source, target, job, kind, valid_from, valid_to, how, run, mapping, last_by in found
    ]


def _edge_row(row: Edge, last_by: str) -> EdgeRow:
    """The contract's row of an edge; ``last_by`` is the run that last reported it."""
    return EdgeRow(
        source_id=row.source,
        target_id=row.target,
        job_id=row.job,
        how=HOWS[row.how],
        run_id=last_by if row.valid_to is None and row.kind == OBSERVED else row.run,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        mapping=row.mapping,
    )


def _history_order(change: Change) -> tuple[int, bytes, str]:
    return change.at, change.key, change.name
