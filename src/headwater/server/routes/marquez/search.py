"""Search in names, columns, descriptions, tags and owners."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from headwater.errors import InvalidInput
from headwater.formats.marquez.objects import SearchResult
from headwater.formats.marquez.requests import Day
from headwater.formats.times import format_time, parse_time
from headwater.model.graph import NodeKind
from headwater.query.names import node_id
from headwater.server.request import Call
from headwater.server.routes.marquez.lookup import normal_namespace
from headwater.server.routes.marquez.operations import Limit, operation
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow
from headwater.storage.search import SearchHit

_CANDIDATES = 1000
_HITS = 20
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII).fullmatch
_KINDS = {"dataset": NodeKind.DATASET, "job": NodeKind.JOB, "": None, "all": None}
Words = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Filter = Literal["", "dataset", "job", "all", "DATASET", "JOB", "ALL"]
Sort = Literal["name", "updated_at", "update_at", "NAME", "UPDATED_AT", "UPDATE_AT"]


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Words, and filters. ``before`` and ``after`` are days of the last change."""

    q: Words
    filter: Filter = ""
    sort: Sort = "name"
    limit: Limit = 10
    namespace: str | None = None
    before: Day = ""
    after: Day = ""


class SearchResults(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The hits, and their number."""

    total_count: int
    results: list[SearchResult]


class WordsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Words."""

    q: Words


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """The hits as documents, with the places where the words were found."""

    hits: list[dict[str, Any]]
    highlights: list[dict[str, list[str]]]


def search(call: Call) -> SearchResults:
    """The best matches of some words, in the requested order."""
    query: SearchQuery = call.query
    kind = _KINDS[query.filter.lower()]
    before = _day(query.before, "before")
    after = _day(query.after, "after")
    is_by_time = query.sort.lower() != "name"
    with call.store() as store:
        rows = [hit.node for hit in store.search(query.q, kind=kind, limit=_CANDIDATES)]
    wanted = None if query.namespace is None else normal_namespace(query.namespace)
    rows = [
        row
        for row in rows
        if not row.is_deleted
        and (wanted is None or normal_namespace(row.namespace) == wanted)
        and (before is None or row.updated_at < before)
        and (after is None or row.updated_at > after)
    ][: query.limit]
    rows.sort(key=lambda row: (-row.updated_at, row.name) if is_by_time else (0, row.name))
    return SearchResults(total_count=len(rows), results=[_result(row) for row in rows])


def _day(text: str, field: str) -> int | None:
    if not text:
        return None
    if not _DAY(text):
        raise InvalidInput(field=field, value=text[:80], rule="must be a day, YYYY-MM-DD")
    return parse_time(f"{text}T00:00:00Z", field=field)


def _result(row: NodeRow) -> SearchResult:
    return SearchResult(
        type=row.kind.value.upper(),
        name=row.name,
        updated_at=format_time(row.updated_at),
        namespace=row.namespace,
        node_id=node_id(row),
    )


def search_jobs(call: Call) -> Hits:
    """Jobs with their facets and those of their last run."""
    query: WordsQuery = call.query
    with call.store() as store:
        found = store.search(query.q, kind=NodeKind.JOB, limit=_HITS)
        runs = store.latest_runs([hit.node.id for hit in found])
        hits = []
        for hit in found:
            run = runs.get(hit.node.id)
            more = {"type": "BATCH", "runFacets": store.run_facets(run.run_id) if run else {}}
            hits.append({**_hit(store, hit, run.run_id if run else None), **more})
        return Hits(hits=hits, highlights=[_highlight(hit) for hit in found])


def search_datasets(call: Call) -> Hits:
    """Datasets with their facets."""
    query: WordsQuery = call.query
    with call.store() as store:
        found = store.search(query.q, kind=NodeKind.DATASET, limit=_HITS)
        latest = store.latest_versions([hit.node.id for hit in found])
        hits = []
        for hit in found:
            version = latest.get(hit.node.id)
            hits.append(_hit(store, hit, version.run_id or None if version else None))
        return Hits(hits=hits, highlights=[_highlight(hit) for hit in found])


def _hit(store: Store, hit: SearchHit, run_id: str | None) -> dict[str, Any]:
    run = store.run(run_id) if run_id else None
    return {
        "run_id": run_id or "",
        "name": hit.node.name,
        "namespace": hit.node.namespace,
        "eventType": _EVENT_TYPES.get(run.state.value, "OTHER") if run else "OTHER",
        "facets": store.facets(hit.node.id),
    }


_EVENT_TYPES = {"RUNNING": "RUNNING", "COMPLETED": "COMPLETE", "FAILED": "FAIL", "ABORTED": "ABORT"}


def _highlight(hit: SearchHit) -> dict[str, list[str]]:
    """The places where the words were found; the pages highlight the text between the tags."""
    if hit.field:
        return {"facets.schema.fields.name": [f"<em>{hit.field}</em>"]}
    return {"name": [f"<em>{hit.node.name}</em>"]}


OPERATIONS = (
    operation("GET", "/api/v1/search", search, "Search.", query=SearchQuery, answer=SearchResults),
    operation("GET", "/api/v2beta/search/jobs", search_jobs, "Search in jobs.", query=WordsQuery, answer=Hits),
    operation(
        "GET", "/api/v2beta/search/datasets", search_datasets, "Search in datasets.", query=WordsQuery, answer=Hits
    ),
)
