"""Masking: no literal of a statement survives anywhere."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.sql import analyze, fingerprint, mask_literals

DIALECTS = [
    None,
    "postgres",
    "duckdb",
    "sqlite",
    "mysql",
    "snowflake",
    "bigquery",
    "spark",
    "trino",
    "tsql",
    "redshift",
]
dialects = st.sampled_from(DIALECTS)

# Words and numbers that occur in no template, so that finding one is a leak.
words = st.text(st.sampled_from("QZJXV"), min_size=5, max_size=9).map(lambda tail: "Zq" + tail)
numbers = st.integers(900_000, 999_999)

TEMPLATES = [
    "SELECT a FROM t WHERE b = {s} AND c > {n}",
    "SELECT {s} AS x, {n} + a, {s} FROM t",
    "INSERT INTO t(a, b) VALUES ({s}, {n}), ({s}, -{n})",
    "UPDATE t SET a = {s} WHERE b IN ({s}, {s}) OR c BETWEEN {n} AND {n}",
    "DELETE FROM t WHERE a LIKE {s}",
    "SELECT CASE WHEN a = {s} THEN {n} ELSE {s} END, coalesce(a, {s}), {n} FROM t ORDER BY a LIMIT {n}",
    "SELECT upper({s}) FROM t -- {c}",
    "SELECT /* {c} */ a FROM t WHERE b = {s}",
    "CREATE TABLE u AS SELECT {s} AS a, b || {s} AS c FROM t",
    "MERGE INTO t USING s ON t.id = s.id AND s.k = {s} WHEN MATCHED THEN UPDATE SET a = {s}",
    "EXECUTE p({s}, {n})",
    "SET x = {s}",
    "CALL f({s}, {n})",
    "SELEC {s} FROM WHERE {n}",
    "CREATE USER u PASSWORD {s}",
    "SELECT a FROM t WHERE b = {s} GROUP BY {s}, a HAVING sum(a) > {n}",
    "SELECT f(a, {s}) OVER (PARTITION BY {s} ORDER BY {n}) FROM t",
    "GRANT {s} TO {s}",
    "EXPLAIN ANALYZE INSERT INTO t(a) SELECT {s}",
    "PREPARE p AS SELECT a FROM t WHERE b = {s}",
    "ALTER TABLE t ADD COLUMN z int DEFAULT {n}",
    "SELECT a FROM t WHERE b = {s",
]


@settings(deadline=None)
@given(
    template=st.sampled_from(TEMPLATES),
    dialect=dialects,
    literals=st.lists(words, min_size=4, max_size=4, unique=True),
    number=numbers,
)
def test_no_literal_survives(template: str, dialect: str | None, literals: list[str], number: int) -> None:
    """Strings, numbers and comments are in no field of the result, whether or not the statement can be parsed."""
    spare = iter(literals * 3)
    text = template.replace("{s", "\0").replace("\0}", "\0")
    while "\0" in text:
        closing = "" if template.endswith("{s") and text.endswith("\0") else "'"
        text = text.replace("\0", f"'{next(spare)} it''s {number}{closing}", 1)
    text = text.replace("{n}", str(number)).replace("{c}", literals[0])
    shown = [msgspec.json.encode(list(map(msgspec.to_builtins, analyze(text, dialect=dialect)))).decode()]
    shown += [mask_literals(text, dialect), fingerprint(text, dialect)]
    for secret in [*literals, str(number)]:
        assert not any(secret in one for one in shown), (text, shown)


@settings(deadline=None)
@example(text="----", dialect="mysql")
@given(text=st.text(max_size=200), dialect=dialects)
def test_mask_of_anything_is_idempotent(text: str, dialect: str | None) -> None:
    """Masking any text twice is masking it once, and never raises."""
    once = mask_literals(text, dialect)
    assert mask_literals(once, dialect) == once


PIECES = r"""
select from where ' '' " ` $$ $a$ $1 -- /* */ # ; ( ) , . .. 1 2.5 1e9 0xFF a b 'x' "y" E'\'' N'z' :p @v %s ? [ ] {}
= <> :: -> ->> || \ \' r'x' '''t''' // _utf8 u& in values like
"""
SQLISH = st.lists(st.sampled_from([*PIECES.split(), "\n"]), max_size=30)


@settings(deadline=None)
@given(parts=SQLISH, glue=st.sampled_from(["", " "]), dialect=dialects)
def test_mask_of_sql_like_text_is_idempotent(parts: list[str], glue: str, dialect: str | None) -> None:
    """Quotes, comments and numbers in any order: one pass reaches the fixed point."""
    once = mask_literals(glue.join(parts), dialect)
    assert mask_literals(once, dialect) == once


@settings(deadline=None)
@example(parts=["select", "u&", '"'], glue="", dialect="postgres")
@given(parts=SQLISH, glue=st.sampled_from(["", " "]), dialect=dialects)
def test_both_ways_of_masking_agree(parts: list[str], glue: str, dialect: str | None) -> None:
    """A comment at the end makes masking go by tokens, and changes nothing else."""
    text = glue.join(parts)
    assert mask_literals(text, dialect) == mask_literals(text + "\n/**/", dialect)


@pytest.mark.parametrize(
    ("dialect", "text", "masked"),
    [
        ("postgres", "select E'it\\'s' , $$a 'b'$$, $t$x$t$, 1.5e3, $1", "select ? , ?, ?, ?, $1"),
        ("mysql", 'select "a\\"b", `c`, 0xFF # note\n from t', "select ?, `c`, ? from t"),
        ("bigquery", "select '''it's''', r'\\d', \"x\" from `p.d.t`", "select ?, ?, ? from `p.d.t`"),
        ("tsql", "select N'x', [a b] from [t] -- note", "select ?, [a b] from [t]"),
        (
            "sqlite",
            'select "a" from t where b = "alice" and "c"."d" = 1',
            'select "a" from t where b = ? and "c"."d" = ?',
        ),
        ("postgres", "select a/* x /* y */ z */from t", "select a from t"),
        ("snowflake", "select 'it\\'s' // note\nfrom t", "select ? from t"),
        (None, "select 'it\\'s secret' from t", "select ?"),
        ("postgres", "select 'open", "select ?"),
        ("postgres", 'select a from "open', "select a from ?"),
        ("oracle", "select q'[it's secret]', nq'!a'b!' from t", "select ?, ? from t"),
        ("postgresql", "select 'a' -- b", "select ?"),
        ("MariaDB", 'select "a", 1 -- b', "select ?, ?"),
        ("postgres", "select :name, %s, %(key)s, @v", "select :name, %s, %(key)s, @v"),
    ],
)
def test_literals_of_each_dialect(dialect: str | None, text: str, masked: str) -> None:
    """Each dialect's strings, identifiers, comments and placeholders are told apart."""
    assert mask_literals(text, dialect) == masked


def test_fingerprint_ignores_values_and_layout() -> None:
    """Values, lengths of lists, comments, white space and keyword case are not part of the key; names are."""
    one = fingerprint("SELECT a FROM t WHERE b IN (1, 2, 3) -- x", "postgres")
    assert one == fingerprint("select a\nfrom t where b in (7)", "postgres") or one == fingerprint(
        "select a\nfrom t where b in (7, 8)", "postgres"
    )
    assert one != fingerprint("select a from u where b in (1, 2)", "postgres")
    values = [fingerprint(f"insert into t values {', '.join(['(1, 2)'] * n)}", "postgres") for n in (2, 3, 50)]
    assert len(set(values)) == 1


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("select a from read_csv('x.csv')", "select a from read_csv('y.csv')"),
        ("copy t from 'x.csv'", "copy t from 'y.csv'"),
        ("select a, b from t order by 1", "select a, b from t order by 2"),
        ("select a from 'x.csv'", "select a from 'y.csv'"),
        ("select * from t pivot (sum(x) for k in ('a'))", "select * from t pivot (sum(x) for k in ('b'))"),
    ],
)
def test_fingerprint_keeps_what_lineage_depends_on(one: str, two: str) -> None:
    """A literal that decides what is read is part of the key, so a cached lineage is never that of another file."""
    assert fingerprint(one, "duckdb") != fingerprint(two, "duckdb")
