"""What a search finds, as lines to choose from, and the facets by which it can be narrowed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from headwater.errors import HeadwaterError
from headwater.model.graph import NodeKind
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.selectors import Selector, owner_names, tag_labels
from headwater.storage.base import NodeRow, SearchHit

SHORTEST = 3
"""Letters of the longest word below which nothing is looked up: the index is made of three-letter pieces."""
_MOST_HITS = 200
_MOST_NAMESPACES = 64
_MOST_VALUES = 12
_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SELECTOR = re.compile(r"[&|!()+]|\b(kind|type|namespace|tag|owner|run):", re.IGNORECASE)
_OPERANDS = re.compile(r"[&|!()+:]")
_WORD = re.compile(r"[^\W_]+")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A node, column or run that was found."""

    id: str
    root: str
    """What its lineage is asked by: the node, with the column where one was found."""
    name: str
    field: str
    kind: str
    css: str
    namespace: str
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    state: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, best first; ``hint`` says in words why there are none, or that there are more."""

    lines: tuple[Line, ...]
    hint: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet: how many of the lines have it, and whether the search is narrowed to it."""

    text: str
    count: int
    is_chosen: bool


def suggest(lineage: Lineage, text: str, *, limit: int = 12) -> Found:
    """Return what fits while somebody types: names, columns, a run by its id, names for the end of a selector."""
    text = text.strip()
    if _RUN.fullmatch(text):
        return _run(lineage, text.lower())
    if _SELECTOR.search(text):
        operand = _OPERANDS.split(text)[-1].strip()
        names = suggest(lineage, operand, limit=limit).lines if operand != text else ()
        return Found(lines=names, hint="A selector: Enter shows the nodes that it names.")
    if max((len(word) for word in _WORD.findall(text)), default=0) < SHORTEST:
        return Found(lines=(), hint=f"Type {SHORTEST} letters or more." if text else "")
    hits = _hits(lineage, text, limit)
    lines = tuple(_line(hit.node, hit.field) for hit in hits)
    return Found(lines=lines, hint="" if lines else "Nothing fits. Enter looks for names that are near.")


def search(lineage: Lineage, text: str) -> Found:
    """Return what fits, with all that it can be narrowed by: at most 200 lines."""
    text = text.strip()
    if not text or _RUN.fullmatch(text):
        return suggest(lineage, text)
    if _SELECTOR.search(text):
        found = _selected(lineage, text, _MOST_HITS)
        rows = [lineage.resolver.rows(line.id)[0] for line in found.lines]
        return Found(lines=tuple(_whole_line(lineage, row, "") for row in rows), hint=found.hint)
    hits = lineage.store.search(text, limit=_MOST_HITS)
    hint = f"Only the best {_MOST_HITS} are shown." if len(hits) == _MOST_HITS else ""
    return Found(lines=tuple(_whole_line(lineage, hit.node, hit.field) for hit in hits), hint=hint)


FACETS: dict[str, Callable[[Line], tuple[str, ...]]] = {
    "kind": lambda line: (line.kind,),
    "namespace": lambda line: (line.namespace,),
    "tag": lambda line: line.tags,
    "owner": lambda line: line.owners,
    "state": lambda line: (line.state,) if line.state else (),
}
"""What a search can be narrowed by: the values of a line, by the facet's name."""


def narrowed(lines: Iterable[Line], chosen: dict[str, str]) -> tuple[Line, ...]:
    """Return the lines that have every chosen value."""
    wanted = {facet: value for facet, value in chosen.items() if value}
    return tuple(line for line in lines if all(value in FACETS[facet](line) for facet, value in wanted.items()))


def values(lines: Iterable[Line], chosen: dict[str, str]) -> dict[str, list[Value]]:
    """Return the values of each facet among the lines, the most frequent first, the chosen one in any case."""
    lines = list(lines)
    found: dict[str, list[Value]] = {}
    for facet, read in FACETS.items():
        others = {name: value for name, value in chosen.items() if name != facet}
        counts = Counter(value for line in narrowed(lines, others) for value in read(line))
        if chosen.get(facet):
            counts.setdefault(chosen[facet], 0)
        ranked = sorted(counts.items(), key=lambda item: (item[0] != chosen.get(facet), -item[1], item[0]))
        found[facet] = [
            Value(text=text, count=count, is_chosen=text == chosen.get(facet)) for text, count in ranked[:_MOST_VALUES]
        ]
    return {facet: shown for facet, shown in found.items() if shown}


def _hits(lineage: Lineage, text: str, limit: int) -> list[SearchHit]:
    """The hits, those that are called exactly so first: among very many that fit they could be missed."""
    store = lineage.store
    namespaces = [one.name for one in store.namespaces()[:_MOST_NAMESPACES]]
    exact = [
        row
        for namespace in namespaces
        for kind in (NodeKind.DATASET, NodeKind.JOB)
        if (row := store.find(kind, namespace, text)) is not None and not row.is_deleted
    ]
    known = {row.id for row in exact}
    rest = [hit for hit in store.search(text, limit=limit) if hit.node.id not in known and not hit.node.is_deleted]
    return [*(SearchHit(node=row) for row in exact), *rest][:limit]


def _run(lineage: Lineage, run_id: str) -> Found:
    run = lineage.store.run(run_id)
    if run is None:
        return Found(lines=(), hint="There is no run of that id.")
    jobs = lineage.store.nodes([run.job_id])
    name = jobs[0].name if jobs else run_id
    root = node_id(jobs[0]) if jobs else ""
    line = Line(
        id=f"run:{run_id}",
        root=root,
        name=f"{name} {run_id}",
        field="",
        kind="run",
        css="",
        namespace=jobs[0].namespace if jobs else "",
        state=run.state.value.lower(),
    )
    return Found(lines=(line,))


def _selected(lineage: Lineage, text: str, limit: int) -> Found:
    """What a selector names; one that cannot be read yet is explained, for somebody is still typing it."""
    try:
        rows = Selector(lineage.store, lineage.resolver, None).select(text)
    except HeadwaterError as error:
        return Found(lines=(), hint=error.message)
    rows = sorted(rows, key=lambda row: row.name)
    hint = f"The selector names {len(rows):,} nodes." if len(rows) > limit else ""
    return Found(lines=tuple(_line(row, "") for row in rows[:limit]), hint=hint)


def _line(row: NodeRow, field: str) -> Line:
    known = node_id(row)
    is_job = row.kind is NodeKind.JOB
    return Line(
        id=known,
        root=f"{known}:{field}" if field else known,
        name=row.name,
        field=field,
        kind="job" if is_job else row.type.lower().replace("_", " ") or "dataset",
        css=row.type.lower() if row.type.isidentifier() and not is_job else "",
        namespace=row.namespace,
    )


def _whole_line(lineage: Lineage, row: NodeRow, field: str) -> Line:
    facets = lineage.store.facets(row.id)
    runs = lineage.store.latest_runs([row.id]) if row.kind is NodeKind.JOB else {}
    return msgspec.structs.replace(
        _line(row, field),
        tags=tuple(dict.fromkeys(tag_labels(facets))),
        owners=tuple(dict.fromkeys(owner_names(facets))),
        state=runs[row.id].state.value.lower() if row.id in runs else "",
    )
