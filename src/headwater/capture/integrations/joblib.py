"""joblib: ``dump`` and ``load`` of models and arrays, compressed or not; ``Parallel``.

Tasks that ``Parallel`` runs in worker processes are observed there, if they are the user's code; of the functions of
libraries, what they read and write. In this process their results come from their arguments, task by task and opaquely,
as far as both are followed. If the workers belong to another scheduler, the run reports that they were not seen.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, MethodType, ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.containers import bind_parts, is_estimator, shape_of, typed, value_saved
from headwater.capture.context import PROCESS, current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.capture.locations import is_path, located
from headwater.capture.process_lifecycle import WATCHED
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.supposed_values import FROM_CODE, GUESSED
from headwater.capture.stand_ins import StandIn
from headwater.capture.user_code import is_users
from headwater.capture.values import Value, opaque
from headwater.capture.wrapper_frames import USERS_CODE, observe_io, unseen

MAX_TASKS: Final = 100_000
"""How many tasks of one call have their results followed."""
_OBSERVED: Final = frozenset(("LokyBackend", "MultiprocessingBackend"))
"""Backends whose workers are observed."""
_SAVERS: Final = frozenset(("dump",))


class JoblibIntegration(Integration):
    """Follows objects through joblib's files and ``Parallel``."""

    identifier: ClassVar[str] = "joblib"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook both functions and the call of ``Parallel``."""
        hooks.replace(module, "dump", lambda original: observe_io(original, _dumped, "joblib.dump"))
        hooks.replace(module, "load", lambda original: observe_io(original, _loaded, "joblib.load"))
        hooks.replace(module.Parallel, "__call__", _running)
        hooks.replace(module.parallel.BatchedCalls, "__call__", _running_batch)
        hooks.replace(module.hashing.Hasher, "save", _hashing)


def _hashing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Hash what stands in for a function written in C as the function itself: what ``Memory`` has kept of a call is
    found by the hash of the arguments, with and without capture."""

    @functools.wraps(original)
    def save(self: Any, obj: Any) -> Any:
        if isinstance(obj, StandIn) and isinstance(obj.__wrapped__, BuiltinFunctionType | MethodType):
            obj = obj.__wrapped__
        return original(self, obj)

    return unseen(save)


def _running(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the call of ``Parallel``, to examine tasks as joblib fetches them. Tasks in this process are observed as
    usual: not at all within an observed call (the search that fits its candidates), in whichever thread."""

    @functools.wraps(original)
    def run(self: Any, iterable: Iterable[Any]) -> Any:
        recorder = current()
        if recorder is None:
            return original(self, iterable)
        if BUSY.depth:
            return original(self, _within(BUSY.depth, iterable) if _has_threads(self) else iterable)
        sources: list[list[Value]] = []
        if hasattr(iterable, "__len__"):  # joblib uses the length, so a collection is passed on as it is
            sources.extend(_sources_of(recorder, task) for task in iterable)
            results = original(self, iterable)
        else:
            results = original(self, _drawn(recorder, iterable, sources))
        with GUARD.at("joblib.Parallel"):
            _ran(recorder, self, results, sources)
        return results

    return unseen(run)


def _running_batch(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the call of a batch of tasks, which is all that a worker process sees of ``Parallel``. What a library's
    function does is one call there, too, which nobody records, but the user's code in it may read and write."""

    @functools.wraps(original)
    def run(self: Any) -> Any:
        client, cell = WATCHED.client, BUSY.cell
        if client is None or not client.is_child or cell[0] or any(_is_own(task[0]) for task in self.items):
            return original(self)
        cell[0] = USERS_CODE
        try:
            return original(self)
        finally:
            cell[0] = 0

    return unseen(run)


def _is_own(function: Any) -> bool:
    """Whether the function of a task is the user's code, or an object of the user's that can be called."""
    for name in ("func", "function", "__func__"):  # of ``partial``, of scikit-learn's tasks, of a method
        function = getattr(function, name, function)
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None) or getattr(getattr(type(plain), "__call__", None), "__code__", None)  # noqa: B004 - its code is wanted
    return is_users(code)


def _has_threads(parallel: Any) -> bool:
    """Whether tasks may run in other threads of this process."""
    return getattr(parallel, "n_jobs", 1) != 1 and getattr(getattr(parallel, "_backend", None), "uses_threads", False)


def _within(depth: int, tasks: Iterable[Any]) -> Iterable[Any]:
    """The same tasks, each of which will know in its own thread that it runs within an observed call."""
    told = ((_at_depth(depth, function), args, kwargs) for function, args, kwargs in tasks)
    return list(told) if hasattr(tasks, "__len__") else told  # joblib uses the length


def _at_depth(depth: int, function: Callable[..., Any]) -> Callable[..., Any]:
    def task(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        before, cell[0] = cell[0], depth
        try:
            return function(*args, **kwargs)
        finally:
            cell[0] = before

    return unseen(task)


def _drawn(recorder: Recorder, tasks: Iterable[Any], sources: list[list[Value]]) -> Iterator[Any]:
    for task in tasks:
        if len(sources) < MAX_TASKS:
            sources.append(_sources_of(recorder, task))
        yield task


def _sources_of(recorder: Recorder, task: Any) -> list[Value]:
    """The followed values among the arguments of a task made by ``delayed``."""
    with GUARD.at("joblib.Parallel"):
        _, args, kwargs = task
        values = [recorder.values.get(item) for item in (*args, *kwargs.values())]
        return [value for value in values if value is not None]
    return []


def _ran(recorder: Recorder, parallel: Any, results: Any, sources: list[list[Value]]) -> None:
    backend = getattr(parallel, "_backend", None)
    if getattr(backend, "supports_sharedmem", False) or not sources:
        return
    is_run_of_process = PROCESS.root is None or PROCESS.root is recorder  # which hears what the workers do
    if not is_run_of_process or _OBSERVED.isdisjoint(kind.__name__ for kind in type(backend).__mro__):
        recorder.unfollowed("joblib.Parallel: what its tasks read and wrote in other processes was not seen")
    if isinstance(results, list):
        for result, values in zip(results, sources, strict=False):
            if values:
                _bind(recorder, result, values)


def _bind(recorder: Recorder, result: Any, sources: list[Value]) -> None:
    """Bind the result of a task, or each item if it is a tuple or list."""
    if isinstance(result, tuple | list):
        for part in result[:100]:
            if not isinstance(part, tuple | list):
                _bind(recorder, part, sources)
        return
    shape = getattr(result, "shape", None)
    if is_estimator(result) and not recorder.values.knows(result):
        recorder.derive(result, "joblib.Parallel", sources, rule=opaque)
    if not isinstance(shape, tuple) or not shape:
        return
    known = recorder.values.get(result)
    if known is None or known.op in (GUESSED, FROM_CODE):
        columns, name = getattr(result, "columns", None), getattr(result, "name", None)
        names = (name,) if columns is None and name is not None else columns
        kept = tuple(map(str, names)) if names is not None else None
        recorder.derive(result, "joblib.Parallel", sources, rule=opaque, columns=kept, rows=shape[0])


def _dumped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record a dump. ``result`` is the list of files written; early versions write several, the first for loading."""
    obj = args[0] if args else kwargs["value"]
    target = args[1] if len(args) > 1 else kwargs["filename"]
    names = result if isinstance(result, list) and result else [target]
    for name in names:
        ref = located(name)
        if ref is not None:
            value = value_saved(recorder.values, obj, _SAVERS)
            is_anew = is_path(target) and value is not None
            recorder.wrote(value, typed(ref, obj), is_anew=is_anew)


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0] if args else kwargs["filename"])
    if ref is None:
        return
    names, rows = shape_of(result)
    source = recorder.read(result, typed(ref, result), "joblib.load", columns=names, rows=rows)
    bind_parts(recorder, result, source)
