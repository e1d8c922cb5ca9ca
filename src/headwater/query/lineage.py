"""``Lineage``: the questions of ``LineageAPI``, answered from an open store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.model.graph import Direction, NodeKind, RunState
from headwater.query.api import AsOf, LineageAPI
from headwater.query.claims import Claims, claims_of
from headwater.query.column_paths import find_column_path
from headwater.query.columns import gap_words, walk_columns
from headwater.query.coverage import Coverage, measure
from headwater.query.details import Details, describe, describe_run
from headwater.query.diff import Diff
from headwater.query.diff_comparison import diff_instants, diff_runs, diff_versions
from headwater.query.graph_builder import build
from headwater.query.history import History, RunSummary, SearchResult, list_runs, read_history, search_nodes, uncounted
from headwater.query.impact import CHANGES, Change, Impact
from headwater.query.impact_walk import find_impact
from headwater.query.instants import Clock, not_yet, now, read_instant
from headwater.query.kind_filter import check_kinds, keep_kinds
from headwater.query.names import Labels
from headwater.query.paths import find_path
from headwater.query.record import record_of
from headwater.query.resolve import Resolver, Target
from headwater.query.result import LineageGraph
from headwater.query.runs import instant_of
from headwater.query.selectors import Selector
from headwater.query.version_graph_builder import versions_graph
from headwater.query.versions import version_at
from headwater.query.walk import Edges, walk
from headwater.query.why import Why
from headwater.query.why_search import find_why
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

_MOST = 10**15
"""The largest number in a question: no store holds as many of anything."""
P = ParamSpec("P")
R = TypeVar("R")


def of_one_state(ask: Callable[Concatenate[Lineage, P], R]) -> Callable[Concatenate[Lineage, P], R]:
    """Answer a question from one consistent state of the store: that of the view that is open, if there is one."""

    @wraps(ask)
    def asked(self: Lineage, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.view():
            return ask(self, *args, **kwargs)

    return asked


class Lineage(LineageAPI):
    """Questions about the lineage in one open store; see ``LineageAPI`` for the parameters that methods share.

    Each answer is computed from one consistent state of the store. To ask several questions about the same state, ask
    them inside ``with store.view():``.
    """

    def __init__(self, store: Store, *, base: str | None = None, clock: Clock = now) -> None:
        self.store = store
        self.clock = clock
        self.resolver = Resolver(store, base=base)
        self.labels = Labels(base)

    # -- walks -----------------------------------------------------------------------------------------------------
    @of_one_state
    def upstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that the node was made from.

        A column as ``node``, or ``columns=True``, asks for column edges. ``kinds`` keeps only nodes of these types
        (``model``, ``table``) and connects them directly. ``level="run"`` answers with dataset versions and runs.
        """
        return self._walk(node, Direction.UPSTREAM, depth, as_of, columns, kinds, level, limit)

    @of_one_state
    def downstream(
        self,
        node: str,
        *,
        depth: int | None = None,
        as_of: AsOf = None,
        columns: bool = False,
        kinds: Iterable[str] | None = None,
        level: Literal["dataset", "run"] = "dataset",
        limit: int | None = None,
    ) -> LineageGraph:
        """Return everything that was made from the node. The options are those of ``upstream``."""
        return self._walk(node, Direction.DOWNSTREAM, depth, as_of, columns, kinds, level, limit)

    def _walk(
        self,
        text: str,
        direction: Direction,
        depth: int | None,
        as_of: AsOf,
        columns: bool,
        kinds: Iterable[str] | None,
        level: str,
        limit: int | None,
    ) -> LineageGraph:
        check_numbers(depth=depth, limit=limit)
        kinds = None if kinds is None else list(kinds)
        target = self.resolver.target(text)
        instant = self.instant(as_of)
        check_kinds(self.store, kinds or ())
        if level == "run" or target.version is not None:
            roots = [self._version(target, instant)]
            return versions_graph(self.store, roots, direction, depth=depth, limit=limit, with_fields=columns)
        if level != "dataset":
            raise InvalidInput(field="level", value=str(level), rule="must be 'dataset' or 'run'")
        if target.field or columns:
            graph = self._walk_columns(target, direction, depth, instant, limit)
        else:
            reach = walk(Edges(self.store, instant), [target.node], direction, depth=depth, limit=limit)
            graph = build(self.store, reach, [target.node], direction, as_of=instant)
        graph = msgspec.structs.replace(
            graph, gaps=(*graph.gaps, *self._not_said(target.node, instant, is_known=bool(graph.edges)))
        )
        return graph if kinds is None else keep_kinds(graph, kinds)

    def _walk_columns(
        self, target: Target, direction: Direction, depth: int | None, instant: int | None, limit: int | None
    ) -> LineageGraph:
        edges = Edges(self.store, instant)
        fields = [target.field] if target.field else list(self.store.fields(target.node.id))
        reach = walk_columns(edges, [(target.node, fields)], direction, depth=depth, limit=limit)
        gaps = gap_words(edges, reach.unmapped, self.labels)
        return build(
            self.store,
            reach,
            [target.node],
            direction,
            as_of=instant,
            fields=reach.fields,
            field_edges=reach.field_edges,
            gaps=gaps,
        )

    @of_one_state
    def path(self, source: str, target: str, *, as_of: AsOf = None, limit: int = 1) -> LineageGraph:
        """Return up to ``limit`` shortest paths along which data flows from source to target, as one graph: along
        column edges if either is a column.

        If data flows only from target to source, the answer is that path, with a gap that says so. Raises ``NotFound``
        if there is no path.
        """
        check_numbers(limit=limit)
        start, stop, instant = self.resolver.target(source), self.resolver.target(target), self.instant(as_of)
        if start.field or stop.field:
            return find_column_path(self.store, start, stop, self.labels, as_of=instant, limit=limit)
        return find_path(self.store, start.node, stop.node, self.labels, as_of=instant, limit=limit)

    @of_one_state
    def graph(self, expression: str, *, as_of: AsOf = None, limit: int | None = None) -> LineageGraph:
        """Return the nodes that match a selector, at most ``limit`` of them, and the edges between them."""
        from headwater.query.subgraph import subgraph

        check_numbers(limit=limit)
        instant = self.instant(as_of)
        rows = Selector(self.store, self.resolver, instant).select(expression)
        return subgraph(self.store, rows, as_of=instant, limit=limit)

    @of_one_state
    def select(self, expression: str, *, as_of: AsOf = None) -> list[str]:
        """Return the sorted ids of the nodes that match a selector (``+model:churn``, ``tag:pii+ & kind:model``)."""
        from headwater.query.names import node_id

        rows = Selector(self.store, self.resolver, self.instant(as_of)).select(expression)
        return sorted(node_id(row) for row in rows)

    # -- analysis ---------------------------------------------------------------------------------------------------
    @of_one_state
    def impact(
        self,
        node: str,
        *,
        change: Change = "drop",
        depth: int | None = None,
        as_of: AsOf = None,
        limit: int | None = None,
    ) -> Impact:
        """Return what a change to a dataset, or to one of its columns (``raw.csv:radius``), affects downstream."""
        check_numbers(depth=depth, limit=limit)
        if change not in CHANGES:
            raise InvalidInput(field="change", value=str(change), rule=f"must be one of {', '.join(CHANGES)}")
        target = self.resolver.target(node)
        if target.field and change in {"retire", "delete_rows"}:
            raise InvalidInput(
                field="change",
                value=change,
                rule="must be about a whole dataset, not a column",
                hint="omit the column, or use drop, retype or rename",
            )
        edges = Edges(self.store, self.instant(as_of))
        found = find_impact(edges, target.node, target.field, change, depth=depth, limit=limit, labels=self.labels)
        said = self._not_said(target.node, edges.as_of, is_known=bool(found.items))
        if target.node.kind is NodeKind.JOB:
            name = self.labels.of(target.node)
            said = (*said, f"{name} is a job, and this is about data: ask about what it writes, its downstream")
        return msgspec.structs.replace(found, gaps=(*found.gaps, *said))

    @of_one_state
    def why(self, prediction: str, *, as_of: AsOf = None) -> Why:
        """Trace a prediction (``preds.csv#17``), a version or a dataset back to its model, run and raw data."""
        target = self.resolver.target(prediction, prefer_row=True)
        return find_why(self.store, target, as_of=self.instant(as_of))

    @of_one_state
    def diff(self, before: str, after: str | None = None, *, of: str | None = None) -> Diff:
        """Return how two runs, two versions or two instants differ.

        With one name, of a job or a dataset, its two latest runs or versions are compared. ``of`` limits the comparison
        of two instants to what is upstream of a node.
        """
        if after is None:
            return self._diff_latest(before)
        instants = [read_instant(text, clock=self.clock) for text in (before, after)]
        if instants[0] is not None and instants[1] is not None:
            root = self.resolver.node(of) if of else None
            return diff_instants(self.store, instants[0], instants[1], root)
        sides = self.resolver.target(before), self.resolver.target(after)
        if sides[0].run and sides[1].run:
            return diff_runs(self.store, sides[0].run, sides[1].run)
        if any(side.run or side.node.kind is NodeKind.JOB for side in sides):
            raise InvalidInput(
                field="diff",
                value=f"{before} and {after}",
                rule="must compare two runs, two versions or two instants",
                hint="'runs' lists runs; name#v1 is a version",
            )
        left, right = self._version(sides[0], None), self._version(sides[1], None)
        return diff_versions(self.store, (sides[0].node, left), (sides[1].node, right))

    def _diff_latest(self, name: str) -> Diff:
        try:
            node = self.resolver.node(name)
        except NotFound:
            if read_instant(name, clock=self.clock) is None:
                raise
            rule = "must compare two instants"
            raise InvalidInput(field="diff", value=name, rule=rule, hint=f"give the other one: {name} now") from None
        if node.kind is NodeKind.JOB:
            runs = self.store.runs(job_id=node.id, limit=2)
            if len(runs) < 2:
                raise NotFound(name, message=f"{name} ran only once", hint="name two runs; 'runs' lists them")
            return diff_runs(self.store, runs[1], runs[0])
        versions = self.store.versions(node.id, limit=2)
        if len(versions) < 2:
            raise NotFound(
                name, message=f"{name} has only one version", hint="name two versions or runs; 'runs' lists runs"
            )
        return diff_versions(self.store, (node, versions[1]), (node, versions[0]))

    # -- objects ---------------------------------------------------------------------------------------------------
    @of_one_state
    def show(self, node: str, *, as_of: AsOf = None) -> Details:
        """Return everything known about a dataset, version, job or run."""
        target = self.resolver.target(node)
        if target.run is not None:
            return describe_run(self.store, target.run)
        instant = self.instant(as_of)
        found = describe(self.store, target, as_of=instant)
        return msgspec.structs.replace(found, gaps=(*self._not_yet(target.node, instant), *found.gaps))

    @of_one_state
    def claims(self, job: str) -> Claims:
        """Return the lineage that a job's producer claims next to what our parse of its SQL finds."""
        return claims_of(self.store, self.resolver.node(job))

    @of_one_state
    def search(self, text: str, *, kind: str | None = None, limit: int = 20) -> list[SearchResult]:
        """Return nodes whose name, columns, description, tags or owners match the words, best match first."""
        check_numbers(limit=limit)
        check_kinds(self.store, [kind] if kind else ())
        return search_nodes(self.store, text, kind=kind, limit=limit)

    @of_one_state
    def history(self, node: str, *, limit: int = 100) -> History:
        """Return the versions of a dataset, or the runs of a job, and every change of its schema and other facets."""
        check_numbers(limit=limit)
        return read_history(self.store, self.resolver.node(node), limit=limit)

    @of_one_state
    def runs(self, node: str | None = None, *, state: str | None = None, limit: int = 20) -> list[RunSummary]:
        """Return runs, latest first: those of a job, those that wrote a dataset, or all runs."""
        check_numbers(limit=limit)
        if state is not None and state.upper() not in RunState.__members__:
            known = ", ".join(run_state.value.lower() for run_state in RunState)
            raise InvalidInput(field="state", value=state, rule=f"must be one of {known}")
        found = RunState(state.upper()) if state else None
        row = self.resolver.node(node) if node else None
        return list_runs(self.store, row, state=found, limit=limit)

    @of_one_state
    def record(self, run: str) -> dict[str, Any]:
        """Return the flat record of a run, however the run was reported."""
        target = self.resolver.target(run)
        if target.run is None:
            raise InvalidInput(
                field="run",
                value=run,
                rule="must be the id of a run, or the first part of one",
                hint=f"'runs {run}' lists them",
            )
        return record_of(self.store, target.run)

    @of_one_state
    def coverage(self) -> Coverage:
        """Return how much of the lineage is known: producers of datasets, evidence of edges, edges with columns."""
        return measure(self.store)

    # -- words -----------------------------------------------------------------------------------------------------
    def instant(self, as_of: AsOf) -> int | None:
        """Return the instant that ``as_of`` names."""
        return instant_of(self.store, as_of, clock=self.clock)

    def _not_yet(self, row: NodeRow, instant: int | None) -> tuple[str, ...]:
        return not_yet(self.labels.of(row), row.created_at, instant)

    def _not_said(self, row: NodeRow, instant: int | None, *, is_known: bool) -> tuple[str, ...]:
        """Why an answer about a node may lack something; more if nothing ``is_known`` so far."""
        return self._not_yet(row, instant) or (() if is_known or instant is not None else uncounted(self.store, row))

    def _version(self, target: Target, as_of: int | None) -> VersionRow:
        node: NodeRow = target.node
        if node.kind is NodeKind.JOB:
            raise InvalidInput(field="name", value=target.text, rule="must be a dataset: jobs have no versions")
        version = target.version or version_at(self.store, node.id, as_of)
        if version is None:
            until = "" if as_of is None else " by that time"
            message = f"no version of {target.text} was written{until}"
            why = next(iter(uncounted(self.store, node)), "'history' lists versions")
            raise NotFound(target.text, message=message, hint=why)
        return version


def check_numbers(**numbers: int | None) -> None:
    """Raise ``InvalidInput`` for a ``limit`` below 1, for any other number below 0, and for one that no store takes."""
    for name, number in numbers.items():
        least = 1 if name == "limit" else 0
        if number is not None and not least <= number <= _MOST:
            rule = f"must be {least} or more" if number < least else f"must be {_MOST:,} or less"
            raise InvalidInput(field=name, value=str(number), rule=rule)
