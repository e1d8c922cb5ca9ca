"""Events as received, by event time."""

from __future__ import annotations

from typing import Literal

import msgspec

from headwater.formats.marquez.requests import Time
from headwater.server.request import Call
from headwater.server.routes.marquez.lookup import normal_namespace
from headwater.server.routes.marquez.operations import Limit, Offset, Page, instant_of, operation
from headwater.storage.base import Store
from headwater.storage.row_types import StoredEvent

_PAGE = 5000
LOOKED_THROUGH = 50_000
"""How many events are searched for those of a namespace, latest first."""


class Events(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of RunEvents, verbatim, and their total number."""

    events: list[msgspec.Raw]
    total_count: int


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An interval of time, and the page. Empty times are no limit."""

    before: Time = ""
    after: Time = ""
    sort_direction: Literal["desc", "asc", "DESC", "ASC"] = "desc"
    limit: Limit = 100
    offset: Offset = 0


class _Named(msgspec.Struct, frozen=True):
    namespace: str = ""


class _Names(msgspec.Struct, frozen=True):
    job: _Named = _Named()
    inputs: list[_Named] | None = None
    outputs: list[_Named] | None = None


_names = msgspec.json.Decoder(_Names).decode


def list_events(call: Call) -> Events:
    """A page of the RunEvents of an interval."""
    query: EventQuery = call.query
    after = instant_of(query.after, "after") if query.after.strip() else None
    before = instant_of(query.before, "before") if query.before.strip() else None
    with call.store() as store:
        found = store.run_events(
            after=after,
            before=before,
            newest_first=query.sort_direction.lower() == "desc",
            limit=query.limit,
            offset=query.offset,
        )
        return Events(events=_bodies(found), total_count=_total(store, after, before))


def _total(store: Store, after: int | None, before: int | None) -> int:
    return sum(one.count for one in store.count_run_events(after=after, before=before))


def _bodies(events: list[StoredEvent]) -> list[msgspec.Raw]:
    return [msgspec.Raw(one.body) for one in events]


def list_latest(call: Call) -> Events:
    """A page of all RunEvents, latest first."""
    page: Page = call.query
    with call.store() as store:
        found = store.run_events(limit=page.limit, offset=page.offset)
        return Events(events=_bodies(found), total_count=_total(store, None, None))


def list_of_namespace(call: Call) -> Events:
    """A page of the RunEvents that name a job or a dataset of a namespace, among the latest ones."""
    page: Page = call.query
    wanted = normal_namespace(call.path["namespace"])
    with call.store() as store:
        count, shown = 0, []
        for start in range(0, LOOKED_THROUGH, _PAGE):
            some = store.run_events(limit=_PAGE, offset=start)
            for one in some:
                if _names_namespace(one.body, wanted):
                    if page.offset <= count < page.offset + page.limit:
                        shown.append(one)
                    count += 1
            if len(some) < _PAGE:
                break
        return Events(events=_bodies(shown), total_count=count)


def _names_namespace(body: bytes, wanted: str) -> bool:
    try:
        event = _names(body)
    except msgspec.MsgspecError:  # stored events have names, but possibly of another type, converted on intake
        return False
    named = (event.job, *(event.inputs or ()), *(event.outputs or ()))
    return any(normal_namespace(one.namespace) == wanted for one in named)


OPERATIONS = (
    operation("GET", "/api/v1/events/lineage", list_events, "The events.", query=EventQuery, answer=Events),
    operation("GET", "/api/v1/events", list_latest, "The latest events.", query=Page, answer=Events),
    operation(
        "GET",
        "/api/v1/events/{namespace}",
        list_of_namespace,
        "The latest events of a namespace.",
        query=Page,
        answer=Events,
    ),
)
