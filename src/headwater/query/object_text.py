"""Details, histories, runs, search results and coverage as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headwater.model.graph import Node, NodeKind
from headwater.query.coverage import Coverage
from headwater.query.details import Column, Details, LinkedRun
from headwater.query.facet_values import RunFacts, Version, body, is_number
from headwater.query.history import Change, History, RunSummary, SearchResult
from headwater.query.importances import importance_lines, read_importances
from headwater.query.instants import Clock, ago, iso, lasted, now
from headwater.query.names import Labels, Named, short_run
from headwater.query.run_facts_text import run_facts_words
from headwater.query.symbols import UNICODE, state_mark, type_mark, type_style, type_word
from headwater.query.terminal_text import Line, Span, clean, elide, fit, folded, listing, pad, plural, table, width
from headwater.query.version_nodes import version_node

_KEY = 14
_MOST_UNSEEN = 5
_MOST_COLUMNS = 60
_MOST_WEIGHTS = 12
_BAR, _BESIDE_BAR = 20, 37
"""Cells of the bar of a count, and of what stands in its line."""


def details_lines(
    details: Details, *, cells: int | None = None, base: str | None = None, clock: Clock = now
) -> list[Line]:
    """Return what is known of a node: what it is, its columns, versions, neighbours, latest run."""
    labels, current = Labels(base, _named(details)), clock()
    lines = list(_head(details, labels, current))
    lines.extend([Span(f"{UNICODE.gap} ", "warn"), Span(clean(gap))] for gap in details.gaps)
    if details.columns:
        lines.extend(_columns(details.columns, cells))
    importances = read_importances(body(details.facets, "headwater_model"))
    if importances is not None:
        lines.extend([[], *importance_lines(importances, _MOST_WEIGHTS)])
    if details.versions:
        lines.extend([[], *_versions(details.versions, current, cells)])
    if details.run is not None:
        lines.extend([[], *_run(details.run, labels, current, cells or 100)])
    for title, versions in (("read", details.inputs), ("wrote", details.outputs)):
        if versions:
            lines.extend([[], [Span(title, "heading")], *(_version_line(version, labels) for version in versions)])
    for title, linked in (("builds on", details.dependencies), ("built on by", details.dependents)):
        if linked:
            lines.extend([[], [Span(title, "heading")], *map(_linked_line, linked)])
    if len(details.runs) > 1:
        lines.extend([[], *runs_lines(details.runs, cells=cells, base=base, clock=clock)])
    if others := sorted(set(details.facets) - _SHOWN):
        lines.extend([[], [_key("more facets"), Span(listing([clean(name) for name in others], 12), "dim")]])
    return [fit(line, cells) for line in lines]


_SHOWN = {
    "schema",
    "datasetType",
    "documentation",
    "ownership",
    "tags",
    "jobType",
    "errorMessage",
    "spark.exception",
    "parent",
    "headwater_code",
    "headwater_environment",
    "headwater_fingerprint",
    "headwater_metrics",
    "headwater_parameters",
    "headwater_process",
    "headwater_record",
    "headwater_seeds",
    "outputStatistics",
    "dataQualityMetrics",
}
"""Facets whose content is already shown in the lines above."""


def _named(details: Details) -> Iterator[Named]:
    """What is named in the details of a node."""
    yield details
    yield from details.producers
    yield from details.consumers
    yield from details.inputs
    yield from details.outputs


def _head(details: Details, labels: Labels, current: int) -> Iterator[Line]:
    node = Node(
        id=details.id,
        kind=NodeKind(details.kind),
        namespace=details.namespace,
        name=details.name,
        type=details.type,
    )
    is_process = node.kind in {NodeKind.JOB, NodeKind.RUN}
    mark = UNICODE.job if is_process else type_mark(node, UNICODE)
    word = node.type.lower().replace("_", " ") if is_process else type_word(node)
    title = labels.of(node)
    words = [node.kind.value if is_process else "", word, "deleted" if details.is_deleted else ""]
    yield [
        Span(mark + " ", "key"),
        Span(title, "root"),
        Span("  " + UNICODE.dot.join(part for part in words if part), "dim"),
    ]
    facts: list[tuple[str, str]] = [("id", details.id), ("about", details.description)]
    facts.extend(("also called", alias) for alias in details.aliases)
    facts.append(("owners", listing(details.owners, 8)))
    facts.append(("tags", listing(details.tags, 12)))
    into, out = ("reads", "writes") if is_process else ("made by", "used by")
    for key, nodes in ((into, details.producers), (out, details.consumers)):
        facts.append((key, listing([labels.of(found) for found in nodes], 8)))
    if details.updated_at:
        facts.append(("last change", f"{iso(details.updated_at)} ({ago(details.updated_at, current)})"))
    for key, value in facts:
        if value:
            yield [_key(key), Span(clean(value))]


def _key(word: str) -> Span:
    return Span("  " + pad(word, _KEY), "dim")


def _columns(columns: Sequence[Column], cells: int | None) -> Iterator[Line]:
    yield []
    yield [Span(plural(len(columns), "column"), "heading")]
    measured = [
        ("nulls", "nullCount"),
        ("distinct", "distinctCount"),
        ("min", "min"),
        ("max", "max"),
        ("sum", "sum"),
    ]
    measured = [(head, key) for head, key in measured if any(key in column.measures for column in columns)]
    rows = [
        [
            Span("  " + clean(column.name), "column"),
            Span(clean(column.type), "dim"),
            *(Span(_number(column.measures.get(key))) for _, key in measured),
        ]
        for column in columns[:_MOST_COLUMNS]
    ]
    yield from table(["  name", "type", *(head for head, _ in measured)], rows, cells=cells)
    if len(columns) > _MOST_COLUMNS:
        yield [Span(f"  and {len(columns) - _MOST_COLUMNS:,} more: use --json for all", "dim")]


def _number(value: Any) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.5g}"
    if is_number(value) or isinstance(value, bool):
        return f"{value:,.0f}"
    return "" if value is None else clean(value)


def _versions(versions: Sequence[Version], current: int, cells: int | None) -> Iterator[Line]:
    yield [Span("versions", "heading")]
    rows = [
        [
            Span(f"  v{version.ordinal}", "name"),
            Span(ago(version.created_at, current), "dim"),
            Span("" if version.row_count is None else f"{version.row_count:,}"),
            Span(_short(version.fingerprint)),
            Span(f"run {short_run(version.run_id)}" if version.run_id else "no known run", "dim"),
        ]
        for version in versions
    ]
    yield from table(["  version", "written", "rows", "fingerprint", "by"], rows, cells=cells)


def _short(digest: str) -> str:
    return clean(digest.rpartition(":")[2][:12])


def _version_line(version: Version, labels: Labels) -> Line:
    words = [type_word(version_node(version))]
    if version.row_count is not None:
        words.append(plural(version.row_count, "row"))
    if version.fingerprint:
        words.append(_short(version.fingerprint))
    return [
        Span("  " + type_mark(version_node(version), UNICODE) + " ", type_style(version_node(version))),
        Span(labels.of(version), "name"),
        Span("  " + UNICODE.dot.join(word for word in words if word), "dim"),
    ]


def _linked_line(run: LinkedRun) -> Line:
    if run.is_pending:
        return [Span("  " + run.run_id, "name"), Span("  not arrived yet", "dim")]
    mark, style = state_mark(run.state, UNICODE)
    return [
        Span("  " + run.run_id, "name"),
        Span(f"  {mark} {run.state.lower()}", style),
        Span("  " + clean(run.job_name), "dim"),
    ]


def _run(run: RunFacts, labels: Labels, current: int, cells: int) -> Iterator[Line]:
    mark, style = state_mark(run.state, UNICODE)
    words = [
        ago(run.started_at, current),
        lasted(run.started_at, run.ended_at),
        run.operation.lower().replace("_", " "),
    ]
    yield [
        Span("run ", "heading"),
        Span(run.run_id, "name"),
        Span(f"  {mark} {run.state.lower()}", style),
        Span("  " + UNICODE.dot.join(word for word in words if word), "dim"),
    ]
    yield from run_facts_words(run, labels, cells)
    if run.error:
        yield [_key("error"), Span(elide(clean(run.error.splitlines()[0]), max(20, cells - _KEY - 3)), "bad")]
    for place, text in enumerate(run.unseen[:_MOST_UNSEEN]):
        yield [_key("not seen" if not place else ""), Span(elide(clean(text), max(20, cells - _KEY - 3)), "dim")]
    if len(run.unseen) > _MOST_UNSEEN:
        yield [_key(""), Span(f"and {len(run.unseen) - _MOST_UNSEEN:,} more; --json gives all", "dim")]


def runs_lines(
    runs: Sequence[RunSummary], *, cells: int | None = None, base: str | None = None, clock: Clock = now
) -> list[Line]:
    """Return runs as a table, in the order given."""
    labels, current = Labels(base), clock()
    is_narrow = cells is not None and cells < 90
    rows = [_run_row(run, labels, current, is_narrow=is_narrow) for run in runs]
    heads = ["run", "state", "job", "operation", "started", "", "took"]
    if is_narrow:
        heads = ["run", "state", "job", "operation", "started", "took"]
    return table(heads, rows, cells=cells)


def _run_row(run: RunSummary, labels: Labels, current: int, *, is_narrow: bool) -> list[Span]:
    mark, style = state_mark(run.state, UNICODE)
    start = [] if is_narrow else [Span(iso(run.started_at)[:19])]
    return [
        Span(short_run(run.run_id), "name"),
        Span(f"{mark} {run.state.lower()}", style),
        Span(clean(labels.file(run.job_name)), "job"),
        Span(clean(run.operation.lower().replace("_", " ")), "dim"),
        *start,
        Span(ago(run.started_at, current), "dim"),
        Span(lasted(run.started_at, run.ended_at), "dim"),
    ]


def search_lines(hits: Sequence[SearchResult], *, cells: int | None = None, base: str | None = None) -> list[Line]:
    """Return hits, best first: sign, name, column, kind, namespace."""
    labels = Labels(base, hits)
    rows = []
    for hit in hits:
        node = Node(id=hit.id, kind=NodeKind(hit.kind), namespace=hit.namespace, name=hit.name, type=hit.type)
        is_job = hit.kind == "job"
        name = labels.of(hit) + (f":{clean(hit.field)}" if hit.field else "")
        rows.append(
            [
                Span((UNICODE.job if is_job else type_mark(node, UNICODE)) + " " + name, "job" if is_job else "name"),
                Span("job" if is_job else "column" if hit.field else type_word(node) or "dataset", "dim"),
                Span(labels.place(hit.namespace), "dim"),
            ]
        )
    return table(["  name", "kind", "namespace"], rows, cells=cells)


def history_lines(
    history: History, *, cells: int | None = None, base: str | None = None, clock: Clock = now
) -> list[Line]:
    """Return the versions or runs of a node, then the changes of its facets, latest first."""
    current = clock()
    lines: list[Line] = [[Span(clean(history.node), "root")], []]
    if history.versions:
        lines.extend(_versions(history.versions, current, cells))
    if history.runs:
        lines.extend(runs_lines(history.runs, cells=cells, base=base, clock=clock))
    if history.changes:
        lines.extend([[], [Span("changes", "heading")]])
        lines.extend(_change_line(change, current) for change in history.changes)
    if not (history.versions or history.runs or history.changes):
        lines.append([Span("nothing is known of its past", "dim")])
    return [fit(line, cells) for line in lines]


def _change_line(change: Change, current: int) -> Line:
    line = [
        Span(f"  {pad(iso(change.changed_at), 25)} ", "dim"),
        Span(f"{pad(change.kind, 8)} ", "warn" if change.kind == "removed" else ""),
        Span(clean(change.facet), "name"),
        Span(f"  {ago(change.changed_at, current)}", "dim"),
    ]
    for sign, names, style in (
        ("+", change.added, "added"),
        ("-", change.removed, "removed"),
        ("~", change.retyped, "warn"),
    ):
        if names:
            line.append(Span(f"  {sign} {listing([clean(name) for name in names], 6)}", style))  # type: ignore[arg-type]
    return line


def coverage_lines(coverage: Coverage, *, cells: int | None = None) -> list[Line]:
    """Return the counts, each with its share of the whole; where there is little room, the bars give way."""
    total = coverage.datasets
    edges = sum(coverage.edges.values())
    rows: list[tuple[str, int, int, str]] = [
        ("datasets", total, 0, f"{plural(coverage.jobs, 'job')}, {plural(coverage.runs, 'run')}"),
        ("  with a producer", coverage.with_producer, total, f"{coverage.sources:,} raw, or made by nothing known"),
        ("  with a consumer", coverage.with_consumer, total, ""),
        ("  with columns", coverage.with_schema, total, ""),
        ("  with a fingerprint", coverage.with_fingerprint, total, ""),
        ("edges", edges, 0, ""),
        *((f"  {how}", count, edges, "") for how, count in coverage.edges.items() if count),
        ("  with column edges", coverage.edges_with_columns, edges, ""),
    ]
    if coverage.refused_events:
        rows.append(("refused events", coverage.refused_events, 0, "'headwater store info' shows why"))
    bar = _BAR if cells is None else min(_BAR, max(0, cells - _BESIDE_BAR))
    return [line for name, n, of, note in rows for line in _noted(_count_line(name, n, of, bar), note, cells)]


def _noted(line: Line, note: str, cells: int | None) -> list[Line]:
    """A line with a note behind it, or below it where there is no room."""
    whole = [*line, Span("  " + note, "dim")] if note else line
    if cells is None or sum(width(span.text) for span in whole) <= cells:
        return [whole]
    return [fit(line, cells), *([Span("    " + part, "dim")] for part in folded(note, cells - 4))]


def _count_line(label: str, count: int, of: int, bar: int) -> Line:
    line = [Span(pad(label, 22)), Span(f"{count:>8,}", "name")]
    if of:
        share = count / of
        filled = round(share * bar)
        line.append(Span("  " + "█" * filled + "░" * (bar - filled), "good" if share > 0.5 else "warn"))
        line.append(Span(f" {share:4.0%}", "dim"))
    return line
