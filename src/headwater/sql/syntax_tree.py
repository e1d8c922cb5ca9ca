"""Helpers for reading the parser's tree that work across its versions."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

_FROM_NAMES = {"from": ("from_", "from"), "with": ("with_", "with"), "except": ("except_", "except")}


def arg(node: exp.Expr, name: str) -> Any:
    """Give the argument ``from``, ``with`` or ``except``, which newer parsers spell with an underscore."""
    new, old = _FROM_NAMES[name]
    found = node.args.get(new)
    return found if found is not None else node.args.get(old)


def parts_of(node: Any) -> list[Any]:
    """Give the identifiers of a dotted name, outermost first; none for what has no name."""
    return list(getattr(node, "parts", ()))


def function_name(node: exp.Expr) -> str:
    """Give the lower-case name of a function, empty for what is none."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) and node.sql_names() else ""


def alias_columns(node: exp.Expr) -> list[exp.Expr]:
    """Give the column names of ``x AS alias(a, b)``."""
    alias = node.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    return list(columns or [])


def alias_name(node: exp.Expr) -> exp.Expr | None:
    """Give the identifier of an alias, if there is one."""
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        alias = alias.this
    return alias if isinstance(alias, exp.Expression) else None
