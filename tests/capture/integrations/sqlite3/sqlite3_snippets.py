"""Uses of sqlite3, run with and without hooks: each defines ``result``."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class Named(sqlite3.Connection):
    """A connection class of the user's own."""

    def count(self, table: str) -> int:
        """Rows of a table."""
        return int(self.execute(f"select count(*) from {table}").fetchone()[0])


class Loud(sqlite3.Cursor):
    """A cursor class of the user's own, with a method that calls another."""

    def executemany(self, sql, rows):
        """One by one."""
        for row in rows:
            self.execute(sql, row)
        return self


SETUP = """
con = sqlite3.connect("shop.db")
con.execute("create table orders(id integer primary key, product text, amount real)")
con.executemany("insert into orders values (?, ?, ?)", [(1, "tea", 3.5), (2, "milk", 1.25), (3, "tea", 2.0)])
con.commit()
"""

SNIPPETS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for part in Path(__file__).with_name("snippets.txt").read_text().split("#### ")[1:]
}
"""By name."""


def run_snippet(code: str) -> object:
    """Run one in an empty folder's database; gives ``result``. What it connected is closed, as it must be."""
    Path("shop.db").unlink(missing_ok=True)
    scope: dict[str, object] = {"sqlite3": sqlite3, "Named": Named, "Loud": Loud, "__name__": "snippet"}
    exec(compile(SETUP, "setup.py", "exec"), scope)
    try:
        exec(compile(code, "snippet.py", "exec"), scope)
    finally:
        for value in scope.values():
            if isinstance(value, sqlite3.Connection):
                value.close()
    return scope["result"]
