"""Compares two runs, two versions or two instants side by side."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.responses import Response

from headwater.errors import InvalidInput, NotFound
from headwater.model.short_digests import ShortDigests
from headwater.query.diff import Diff, Difference
from headwater.query.diff_text import ORDER, same_words, side_words
from headwater.query.diff_values import Piece, delta, digests_of, sides
from headwater.query.history import RunSummary
from headwater.query.names import Labels
from headwater.server.errors import Problem, problem_of
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.request import Call
from headwater.server.routing import Operation

_MOST_LINES = 300
_MOST_RUNS = 25
Name = Annotated[str, msgspec.Meta(max_length=4000)]


class CompareQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs, versions or instants; one name alone compares its two latest runs or versions."""

    before: Name = ""
    after: Name = ""
    of: Annotated[Name, msgspec.Meta(description="Of two instants: whose upstream is compared.")] = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, as displayed."""

    name: str
    whole: str
    kind: str
    note: str
    before: list[Piece]
    after: list[Piece]
    delta: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of one kind, and their number."""

    title: str
    rows: tuple[Row, ...]
    total: int


def show(call: Call) -> Response:
    """The comparison, or the form to start one, with an error next to it if the names cannot be compared."""
    query: CompareQuery = call.query
    if not query.before:
        return _beginning(call, query)
    try:
        with call.lineage() as lineage:
            diff = lineage.diff(query.before, query.after or None, of=query.of or None)
    except (NotFound, InvalidInput) as error:
        return _beginning(call, query, problem_of(error))
    shown = [_File(item.label or item.name) for item in (*diff.differences, *diff.same)]
    labels = Labels(shown=[*shown, _File(diff.subject.rpartition(":")[2])])
    return page(
        call,
        "compare.html",
        query=query,
        problem=None,
        diff=diff,
        sections=sections(diff, labels),
        same=same_words(diff, labels),
        ends=_ends(diff),
        subject=side_words(diff.subject, labels) if diff.subject else "",
    )


def _beginning(call: Call, query: CompareQuery, problem: Problem | None = None) -> Response:
    """The form, with the latest runs to choose from; preselects the latest two of one job, if any."""
    with call.lineage() as lineage:
        runs = lineage.runs(limit=_MOST_RUNS)
    seen: dict[str, RunSummary] = {}
    chosen: tuple[str, str] = ("", "")
    for run in runs:
        later = seen.setdefault(run.job, run)
        if later is not run:
            chosen = (run.run_id, later.run_id)
            break
    status = problem.status if problem else 200
    return page(call, "compare.html", status=status, query=query, problem=problem, diff=None, runs=runs, chosen=chosen)


class _File(msgspec.Struct, frozen=True):
    """A difference that may be a path, to be shortened; other names stay as they are."""

    name: str
    namespace: str = "file"


def _ends(diff: Diff) -> tuple[str, str]:
    """Short names that distinguish the two sides."""
    kind, texts = diff.of, (diff.before, diff.after)
    if kind == "graph":
        return texts
    marks = [text.rpartition("#" if kind == "version" else ":")[2] for text in texts]
    short = ShortDigests(marks)
    return short.of(marks[0]), short.of(marks[1])


def sections(diff: Diff, labels: Labels) -> list[Section]:
    """The differences by kind, in the order and words of the command line."""
    short = digests_of(diff)
    found = []
    for what, title in ORDER:
        group = diff.of_kind(what)
        if group:
            rows = tuple(_row(item, labels, short) for item in group[:_MOST_LINES])
            found.append(Section(title=title.capitalize(), rows=rows, total=len(group)))
    return found


def _row(item: Difference, labels: Labels, short: ShortDigests) -> Row:
    before, after = sides(item.before, item.after, short)
    whole = item.label or item.name
    return Row(
        name=labels.file(whole) if whole[:1] == "/" else whole,
        whole=whole,
        kind=item.kind,
        note=item.note,
        before=before,
        after=after,
        delta=delta(item.before, item.after) if item.kind == "changed" else "",
    )


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
