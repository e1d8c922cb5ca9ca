"""Renders expressions without their literals, for descriptions and default column names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.errors import ErrorLevel

from headwater.sql.literals import mask_literals
from headwater.sql.parser_errors import PARSER_FAULTS

if TYPE_CHECKING:
    from sqlglot import exp

    from headwater.sql.context import Context


def text_of(ctx: Context, node: exp.Expr, *, limit: int = 160) -> str:
    """Give masked SQL of ``node``, cut to ``limit`` characters; empty when the parser cannot write it back."""
    try:
        text = node.sql(
            dialect=ctx.dialect, unsupported_level=ErrorLevel.IGNORE, comments=False, normalize_functions="lower"
        )
    except PARSER_FAULTS:
        return ""
    text = mask_literals(text, ctx.dialect)
    return text if len(text) <= limit else text[: limit - 3] + "..."
