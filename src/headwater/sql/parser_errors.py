"""The exceptions that the parser raises on unexpected input.

Named one by one, so that an interrupt, an exit and a lack of memory pass. None of these tells more than "not
understood".
"""

from __future__ import annotations

from sqlglot.errors import SqlglotError

PARSER_FAULTS = (
    SqlglotError,
    RecursionError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
)
