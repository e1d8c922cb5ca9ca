"""The outcome of a run, from the exception that ended it."""

from __future__ import annotations

import linecache
import traceback

from headwater.capture import module_shadowing
from headwater.capture.assembler import Outcome
from headwater.capture.guard import GUARD

_STACK_FRAMES = 50


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
