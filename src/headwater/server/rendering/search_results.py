"""Search results as lines, and the facets to filter them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec

from headwater.errors import HeadwaterError
from headwater.model.graph import NodeKind
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.selector_parse import METHODS, And, Method, parse
from headwater.query.selectors import Selector, tag_label
from headwater.server.errors import problem_of
from headwater.storage.row_types import NodeRow

_MOST_HITS = 200
_MOST_WITH_STATE = 2_000
_MOST_VALUES = 12
_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SELECTOR = re.compile(rf"[&|!()+]|\b({'|'.join(METHODS)}):", re.IGNORECASE)
_PATTERN = re.compile(r"\S*[*?]\S*")
_MARKS = re.compile(r"([*?\[])")
_OPERANDS = re.compile(r"[&|!()+:]")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A node, column or run found by a search."""

    id: str
    root: str
    """The root for its lineage: the node, with the column if one was found."""
    name: str
    field: str
    kind: str
    css: str
    namespace: str
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    state: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, best first; ``hint`` explains why there are none, or that there are more."""

    lines: tuple[Line, ...]
    hint: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet: how many lines have it, and whether the search is filtered by it."""

    text: str
    count: int
    is_chosen: bool


def suggest(lineage: Lineage, text: str, *, limit: int = 12) -> Found:
    """Suggestions while typing: names, columns, a run by its id, or names to complete a selector."""
    text = text.strip()
    if _RUN.fullmatch(text):
        return _run(lineage, text.lower())
    if _SELECTOR.search(text):
        operand = _OPERANDS.split(text)[-1].strip()
        names = suggest(lineage, operand, limit=limit).lines if operand != text else ()
        return Found(lines=names, hint="A selector: Enter shows the nodes that match it.")
    if not text:
        return Found(lines=())
    if _PATTERN.fullmatch(text):
        return _selected(lineage, text, limit)
    hits = lineage.store.search(text, with_deleted=False, limit=limit)
    lines = tuple(_line(hit.node, hit.field) for hit in hits)
    return Found(lines=lines, hint="Enter shows all results." if lines else "Nothing fits.")


def search(lineage: Lineage, text: str, chosen: Mapping[str, str] | None = None) -> Found:
    """At most 200 results, with the facets to filter them.

    ``chosen`` values of facets filter the search. States are not indexed: they are filtered from a larger number of
    hits.
    """
    chosen = chosen or {}
    text = text.strip()
    if not text or _RUN.fullmatch(text):
        return suggest(lineage, text)
    if _SELECTOR.search(text) or _PATTERN.fullmatch(text):
        return _selected(lineage, text, _MOST_HITS, chosen)
    limit = _MOST_WITH_STATE if chosen.get("state") else _MOST_HITS
    hits = lineage.store.search(text, with_deleted=False, limit=limit, **_narrowing(chosen))
    lines = narrowed(_whole_lines(lineage, [(hit.node, hit.field) for hit in hits]), {"state": chosen.get("state", "")})
    hint = f"Only the best {_MOST_HITS} are shown; facets count those." if len(hits) == limit else ""
    return Found(lines=lines[:_MOST_HITS], hint=hint)


def _narrowing(chosen: Mapping[str, str]) -> dict[str, Any]:
    """Chosen values as arguments of the store's search: a kind is either a node kind or a type."""
    found: dict[str, Any] = {}
    kind = chosen.get("kind", "")
    if kind in {"dataset", "job"}:
        found["kind"] = NodeKind(kind)
    elif not kind and chosen.get("state"):
        found["kind"] = NodeKind.JOB
    elif kind:
        found["type"] = kind.replace(" ", "_")
    if chosen.get("namespace"):
        found["namespace"] = chosen["namespace"]
    return {**found, "tag": chosen.get("tag", ""), "owner": chosen.get("owner", "")}


FACETS: dict[str, Callable[[Line], tuple[str, ...]]] = {
    "kind": lambda line: (line.kind,),
    "namespace": lambda line: (line.namespace,),
    "tag": lambda line: line.tags,
    "owner": lambda line: line.owners,
    "state": lambda line: (line.state,) if line.state else (),
}
"""The facets of a search: functions from a line to its values, by name."""


def narrowed(lines: Iterable[Line], chosen: dict[str, str]) -> tuple[Line, ...]:
    """The lines that have every chosen value."""
    wanted = {facet: value for facet, value in chosen.items() if value}
    return tuple(line for line in lines if all(value in FACETS[facet](line) for facet, value in wanted.items()))


def values(lines: Iterable[Line], chosen: dict[str, str]) -> dict[str, list[Value]]:
    """The values of each facet among the lines, most frequent first, always including the chosen one."""
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


def _selected(lineage: Lineage, text: str, limit: int, chosen: Mapping[str, str] | None = None) -> Found:
    """The nodes of a selector. An invalid one yields a hint, because it may be incomplete while typing."""
    selector = Selector(lineage.store, lineage.resolver)
    try:
        expression = parse(text)
        for facet, value in (chosen or {}).items():
            if value:
                expression = And(expression, Method(facet, _literal(facet, value)))
        found = selector.evaluate(expression)
        rows = list(islice(selector.rows(found), limit + 1))
    except HeadwaterError as error:
        return Found(lines=(), hint=problem_of(error).detail)
    hint = ""
    if len(rows) > limit:
        count = selector.count(found)
        hint = (
            f"The selector names more than {limit} nodes; facets count those that are shown."
            if count is None
            else f"The selector names {count:,} nodes, of which {limit} are shown; facets count those."
        )
    rows = sorted(rows[:limit], key=lambda row: row.name)
    return Found(lines=_whole_lines(lineage, [(row, "") for row in rows]), hint=hint)


def _literal(facet: str, value: str) -> str:
    """A value of a facet escaped for a selector, so that it only matches itself."""
    text = value.replace(" ", "_") if facet == "kind" else value
    return _MARKS.sub(r"[\1]", text)


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


def _whole_lines(lineage: Lineage, rows: list[tuple[NodeRow, str]]) -> tuple[Line, ...]:
    """Nodes with their tags, owners and states, and the column that matched, if any."""
    jobs = [row.id for row, _ in rows if row.kind is NodeKind.JOB]
    runs = lineage.store.latest_runs(jobs) if jobs else {}
    labels = lineage.store.labels([row.id for row, _ in rows])
    return tuple(
        msgspec.structs.replace(
            _line(row, field),
            tags=tuple(dict.fromkeys(tag_label(*tag) for tag in labels[row.id].tags)) if row.id in labels else (),
            owners=labels[row.id].owners if row.id in labels else (),
            state=runs[row.id].state.value.lower() if row.id in runs else "",
        )
        for row, field in rows
    )
