"""Looks up runs by id or the start of an id, and resolves ``as_of``."""

from __future__ import annotations

import re

from headwater.errors import InvalidInput, NotFound
from headwater.query.instants import Clock, now, read_instant
from headwater.storage.base import Store
from headwater.storage.row_types import RunRow

_RUN_START = re.compile(r"[0-9a-f]{4,8}(-[0-9a-f]{0,4}){0,3}(-[0-9a-f]{0,12})?", re.IGNORECASE)
_SHOWN = 5


def find_run(store: Store, text: str) -> RunRow | None:
    """Return the run of that id or of a unique start of it (four characters or more), None if there is none.

    Raises ``InvalidInput`` when several runs start with the text.
    """
    wanted = text.strip().lower()
    if not _RUN_START.fullmatch(wanted):
        return None
    if found := store.run(wanted):
        return found
    if len(wanted) >= 36:
        return None
    starts = [
        run_id for run_id in store.run_ids(wanted.replace("-", ""), limit=_SHOWN + 1) if run_id.startswith(wanted)
    ]
    if len(starts) > 1:
        several = str(len(starts)) if len(starts) <= _SHOWN else f"more than {_SHOWN}"
        raise InvalidInput(
            f"{several} runs start with {text!r}: " + ", ".join(starts[:_SHOWN]),
            field="run",
            value=text,
            rule="must start the id of one run",
            hint="write more of the id",
        )
    return store.run(starts[0]) if starts else None


def instant_of(store: Store, text: str | int | None, *, clock: Clock = now) -> int | None:
    """Return the instant that an ``as_of`` names: an instant, a date or time, an age, or the end of a run.

    Raises ``NotFound`` when the text is neither a time nor a run.
    """
    if text is None or isinstance(text, int):
        return text
    if (instant := read_instant(text, clock=clock)) is not None:
        return instant
    run = find_run(store, text.removeprefix("run:"))
    if run is None:
        raise NotFound(text, hint="as_of takes a date, a time, an age like '2h ago', or a run id")
    return run.ended_at if run.ended_at is not None else run.started_at
