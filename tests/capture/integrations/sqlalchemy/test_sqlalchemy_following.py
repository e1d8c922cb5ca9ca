"""SQLAlchemy is followed through its driver, or by its own events where the driver is not: core, ORM, pandas."""

from __future__ import annotations

import pandas as pd
import pytest

sqlalchemy = pytest.importorskip("sqlalchemy")
from sqlalchemy import orm  # noqa: E402 - after the check that it is there


class Base(orm.DeclarativeBase):
    """Tables of the tests."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    product: orm.Mapped[str]
    amount: orm.Mapped[float]


@pytest.fixture(params=["by driver", "by events"])
def engine_of(request, follow, tmp_path):
    """SQLAlchemy over SQLite, followed by sqlite3's integration or by SQLAlchemy's own; gives (followed, engine)."""
    names = ("sqlite3",) if request.param == "by driver" else ()
    followed = follow("sqlalchemy", "pandas", *names)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
    yield followed, engine
    engine.dispose()


def test_core_statements(engine_of, tmp_path):
    """Text and expressions: exact columns, the file's namespace."""
    followed, engine = engine_of
    target = sqlalchemy.Table("target", sqlalchemy.MetaData(), sqlalchemy.Column("total", sqlalchemy.Float))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table teas as select id, amount from orders where product = 'tea'"))
        target.create(connection)
        chosen = sqlalchemy.select(sqlalchemy.func.sum(Order.amount))
        connection.execute(sqlalchemy.insert(target).from_select(["total"], chosen))
    assert followed.entries()["teas"]["namespace"] == f"sqlite://{tmp_path}/shop.db"
    assert ("orders", "amount") in followed.sources("teas", "amount")
    assert followed.sources("target", "total") == {("orders", "amount")}


def test_orm_sessions_commit_or_roll_back(engine_of):
    """Objects that are flushed and committed write their table; a session that is rolled back does not."""
    followed, engine = engine_of
    with orm.Session(engine) as session:
        session.add(Order(id=1, product="tea", amount=1.0))
        session.flush()
        session.rollback()
    with orm.Session(engine) as session:
        assert session.scalars(sqlalchemy.select(Order)).all() == []
    assert followed.event()["outputs"] == []
    assert [d["name"] for d in followed.event()["inputs"]] == ["orders"]


def test_orm_objects_are_written(engine_of):
    """A committed object is a write of its table, its values masked."""
    followed, engine = engine_of
    with orm.Session(engine) as session:
        session.add(Order(id=1, product="tea-secret", amount=1.0))
        session.commit()
    assert [d["name"] for d in followed.event()["outputs"]] == ["orders"]
    assert "secret" not in str(followed.event())


def test_pandas_tells_once_under_one_name(engine_of, tmp_path):
    """read_sql and to_sql over an engine are one edge each, under the name that plain statements use."""
    followed, engine = engine_of
    frame = pd.read_sql("select id, amount * 2 as twice from orders", engine)
    frame.to_sql("better", engine, index=False)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table best as select twice from better"))
    back = pd.read_sql_table("best", engine)
    assert followed.sources("better", "twice") == {("orders", "amount")}
    assert followed.sources("best", "twice") == {("better", "twice")}
    assert followed.recorder.values.get(back).dataset[:2] == (f"sqlite://{tmp_path}/shop.db", "best")
    names = [(d["namespace"], d["name"]) for d in followed.event()["inputs"]]
    assert sorted(names) == [(f"sqlite://{tmp_path}/shop.db", name) for name in ("best", "better", "orders")]


def test_an_engine_made_before_is_followed_too(follow, tmp_path):
    """The events belong to all engines; after removal none is told any more."""
    engine = sqlalchemy.create_engine("sqlite:///early.db")
    followed = follow("sqlalchemy")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table a as select 1 as x"))
        connection.execute(sqlalchemy.text("create table b as select x from a"))
    assert followed.sources("b", "x") == {("a", "x")}
    count = len(followed.recorder.items)
    followed.registry.remove()
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("select * from b"))
    assert len(followed.recorder.items) == count
    engine.dispose()


GOODS = sqlalchemy.Table("goods", sqlalchemy.MetaData(), *(sqlalchemy.Column(n, sqlalchemy.String) for n in ("x", "y")))
TEXT = "insert into goods (x, y) values (:low, :high)"


@pytest.mark.parametrize("how", ["row", "rows", "named rows", "table", "keywords", "session"])
def test_rows_given_to_a_statement(engine_of, how):
    """Names of parameters, in another order than their places, are those of the rows: column by column, from the file
    that the rows were made of."""
    followed, engine = engine_of
    pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]}).to_csv("in.csv", index=False)
    frame = pd.read_csv("in.csv")
    with engine.begin() as connection:
        GOODS.create(connection)
    with engine.begin() as connection:
        if how == "row":
            for row in frame.itertuples():
                connection.execute(sqlalchemy.text(TEXT), {"high": int(row.b), "low": int(row.a)})
        elif how == "rows":
            connection.execute(
                sqlalchemy.text(TEXT), [{"high": int(row["b"]), "low": int(row["a"])} for _, row in frame.iterrows()]
            )
        elif how == "named rows":
            rows = []
            for row in frame.itertuples():
                rows.append({"high": int(row.b), "low": int(row.a)})  # noqa: PERF401 - the loop is what is tested
            connection.execute(sqlalchemy.text(TEXT), rows)
        elif how == "table":
            rows = frame.rename(columns={"a": "x", "b": "y"})[["y", "x"]].to_dict("records")
            connection.execute(GOODS.insert(), rows)
        elif how == "keywords":
            for row in frame.itertuples():
                connection.execute(sqlalchemy.insert(GOODS).values(y=int(row.b), x=int(row.a)))
        else:
            with orm.Session(engine) as session:
                for _, row in frame.iterrows():
                    session.execute(sqlalchemy.text(TEXT), {"high": int(row["b"]), "low": int(row["a"])})
                session.commit()
    assert followed.sources("goods", "x") - {("goods", "x")} == {("in.csv", "a")}
    assert followed.sources("goods", "y") - {("goods", "y")} == {("in.csv", "b")}


@pytest.mark.parametrize("drivers", [("sqlite3",), ()], ids=["by driver", "by events"])
def test_each_engine_in_memory_has_tables_of_its_own(drivers, follow):
    """Engines of ``sqlite://`` are databases of their own, under one name through pandas and through statements."""
    followed = follow("sqlalchemy", "pandas", *drivers)
    for source in ("a", "b"):
        pd.DataFrame({"x": [1, 2]}).to_csv(f"{source}.csv", index=False)
        engine = sqlalchemy.create_engine("sqlite://")
        pd.read_csv(f"{source}.csv").to_sql("t", engine, index=False)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("create table u as select x from t"))
            back = pd.read_sql("select x from u", connection)
        engine.dispose()
    told = {(e["name"], i["name"]) for e in followed.all_entries() for i in e["inputs"]}
    assert {(target, source.rpartition("/")[2]) for target, source in told if target.endswith("t")} == {
        ("job/sqlite/t", "a.csv"),
        ("job/sqlite_2/t", "b.csv"),
    }
    assert {(target, source) for target, source in told if target.endswith("u")} == {
        ("job/sqlite/u", "job/sqlite/t"),
        ("job/sqlite_2/u", "job/sqlite_2/t"),
    }
    assert followed.columns(back) == {"x": {("u", "x")}}


def test_rows_written_into_the_statement_have_no_source(engine_of):
    """Of a text that stands in the code as it is; through a driver with an integration of its own, and without."""
    followed, engine = engine_of
    pd.DataFrame({"a": [1, 2]}).to_csv("in.csv", index=False)
    pd.read_csv("in.csv")
    with engine.begin() as connection:
        GOODS.create(connection)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO goods (x, y) VALUES ('tea', '1'), ('milk', '2')"))
    assert followed.sources("goods") <= {"goods"}
    engine.dispose()
