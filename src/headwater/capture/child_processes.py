"""Capture in worker processes of ``multiprocessing``, ``concurrent.futures`` and loky, which joblib uses.

A worker that is terminated with its pool gets no chance to send anything, so it writes what it recorded to disk before
it returns a result. A worker that is spawned, not forked, starts as a new interpreter without capture: the settings it
needs are added to the data that ``multiprocessing`` sends it at its start, in a form that does nothing if Headwater
cannot be imported there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from headwater.capture import context
from headwater.capture.guard import GUARD
from headwater.capture.hooks import Hooks
from headwater.capture.imports import when_imported
from headwater.capture.process_lifecycle import WATCHED, ForkedRecorder, expect_parent
from headwater.capture.recorder import Recorder
from headwater.capture.runs import new_run_id

_JOURNAL_TIMEOUT_S = 5.0
_LOKY: Final = ("loky.backend", "joblib.externals.loky.backend")
_START = """
try:
    from headwater.capture.child_processes import begin_spawned as begin
except Exception:
    pass
else:
    begin({keywords!r}, {parent!r})
"""
_START_LATE = """
try:
    from headwater.capture.loky_workers import expect
except Exception:
    pass
else:
    def begin():
        from headwater.capture.child_processes import begin_spawned
        begin_spawned({keywords!r}, {parent!r})
    expect({package!r}, begin)
"""


def follow_children() -> Callable[[], None]:
    """Hook ``multiprocessing`` and loky when they are imported. Returns a function that removes the hooks."""
    hooks = Hooks("multiprocessing")

    def with_queues(module: ModuleType) -> None:
        hooks.replace(module.SimpleQueue, "put", _putting)

    def with_spawn(module: ModuleType) -> None:
        hooks.replace(module, "get_preparation_data", lambda original: _preparing(original, module.__name__))
        hooks.settle()

    def with_pool(module: ModuleType) -> None:
        hooks.replace(module.CustomizablePicklingQueue, "_make_methods", _making)

    for package in ("multiprocessing", *_LOKY):
        hooks.on_remove(when_imported(f"{package}.queues", with_queues))
        hooks.on_remove(when_imported(f"{package}.spawn", with_spawn))
    hooks.on_remove(when_imported("joblib.pool", with_pool))
    return hooks.remove


def _putting(original: Callable[..., Any]) -> Callable[..., Any]:
    def put(self: Any, obj: Any) -> Any:
        _tell()
        return original(self, obj)

    put.__doc__, put.__qualname__ = original.__doc__, original.__qualname__
    return put


def _making(original: Callable[..., Any]) -> Callable[..., Any]:
    """The queues of joblib's pools of ``multiprocessing`` make their own ``put``."""

    @functools.wraps(original)
    def make_methods(self: Any) -> None:
        original(self)
        put = self.put

        def telling(obj: Any) -> Any:
            _tell()
            return put(obj)

        self.put = telling

    return make_methods


def _tell() -> None:
    """Write down what this process did, if it is a worker."""
    client = WATCHED.client
    if client is not None and client.is_child:
        with GUARD.at("worker process"):
            client.journal(None, timeout_s=_JOURNAL_TIMEOUT_S)


class _Starter:
    """Pickles to a call that starts capture in the new interpreter, or does nothing if it has no Headwater."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self._code, {})


def _preparing(original: Callable[..., Any], module: str) -> Callable[..., Any]:
    package = module.rpartition(".")[0]
    start, loky = (_START_LATE, package.rpartition(".")[0]) if package in _LOKY else (_START, "")

    def get_preparation_data(*args: Any, **kwargs: Any) -> Any:
        data = original(*args, **kwargs)
        client, recorder = WATCHED.client, context.current()
        if loky:  # its workers stay, and work for other runs of the process later on
            recorder = context.PROCESS.root or recorder
        if client is not None and recorder is not None and isinstance(data, dict):
            with GUARD.at("spawn"):
                keywords = {**client.keywords, "store": str(client.config.store), "namespace": client.config.namespace}
                parent = (recorder.job_namespace, recorder.job_name, recorder.run_id)
                data["headwater"] = _Starter(start.format(keywords=keywords, parent=parent, package=loky))
        return data

    return get_preparation_data


def begin_spawned(keywords: dict[str, Any], parent: tuple[str, str, str]) -> None:
    """In the new interpreter: record under a run of its own, a child of the run that spawned it, as soon as there is
    something to record."""
    from headwater.capture import api

    with GUARD.at("spawn"):
        if WATCHED.client is not None:
            return
        client = api.ensure_client(keywords)
        if client is None:
            return
        client.is_child = True
        recorder = Recorder(new_run_id(), parent[0], parent[1] + ".child")
        recorder.__class__ = ForkedRecorder
        expect_parent(recorder, parent)
        context.PROCESS.root = recorder
