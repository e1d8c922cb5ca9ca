"""A strategy of SELECTs that run on three small tables, for checking lineage against what a database does.

Every query names its columns ``c0, c1, ...``; all values are integers or NULL.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

TABLES = {"t": ["a", "b", "c", "k"], "u": ["k", "d", "e"], "v": ["p", "q"]}

Scope = list[tuple[str, list[str]]]  # aliases and their columns


@st.composite
def queries(draw: DrawFn) -> str:
    """Draw one query, with or without a WITH list in front."""
    ctes: Scope = []
    parts: list[str] = []
    for number in range(draw(st.integers(0, 2))):
        text, width = _query(draw, 1, ctes)
        name = f"w{number}"
        parts.append(f"{name} AS ({text})")
        ctes = [*ctes, (name, [f"c{i}" for i in range(width)])]
    text, _ = _query(draw, 2, ctes)
    return ("WITH " + ", ".join(parts) + " " if parts else "") + text


def _query(draw: DrawFn, depth: int, ctes: Scope, outer: Scope | None = None) -> tuple[str, int]:
    text, width = _select(draw, depth, ctes, outer or [])
    if depth > 0 and draw(st.integers(0, 4)) == 0:
        word = draw(st.sampled_from(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"]))
        other, _ = _select(draw, depth - 1, ctes, outer or [], width)
        return f"({text}) {word} ({other})", width
    return text, width


def _select(draw: DrawFn, depth: int, ctes: Scope, outer: Scope, width: int | None = None) -> tuple[str, int]:
    clause, scope = _from(draw, depth, ctes, "y" if outer else "x")
    width = width or draw(st.integers(1, 3))
    shape = draw(st.sampled_from(["plain", "plain", "window", "grouped", "grouped", "total", "distinct"]))
    keys = [_column(draw, scope) for _ in range(draw(st.integers(1, 2)))]
    items = [_item(draw, depth, scope, ctes, outer, shape, keys) for _ in range(width)]
    text = "SELECT " + ("DISTINCT " if shape == "distinct" else "")
    text += ", ".join(f"{item} AS c{i}" for i, item in enumerate(items)) + clause
    if draw(st.booleans()):
        text += " WHERE " + _condition(draw, depth, scope, ctes, outer)
    if shape == "grouped":
        text += " GROUP BY " + ", ".join(keys)
        if draw(st.booleans()):
            text += f" HAVING count({_column(draw, scope)}) > 0"
    if shape == "window" and draw(st.booleans()):
        text += f" QUALIFY count(*) OVER (PARTITION BY {_column(draw, scope)}) > 1"
    if shape == "plain" and draw(st.integers(0, 5)) == 0:
        text += " ORDER BY ALL LIMIT 3"
    return text, width


def _from(draw: DrawFn, depth: int, ctes: Scope, letter: str) -> tuple[str, Scope]:
    source, columns = _source(draw, depth, ctes)
    text, scope = f" FROM {source} {letter}0", [(f"{letter}0", columns)]
    for number in range(1, draw(st.integers(1, 3))):
        alias = f"{letter}{number}"
        if depth > 0 and draw(st.integers(0, 3)) == 0:
            inner, width = _query(draw, 0, ctes, scope)
            text += f" CROSS JOIN LATERAL ({inner}) {alias}"
            scope = [*scope, (alias, [f"c{i}" for i in range(width)])]
            continue
        source, columns = _source(draw, depth, ctes)
        kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]))
        left, right = _column(draw, scope), f"{alias}.{draw(st.sampled_from(columns))}"
        text += f" {kind} {source} {alias} ON {left} = {right}"
        if kind in ("SEMI JOIN", "ANTI JOIN"):
            continue
        scope = [*scope, (alias, columns)]
    return text, scope


def _source(draw: DrawFn, depth: int, ctes: Scope) -> tuple[str, list[str]]:
    if depth > 0 and draw(st.integers(0, 3)) == 0:
        text, width = _query(draw, depth - 1, ctes)
        return f"({text})", [f"c{i}" for i in range(width)]
    if draw(st.integers(0, 5)) == 0:
        return "(SELECT * FROM t JOIN u USING (k))", ["k", "a", "b", "c", "d", "e"]
    return draw(st.sampled_from([*TABLES.items(), *ctes]))


def _column(draw: DrawFn, scope: Scope) -> str:
    alias, columns = draw(st.sampled_from(scope))
    return f"{alias}.{draw(st.sampled_from(columns))}"


def _item(draw: DrawFn, depth: int, scope: Scope, ctes: Scope, outer: Scope, shape: str, keys: list[str]) -> str:
    x, y, z = (_column(draw, scope + (outer if shape == "plain" else [])) for _ in range(3))
    if shape in ("grouped", "total"):
        aggregates = [
            f"sum({x})",
            f"count(DISTINCT {x})",
            f"max({x} + {y})",
            f"sum({x}) FILTER (WHERE {y} > 2)",
            "count(*)",
        ]
        return draw(st.sampled_from([*aggregates, *(keys if shape == "grouped" else [])]))
    if shape == "window":
        over = f"OVER (PARTITION BY {y} ORDER BY {z})"
        return draw(
            st.sampled_from([f"sum({x}) {over}", f"max({x}) {over}", f"rank() {over}", f"dense_rank() {over}", x])
        )
    choices = [
        x,
        x,
        f"{x} + {y}",
        f"coalesce({x}, {y})",
        f"CASE WHEN {x} > 2 THEN {y} ELSE {z} END",
        f"nullif({x}, {y})",
    ]
    if depth > 0 and shape == "plain":
        alias, columns = draw(st.sampled_from([*TABLES.items(), *ctes]))
        inner, key = draw(st.sampled_from(columns)), draw(st.sampled_from(columns))
        choices.append(f"(SELECT sum(s.{inner}) FROM {alias} s WHERE s.{key} = {x})")
        choices.append(f"CAST(EXISTS (SELECT 1 FROM {alias} s WHERE s.{key} = {x}) AS INT)")
    return draw(st.sampled_from(choices))


def _condition(draw: DrawFn, depth: int, scope: Scope, ctes: Scope, outer: Scope) -> str:
    x, y = _column(draw, scope), _column(draw, scope + outer)
    choices = [f"{x} > 2", f"{x} <= {y}", f"{x} IS NULL OR {y} = 1"]
    if depth > 0:
        inner, _ = _query(draw, 0, ctes)
        alias, columns = draw(st.sampled_from([*TABLES.items(), *ctes]))
        choices.append(f"{x} IN (SELECT c0 FROM ({inner}) s)")
        choices.append(f"NOT EXISTS (SELECT 1 FROM {alias} s WHERE s.{draw(st.sampled_from(columns))} = {x})")
    return draw(st.sampled_from(choices))
