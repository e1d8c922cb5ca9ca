"""Two runs, two versions or two instants side by side."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from starlette.responses import Response

from headwater.query.diff import Diff, Difference
from headwater.query.names import Labels
from headwater.server.call import Call
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.routing import Operation

_MOST_LINES = 300
_TITLES = {
    "run": "Run",
    "version": "Version",
    "parameter": "Parameters",
    "seed": "Seeds",
    "code": "Code",
    "environment": "Environment",
    "input": "Inputs",
    "output": "Outputs",
    "column": "Columns",
    "metric": "Metrics",
    "node": "Nodes",
    "edge": "Edges",
}
Name = Annotated[str, msgspec.Meta(max_length=4000)]


class CompareQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, versions or instants; one name alone compares its two latest runs or versions."""

    before: Name = ""
    after: Name = ""
    of: Annotated[Name, msgspec.Meta(description="Of two instants: whose upstream is compared.")] = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What differs of one sort, and how much of it does not."""

    title: str
    lines: tuple[Difference, ...]
    total: int
    same: int


def show(call: Call) -> Response:
    """The comparison, or where to begin one."""
    query: CompareQuery = call.query
    if not query.before:
        return page(call, "compare.html", query=query, diff=None, sections=[])
    with call.lineage() as lineage:
        diff = lineage.diff(query.before, query.after or None, of=query.of or None)
    labels = Labels(shown=[_File(item.label or item.name) for item in (*diff.differences, *diff.same)])
    return page(call, "compare.html", query=query, diff=diff, sections=sections(diff), labels=labels)


class _File(msgspec.Struct, frozen=True):
    """What differs, as a path that it may be: other names stay as they are."""

    name: str
    namespace: str = "file"


def sections(diff: Diff) -> list[Section]:
    """What differs, by sort, in the order of the answer."""
    order = list(dict.fromkeys(item.what for item in (*diff.differences, *diff.same)))
    differing: dict[str, list[Difference]] = {}
    for item in diff.differences:
        differing.setdefault(item.what, []).append(item)
    same = Counter(item.what for item in diff.same)
    return [
        Section(
            title=_TITLES[what],
            lines=tuple(differing.get(what, ())[:_MOST_LINES]),
            total=len(differing.get(what, ())),
            same=same[what],
        )
        for what in order
    ]


OPERATIONS = (
    Operation(
        method="GET",
        path="/compare",
        handler=show,
        permission=Permission.READ,
        summary="Two runs, versions or instants side by side.",
        group="Pages",
        query=CompareQuery,
        is_page=True,
    ),
)
