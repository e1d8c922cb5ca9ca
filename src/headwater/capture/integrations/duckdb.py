"""duckdb: statements on connections and on the module, relations, registered frames, files.

duckdb finds data frames by looking at the variables of its caller, so a Python function between the user and duckdb
would hide them. The hooks therefore call duckdb from a scope that has the caller's own variables (``in_scope``).
"""

from __future__ import annotations

import functools
import os
import re
import sys
import weakref
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, ModuleType
from typing import Any, ClassVar, Final

from headwater.capture import recorder as recording
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.values import Value, opaque, same_columns

_EXECUTES: Final = ("execute", "executemany", "sql", "query", "from_query")
_READS: Final = ("read_csv", "read_parquet", "read_json", "from_parquet", "from_csv_auto")
_FETCHES: Final = (
    "df", "to_df", "fetchdf", "fetch_df", "pl", "arrow", "to_arrow_table", "fetch_arrow_table", "fetchnumpy",
)  # fmt: skip
_KEEPS: Final = ("filter", "limit", "order", "sort", "distinct", "unique", "union", "except_", "intersect", "set_alias")
_CHANGES: Final = ("project", "select", "aggregate", "join", "query", "map", "with_columns", "pivot", "unpivot")
_WRITES: Final = ("to_parquet", "write_parquet", "to_csv", "write_csv")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_CALL: Final[CodeType] = compile("__headwater_call__(*__headwater_args__, **__headwater_kwargs__)", "<call>", "eval")


class _Connection:
    """What is known of one connection: the database behind it, the frames registered on it, its last result."""

    __slots__ = ("frames", "last", "namespace")

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.frames: dict[str, Value] = {}
        self.last: Value | None = None


_CONNECTIONS: Final[weakref.WeakKeyDictionary[Any, _Connection]] = weakref.WeakKeyDictionary()


class DuckdbIntegration(Integration):
    """Follows duckdb."""

    identifier: ClassVar[str] = "duckdb"
    min_version: ClassVar[tuple[int, ...]] = (1, 0)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the module's functions, connections and relations."""
        connection, relation = module.DuckDBPyConnection, module.DuckDBPyRelation
        hooks.after(module, "connect", _after_connect)
        hooks.after(connection, "cursor", _after_cursor)
        _hook_statements(hooks, module, connection)
        _hook_results(hooks, connection, relation)


def _hook_statements(hooks: Hooks, module: ModuleType, connection: Any) -> None:
    """What brings data into duckdb: statements, files, frames."""
    for owner in (module, connection):
        is_module = owner is module
        for name in _present(owner, _EXECUTES):
            hooks.replace(owner, name, functools.partial(_in_scope, is_module=is_module))
        for name in _present(owner, _READS):
            hooks.after(owner, name, functools.partial(_after_read, is_module=is_module))
        for name in _present(owner, ("from_df", "from_arrow")):
            hooks.after(owner, name, functools.partial(_after_from, is_module=is_module))
        hooks.after(owner, "register", functools.partial(_after_register, is_module=is_module))


def _hook_results(hooks: Hooks, connection: Any, relation: Any) -> None:
    """What is made of a relation: frames, other relations, files."""
    for owner in (connection, relation):
        for name in _present(owner, _FETCHES):
            hooks.after(owner, name, functools.partial(_after_fetch, name=name))
    for name in _present(relation, (*_KEEPS, *_CHANGES)):
        hooks.after(relation, name, functools.partial(_after_relation, name=name))
    for name in _present(relation, _WRITES):
        hooks.after(relation, name, _after_write)


def _present(owner: Any, names: Iterable[str]) -> list[str]:
    return [name for name in names if hasattr(owner, name)]


def _state(connection: Any) -> _Connection:
    """What is known of a connection; the module's own connection is the one in memory."""
    if isinstance(connection, ModuleType):
        connection = (
            connection.default_connection() if callable(getattr(connection, "default_connection", None)) else None
        )
    try:
        return _CONNECTIONS[connection]
    except (KeyError, TypeError):
        state = _Connection("")
        if connection is not None:
            _CONNECTIONS[connection] = state
        return state


def _namespace(recorder: Recorder, state: _Connection) -> str:
    return state.namespace or f"inmemory://{recorder.job_namespace}/{recorder.job_name}"


def _after_connect(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del recorder
    database = os.fspath(args[0] if args else kwargs.get("database", ":memory:"))
    is_file = bool(database) and not database.startswith((":memory:", "md:", "motherduck:"))
    _CONNECTIONS[result] = _Connection("duckdb://" + os.path.abspath(database) if is_file else "")  # noqa: PTH100


def _after_cursor(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del recorder, kwargs
    parent = _state(args[0])
    child = _CONNECTIONS[result] = _Connection(parent.namespace)
    child.frames = parent.frames


def _in_scope(original: Callable[..., Any], *, is_module: bool) -> Callable[..., Any]:
    """A stand-in for ``execute`` and its kin that lets duckdb see the caller's variables, as if we were not there."""

    @functools.wraps(original)
    def called(*args: Any, **kwargs: Any) -> Any:
        recorder = None if BUSY.depth else recording.current()
        frame = sys._getframe(1)
        BUSY.depth += 1
        try:
            scope = {
                **frame.f_locals,
                "__headwater_call__": original,
                "__headwater_args__": args,
                "__headwater_kwargs__": kwargs,
            }
            # A warning that duckdb raises "at the caller" names the user's file and line.
            code = _CALL.replace(co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno or 1)
            result = eval(code, frame.f_globals, scope)  # noqa: S307 - our own constant expression
        finally:
            BUSY.depth -= 1
        if recorder is not None:
            BUSY.depth += 1
            try:
                with GUARD.at("duckdb.execute"):
                    _after_execute(recorder, result, args, kwargs, frame, is_module=is_module)
            finally:
                BUSY.depth -= 1
        return result

    return called


def _after_execute(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType, *, is_module: bool
) -> None:
    text = kwargs.get("query", args[0 if is_module else 1] if len(args) > (0 if is_module else 1) else None)
    if not isinstance(text, str):
        return
    connection = kwargs.get("connection") or (sys.modules["duckdb"] if is_module else args[0])
    state = _state(connection)
    is_relation = hasattr(result, "sql_query")
    columns = tuple(result.columns) if is_relation else _described(result)
    value = Value("duckdb.sql", (), None, columns, None, None, None, frame.f_code, frame.f_lineno or 0)
    if is_relation:
        recorder.values.bind(result, value)
    state.last = value
    recorder.statement(
        text,
        "duckdb",
        _namespace(recorder, state),
        frames=_named_frames(recorder, text, state, frame),
        result=value,
        default_schema="main",
    )


def _described(result: Any) -> tuple[str, ...] | None:
    description = getattr(result, "description", None)
    return tuple(str(column[0]) for column in description) if description else None


def _named_frames(recorder: Recorder, text: str, state: _Connection, frame: FrameType) -> dict[str, Value]:
    """The frames that the words of a statement name: registered ones, then the caller's variables."""
    found: dict[str, Value] = {}
    for word in dict.fromkeys(_WORD.findall(text)):
        if word in state.frames:
            found[word] = state.frames[word]
            continue
        obj = frame.f_locals.get(word, frame.f_globals.get(word))
        value = recorder.values.get(obj) if obj is not None else None
        if value is not None:
            found[word] = value
        elif obj is not None and hasattr(obj, "columns") and hasattr(obj, "shape"):
            found[word] = Value("memory.object", (), None, tuple(map(str, obj.columns)), None, None, None, None, 0)
    return found


def _after_read(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_module: bool
) -> None:
    del kwargs
    ref = located(args[0 if is_module else 1]) if len(args) > (0 if is_module else 1) else None
    if ref is not None:
        recorder.read(result, ref, "duckdb.read", columns=tuple(result.columns))


def _after_from(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_module: bool
) -> None:
    source: Any = args[0 if is_module else 1] if len(args) > (0 if is_module else 1) else next(iter(kwargs.values()))
    recorder.derive(result, "duckdb.from_df", [source], rule=same_columns, columns=tuple(result.columns))


def _after_register(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_module: bool
) -> None:
    del result, kwargs
    name, obj = args[0 if is_module else 1 :][:2]
    value = recorder.values.get(obj)
    if value is not None:
        _state(sys.modules["duckdb"] if is_module else args[0]).frames[name] = value


def _after_fetch(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    del kwargs
    source = recorder.values.get(args[0]) or (_state(args[0]).last if not hasattr(args[0], "sql_query") else None)
    if source is None:
        return
    columns = getattr(result, "column_names", None) or getattr(result, "columns", None)
    names = tuple(str(column) for column in columns) if columns is not None else source.columns
    rows = len(result) if hasattr(result, "__len__") and not isinstance(result, dict) else None
    recorder.derive(result, f"duckdb.{name}", (source,), rule=same_columns, columns=names, rows=rows)


def _after_relation(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    del kwargs
    if not hasattr(result, "sql_query"):
        return
    rule = same_columns if name in _KEEPS else opaque
    others = [item for item in args[1:] if hasattr(item, "sql_query")]
    recorder.derive(result, f"duckdb.{name}", [args[0], *others], rule=rule, columns=tuple(result.columns))


def _after_write(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result
    ref = located(args[1] if len(args) > 1 else kwargs.get("file_name"))
    if ref is not None:
        recorder.wrote(args[0], ref)
