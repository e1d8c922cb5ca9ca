"""The outcome of a run: how it ended, from the exception that ended it, and what is told of that."""

from __future__ import annotations

import linecache
import traceback
from typing import Any, Final, NamedTuple

from headwater.capture import module_shadowing
from headwater.capture.guard import GUARD

_STACK_FRAMES = 50
MOST_LISTED: Final = 100
"""Statements, and things that could not be followed, that the facets of a run list; any more are counted."""


class Outcome(NamedTuple):
    """How a run ended. ``state`` is COMPLETE, FAIL or ABORT; the ``error_`` fields are empty unless it failed."""

    state: str
    exit_code: int | None = None
    error_type: str = ""
    error_message: str = ""
    stack: str = ""
    signal: str = ""
    ended_ns: int = 0
    """When; 0 is now."""
    measures: dict[str, Any] = {}
    """More for the outcome facet: cpu_s, peak_memory_bytes, dropped_events."""


def outcome_body(outcome: Outcome, duration_s: float) -> dict[str, Any]:
    """The facet of an outcome, for a run that took so many seconds."""
    body: dict[str, Any] = {"duration_s": round(duration_s, 6), **outcome.measures}
    if outcome.exit_code is not None:
        body["exit_code"] = outcome.exit_code
    if outcome.error_type:
        body["exception"] = outcome.error_type
    if outcome.signal:
        body["signal"] = outcome.signal
    return body


def outcome_of(error: BaseException | None) -> Outcome:
    """The outcome of a run that ended with this exception, or without one."""
    if error is None:
        return Outcome("COMPLETE")
    if isinstance(error, SystemExit):
        code = exit_code_of(error)
        return Outcome("COMPLETE" if code == 0 else "FAIL", exit_code=code)
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        signal = "SIGINT" if isinstance(error, KeyboardInterrupt) else ""
        return Outcome("ABORT", error_type=type(error).__name__, signal=signal)
    stack = _stack(error)
    with GUARD.at("error message"):
        return Outcome("FAIL", error_type=type(error).__name__, error_message=str(error)[:4000], stack=stack[:20_000])
    return Outcome("FAIL", error_type=type(error).__name__)


def _stack(error: BaseException) -> str:
    """The traceback as text. The marks below a line are found by parsing it, so they are left out if parsing would
    print a warning, or would run an ``ast.py`` of the program's own."""
    from headwater.capture.source_analysis.parser import may_warn

    report = traceback.TracebackException.from_exception(error, limit=-_STACK_FRAMES)
    has_parser = not module_shadowing.has_made_room("ast")
    waiting: list[traceback.TracebackException | None] = [report]
    while waiting:
        report_part = waiting.pop()
        if report_part is None:
            continue
        for frame in report_part.stack:
            lines = range(frame.lineno or 0, (frame.end_lineno or frame.lineno or 0) + 1)
            if not has_parser or may_warn("".join(linecache.getline(frame.filename, line) for line in lines)):
                frame.colno = frame.end_colno = None
        waiting += [report_part.__cause__, report_part.__context__, *(report_part.exceptions or ())]
    return "".join(report.format())


def exit_code_of(error: SystemExit) -> int:
    """The exit code that the interpreter derives from a ``SystemExit``."""
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1
