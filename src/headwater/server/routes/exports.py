"""Exports the current view of the lineage page as a file, with a legend."""

from __future__ import annotations

import re
from typing import Literal

from starlette.responses import Response

from headwater.errors import NotFound
from headwater.formats.dot import to_dot
from headwater.formats.graph_json import to_json
from headwater.formats.mermaid import to_mermaid
from headwater.query.drawing.png import png_of
from headwater.query.drawing.svg import svg_of
from headwater.query.names import Labels
from headwater.server.permissions import Permission
from headwater.server.rendering.emphasis import emphasis_of
from headwater.server.rendering.groups import groups_of
from headwater.server.rendering.scene import scene_of
from headwater.server.rendering.views import answer
from headwater.server.request import Call
from headwater.server.routes.graph_responses import png_response
from headwater.server.routes.lineage_page import LineageQuery, impact_of
from headwater.server.routing import Operation

_TEXTS = {
    "json": (to_json, "application/json", "json"),
    "mermaid": (to_mermaid, "text/plain; charset=utf-8", "mmd"),
    "dot": (to_dot, "text/vnd.graphviz; charset=utf-8", "dot"),
}
"""The writer of each graph format, its media type, and its file extension."""
_NOT_PLAIN = re.compile(r"[^\w.-]+", re.ASCII)


class ExportQuery(LineageQuery, frozen=True, kw_only=True):
    """The parameters of the lineage page, and the theme of a picture."""

    theme: Literal["", "light", "dark"] = ""
    """If empty, an SVG follows the viewer's theme and a PNG is light."""


def export(call: Call) -> Response:
    """A view as a file."""
    query: ExportQuery = call.query
    form = call.path["form"]
    if form not in {"svg", "png", *_TEXTS}:
        raise NotFound(form, hint=f"there are svg, png, {', '.join(_TEXTS)}")
    view = query.view()
    with call.lineage() as lineage:
        shown = answer(lineage, view)
        scene = scene_of(shown, view, groups_of(lineage, view, shown))
        emphasis = emphasis_of(lineage, view, shown, scene, impact_of(lineage, query, shown))
    name = file_name(Labels(shown=shown.graph.nodes).of(shown.root))
    if form == "png":
        drawn = png_of(scene.picture, theme=query.theme or "light", emphasis=emphasis)
        return png_response(drawn, **_headers(f"{name}.png"))
    if form == "svg":
        text = svg_of(scene.picture, theme=query.theme, emphasis=emphasis)
        return Response(text, media_type="image/svg+xml", headers=_headers(f"{name}.svg"))
    write, media_type, ending = _TEXTS[form]
    return Response(write(shown.graph, emphasis), media_type=media_type, headers=_headers(f"{name}.{ending}"))


def file_name(text: str) -> str:
    """A portable file name: the end of the text in ASCII letters, or ``lineage`` if it has none."""
    return _NOT_PLAIN.sub("-", text).strip("-")[-80:].strip("-.") or "lineage"


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-cache"}


OPERATIONS = (
    Operation(
        method="GET",
        path="/lineage/export/{form}",
        handler=export,
        permission=Permission.READ,
        summary="A view as SVG, PNG, JSON, Mermaid or DOT.",
        group="Pages",
        query=ExportQuery,
    ),
)
