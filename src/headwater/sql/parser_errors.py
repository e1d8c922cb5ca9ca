"""What a parser of thirty dialects may raise on input that it was not made for.

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
