"""Selectors: expressions that name sets of nodes, such as ``+model:churn`` or ``tag:pii+ & kind:model``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate
from functools import lru_cache
from typing import Final

from headwater.errors import InvalidSelector, NotFound
from headwater.model.graph import Direction, NodeKind
from headwater.query.facts import Facets, body
from headwater.query.resolve import Resolver, scan
from headwater.query.selector_parse import And, Expression, Method, Name, Not, Or, Reached, parse
from headwater.query.walk import Edges, walk
from headwater.storage.base import NodeRow, Store

_GLOB = re.compile(r"[*?\[]")
_MOST_MARKS = 32
"""In one pattern: making a regular expression of it takes the square of their number."""
_KIND_TYPES = {"feature": "FEATURE_VIEW", "prediction": "PREDICTIONS"}

Selected = dict[int, NodeRow]
"""A set of nodes by id."""


class Selector:
    """Evaluates expressions over one store, at one instant."""

    def __init__(self, store: Store, resolver: Resolver, as_of: int | None = None) -> None:
        self.store = store
        self.resolver = resolver
        self.edges = Edges(store, as_of)
        self.as_of = as_of

    def select(self, text: str) -> list[NodeRow]:
        """Return the nodes of the expression, ordered by id. Raises ``InvalidSelector`` and ``NotFound``."""
        found = self.evaluate(parse(text))
        return [found[key] for key in sorted(found)]

    def evaluate(self, expression: Expression) -> Selected:
        """Return the nodes of a parsed expression."""
        match expression:
            case Name(text):
                return self._name(text)
            case Method(method, value):
                return _by_id(self._method(method, value))
            case Reached(of, up, down):
                return self._reached(self.evaluate(of), up, down)
            case Not(of):
                left_out = self.evaluate(of)
                return _by_id(row for row in scan(self.store) if row.id not in left_out)
            case And(left, Not(of)) | And(Not(of), left):
                left_out = self.evaluate(of)
                kept = self.evaluate(left)
                return {key: row for key, row in kept.items() if key not in left_out and not row.is_deleted}
            case And(left, Method(method, value)) | And(Method(method, value), left) if method in _BY_ROW:
                holds = _BY_ROW[method](value)
                kept = self.evaluate(left)
                return {key: row for key, row in kept.items() if holds(row) and not row.is_deleted}
            case And(left, right):
                kept = self.evaluate(left)
                other = self.evaluate(right)
                return {key: row for key, row in kept.items() if key in other}
            case Or(left, right):
                return self.evaluate(left) | self.evaluate(right)

    def _name(self, text: str) -> Selected:
        if not _GLOB.search(text):
            return _by_id([self.resolver.node(text)])
        head, colon, rest = text.partition(":")
        rows: Iterable[NodeRow] = scan(self.store)
        if colon and head in {"dataset", "job"}:
            rows, text = scan(self.store, kind=NodeKind(head)), rest
        elif colon and head.isidentifier():
            typed = list(scan(self.store, type=_KIND_TYPES.get(head, head.upper())))
            if typed:
                rows, text = typed, rest
        found = _by_id(row for row in rows if _matches(text, row))
        if not found:
            raise NotFound(text, hint="no node's name matches this pattern; * stands for any text")
        return found

    def _reached(self, rows: Selected, up: int, down: int) -> Selected:
        found = dict(rows)
        for direction, hops in ((Direction.UPSTREAM, up), (Direction.DOWNSTREAM, down)):
            if not hops:
                continue
            reach = walk(self.edges, rows.values(), direction, depth=None if hops < 0 else hops)
            ids = {*reach.levels, *(edge.job_id for edge in reach.edges)} - found.keys()
            found.update(_by_id(self.store.nodes(sorted(ids))))
        return found

    def _method(self, method: str, value: str) -> Iterator[NodeRow]:
        if method == "kind":
            return self._kind(value)
        if method in _BY_ROW:
            holds = _BY_ROW[method](value)
            return (row for row in scan(self.store) if holds(row))
        if method == "run":
            return self._run(value)
        return self._facet(method, value)

    def _kind(self, value: str) -> Iterator[NodeRow]:
        if value in {"dataset", "job"}:
            return scan(self.store, kind=NodeKind(value))
        return scan(self.store, type=_KIND_TYPES.get(value.lower(), value))

    def _run(self, value: str) -> Iterator[NodeRow]:
        run = self.resolver.run(value)
        if run is None:
            raise NotFound(f"run:{value}", hint="'headwater runs' lists them")
        inputs, outputs = self.store.run_io(run.run_id)
        ids = {run.job_id, *(version.dataset_id for version in (*inputs, *outputs))}
        return iter(self.store.nodes(sorted(ids)))

    def _facet(self, method: str, value: str) -> Iterator[NodeRow]:
        """Nodes by tag or owner: the search narrows them down, the facets decide."""
        if _GLOB.search(value):
            rows: Iterable[NodeRow] = scan(self.store)
        else:
            rows = _by_id(hit.node for hit in self.store.search(value.partition("=")[0], limit=10_000)).values()
        reader = tags if method == "tag" else owners
        for row in rows:
            if any(_like(value, found) for found in reader(self.store.facets(row.id, as_of=self.as_of))):
                yield row


def _of_kind(value: str) -> Callable[[NodeRow], bool]:
    if value in {"dataset", "job"}:
        return lambda row: row.kind == value
    wanted = _KIND_TYPES.get(value.lower(), value).encode().upper()
    return lambda row: row.type.encode().upper() == wanted


_BY_ROW: Final[dict[str, Callable[[str], Callable[[NodeRow], bool]]]] = {
    "kind": _of_kind,
    "type": lambda value: lambda row: _like(value.upper(), row.type.upper()),
    "namespace": lambda value: lambda row: _like(value, row.namespace),
    "name": lambda value: lambda row: _matches(value, row),
}
"""Methods that a node's row alone answers: beside another set they choose from it, and nothing is gone through."""


def tags(facets: Facets) -> list[str]:
    """Return the tags of a node, and of its columns, each as ``key``, ``value`` and ``key=value``."""
    found: list[str] = []
    for item in body(facets, "tags").get("tags") or []:
        if isinstance(item, dict):
            key, value = str(item.get("key", "")), str(item.get("value", ""))
            found.extend(word for word in (key, value, f"{key}={value}") if word)
    return found


def tag_labels(facets: Facets) -> list[str]:
    """Return the tags of a node as people write them: ``pii`` where the value says no more than yes."""
    labels = []
    for item in body(facets, "tags").get("tags") or []:
        if isinstance(item, dict) and item.get("key"):
            value = str(item.get("value", ""))
            label = str(item["key"]) if value.lower() in {"", "true"} else f"{item['key']}={value}"
            labels.append(f"{label} ({item['field']})" if item.get("field") else label)
    return labels


def owner_names(facets: Facets) -> list[str]:
    """Return the owners of a node by their full names."""
    found = body(facets, "ownership").get("owners") or []
    return [str(item["name"]) for item in found if isinstance(item, dict) and item.get("name")]


def owners(facets: Facets) -> list[str]:
    """Return the names that the owners of a node answer to: ``team:data`` also to ``data``."""
    return [known for name in owner_names(facets) for known in (name, name.rpartition(":")[2])]


def _by_id(rows: Iterable[NodeRow]) -> Selected:
    return {row.id: row for row in rows}


def _like(pattern: str, text: str) -> bool:
    if not _GLOB.search(pattern):
        return pattern == text
    return _compiled(pattern).match(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    marks = len(_GLOB.findall(pattern))
    if marks > _MOST_MARKS:
        raise InvalidSelector(
            field="selector", value=pattern[:80], rule=f"has at most {_MOST_MARKS} of the marks * ? [ in one pattern"
        )
    return re.compile(translate(pattern))


def _matches(pattern: str, row: NodeRow) -> bool:
    """The pattern fits the whole name, or the part after the last slash when it has none itself."""
    if _like(pattern, row.name):
        return True
    return "/" not in pattern and _like(pattern, row.name.rpartition("/")[2])
