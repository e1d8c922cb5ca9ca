"""Shared support for DB-API drivers: statements on connections, and transactions that decide whether they count.

A statement that writes counts when it is committed, not before: what is rolled back, or never committed, wrote
nothing. Statement texts are passed on, parameters never are.
"""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

from headwater.capture import context
from headwater.capture import recorder as recording
from headwater.capture.given_rows import SPELLED, rows_given, rows_spelled
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder
from headwater.capture.sql_parameters import ROWS
from headwater.capture.values import FETCHED, Value, make_value
from headwater.capture.wrapper_frames import USERS_CODE, unseen
from headwater.model.patterns import lazy_pattern

_CONTROL: Final = lazy_pattern(r"\s*(?:PRAGMA|BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b", re.I)
_ROLLBACK: Final = lazy_pattern(r"\s*ROLLBACK\b", re.I)
_ASKS: Final = lazy_pattern(r"\s*(?:SELECT|VALUES|TABLE|EXPLAIN|SHOW|DESCRIBE|SET)\b", re.I)
_VALUES: Final = lazy_pattern(r"(\s*(?:INSERT|REPLACE)\b.{1,4000}?\bVALUES\b\s*)\(", re.I | re.S)
_MAX_TEXT: Final = 50_000
_MAX_REMEMBERED: Final = 2_000


class Place(NamedTuple):
    """Where a connection leads. ``namespace`` of a database in the memory of this process: ``databases.memory_of``."""

    dialect: str
    namespace: str
    default_schema: str


class _Ran(NamedTuple):
    """A statement that wrote, with what the rows given for its placeholders come from."""

    recorder: Recorder
    text: str
    rows: Value | None


class _State:
    """What is known of one connection."""

    __slots__ = ("latest", "pending", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.latest: Value | None = None
        """The rows that were given to the latest statement in ``pending``: those of one place in the code, so that the
        same rows are given to the same statement."""
        self.pending: dict[Hashable, _Ran] = {}
        """Statements that wrote in the open transaction, each once, in order."""


class Connections:
    """The connections of one driver. ``place_of`` says where one leads, ``is_in_transaction`` whether what it just
    did is still to be committed."""

    def __init__(self, place_of: Callable[[Any], Place], is_in_transaction: Callable[[Any], bool]) -> None:
        self._place_of = place_of
        self._is_in_transaction = is_in_transaction
        self._states: weakref.WeakKeyDictionary[Any, _State] = weakref.WeakKeyDictionary()

    def place(self, connection: Any, place: Place) -> None:
        """Set where a connection leads, if that is known from elsewhere."""
        self._states[connection] = _State(place)

    def where(self, connection: Any) -> Place:
        """Where a connection leads."""
        return self._state(connection).place

    def _state(self, connection: Any) -> _State:
        state = self._states.get(connection)
        if state is None:
            state = self._states[connection] = _State(self._place_of(connection))
        return state

    def ran(
        self,
        recorder: Recorder,
        connection: Any,
        sql: Any,
        *,
        is_started: bool = True,
        cursor: Any = None,
        given: str = "",
    ) -> None:
        """Record a statement that was executed without error. Without ``is_started``, the driver reports no
        transaction yet, and the statement counts when it is committed. Its rows can be fetched from ``cursor``.
        ``given`` is the name of the method, if it was given rows or a row for the placeholders."""
        text = _text(sql)
        if text is None:
            return
        state = self._state(connection)
        is_open = self._is_in_transaction(connection)
        if state.pending and not is_open:
            (self.rolled_back if _ROLLBACK.match(text) else self.committed)(connection)
        if _CONTROL.match(text):
            return
        if _ASKS.match(text):
            _hand_on(state.place, _Ran(recorder, text, None), cursor)
            return
        rows = rows_given(recorder, text, given) if given else rows_spelled(text)
        if not is_open and is_started:
            _hand_on(state.place, _Ran(recorder, text, rows), cursor)
        elif rows is None or rows is SPELLED or rows is not state.latest:
            state.pending[_known_by(text, rows)] = _Ran(recorder, text, rows)
            state.latest = rows

    def committed(self, connection: Any) -> None:
        """Record the pending statements."""
        state = self._states.get(connection)
        if state is not None and state.pending:
            pending, state.pending, state.latest = state.pending, {}, None
            for done in pending.values():
                _hand_on(state.place, done)

    def rolled_back(self, connection: Any) -> None:
        """Forget the pending statements."""
        state = self._states.get(connection)
        if state is not None:
            state.pending.clear()
            state.latest = None


def place_in_postgres(info: Any) -> Place:
    """Where a connection to PostgreSQL leads, by its ``info`` (the same in psycopg 3 and psycopg2). A Unix socket is
    ``localhost``."""
    host = info.host or ""
    server = "localhost" if not host or host.startswith("/") else host
    return Place("postgres", f"postgres://{server}:{info.port or 5432}", f"{info.dbname}.public")


def _text(sql: Any) -> str | None:
    if isinstance(sql, bytes | bytearray):
        sql = bytes(sql).decode("utf-8", "replace")
    if not isinstance(sql, str):
        return None
    if len(sql) > _MAX_TEXT:
        # Some drivers write the rows of a bulk insert into the text; lineage does not need them.
        found = _VALUES.match(sql)
        return found[1] + "(NULL)" if found else sql[:_MAX_TEXT]
    return sql


class _Repeats:
    """Statements recorded since anything else was recorded, so that a loop of inserts is recorded once."""

    __slots__ = ("length", "recorder", "round", "rounds")

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self.length = 0
        self.round = 0
        self.rounds: dict[Hashable, int] = {}


_REPEATS: Final = _Repeats()


def _known_by(text: str, rows: Value | None) -> Hashable:
    """What a statement has in common with those that do the same: its text, and what its rows come from."""
    return text if rows is None or rows is SPELLED else (text, *[item.number for item in rows.inputs[0].inputs])


def _hand_on(place: Place, done: _Ran, cursor: Any = None) -> None:
    """Record a statement, unless nothing that could change its meaning was recorded since it last was. The rows of
    ``cursor``, of which only the source code shows where they go, come from it."""
    repeats = _REPEATS
    recorder, text, given = done
    key = (place.namespace, _known_by(text, given))
    if repeats.recorder is not recorder or len(repeats.rounds) > _MAX_REMEMBERED:
        repeats.recorder, repeats.rounds = recorder, {}
    elif len(recorder.items) != repeats.length:
        repeats.round += 1
    known = repeats.rounds.get(key)
    if known is None:
        repeats.round += 1
    if known is None or known != repeats.round:
        repeats.rounds[key] = repeats.round
        rows = _rows_of(cursor)
        frames = {ROWS: given} if given is not None else None
        recorder.statement(
            text, place.dialect, place.namespace, frames=frames, default_schema=place.default_schema, result=rows
        )
        if rows is not None:
            recording.went_through(rows, rows.code, rows.line)
    repeats.length = len(recorder.items)


def _rows_of(cursor: Any) -> Value | None:
    """The rows that a statement returned to the user's code; None if it returned none."""
    described = getattr(cursor, "description", None)
    if not described:
        return None
    code, line = user_place(4)
    return make_value(FETCHED, columns=tuple([str(column[0]) for column in described]), code=code, line=line)


Ran = Callable[[Recorder, Any, Any, str], None]
"""``ran(recorder, cursor, sql, given)``; ``given`` is the name of the method, if it was given more than the SQL."""


def watched(original: Callable[..., Any], ran: Ran, site: str) -> Callable[..., Any]:
    """A wrapper for ``execute`` and similar methods: calls ``ran`` after each outermost call.

    Iterators of rows and functions called from SQL are the user's code: what they read is recorded.
    """
    name = getattr(original, "__name__", "")

    @functools.wraps(original)
    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = None if BUSY.depth else context.current()
        if recorder is None:
            return original(self, *args, **kwargs)
        BUSY.depth = USERS_CODE
        try:
            result = original(self, *args, **kwargs)
            BUSY.depth = 1
            with GUARD.at(site):
                given = name if len(args) + len(kwargs) > 1 else ""
                ran(recorder, self, args[0] if args else next(iter(kwargs.values()), None), given)
        finally:
            BUSY.depth = 0
        return result

    return unseen(execute)


def watched_async(original: Callable[..., Any], ran: Ran, site: str) -> Callable[..., Any]:
    """As ``watched``, for a coroutine. Other tasks run meanwhile, so the thread is not marked as busy."""
    name = getattr(original, "__name__", "")

    @functools.wraps(original)
    async def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = None if BUSY.depth else context.current()
        result = await original(self, *args, **kwargs)
        if recorder is not None:
            with GUARD.at(site):
                given = name if len(args) + len(kwargs) > 1 else ""
                ran(recorder, self, args[0] if args else next(iter(kwargs.values()), None), given)
        return result

    return unseen(execute)


def notify_after_async(
    original: Callable[..., Any], notify: Callable[[Any, tuple[Any, ...]], None], site: str
) -> Callable[..., Any]:
    """As ``notify_after``, for a coroutine."""

    @functools.wraps(original)
    async def ended(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = await original(self, *args, **kwargs)
        with GUARD.at(site):
            notify(self, args)
        return result

    return unseen(ended)


def notify_after(
    original: Callable[..., Any], notify: Callable[[Any, tuple[Any, ...]], None], site: str
) -> Callable[..., Any]:
    """A wrapper for ``commit`` and similar methods: ``notify(connection, args)`` is called after each that worked."""

    @functools.wraps(original)
    def ended(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        with GUARD.at(site):
            notify(self, args)
        return result

    return unseen(ended)


def renamed(base: type, methods: dict[str, Any], slots: tuple[str, ...] = ()) -> type:
    """A subclass that looks like its base: the same name, and no attributes of its own."""
    own = slots if not base.__weakrefoffset__ else ()
    copied = {name: getattr(base, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(base)(base.__name__, (base,), {"__slots__": own, **copied, **methods})
