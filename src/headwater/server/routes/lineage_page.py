"""The lineage page, and the pictures requested by its canvas."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from headwater.errors import InvalidInput
from headwater.query.impact import Impact
from headwater.query.lineage import Lineage
from headwater.query.listing import node_summary
from headwater.query.names import Labels
from headwater.server.permissions import Permission
from headwater.server.rendering.groups import groups_of
from headwater.server.rendering.inspector import about_words
from headwater.server.rendering.page import fragment, page
from headwater.server.rendering.paths import paths_of
from headwater.server.rendering.scene import EVERY, Scene, scene_of
from headwater.server.rendering.tables import table_of
from headwater.server.rendering.views import Hands, Hops, Limit, Shown, View, answer
from headwater.server.request import Call
from headwater.server.routing import Operation

HOPS = (0, 1, 2, 3, 5, 10, 50)
_NEWEST = 20


class LineageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of the lineage page, including those that only the canvas reads."""

    root: str = ""
    up: Hops = 1
    down: Hops = 1
    opened: str = ""
    shut: str = ""
    as_of: str = ""
    against: str = ""
    to: str = ""
    columns: bool = False
    found: str = ""
    """Columns searched for on cards, by id of the node: a JSON object of lists."""
    jobs: Literal["nodes", "edges"] = "nodes"
    kinds: str = ""
    limit: Limit = 500
    group: Literal["", "namespace", "selector"] = ""
    by: str = ""
    """The selectors for grouping, separated by semicolons or line ends."""
    collapsed: str = ""
    """Groups shown as one card: a JSON list; ``*`` in it means all."""
    at: str = ""
    """Position of the canvas: x, y and zoom."""
    pin: str = ""
    """The pinned node."""
    port: str = ""
    """The pinned column of that node."""
    change: Literal["", "drop", "retype", "rename", "retire", "delete_rows"] = ""
    """The change to show the impact of."""
    column: str = ""
    """The column that the change concerns."""

    def view(self) -> View:
        """The requested view."""
        own = {name: getattr(self, name) for name in View.__struct_fields__ if hasattr(self, name)}
        own["opened"] = _read("opened", self.opened, Hands, Hands())
        own["shut"] = _read("shut", self.shut, Hands, Hands())
        own["found"] = _read("found", self.found, dict[str, tuple[str, ...]], {})
        own["collapsed"] = _read("collapsed", self.collapsed, tuple[str, ...], ())
        return View(**own)


class PictureAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A view: the picture for the canvas, and its table as a fragment of the page. ``root`` is the id of its root,

    ``name`` the short name, ``whole`` the full one."""

    scene: Scene
    table: str
    root: str
    name: str
    whole: str


def show(call: Call) -> Response:
    """The lineage page."""
    query: LineageQuery = call.query
    if not query.root:
        with call.lineage() as lineage:
            newest = sorted(lineage.store.scan_nodes(limit=1000), key=lambda row: -row.updated_at)[:_NEWEST]
        return page(call, "lineage_start.html", nodes=[*map(node_summary, newest)], labels=Labels(shown=newest))
    view = query.view()
    with call.lineage() as lineage:
        shown = answer(lineage, view)
        about = lineage.show(shown.root.id, as_of=view.as_of or None)
        impact = impact_of(lineage, query, shown)
        scene = scene_of(shown, view, groups_of(lineage, view, shown))
    return page(
        call,
        "lineage.html",
        query=query,
        is_folded=EVERY in view.collapsed,
        shown=shown,
        scene=scene,
        scene_json=script_json({"scene": scene, "root": shown.root.id}),
        table=table_of(shown, scene.picture),
        about=about,
        about_kind=about_words(about),
        root_id=shown.root.id,
        impact=impact,
        columns=about.columns,
        paths=paths_of(shown),
        mode="impact" if impact else "path" if query.to else "",
        hop_choices=sorted({*HOPS, query.up, query.down}),
        kind_choices=sorted({node.type for node in shown.graph.nodes if node.type and node.kind.value == "dataset"}),
        export_query=_export_query(query),
        labels=Labels(shown=shown.graph.nodes),
    )


def picture(call: Call) -> PictureAnswer:
    """The picture of a view for the canvas, with its table for the page."""
    view: View = call.body
    with call.lineage() as lineage:
        shown = answer(lineage, view)
        scene = scene_of(shown, view, groups_of(lineage, view, shown))
    table, labels = table_of(shown, scene.picture), Labels(shown=shown.graph.nodes)
    return PictureAnswer(
        scene=scene,
        table=fragment("fragments/table.html", scene=scene, table=table, labels=labels),
        root=shown.root.id,
        name=labels.of(shown.root),
        whole=shown.root.name,
    )


def script_json(value: Any) -> Markup:
    """JSON for a script element, escaped so that it cannot end the element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - JSON without "<" cannot hold a tag


def impact_of(lineage: Lineage, query: LineageQuery, shown: Shown) -> Impact | None:
    """The impact of the change shown on the page, or None."""
    if not query.change:
        return None
    name = f"{shown.root.id}:{query.column}" if query.column else shown.root.id
    return lineage.impact(name, change=query.change, as_of=query.as_of or None)


def _export_query(query: LineageQuery) -> str:
    left_out = ("at", "pin", "port")
    given = {name: getattr(query, name) for name in query.__struct_fields__ if name not in left_out}
    changed = {name: value for name, value in given.items() if value != getattr(LineageQuery(), name)}
    return urlencode({name: "true" if value is True else value for name, value in changed.items()})


def _read(field: str, text: str, kind: Any, usual: Any) -> Any:
    """Decode a JSON parameter: JSON because node ids can contain any separator."""
    if not text:
        return usual
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidInput(field=field, value=text[:80], rule=f"must be JSON with ids of nodes: {error}") from None


def _operation(method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    return Operation(
        method=method, path=path, handler=handler, permission=Permission.READ, summary=summary, group="Pages", **more
    )


OPERATIONS = (
    _operation("GET", "/lineage", show, "The lineage page.", query=LineageQuery, is_page=True),
    _operation("POST", "/lineage/picture", picture, "A view as picture and table.", body=View, answer=PictureAnswer),
)
