"""A lineage graph as one JSON document, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.times import format_time, parse_time
from headwater.model.emphasis import MEANINGS, PLAIN, Emphasis
from headwater.model.graph import Graph


def to_document(graph: Graph, emphasis: Emphasis = PLAIN) -> dict[str, Any]:
    """The graph as plain values: every member present, times as RFC 3339 in UTC, members in a fixed order.

    What stands out has a ``mark``, and ``marks`` says what each of them means.
    """
    document: dict[str, Any] = {
        "roots": list(graph.roots),
        "direction": graph.direction,
        "as_of": _time(graph.as_of),
        "truncated": graph.truncated,
        "gaps": list(graph.gaps),
        "hidden": dict(sorted(graph.hidden.items())),
    }
    for name in graph.__struct_fields__:
        if name not in Graph.__struct_fields__:  # what a subclass adds: counts, the level, whether it has columns
            document[name] = msgspec.to_builtins(getattr(graph, name))
    document["nodes"] = [
        {
            "id": node.id,
            "kind": node.kind.value,
            "namespace": node.namespace,
            "name": node.name,
            "type": node.type,
            "state": node.state,
            "level": node.level,
            "properties": msgspec.to_builtins(node.properties),
            **({"mark": mark} if (mark := emphasis.nodes.get(node.id)) else {}),
        }
        for node in graph.nodes
    ]
    document["edges"] = [
        {
            "source": edge.source,
            "target": edge.target,
            "job": edge.job,
            "run": edge.run,
            "how": edge.how.value,
            "valid_from": _time(edge.valid_from or None),
            "valid_to": _time(edge.valid_to),
            "fields": [msgspec.to_builtins(field) for field in edge.fields],
            **({"mark": found} if (found := emphasis.of(edge)) else {}),
        }
        for edge in graph.edges
    ]
    if marks := emphasis.used():
        document["marks"] = {"title": emphasis.title, **{one: MEANINGS[one] for one in marks}}
    return document


def to_json(graph: Graph, emphasis: Emphasis = PLAIN) -> str:
    """The graph as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(to_document(graph, emphasis)), indent=2).decode()


def from_json(text: str | bytes) -> Graph:
    """Read a graph that ``to_json`` wrote; what a subclass added is left out.

    Raises:
        InvalidInput: the document is no graph.
    """
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
        document["as_of"] = _instant(document.get("as_of"))
        for edge in document.get("edges", ()):
            edge["valid_from"] = _instant(edge.get("valid_from")) or 0
            edge["valid_to"] = _instant(edge.get("valid_to"))
        return msgspec.convert(document, Graph)
    except (msgspec.MsgspecError, TypeError, AttributeError) as error:
        raise InvalidInput(field="graph", rule=f"must be a graph as to_json writes it: {error}") from None


def _time(instant: int | None) -> str | None:
    return None if instant is None else format_time(instant)


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_time(text, field="time")
