"""Rows that duckdb returns as plain tuples: which line of the user's code got them, and from which statement.

Tuples cannot be followed; the source code shows where they go, as with the cursors of other databases.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from sys import _getframe
from types import CodeType, ModuleType
from typing import Any, Final

from headwater.capture import context
from headwater.capture import recorder as recording
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks
from headwater.capture.integrations.duckdb.connections import EXECUTED, state_of
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder
from headwater.capture.values import FETCHED, Value, make_value, same_columns
from headwater.capture.wrapper_frames import unseen

_FETCHES: Final = ("fetchall", "fetchmany", "fetchone")


class _Latest:
    """The latest rows: the connection and its result that they are of, and where the user's code got them."""

    __slots__ = ("code", "offset", "owner", "rows", "source", "statement")

    def __init__(self) -> None:
        self.source: Value | None = None
        self.rows: Value | None = None
        self.owner = 0
        """The ``id()`` of a connection; 0 for a relation."""
        self.statement = 0
        """The number of statements executed before, on any connection."""
        self.code: CodeType | None = None
        self.offset = 0


_LATEST: Final = _Latest()


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook the methods of connections and relations, and the module's functions, that return rows."""
    for owner, given in ((module, module), (module.DuckDBPyConnection, None), (module.DuckDBPyRelation, None)):
        for name in _FETCHES:
            if hasattr(owner, name):
                hooks.replace(owner, name, functools.partial(_fetching, module=given))


def _fetching(original: Callable[..., Any], *, module: Any) -> Callable[..., Any]:
    latest, executed = _LATEST, EXECUTED

    @functools.wraps(original)
    def fetch(*args: Any, **kwargs: Any) -> Any:
        rows = original(*args, **kwargs)
        frame = _getframe(1)
        if (
            frame.f_lasti == latest.offset
            and frame.f_code is latest.code
            and executed.count == latest.statement
            and id(args[0] if args else module) == latest.owner
        ):
            return rows  # the next row of a loop
        if not BUSY.depth:
            recorder = context.current()
            if recorder is not None:
                with GUARD.at("duckdb.fetch"):
                    _fetched(recorder, module or args[0])
        return rows

    return unseen(fetch)


def _fetched(recorder: Recorder, owner: Any) -> None:
    """Record that a line got rows; once for all that a loop gets there of one result."""
    is_relation = hasattr(owner, "sql_query")
    source = recorder.values.get(owner) if is_relation else state_of(owner).last
    if source is None or not source.column_names():
        return
    frame, latest = _getframe(2), _LATEST
    if source is not latest.source or latest.rows is None:
        latest.source = source
        latest.rows = make_value(FETCHED, (source,), same_columns, columns=source.columns)
    latest.owner, latest.statement = 0 if is_relation else id(owner), EXECUTED.count
    latest.code, latest.offset = frame.f_code, frame.f_lasti
    recording.went_through(latest.rows, *user_place(2))
