"""Ends the process the way the program would have ended it: traceback, exit code or signal."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
from typing import Any, NoReturn

from headwater.capture.guard import GUARD
from headwater.capture.process_lifecycle import WATCHED
from headwater.capture.run_outcomes import exit_code_of, outcome_of
from headwater.capture.traceback_frames import cleaned, without_our_frames


def end_program(error: BaseException | None) -> NoReturn:
    """End this process as the interpreter does after a program that raised ``error``, or that ended normally (None)."""
    if error is not None:
        with GUARD.at("traceback"):
            without_our_frames(error)
    with GUARD.at("outcome"):
        WATCHED.outcome = outcome_of(error)._replace(exit_code=exit_code(error))
    if error is None:
        raise SystemExit(0)
    if isinstance(error, SystemExit):
        raise error.with_traceback(None)
    _report(error)
    if isinstance(error, KeyboardInterrupt):
        _die_of_interrupt()
    raise SystemExit(1)


def exit_code(error: BaseException | None) -> int:
    """The exit code that the shell will see."""
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return exit_code_of(error)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _report(error: BaseException) -> None:
    """Pass the exception to ``sys.excepthook``, which may be the program's own, as the interpreter does."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    _flush()
    if not hasattr(sys, "excepthook"):
        sys.stderr.write("sys.excepthook is missing\n")
        traceback.print_exception(error)
        return
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit:
        raise
    except BaseException as failure:  # noqa: BLE001 - the interpreter reports any failure of the hook, and the original
        failure.__traceback__ = cleaned(failure.__traceback__)
        sys.stderr.write("Error in sys.excepthook:\n")
        traceback.print_exception(failure)
        sys.stderr.write("\nOriginal exception was:\n")
        traceback.print_exception(error)


def _die_of_interrupt() -> NoReturn:
    """Finish as the interpreter does after an interrupt, then die of the signal, so that the shell sees it."""
    import signal

    shutdown: Any = getattr(threading, "_shutdown", None)
    if shutdown is not None:
        shutdown()
    atexit._run_exitfuncs()
    _flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise SystemExit(130)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with GUARD.at("flush"):
                stream.flush()
