"""SQL: over frames (``pl.sql``, ``frame.sql``, ``SQLContext``), and sent to a database (``read_database``)."""

from __future__ import annotations

import functools
import re
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.context import current
from headwater.capture.databases import Database, database_of
from headwater.capture.guard import GUARD
from headwater.capture.hooks import Hooks, observe
from headwater.capture.integrations.polars.frames import height, inputs_of, names_of
from headwater.capture.integrations.polars.lazy_schema import Names, Schema, empty, polars
from headwater.capture.locations import located_all
from headwater.capture.recorder import Read, Recorder
from headwater.capture.sql_files import quoted_files
from headwater.capture.sql_statements import rule_of
from headwater.capture.user_code import user_frame
from headwater.capture.values import Value, make_value
from headwater.capture.wrapper_frames import unseen
from headwater.model.patterns import lazy_pattern

_DIALECT: Final = "duckdb"
"""The dialect that is closest to polars' SQL."""
_WORD: Final = lazy_pattern(r"[^\W\d]\w*")
_CREATES: Final = lazy_pattern(r"\s*CREATE\s+TABLE\s+\"?([^\W\d]\w*)\"?\s+AS\b", re.I)
_MOST_CALLERS: Final = 40
_CONTEXTS: Final[weakref.WeakKeyDictionary[Any, dict[str, Value]]] = weakref.WeakKeyDictionary()
"""The frames of each ``SQLContext``, by name."""
_OF_VARIABLES: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""The contexts that also know the variables of their creator. These are looked up only when a query names them, because
asking a function for all its variables would keep them alive."""


def hook(hooks: Hooks) -> None:
    """Hook the functions and methods that take a query."""
    pl = polars()
    for owner in (pl.DataFrame, pl.LazyFrame):
        hooks.after(owner, "sql", _after_frame_sql)
    hooks.after(pl, "sql", functools.partial(_after_global, first=0))
    context = pl.SQLContext
    hooks.after(context, "execute_global", functools.partial(_after_global, first=1))
    for name in ("__init__", "register_many"):
        hooks.after(context, name, _after_registering)
    hooks.after(context, "register", _after_register)
    hooks.after(context, "register_globals", _after_globals)
    hooks.after(context, "execute", _after_execute)
    hooks.replace(pl, "read_database", _read_database)
    hooks.after(pl, "read_database_uri", _after_database)


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


# -- over frames -------------------------------------------------------------------------------------------------------
def _asked(recorder: Recorder, result: Any, text: Any, frames: Mapping[str, Value]) -> Value | None:
    """Record the result of a query over these frames and over the files that it names."""
    if not isinstance(text, str) or not isinstance(result, polars().DataFrame | polars().LazyFrame):
        return None
    words = set(_WORD.findall(text))
    given = [(name, value) for name, value in frames.items() if name in words]
    for path in quoted_files(text):
        for ref in located_all(path):
            value = make_value("polars.sql", dataset=ref)
            recorder.add(Read(value, ref, None))
            given.append((path, value))
    names, inputs = tuple([name for name, _ in given]), tuple([value for _, value in given])
    columns = names_of(result)
    if columns is None:
        columns = Names(make=functools.partial(_schema, text, dict(given)))
    rule = rule_of(text, names, _DIALECT)
    return recorder.derive(result, "polars.sql", inputs, rule=rule, columns=columns, rows=height(result))


def _schema(text: str, frames: dict[str, Value]) -> Schema:
    """The schema of a query's result, by running the query on empty frames (on the worker's thread)."""
    held = {name: empty(value) for name, value in frames.items() if value.dataset is None or value.columns is not None}
    return dict(polars().SQLContext(held).execute(text).collect_schema())


def _values(recorder: Recorder, frames: Mapping[Any, Any]) -> dict[str, Value]:
    known = {str(name): frame for name, frame in frames.items() if frame is not None}
    return dict(zip(known, inputs_of(recorder, list(known.values())), strict=True))


def _after_frame_sql(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``frame.sql(query, table_name="self")``."""
    name = kwargs.get("table_name") or "self"
    _asked(recorder, result, _argument(args, kwargs, 1, "query"), _values(recorder, {name: args[0]}))


def _after_global(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], first: int) -> None:
    """``pl.sql(query)``, over the variables that it names."""
    text = _argument(args, kwargs, first, "query")
    if isinstance(text, str):
        _asked(recorder, result, text, _values(recorder, _variables(set(_WORD.findall(text)))))


def _variables(words: set[str]) -> dict[str, Any]:
    """The frames among the variables of the callers, nearest first, where polars looks for them, too."""
    pl = polars()
    kinds = (pl.DataFrame, pl.LazyFrame, pl.Series)
    frame, found = user_frame(sys._getframe(3)), dict[str, Any]()
    for _ in range(_MOST_CALLERS):
        scope = frame.f_globals if frame.f_code.co_name == "<module>" else variables(frame, words)
        for name in words.intersection(scope):
            held = scope[name]
            if isinstance(held, kinds) or type(held).__module__.partition(".")[0] in ("pandas", "pyarrow"):
                found.setdefault(name, held)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return found


def _frames_of(context: Any) -> dict[str, Value]:
    return _CONTEXTS.setdefault(context, {})


def _after_registering(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``SQLContext(frames, name=frame)`` and ``register_many``."""
    del result
    given = _argument(args, kwargs, 1, "frames") or {}
    named = {name: value for name, value in kwargs.items() if name not in ("frames", "register_globals", "eager")}
    _frames_of(args[0]).update(_values(recorder, {**given, **named}))
    if kwargs.get("register_globals"):
        _OF_VARIABLES.add(args[0])


def _after_register(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result
    name, frame = _argument(args, kwargs, 1, "name"), _argument(args, kwargs, 2, "frame")
    _frames_of(args[0]).update(_values(recorder, {name: frame}))


def _after_globals(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del recorder, result, kwargs
    _OF_VARIABLES.add(args[0])


def _after_execute(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    text = _argument(args, kwargs, 1, "query")
    if not isinstance(text, str):
        return
    frames = _frames_of(args[0])
    if args[0] in _OF_VARIABLES:
        frames |= _values(recorder, _variables(set(_WORD.findall(text)) - frames.keys()))
    value = _asked(recorder, result, text, frames)
    made = _CREATES.match(text)
    if value is not None and made is not None:
        query = text[made.end() :]
        held = {name: frame for name, frame in frames.items() if name in set(_WORD.findall(query))}
        rule = rule_of(query, tuple(held), _DIALECT)
        columns = Names(make=functools.partial(_schema, query, held))
        frames[made[1]] = make_value("polars.sql", tuple(held.values()), rule, columns=columns)


# -- sent to a database ------------------------------------------------------------------------------------------------
def _read_database(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a reader: it is observed if its database is known; otherwise only the driver is."""
    watched = observe(original, _after_database, "polars.read_database")

    @functools.wraps(original)
    def read_database(*args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return original(*args, **kwargs)
        database: Database | None = None
        with GUARD.at("polars.read_database"):
            database = database_of(_argument(args, kwargs, 1, "connection"))
        return (original if database is None else watched)(*args, **kwargs)

    return unseen(read_database)


def _after_database(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``read_database(query, connection)``, ``read_database_uri(query, uri)``: one query, or several whose rows are
    concatenated."""
    where = _argument(args, kwargs, 1, "connection")
    database = database_of(where if where is not None else kwargs.get("uri"))
    query = _argument(args, kwargs, 0, "query")
    if database is None or not isinstance(result, polars().DataFrame):
        return
    value = recorder.derive(
        result, "polars.read_database", (), rule=None, columns=names_of(result), rows=height(result)
    )
    for text in query if isinstance(query, list) else [query]:
        recorder.statement(
            str(text), database.dialect, database.namespace, result=value, default_schema=database.default_schema
        )
