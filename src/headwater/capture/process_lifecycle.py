"""Follows the life of the process: exit, forks, ``os._exit``, and replacement by another program.

No signal handler is installed and no exit code is changed. The child of a fork gets a run of its own, whose parent is
the run that forked, as soon as it records anything. ``os._exit`` and ``os.exec*`` first write pending events to disk.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headwater.capture import context
from headwater.capture.garbage_collection import CollectorPause, thaw
from headwater.capture.guard import GUARD
from headwater.capture.job_facts import JobFacts
from headwater.capture.lease import is_daemon
from headwater.capture.recorder import Recorder
from headwater.capture.registry import REGISTRY
from headwater.capture.run_outcomes import Outcome, outcome_of
from headwater.capture.runs import new_run_id
from headwater.capture.stand_ins import StandIn, called

if TYPE_CHECKING:
    from headwater.capture.client import Client

JOURNAL_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 1.0


class _Watched:
    """The client of this process, and how its program ended, if that is known before the process ends."""

    client: Client | None = None
    outcome: Outcome | None = None
    has_fork_hooks = False


WATCHED = _Watched()


def watch(client: Client) -> None:
    """Follow this process for ``client``, instead of any earlier client."""
    WATCHED.client = client
    WATCHED.outcome = None
    if not WATCHED.has_fork_hooks and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
        WATCHED.has_fork_hooks = True
    _hook_exits()
    atexit.unregister(at_exit)
    atexit.register(at_exit)


def unwatch() -> None:
    """Stop following the process."""
    WATCHED.client = None
    atexit.unregister(at_exit)
    for name, original in _originals.items():
        setattr(os, name, original)
    _originals.clear()


def at_exit() -> None:
    """The last function at exit: end open runs and deliver their events, within the time limit."""
    client = WATCHED.client
    if client is None:
        return
    pause = CollectorPause()
    with GUARD.at("exit"):
        REGISTRY.stop_waiting()  # from here on, all imports are our own
    outcome = WATCHED.outcome or _outcome_of_program()
    with GUARD.at("exit"):
        if client.is_child and is_daemon():  # the process that waits for this one delivers what it leaves
            client.journal(outcome or Outcome("COMPLETE"), timeout_s=JOURNAL_TIMEOUT_S)
        client.shutdown(outcome)
    # A wrapper or a thread that outlives the interpreter's modules keeps what it refers to alive, and compiled
    # libraries complain about that on standard error.
    with GUARD.at("exit"):
        client.uninstall()
        client.worker.stop(STOP_TIMEOUT_S)
    thaw()
    pause.end()


def _outcome_of_program() -> Outcome | None:
    """The outcome of a program that called ``init``: the uncaught exception, if there was one. Its exit code cannot be
    seen from inside."""
    error = getattr(sys, "last_value", None)
    is_program = not hasattr(sys, "ps1") and not sys.flags.interactive
    return outcome_of(error) if isinstance(error, BaseException) and is_program else None


# -- os._exit and os.exec* ---------------------------------------------------------------------------------------------

_originals: dict[str, Callable[..., Any]] = {}


def _hook_exits() -> None:
    if _originals:
        return
    for name, before, failed in (
        ("_exit", _before_exit, _nothing),
        ("execv", _before_exec, _stay_ourselves),
        ("execve", _before_exec, _stay_ourselves),
    ):
        original = getattr(os, name, None)
        if original is not None:
            _originals[name] = original
            setattr(os, name, _preceded(original, before, failed))


def _preceded(original: Callable[..., Any], before: Callable[..., None], failed: Callable[[], None]) -> StandIn:
    """``original``, with ``before`` called before it with its arguments, and ``failed`` if it raises an error."""

    @functools.wraps(original)
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        with GUARD.at(f"os.{original.__name__}"):
            before(*args, **kwargs)
        try:
            return original(*args, **kwargs)
        except BaseException:
            with GUARD.at(f"os.{original.__name__}"):
                failed()
            raise

    found = called(original, stand_in)
    found.__module__ = os.__name__  # where pickles find it, as the target of a process; the original's own has no hook
    return found


def _before_exit(status: Any = 0, *_: Any, **__: Any) -> None:
    client = WATCHED.client
    if client is not None and isinstance(status, int):
        code = status & 0xFF
        client.journal(Outcome("COMPLETE" if code == 0 else "FAIL", exit_code=code), timeout_s=JOURNAL_TIMEOUT_S)


def _before_exec(path: Any = "", *_: Any, **__: Any) -> None:
    client = WATCHED.client
    if client is not None:
        client.journal(None, timeout_s=JOURNAL_TIMEOUT_S)
        program = f"file descriptor {path}" if isinstance(path, int) else os.fsdecode(path)
        client.delivery.lease.replaced_by(client.redactor.text(program))


def _nothing() -> None:
    """``os._exit`` fails only for a wrong argument, of which ``_before_exit`` took no notice."""


def _stay_ourselves() -> None:
    """The program is not there, or may not be started (``execvp`` tries every folder of ``PATH``)."""
    if WATCHED.client is not None:
        WATCHED.client.delivery.lease.replaced_by("")


# -- forks -------------------------------------------------------------------------------------------------------------


class ForkedRecorder(Recorder):
    """The recorder in the child of a fork until it records something. Its first item starts the run."""

    __slots__ = ()

    def add(self, item: Any) -> None:
        """Start the child's run, then record as usual."""
        self.__class__ = Recorder  # type: ignore[assignment]
        with GUARD.at("fork.begin"):
            _begin(self)
        self.add(item)


_COUNTS_THREADS_LATE = sys.version_info >= (3, 13)
"""Since Python 3.13 ``os.fork`` counts threads after our hook, and would warn about a thread that the hook
restarted."""


class PausedRecorder(Recorder):
    """The recorder of a run whose process has forked: the next item starts the worker again."""

    __slots__ = ()

    def add(self, item: Any) -> None:
        """Start the worker, then record as usual."""
        self.__class__ = Recorder  # type: ignore[assignment]
        if WATCHED.client is not None:
            with GUARD.at("fork.resume"):
                WATCHED.client.worker.start()
        self.add(item)


_parents: dict[int, tuple[str, str, str]] = {}
"""For a forked recorder, by its ``id()``: namespace, job and id of the run that forked."""


def expect_parent(recorder: Recorder, parent: tuple[str, str, str]) -> None:
    """Set the parent of the run that ``recorder`` will start."""
    _parents[id(recorder)] = parent


def _begin(recorder: Recorder) -> None:
    client = WATCHED.client
    parent = _parents.pop(id(recorder), None)
    if client is not None:
        client.adopt(recorder, JobFacts(parent=parent))


def _before_fork() -> None:
    if WATCHED.client is not None:
        with GUARD.at("fork.before"):
            WATCHED.client.worker.before_fork()


def _after_in_parent() -> None:
    if WATCHED.client is not None:
        with GUARD.at("fork.parent"):
            worker = WATCHED.client.worker
            if worker.after_fork_in_parent(starts=not _COUNTS_THREADS_LATE) and _COUNTS_THREADS_LATE:
                for session in worker.sessions:
                    session.assembler.recorder.__class__ = PausedRecorder


def _after_in_child() -> None:
    client = WATCHED.client
    if client is None:
        return
    with GUARD.at("fork.child"):
        client.worker.after_fork_in_child()
        client.forget_runs()
        client.is_child = True
        open_here = {id(item): item for item in (context.PROCESS.root, context.current()) if item is not None}
        for recorder in open_here.values():
            _become_child(recorder)


def _become_child(recorder: Recorder) -> None:
    if type(recorder) is not ForkedRecorder:
        _parents[id(recorder)] = (recorder.job_namespace, recorder.job_name, recorder.run_id)
        recorder.job_name += ".child"
    recorder.run_id = new_run_id()
    recorder.items = []
    recorder.dropped = 0
    recorder.__class__ = ForkedRecorder
