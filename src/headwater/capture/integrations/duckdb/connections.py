"""Connections of duckdb, and the module as one of them: statements, files and frames read."""

from __future__ import annotations

import functools
import os
import re
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from headwater.capture.databases import new_memory
from headwater.capture.given_rows import rows_given, rows_spelled
from headwater.capture.hooks import Hooks
from headwater.capture.integrations.duckdb.parameters import with_files
from headwater.capture.integrations.duckdb.scope import WORD, Call
from headwater.capture.integrations.duckdb.scope import hook as hook_calls
from headwater.capture.locations import located_all
from headwater.capture.multi_file_reads import read_all
from headwater.capture.recorder import Recorder
from headwater.capture.sql_files import patterns_in
from headwater.capture.sql_parameters import ROWS
from headwater.capture.user_code import user_site
from headwater.capture.values import Value, make_value, same_columns
from headwater.model.names import IN_MEMORY
from headwater.model.patterns import lazy_pattern
from headwater.model.uris import in_database_file

_EXECUTES: Final = ("execute", "executemany", "sql", "query", "from_query")
_READS: Final = ("read_csv", "read_parquet", "read_json", "from_parquet", "from_csv_auto")
_BEGINS: Final = lazy_pattern(r"\s*(?:BEGIN|START\s+TRANSACTION)\b", re.I)
_ENDS: Final = lazy_pattern(r"\s*(?:(COMMIT|END)|ROLLBACK|ABORT)\b", re.I)
_ASKS: Final = lazy_pattern(
    r"\s*(?:SELECT|FROM|VALUES|TABLE|EXPLAIN|SHOW|DESCRIBE|SUMMARIZE|SET|PRAGMA|PIVOT|UNPIVOT)\b", re.I
)
_FRAMES: Final = ("pandas", "polars", "pyarrow")


class _Connection:
    """What is known about one connection: its database, the frames registered on it, its last result, and the
    statements that wrote in the open transaction."""

    __slots__ = ("frames", "is_in_transaction", "last", "namespace", "pending")

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.frames: dict[str, Value] = {}
        self.last: Value | None = None
        self.is_in_transaction = False
        self.pending: list[Callable[[], None]] = []


class _Executed:
    """How many statements were executed, on all connections."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


EXECUTED: Final = _Executed()

_CONNECTIONS: Final[weakref.WeakKeyDictionary[Any, _Connection]] = weakref.WeakKeyDictionary()
_HOMES: Final[weakref.WeakKeyDictionary[Any, _Connection]] = weakref.WeakKeyDictionary()
"""The connection of each relation, which duckdb does not provide."""


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook the functions that bring data into duckdb: statements, files, frames."""
    hook_calls(hooks, module, ("connect",), _connected, module=module)
    connection = module.DuckDBPyConnection
    for owner, given in ((module, module), (connection, None)):
        hook_calls(hooks, owner, ("cursor", "duplicate"), _duplicated, module=given)
        hook_calls(hooks, owner, _EXECUTES, _executed, module=given)
        hook_calls(hooks, owner, _READS, _read, module=given)
        hook_calls(hooks, owner, ("from_df", "from_arrow", "df"), _taken, module=given)
        hook_calls(hooks, owner, ("register",), _registered, module=given)
        hook_calls(hooks, owner, ("unregister",), _unregistered, module=given)
        hook_calls(hooks, owner, ("append",), _appended, module=given)
        hook_calls(hooks, owner, ("table", "view"), _opened, module=given)
        hook_calls(hooks, owner, ("begin", "commit", "rollback"), _transacted, module=given)


def state_of(owner: Any) -> _Connection:
    """What is known about a connection; for the module, about its default connection."""
    connection = owner
    if isinstance(owner, ModuleType):
        default = getattr(owner, "default_connection", None)
        connection = default() if callable(default) else default
    state = _CONNECTIONS.get(connection)
    if state is None:
        state = _CONNECTIONS[connection] = _Connection(new_memory())
    return state


def home_of(relation: Any) -> _Connection:
    """What is known about the connection of a relation."""
    found = _HOMES.get(relation) if hasattr(relation, "sql_query") else None
    return found or _Connection(IN_MEMORY)


def settle(relation: Any, state: _Connection) -> None:
    """Remember the connection of a new relation."""
    _HOMES[relation] = state


def _connected(recorder: Recorder, result: Any, call: Call) -> None:
    del recorder
    database = call.argument(0, "database")
    path = os.fspath(database) if database is not None else ""
    if path == ":default:":
        return
    if path.startswith(("md:", "motherduck:")):
        namespace = "motherduck://" + path.partition(":")[2].partition("?")[0]
    elif path.removeprefix(":memory:") == "":
        namespace = new_memory()
    elif path.startswith(":memory:"):
        namespace = IN_MEMORY + path  # all connections to this name share it
    else:
        namespace = in_database_file("duckdb", path, "t").namespace
    _CONNECTIONS[result] = _Connection(namespace)


def _duplicated(recorder: Recorder, result: Any, call: Call) -> None:
    del recorder
    parent = state_of(call.owner)
    child = _CONNECTIONS[result] = _Connection(parent.namespace)
    child.frames = parent.frames


def _executed(recorder: Recorder, result: Any, call: Call) -> None:
    text = call.argument(0, "query", "sql")
    if not isinstance(text, str):
        text = getattr(text, "query", None)  # a Statement of extract_statements
        if not isinstance(text, str):
            return
    if call.name != "executemany":
        text = with_files(text, call.argument(1, "parameters") if call.name == "execute" else call.kwargs.get("params"))
    state = state_of(call.kwargs.get("connection") or call.owner)
    is_relation = hasattr(result, "sql_query")
    columns = tuple(result.columns) if is_relation else _described(result)
    code, line = call.frame.f_code, call.frame.f_lineno or 0
    value = make_value("duckdb.sql", columns=columns, code=code, line=line)
    if is_relation:
        recorder.values.bind(result, value)
        settle(result, state)
    state.last = value
    EXECUTED.count += 1
    frames = named_frames(recorder, text, state, call)
    if call.name.startswith("execute") and len(call.args) + len(call.kwargs) > 1:
        given = rows_given(recorder, text, call.name, 3)
    else:
        given = rows_spelled(text)
    if given is not None:
        frames[ROWS] = given
    ran(recorder, state, text, frames, value)


def ran(
    recorder: Recorder, state: _Connection, text: str, frames: dict[str, Value], result: Value | None = None
) -> None:
    """Record a statement; if it writes, when its transaction is committed."""
    told = functools.partial(
        recorder.statement,
        text,
        "duckdb",
        state.namespace,
        frames=frames,
        files=patterns_in(text),
        result=result,
        default_schema="main",
    )
    if _BEGINS.match(text) and not text.rstrip("; \n").count(";"):
        state.is_in_transaction = True
    elif found := _ENDS.match(text):
        _ended(state, is_committed=found[1] is not None)
    elif state.is_in_transaction and not _ASKS.match(text):
        state.pending.append(told)
    else:
        told()


def _ended(state: _Connection, *, is_committed: bool) -> None:
    state.is_in_transaction = False
    pending, state.pending = state.pending, []
    for told in pending if is_committed else ():
        told()


def _transacted(recorder: Recorder, result: Any, call: Call) -> None:
    del recorder, result
    state = state_of(call.owner)
    if call.name == "begin":
        state.is_in_transaction = True
    else:
        _ended(state, is_committed=call.name == "commit")


def _described(result: Any) -> tuple[str, ...] | None:
    description = getattr(result, "description", None)
    return tuple(str(column[0]) for column in description) if description else None


def named_frames(recorder: Recorder, text: str, state: _Connection, call: Call) -> dict[str, Value]:
    """The values of the frames that a statement names: registered ones, then the caller's variables."""
    found: dict[str, Value] = {}
    outer = call.frame.f_globals
    for word in dict.fromkeys(WORD.findall(text)):
        if word in state.frames:
            found[word] = state.frames[word]
            continue
        obj = call.local.get(word, outer.get(word))
        value = frame_value(recorder, obj) if obj is not None else None
        if value is not None:
            found[word] = value
    return found


def frame_value(recorder: Recorder, obj: Any) -> Value | None:
    """The value of a frame; for one that is not followed, a value with its columns only. None for other objects."""
    value = recorder.values.get(obj)
    if value is None and type(obj).__module__.partition(".")[0] in _FRAMES and hasattr(obj, "shape"):
        columns = getattr(obj, "column_names", None) or getattr(obj, "columns", None)
        if columns is not None:
            names = tuple(map(str, columns))
            code, line = user_site(1)
            value = make_value("memory.object", columns=names, code=code, line=line)
    return value


def _read(recorder: Recorder, result: Any, call: Call) -> None:
    place = call.argument(0, "path_or_buffer", "name", "file_glob", "file_globs", "source")
    refs = located_all(place)
    settle(result, state_of(call.kwargs.get("connection") or call.owner))
    if refs:
        read_all(recorder, result, refs, f"duckdb.{call.name}", columns=tuple(result.columns))


def _taken(recorder: Recorder, result: Any, call: Call) -> None:
    """``from_df(frame)``. The module's ``df`` does the same if it is given a frame; otherwise it fetches a result."""
    frame = call.argument(0, "df", "arrow_object")
    if frame is not None and hasattr(result, "sql_query"):
        value = frame_value(recorder, frame)
        settle(result, state_of(call.kwargs.get("connection") or call.owner))
        recorder.derive(result, "duckdb.from_df", [value or frame], rule=same_columns, columns=tuple(result.columns))


def _registered(recorder: Recorder, result: Any, call: Call) -> None:
    del result
    value = frame_value(recorder, call.argument(1, "python_object"))
    name = call.argument(0, "view_name")
    if value is not None and isinstance(name, str):
        state_of(call.kwargs.get("connection") or call.owner).frames[name] = value


def _unregistered(recorder: Recorder, result: Any, call: Call) -> None:
    del recorder, result
    state_of(call.owner).frames.pop(call.argument(0, "view_name"), None)


RELATION: Final = "headwater_relation"
"""The name of a relation or frame in a statement that describes what a method did with it."""


def _appended(recorder: Recorder, result: Any, call: Call) -> None:
    del result
    value = frame_value(recorder, call.argument(1, "df"))
    if value is not None:
        by_name = " BY NAME" if call.kwargs.get("by_name") else ""
        text = f"INSERT INTO {call.argument(0, 'table_name')}{by_name} FROM {RELATION}"
        ran(recorder, state_of(call.owner), text, {RELATION: value})


def _opened(recorder: Recorder, result: Any, call: Call) -> None:
    """``table(name)`` and ``view(name)``."""
    columns = tuple(result.columns)
    code, line = _site(call)
    value = make_value(f"duckdb.{call.name}", columns=columns, code=code, line=line)
    recorder.values.bind(result, value)
    name = call.argument(0, "table_name", "view_name")
    state = state_of(call.owner)
    settle(result, state)
    if name in state.frames:
        value.inputs, value.rule = (state.frames[name],), same_columns
    else:
        ran(recorder, state, f"FROM {name}", {}, value)


def _site(call: Call) -> tuple[Any, int]:
    return call.frame.f_code, call.frame.f_lineno or 0
