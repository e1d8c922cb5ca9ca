"""The text of the expression that made a value, to tell one way of making it from another."""

from __future__ import annotations

from headwater.capture.source_analysis.code_lines import span_of
from headwater.capture.source_analysis.parser import lines_of
from headwater.capture.values import Value

_LONGEST = 2_000


def expression_of(value: Value) -> str:
    """The source of the expression, in one line; of the whole line if the code has no positions; else empty."""
    code = value.code
    if code is None:
        return ""
    lines = lines_of(code.co_filename)
    span = span_of(code, -1 - value.offset) if value.offset < 0 and hasattr(code, "co_positions") else None
    first, begin, last, end = span or (value.line, 0, value.line, None)
    if not 0 < first <= last <= len(lines):
        return ""
    text = [line.encode() for line in lines[first - 1 : last]]
    text[-1] = text[-1][:end]
    text[0] = text[0][begin:]
    return " ".join(b" ".join(text).decode(errors="replace").split())[:_LONGEST]
