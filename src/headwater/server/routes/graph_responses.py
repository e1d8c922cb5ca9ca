"""Shared by the query routes: parameters, formats of a graph, and pages of a list."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from headwater.errors import NotFound
from headwater.query.drawing.png import Drawn, png
from headwater.query.result import LineageGraph
from headwater.server.request import Call

Depth = Annotated[int, msgspec.Meta(ge=0, le=1_000_000, description="Hops from dataset to dataset; all when absent.")]
Budget = Annotated[
    int, msgspec.Meta(ge=1, le=100_000, description="Nodes in the answer, nearest first; more is marked truncated.")
]
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000, description="Entries on one page.")]
AsOf = Annotated[
    str, msgspec.Meta(description="An instant other than now: a date, a time, '2h ago', 'yesterday', or a run.")
]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=r"\S")]
"""A name, an instant or an expression; not blank."""
State = Literal["NEW", "RUNNING", "ABORTED", "FAILED", "COMPLETED"]
Form = Literal["json", "mermaid", "dot", "graphml", "prov", "svg", "png", "tree"]

_MEDIA_TYPES = {
    "mermaid": "text/vnd.mermaid; charset=utf-8",
    "dot": "text/vnd.graphviz; charset=utf-8",
    "graphml": "application/xml; charset=utf-8",
    "prov": "application/json",
    "svg": "image/svg+xml; charset=utf-8",
    "png": "image/png",
    "tree": "text/plain; charset=utf-8",
}


def graph_answer(graph: LineageGraph, form: Form) -> LineageGraph | Response:
    """A graph in the requested format."""
    if form == "json":
        return graph
    if form == "png":
        return png_response(png(graph))
    return Response(getattr(graph, f"to_{form}")(), media_type=_MEDIA_TYPES[form])


def png_response(drawn: Drawn, **headers: str) -> Response:
    """A PNG response; a header states the scale if it was drawn smaller than usual."""
    note = {"Headwater-Note": drawn.note} if drawn.note else {}
    return Response(drawn.data, media_type=_MEDIA_TYPES["png"], headers={**headers, **note})


def words(text: str) -> list[str] | None:
    """The words of a comma-separated list; None if there are none."""
    return [word.strip() for word in text.split(",") if word.strip()] or None


def check_budget(call: Call, budget: int) -> int:
    """The number of nodes that an answer may have: as requested, up to the limit of the service."""
    return min(budget, call.service.settings.limits.answer_nodes)


def cursor(value: Any) -> str:
    """An opaque token for the start of the next page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def read_cursor(text: str, kind: Any) -> Any:
    """The value encoded by ``cursor``.

    Raises:
        NotFound: it is not a valid token, so there is no such page.
    """
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise NotFound(text[:80], hint="a cursor is the 'next' of the previous page; start without one") from None
