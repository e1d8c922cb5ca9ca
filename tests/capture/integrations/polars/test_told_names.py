"""Names of columns of long plans: told by the expressions, and replayed only where those cannot tell."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from headwater.capture.integrations.polars import lazy_schema
from headwater.capture.integrations.polars.lazy_schema import Names, replayed
from headwater.capture.integrations.polars.told_names import outputs_told, told
from headwater.capture.values import Value, make_value

SCHEMA = {"a": pl.Int64, "b": pl.Float64, "s": pl.String, "t": pl.Struct({"x": pl.Int64, "y": pl.Int64})}
STEPS = 1_500


def after(value: Value, method: str, *args: Any, **kwargs: Any) -> Value:
    """A lazy frame that a method made of another."""
    columns = replayed((value,), method, args, kwargs, told(method, value, args, kwargs))
    return make_value(method, (value,), columns=columns)


@pytest.fixture
def replays(monkeypatch):
    """The empty frames that were made, one item for each."""
    made: list[Value] = []
    empty = lazy_schema.empty

    def counted(value: Value, **options: Any) -> Any:
        made.append(value)
        return empty(value, **options)

    monkeypatch.setattr(lazy_schema, "empty", counted)
    return made


def plan(steps: int) -> Value:
    """A plan that adds a column and chooses rows, again and again."""
    value = make_value("scan", columns=Names(schema=dict(SCHEMA)))
    for number in range(steps):
        value = after(value, "with_columns", (pl.col("a") * number).alias(f"x{number % 50}"))
        value = after(value, "filter", pl.col("a") > number)
    return value


def test_a_long_plan_is_not_replayed(replays):
    """The names of thousands of steps, asked for at the end alone, take no empty frame, and no recursion."""
    assert plan(STEPS).column_names() == (*SCHEMA, *(f"x{number}" for number in range(50)))
    assert not replays


def test_a_selector_replays_each_step_before_it_once(replays):
    """What a selector means takes the types of the columns, which each step of the plan is replayed for, once."""
    value = plan(STEPS)
    value.column_names()
    for _ in range(3):
        chosen = after(value, "select", cs.numeric(), pl.col("s").alias("text"))
        assert chosen.column_names() == ("a", "b", *(f"x{number}" for number in range(50)), "text")
    assert len(replays) == 2 * STEPS + 3


EXPRESSIONS = (
    ("a",),
    ("a", "b"),
    (["a", pl.col("b")],),
    ("^.$",),
    (pl.col("a", "b"),),
    (pl.all(),),
    (cs.numeric(),),
    (pl.col("a").name.suffix("_x"),),
    (pl.col("a").name.to_uppercase(),),
    (pl.len(),),
    (pl.lit(1),),
    (pl.struct("a", "b"),),
    (pl.struct(cs.numeric()).alias("q"),),
    (pl.max_horizontal("a", "b"),),
    (pl.sum("a", "b"),),
    (pl.col("t").struct.field("x"),),
    (pl.col("t").struct.field("x", "y"),),
    (pl.col("t").struct.unnest(),),
    (pl.exclude("a"),),
    (pl.nth(1),),
    (pl.when(pl.col("a") > 1).then(pl.col("b")).otherwise(0),),
    (pl.col("a").alias("z").name.keep(),),
)


@pytest.mark.parametrize("method", ["select", "with_columns"])
@pytest.mark.parametrize("args", EXPRESSIONS, ids=lambda args: re.sub(" at 0x[0-9A-Fa-f]+", "", str(args)))
def test_the_names_are_those_of_polars(args, method):
    """Whatever tells the names, they are those that polars itself finds, in its order."""
    source = make_value("scan", columns=Names(schema=dict(SCHEMA)))
    kwargs = {"more": pl.col("b") * 2, "five": 5}
    real = getattr(pl.LazyFrame(schema=SCHEMA), method)(*args, **kwargs)
    assert after(source, method, *args, **kwargs).column_names() == tuple(real.collect_schema())


@pytest.mark.parametrize("args", EXPRESSIONS, ids=lambda args: re.sub(" at 0x[0-9A-Fa-f]+", "", str(args)))
def test_names_of_aggregates_are_those_of_polars(args):
    """The outputs of an aggregation, keys first, where they are told at all."""
    real = pl.LazyFrame(schema=SCHEMA).group_by("s").agg(*args, more=pl.col("b").sum())
    names = outputs_told(args, {"more": pl.col("b").sum()})
    assert names is None or ["s", *names] == list(real.collect_schema())


def test_objects_that_are_no_expressions_are_left_to_a_replay():
    """A series, an array, a column of another frame: their names are not told."""
    assert outputs_told((pl.Series("s", [1]),), {}) is None
    assert outputs_told(("a",), {"b": pl.Series("s", [1])}) is None
    assert outputs_told(("a", "a"), {}) is None
    assert told("join", make_value("scan"), (), {}) is None
