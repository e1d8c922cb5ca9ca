"""Scripts, styles and images of the pages. Public, because the login page needs them."""

from __future__ import annotations

from starlette.responses import Response

from headwater.errors import NotFound
from headwater.server.permissions import Permission
from headwater.server.rendering.assets import Asset, assets
from headwater.server.request import Call
from headwater.server.routing import Operation

_FOR_EVER = "public, max-age=31536000, immutable"


async def file(call: Call) -> Response:
    """One file. Another version than the current one is answered with the current one, uncached."""
    known = assets()
    path = "/".join(call.path[part] for part in ("folder", "file") if part in call.path)
    asset = known.find(path)
    if asset is None:
        raise NotFound(path)
    is_current = call.path["version"] == known.version
    headers = {
        "Cache-Control": _FOR_EVER if is_current else "no-cache",
        "ETag": asset.tag,
        "Vary": "Accept-Encoding",
    }
    if asset.tag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding, content = _encoded(asset, call.request.headers.get("accept-encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(content, media_type=asset.media_type, headers=headers)


def _encoded(asset: Asset, accepted: str) -> tuple[str, bytes]:
    names = {word.partition(";")[0].strip() for word in accepted.lower().split(",") if "q=0" not in word.split(";")[1:]}
    if "zstd" in names:
        return "zstd", asset.zstd
    if "gzip" in names:
        return "gzip", asset.gzip
    return "", asset.plain


OPERATIONS = tuple(
    Operation(
        method="GET",
        path=path,
        handler=file,
        permission=Permission.PUBLIC,
        summary="A script, style or picture of the pages.",
        group="Pages",
    )
    for path in ("/static/{version}/{file}", "/static/{version}/{folder}/{file}")
)
