"""Selectors: expressions that select sets of nodes, such as ``+model:churn`` or ``tag:pii+ & kind:model``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from headwater.errors import InvalidSelector, NotFound
from headwater.model.graph import Direction, RunState
from headwater.query.facet_values import Facets, body, objects
from headwater.query.kind_filter import check_kinds, type_of
from headwater.query.past_nodes import PastNodes
from headwater.query.resolve import Resolver
from headwater.query.selector_parse import And, Expression, Method, Name, Not, Or, Reached, parse
from headwater.query.walk import Edges, walk
from headwater.storage.base import Store
from headwater.storage.projection import node_sets
from headwater.storage.row_types import NodeRow

_GLOB = re.compile(r"[*?\[]")
_MOST_MARKS = 32
"""In one pattern: making a regular expression of it takes the square of their number."""

_MOST_RUNS = 5_000
"""Runs of some states among which jobs are looked for."""

_PAGE = 500
"""Nodes whose rows are fetched together."""
_Check = Callable[[NodeRow], bool]


class Chosen(NamedTuple):
    """A set of nodes as an integer with bit ``n`` set for the node with id ``n`` (see ``Store.chosen``).

    If there is a ``check``, only nodes that pass it belong to the set: conditions that need the row of a node are
    deferred until rows are read.
    """

    nodes: int
    check: _Check | None = None


class Selector:
    """Evaluates expressions on one store, at one instant."""

    def __init__(self, store: Store, resolver: Resolver, as_of: int | None = None) -> None:
        self.store = store
        self.resolver = resolver
        self.edges = Edges(store, as_of)
        self.as_of = as_of
        self._past = None if as_of is None else PastNodes(store, as_of)

    def select(self, text: str) -> list[NodeRow]:
        """Return the nodes that match the expression, by id. Raises ``InvalidSelector`` and ``NotFound``."""
        return list(self.rows(self.evaluate(parse(text))))

    def page(self, text: str, fits: _Check, *, after: int, limit: int) -> list[NodeRow]:
        """Return the first ``limit`` matching nodes with an id above ``after``."""
        found = self.evaluate(parse(text))
        later = Chosen(found.nodes >> (after + 1) << (after + 1), found.check)
        return list(islice(filter(fits, self.rows(later)), limit))

    def rows(self, chosen: Chosen) -> Iterator[NodeRow]:
        """Yield the nodes of a set by id, fetching them lazily."""
        check = chosen.check
        members = node_sets.members(chosen.nodes)
        size = 64
        while page := list(islice(members, size)):
            for row in self.store.nodes(page):
                if check is None or check(row):
                    yield row
            size = _PAGE

    def count(self, chosen: Chosen) -> int | None:
        """The number of nodes in a set, or None if counting would have to read every row."""
        return chosen.nodes.bit_count() if chosen.check is None else None

    def evaluate(self, expression: Expression) -> Chosen:
        """Return the set of a parsed expression."""
        match expression:
            case Name(text):
                return self._name(text)
            case Method(method, value):
                return self._method(method, value)
            case Reached(of, up, down):
                return self._reached(self.evaluate(of), up, down)
            case Not(of):
                return self._without(self.evaluate(of))
            case And(left, right):
                one, other = self.evaluate(left), self.evaluate(right)
                return Chosen(one.nodes & other.nodes, _both(one.check, other.check))
            case Or(left, right):
                one, other = self.evaluate(left), self.evaluate(right)
                if one.check is None and other.check is None:
                    return Chosen(one.nodes | other.nodes)
                return Chosen(one.nodes | other.nodes, lambda row: _holds(one, row) or _holds(other, row))

    def _without(self, left_out: Chosen) -> Chosen:
        everything = self._then(self.store.living(), lambda row: True)
        if left_out.check is None:
            return Chosen(everything.nodes & ~left_out.nodes, everything.check)
        return Chosen(everything.nodes, _both(everything.check, lambda row: not _holds(left_out, row)))

    def _then(self, now: int, fits: _Check) -> Chosen:
        """The set ``now``, as it was at the instant that is asked about. A deleted node is in no set: ``fits`` tells
        whether it would be in this one."""
        past = self._past
        if past is None:
            return Chosen(now)

        def was_in(row: NodeRow) -> bool:
            return past.held(row) and (bool(now >> row.id & 1) or (row.is_deleted and fits(row)))

        return Chosen(now | past.deleted, was_in)

    def _name(self, text: str) -> Chosen:
        if self._is_name(text):
            return Chosen(1 << self.resolver.node(text).id)
        head, colon, rest = text.partition(":")
        among: Chosen | None = None
        if colon and (head in {"dataset", "job"} or (head.isidentifier() and self._kind_now(head))):
            among, text = self._kind(head), rest
        found = self._like(text, among)
        if next(self.rows(found), None) is None:
            raise NotFound(text, hint="no node's name matches this pattern; * stands for any text")
        return found

    def _is_name(self, text: str) -> bool:
        """Whether a text is no pattern. One that does not match its own text (``data[1].csv``) may be a name."""
        return not _GLOB.search(text) or (not _like(text, text) and bool(self.resolver.rows(text)))

    def _like(self, pattern: str, among: Chosen | None = None) -> Chosen:
        _compiled(pattern)  # refused here, not when the first row is checked
        found = among or self._then(self.store.living(), lambda row: True)
        past = 0 if self._past is None else self._past.deleted
        nodes = self.store.like(pattern, found.nodes & ~past) | (found.nodes & past)
        return Chosen(nodes, _both(found.check, lambda row: _matches(pattern, row)))

    def _reached(self, of: Chosen, up: int, down: int) -> Chosen:
        rows = list(self.rows(of))
        found = {row.id for row in rows}
        for direction, hops in ((Direction.UPSTREAM, up), (Direction.DOWNSTREAM, down)):
            if hops:
                reach = walk(self.edges, rows, direction, depth=None if hops < 0 else hops)
                found.update(reach.levels, (edge.job_id for edge in reach.edges))
        return Chosen(node_sets.of(found - {0}))

    def _method(self, method: str, value: str) -> Chosen:
        _compiled(value)  # refused here, whatever is done with it
        match method:
            case "kind":
                if not _GLOB.search(value):
                    check_kinds(self.store, [value])
                return self._kind(value)
            case "type":
                wanted = value.upper()
                return self._then(self.store.chosen("type", value), lambda row: _like(wanted, row.type.upper()))
            case "namespace":
                return self._then(self.store.chosen("namespace", value), lambda row: _like(value, row.namespace))
            case "name":
                return self._like(value)
            case "run":
                return Chosen(node_sets.of(row.id for row in self._run(value)))
            case "state":
                return self._state(value)
            case _:
                return self._facet(method, value)

    def _kind(self, value: str) -> Chosen:
        wanted = type_of(value).upper()
        return self._then(
            self._kind_now(value),
            lambda row: row.kind.value == value or _like(wanted, row.type.upper()),
        )

    def _kind_now(self, value: str) -> int:
        if value in {"dataset", "job"}:
            return self.store.chosen("kind", value)
        return self.store.chosen("type", type_of(value))

    def _run(self, value: str) -> Iterator[NodeRow]:
        run = self.resolver.run(value)
        if run is None:
            raise NotFound(f"run:{value}", hint="'runs' lists them")
        inputs, outputs = self.store.run_io(run.run_id)
        ids = {run.job_id, *(version.dataset_id for version in (*inputs, *outputs))}
        return iter(self.store.nodes(sorted(ids)))

    def _state(self, value: str) -> Chosen:
        """Jobs by the state of their latest run.

        Usually few jobs have a failed or running run, so they are found through their runs. If there are very many such
        runs, each job is checked when its row is read.
        """
        wanted = {state for state in RunState if _like(value.upper(), state.value)}
        if not wanted:
            known = ", ".join(state.value.lower() for state in RunState)
            raise NotFound(value, message=f"no run has the state {value!r}", hint=f"states are {known}")
        before = None if self.as_of is None else self.as_of + 1
        runs = [run for state in wanted for run in self.store.runs(state=state, before=before, limit=_MOST_RUNS)]
        if len(runs) >= _MOST_RUNS:
            return Chosen(self.store.chosen("kind", "job"), lambda row: bool(self._standing([row.id], wanted)))
        return Chosen(node_sets.of(self._standing(sorted({run.job_id for run in runs}), wanted)))

    def _standing(self, jobs: list[int], wanted: set[RunState]) -> list[int]:
        latest = self.store.latest_runs(jobs, as_of=self.as_of)
        return [job for job, run in latest.items() if run.state in wanted]

    def _facet(self, method: str, value: str) -> Chosen:
        """Nodes by tag or owner. Of one that has changed since the instant asked about, its facets of then are read."""
        now = self.store.chosen("tag" if method == "tag" else "owner", value)
        past, at = self._past, self.as_of
        if past is None:
            return Chosen(now)
        reader = tags if method == "tag" else owners

        def had(row: NodeRow) -> bool:
            if not past.held(row):
                return False
            if past.is_unchanged(row):
                return bool(now >> row.id & 1)
            return any(_like(value, found) for found in reader(self.store.facets(row.id, as_of=at)))

        return Chosen(past.ever, had)


def _both(one: _Check | None, other: _Check | None) -> _Check | None:
    if one is None or other is None:
        return one or other
    return lambda row: one(row) and other(row)


def _holds(chosen: Chosen, row: NodeRow) -> bool:
    return bool(chosen.nodes >> row.id & 1) and (chosen.check is None or chosen.check(row))


def tags(facets: Facets) -> list[str]:
    """Return the tags of a node, and of its columns, each as ``key``, ``value`` and ``key=value``."""
    found: list[str] = []
    for item in objects(body(facets, "tags").get("tags")):
        key, value = str(item.get("key", "")), str(item.get("value", ""))
        found.extend(word for word in (key, value, f"{key}={value}") if word)
    return found


def tag_label(key: str, value: str) -> str:
    """Return the short form of a tag: ``pii`` if its value only means yes."""
    return key if value.lower() in {"", "true"} else f"{key}={value}"


def tag_labels(facets: Facets) -> list[str]:
    """Return the tags of a node in short form: ``pii`` if the value only means yes."""
    labels = []
    for item in objects(body(facets, "tags").get("tags")):
        if item.get("key"):
            label = tag_label(str(item["key"]), str(item.get("value", "")))
            labels.append(f"{label} ({item['field']})" if item.get("field") else label)
    return labels


def owner_names(facets: Facets) -> list[str]:
    """Return the owners of a node by their full names."""
    return [str(item["name"]) for item in objects(body(facets, "ownership").get("owners")) if item.get("name")]


def owners(facets: Facets) -> list[str]:
    """Return the names by which the owners of a node can be selected: ``team:data`` also as ``data``."""
    return [known for name in owner_names(facets) for known in (name, name.rpartition(":")[2])]


def _like(pattern: str, text: str) -> bool:
    if not _GLOB.search(pattern):
        return pattern == text
    return _compiled(pattern).match(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    marks = len(_GLOB.findall(pattern))
    if marks > _MOST_MARKS:
        raise InvalidSelector(
            field="selector",
            value=pattern[:80],
            rule=f"must have at most {_MOST_MARKS} of the marks * ? [ in one pattern",
        )
    return re.compile(translate(pattern))


def _matches(pattern: str, row: NodeRow) -> bool:
    """Whether the pattern matches the whole name, or, if it has no slash, the part after the last slash."""
    if _like(pattern, row.name):
        return True
    return "/" not in pattern and _like(pattern, row.name.rpartition("/")[2])
