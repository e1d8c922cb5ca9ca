"""Any text, any depth, any width: an answer, not an exception."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.dialects.dialect import Dialects

from headwater.errors import InvalidInput
from headwater.sql import Schema, Session, Statement, TableName, analyze

from .test_masking import DIALECTS, dialects

WORDS = """
select|from|where|insert into|values|update|set|delete|merge into|using|on|when matched then|create|table|view
temp|as|with|recursive|union all|except|join|left join|natural|lateral|unnest|pivot|unpivot|for|in|group by
order by|having|qualify|limit|over|partition by|case|then|end|copy|to|'x.csv'|explain analyze|prepare|execute
alter table|rename to|drop|truncate|(|)|,|.|;|*|a|b|t|u|t.a|1|'s'|=|count(*)|sum(a)|x -> x|$1|exists|returning
into|do|$$|begin|attach|use|set search_path|swap with|call|{|}|[|]|::int|@x|declare|replace into|load data
unload|refresh materialized view
"""
FRAGMENTS = WORDS.strip().replace("\n", "|").split("|")


@settings(deadline=None)
@given(text=st.text(max_size=120), dialect=dialects)
def test_any_text_is_analysed(text: str, dialect: str | None) -> None:
    """Arbitrary text gives statements of the public types, in every dialect."""
    assert all(isinstance(statement, Statement) for statement in analyze(text, dialect=dialect))


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.sampled_from(FRAGMENTS), max_size=25), dialect=dialects)
def test_any_order_of_sql_words_is_analysed(parts: list[str], dialect: str | None) -> None:
    """Words of SQL in any order never raise, and every edge starts at a table that is listed as read."""
    for statement in analyze(" ".join(parts), dialect=dialect, schema={"t": ["a", "b"]}):
        assert {edge.source_table for edge in statement.columns} <= set(statement.reads)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_maps_an_insert_by_position(dialect: str | None) -> None:
    """The INSERT list names the targets in every dialect, never the aliases of the query."""
    (statement,) = analyze("INSERT INTO dest (p, q) SELECT x AS q, y AS p FROM src", dialect=dialect)
    pairs = [(edge.source_column.lower(), edge.target_column.lower()) for edge in statement.columns]
    assert pairs == [("x", "p"), ("y", "q")]


CHAIN = ", ".join(f"w{i} AS (SELECT a FROM {f'w{i - 1}' if i else 't'})" for i in range(300))


def test_wide_select() -> None:
    """Two hundred columns through three layers keep one edge each."""
    names = [f"c{i}" for i in range(200)]
    inner = ", ".join(f"{name} + 1 AS {name}" for name in names)
    text = f"SELECT * FROM (SELECT {', '.join(names)} FROM (SELECT {inner} FROM t) x) y WHERE c0 > 1"
    (statement,) = analyze(text, dialect="postgres", schema={"t": names})
    assert statement.output_columns == tuple(names)
    assert [edge.target_column for edge in statement.columns if edge.type == "DIRECT"] == names


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("SELECT " + " + ".join(["a"] * 5000) + " AS s FROM t", {"SELECT"}),
        (" UNION ALL ".join(["SELECT a FROM t"] * 500), {"SELECT"}),
        ("SELECT " + "(" * 3000 + "a" + ")" * 3000 + " FROM t", {"SELECT", "UNPARSED"}),
        ("SELECT a FROM " + "(SELECT a FROM " * 400 + "t" + ")" * 400, {"SELECT", "UNPARSED"}),
        ("SELECT a FROM t WHERE " + " AND ".join(["b = 1"] * 3000), {"SELECT"}),
        (
            "WITH " + CHAIN + " SELECT a FROM w299",
            {"SELECT", "UNPARSED"},
        ),
        ("INSERT INTO t(a, b) VALUES " + ", ".join(["(1, 'x')"] * 3000), {"INSERT"}),
        ("(" * 100_000, {"UNPARSED"}),
    ],
    ids=["sum", "unions", "brackets", "subqueries", "conditions", "ctes", "values", "open"],
)
def test_deep_and_long_statements(text: str, kinds: set[str]) -> None:
    """Length never overflows a stack; what is nested deeper than the parser goes says so."""
    (statement,) = analyze(text, dialect="postgres", schema={"t": ["a", "b"]})
    assert statement.kind in kinds
    assert statement.kind != "UNPARSED" or statement.unresolved


def test_import_loads_no_parser() -> None:
    """Importing the package, masking and fingerprinting leave the parser unloaded; the first analysis loads it."""
    script = (
        "import sys, headwater.sql as s\n"
        "s.mask_literals(\"select 'x'\"); s.fingerprint('select 1'); s.Session()\n"
        "assert 'sqlglot' not in sys.modules\n"
        "s.analyze('select 1')\n"
        "assert 'sqlglot' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("dialect", sorted({one.value for one in Dialects} - {""}))
def test_analysis_writes_nothing(caplog: pytest.LogCaptureFixture, dialect: str) -> None:
    """A statement that the parser falls back on is not logged: a host's stderr is not ours, and the text may hold
    secrets. Whatever the dialect: Athena's parser hands statements to two others."""
    for text in (
        "VACUUM t",
        "CREATE STREAM s ON TABLE t",
        "CREATE EXTERNAL TABLE IF NOT EXISTS t (a INT) FOO 'secret'",
        "ALTER SYSTEM SET x = 'secret'",
        "ALTER TABLE t FOO 'secret'",
        "SELEC 1",
        "FOO BAR 'secret'",
    ):
        analyze(text, dialect=dialect)
    assert caplog.records == []


def test_schema_matches_by_the_end_of_a_name() -> None:
    """A table finds its entry with more or fewer parts, and none when two could be meant."""
    schema = Schema({"crm.users": ["id"], "web.users": ["uid"], "db.crm.orders": ["n"], "data/x.csv": ["p"]})
    assert schema.columns_of(TableName("users", "crm")) == ("id",)
    assert schema.columns_of(TableName("users")) is None
    assert schema.columns_of(TableName("orders")) == ("n",)
    assert schema.columns_of(TableName("USERS", "WEB", "DB")) == ("uid",)
    assert schema.columns_of(TableName("data/x.csv", kind="file")) == ("p",)


@pytest.mark.parametrize("columns", ["id", [1, 2]])
def test_schema_refuses_what_are_no_names(columns: object) -> None:
    """Columns that are not a list of names are refused with the table named."""
    with pytest.raises(InvalidInput, match="users"):
        Schema({"users": columns})  # type: ignore[dict-item]


def test_every_edge_writes_out_rows() -> None:
    """``each_edge`` puts an edge that bears on whole rows onto every output column."""
    (statement,) = analyze("SELECT a, b FROM t WHERE c = 1", dialect="postgres")
    found = {(edge.source_column, edge.target_column) for edge in statement.each_edge()}
    assert found == {("a", "a"), ("b", "b"), ("c", "a"), ("c", "b")}


def test_table_names_are_equal_by_their_parts() -> None:
    """Kind and spelling do not make another table; being a file does."""
    assert TableName("t", kind="view", raw="T") == TableName("t")
    assert TableName("t", "s") != TableName("t")
    assert TableName("t", kind="file") != TableName("t")
    assert len({TableName("t", raw="T"), TableName("t")}) == 1


def test_sessions_do_not_share_state() -> None:
    """A temp table of one session is an unknown table to the next, and a given schema object is not changed."""
    schema = Schema({"src": ["a"]})
    one, two = Session(dialect="postgres", schema=schema), Session(dialect="postgres", schema=schema)
    one.feed(
        "CREATE TEMP TABLE x AS SELECT a FROM src; ALTER TABLE src RENAME TO moved; ALTER TABLE moved ADD COLUMN b int"
    )
    assert [str(table) for table in one.feed("SELECT * FROM x")[0].reads] == ["src"]
    assert [str(table) for table in two.feed("SELECT * FROM x")[0].reads] == ["x"]
    assert one.columns_of(TableName("moved")) == ("a", "b")
    assert two.columns_of(TableName("src")) == ("a",)
