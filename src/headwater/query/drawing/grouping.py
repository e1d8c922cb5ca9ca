"""Groups nodes of a graph, and collapses groups into single nodes.

Pure functions: graph and rule in, grouped graph out. A group is one level deep and has a key ("" is no group).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple

from headwater.errors import InvalidInput
from headwater.model.graph import Edge, Node, NodeKind
from headwater.query.result import LineageGraph

GroupBy = Literal["namespace"] | Callable[[Node], str] | Mapping[str, str]
"""By namespace, by a function of the node, or by a mapping of node id to group (what selectors name)."""

#: worst first
STATES = ("FAILED", "ABORTED", "RUNNING", "NEW", "COMPLETED")
_PREFIX = "group:"


class Rollup(NamedTuple):
    """A group: its key, the ids of its nodes in the graph's order, how many of each kind, the worst state."""

    key: str
    members: tuple[str, ...]
    counts: dict[str, int]
    state: str

    @property
    def id(self) -> str:
        """The id under which a picture knows the group."""
        return _PREFIX + self.key


class Grouped(NamedTuple):
    """A graph whose nodes are grouped.

    ``home`` gives for each node id what stands for it in the picture: itself, or the id of its collapsed group.
    ``edges`` join those and list the edges of the graph behind them; edges inside a collapsed group are gone.
    """

    groups: dict[str, Rollup]
    collapsed: frozenset[str]
    group_of: dict[str, str]
    home: dict[str, str]
    edges: dict[tuple[str, str], tuple[Edge, ...]]


def worst(states: Collection[str]) -> str:
    """Return the worst of these run states: failed, aborted, running, new, completed; "" when none is known."""
    return next((state for state in STATES if state in states), "")


def states_of(graph: LineageGraph) -> dict[str, str]:
    """Return the state of each node: a job's own, and of a dataset the worst among the jobs that make it."""
    own = {node.id: node.state for node in graph.nodes}
    made: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.job and edge.job != edge.target and edge.valid_to is None:
            made.setdefault(edge.target, set()).add(own.get(edge.job, ""))
    return {key: state or worst(made.get(key, ())) for key, state in own.items()}


def grouped(graph: LineageGraph, group_by: GroupBy | None, collapsed: Collection[str] | Literal["all"] = ()) -> Grouped:
    """Return the graph with its datasets in groups, those of ``collapsed`` (keys, or "all") as one node each.

    Jobs belong to no group by themselves: they follow the data they join. Raises ``InvalidInput`` for a rule that is
    none of the three.
    """
    rule = _rule(group_by)
    nodes = [node for node in graph.nodes if node.kind not in {NodeKind.JOB, NodeKind.RUN}]
    group_of = {node.id: key for node in nodes if (key := rule(node))}
    states = states_of(graph)
    members: dict[str, list[Node]] = {}
    for node in nodes:
        if node.id in group_of:
            members.setdefault(group_of[node.id], []).append(node)
    groups = {
        key: Rollup(
            key,
            tuple(node.id for node in found),
            dict(sorted(Counter((node.type or node.kind.value).lower() for node in found).items())),
            worst({states[node.id] for node in found}),
        )
        for key, found in sorted(members.items())
    }
    closed = frozenset(groups if collapsed == "all" else set(collapsed) & set(groups))
    home = {key: groups[group].id if group in closed else key for key, group in group_of.items()}
    edges: dict[tuple[str, str], list[Edge]] = {}
    for edge in graph.edges:
        ends = home.get(edge.source, edge.source), home.get(edge.target, edge.target)
        if ends[0] != ends[1] or ends[0] == edge.source:
            edges.setdefault(ends, []).append(edge)
    return Grouped(groups, closed, group_of, home, {ends: tuple(found) for ends, found in edges.items()})


def _rule(group_by: GroupBy | None) -> Callable[[Node], str]:
    if group_by is None:
        return lambda _: ""
    if group_by == "namespace":
        return lambda node: node.namespace
    if isinstance(group_by, Mapping):
        found = group_by
        return lambda node: found.get(node.id, "")
    if callable(group_by):
        return group_by
    raise InvalidInput(
        field="group_by",
        value=str(group_by),
        rule="must be 'namespace', a function of a node, or a mapping of node ids",
    )
