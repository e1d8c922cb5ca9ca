"""Search: suggestions while typing, and the page with all results."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from headwater.query.names import Labels
from headwater.server.permissions import Permission
from headwater.server.rendering.page import page
from headwater.server.rendering.search_results import FACETS, Found, narrowed, search, suggest, values
from headwater.server.request import Call
from headwater.server.routing import Operation

Words = Annotated[str, msgspec.Meta(max_length=1000)]


class SuggestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The text typed so far."""

    q: Words = ""


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Words or a selector, and values of facets."""

    q: Words = ""
    kind: str = ""
    namespace: str = ""
    tag: str = ""
    owner: str = ""
    state: str = ""

    def chosen(self) -> dict[str, str]:
        """The chosen values by facet; empty if the facet does not filter."""
        return {facet: getattr(self, facet) for facet in FACETS}


def suggestions(call: Call) -> Response:
    """The best few matches, as options of a list."""
    query: SuggestQuery = call.query
    with call.lineage() as lineage:
        found = suggest(lineage, query.q)
    return page(call, "fragments/suggestions.html", found=found, labels=Labels(shown=found.lines))


def show(call: Call) -> Response:
    """The search page."""
    query: SearchQuery = call.query
    with call.lineage() as lineage:
        chosen = query.chosen()
        found = search(lineage, query.q) if query.q.strip() else Found(lines=())
        lines = narrowed(found.lines, chosen)
        if found.hint and any(chosen.values()):  # results beyond those shown may match as well
            lines = narrowed(search(lineage, query.q, chosen).lines, chosen)

    def link(facet: str, value: str) -> str:
        """The same search with a value added or removed."""
        given = {"q": query.q, **chosen, facet: "" if chosen[facet] == value else value}
        return "/search?" + urlencode({name: text for name, text in given.items() if text})

    return page(
        call,
        "search.html",
        words=query.q,
        lines=lines,
        hint=found.hint,
        facets=values(found.lines, chosen),
        link=link,
        labels=Labels(shown=found.lines),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/search",
        handler=show,
        permission=Permission.READ,
        summary="The search page.",
        group="Pages",
        query=SearchQuery,
        is_page=True,
    ),
    Operation(
        method="GET",
        path="/search/suggestions",
        handler=suggestions,
        permission=Permission.READ,
        summary="What fits while somebody types.",
        group="Pages",
        query=SuggestQuery,
    ),
)
