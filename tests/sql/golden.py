"""Read, render and rewrite the paired fixtures: SQL lines, then one ``=>`` line for each statement, then a blank line.

Directives hold from where they stand to the end of the file: ``-- dialect: postgres``, ``-- schema: t(a, b) s.u(c)``,
``-- default: public``, ``-- through: none``. A line of ``--`` text of any other kind is a comment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from headwater.sql import ColumnEdge, Session, Statement, TableName

FIXTURES = Path(__file__).parent / "fixtures"
_DIRECTIVE = re.compile(r"--\s*(dialect|schema|default|through):\s*(.*)")
_TABLE = re.compile(r"([^\s()]+)\(([^()]*)\)")


class Case(NamedTuple):
    """One case: where it stands, what is in force, the SQL and the expected lines."""

    file: Path
    line: int
    dialect: str | None
    schema: dict[str, list[str]]
    default: str | None
    through: bool
    sql: str
    expected: list[str]


def cases(path: Path) -> list[Case]:
    """Read the cases of one fixture file."""
    found: list[Case] = []
    state: dict[str, str] = {}
    sql: list[str] = []
    expected: list[str] = []
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is not None:
            state[directive[1]] = directive[2].strip()
        elif line.startswith("=>"):
            expected.append(line)
        elif line.strip() and not (line.startswith("--") and not sql):
            sql.append(line)
        elif not line.strip() and sql:
            found.append(_case(path, number - len(sql) - len(expected), state, sql, expected))
            sql, expected = [], []
    return found


def _case(path: Path, line: int, state: dict[str, str], sql: list[str], expected: list[str]) -> Case:
    dialect = state.get("dialect", "generic")
    schema = {
        name: [c.strip() for c in columns.split(",")] for name, columns in _TABLE.findall(state.get("schema", ""))
    }
    default = state.get("default", "none")
    return Case(
        path,
        line,
        None if dialect == "generic" else dialect,
        schema,
        None if default == "none" else default,
        state.get("through", "all") != "none",
        "\n".join(sql),
        expected,
    )


def actual(case: Case) -> list[str]:
    """Analyse a case and render each statement."""
    session = Session(dialect=case.dialect, schema=case.schema, default_schema=case.default, see_through=case.through)
    return [render(statement) for statement in session.feed(case.sql)]


def render(statement: Statement) -> str:
    """Render a statement on one line: kind, reads, writes, edges by target column, what is unresolved."""
    text = f"=> {statement.kind}"
    if statement.reads or statement.writes:
        text += " " + ", ".join(_table(table) for table in statement.reads)
    if statement.writes:
        text += " >> " + ", ".join(_table(table) for table in statement.writes)
    edges: dict[str, list[str]] = {}
    for edge in statement.columns:
        edges.setdefault(_target(edge, statement), []).append(_source(edge))
    text += "".join(f" | {target} <- {', '.join(sources)}" for target, sources in edges.items())
    text += "".join(f" ?? {item.what}: {item.why}" for item in statement.unresolved)
    return re.sub(r"\s+", " ", text)


def _table(table: TableName) -> str:
    return str(table) if table.kind == "table" else f"{table}:{table.kind}"


def _target(edge: ColumnEdge, statement: Statement) -> str:
    if edge.target_table is None or (len(statement.writes) < 2 and statement.kind != "SELECT"):
        return edge.target_column
    return f"{edge.target_table}.{edge.target_column}"


def _source(edge: ColumnEdge) -> str:
    how = "" if edge.subtype == "IDENTITY" else edge.subtype.lower() + " "
    return f"{'masked ' if edge.masking else ''}{how}{edge.source_table}.{edge.source_column}"


def rewrite(path: Path) -> None:
    """Write the actual lines into a fixture file."""
    lines: list[str] = []
    pending = {case.line + len(case.sql.splitlines()) - 1: case for case in cases(path)}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("=>"):
            lines.append(line)
        if number in pending:
            lines.extend(actual(pending[number]))
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
