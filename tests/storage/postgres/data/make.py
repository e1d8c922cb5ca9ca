"""Writes what a database holds at the present step: ``python tests/storage/postgres/data/make.py 0001.sql``.

Run it once, when a step is added and before it is released, at the version that has it; the file is then never changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_postgres_migrations import HISTORY

from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres.connection import connect
from headwater.testing.postgres import PostgresServer

_TABLES = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname = 'headwater' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'migrations'
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.relname ORDER BY c.relname
"""


def main(target: Path) -> None:
    """Fill a database and write its rows as statements."""
    with PostgresServer() as server:
        url = server.new_database()
        with PostgresStore.open(url) as store:
            for start in range(0, len(HISTORY), 7):
                store.append(HISTORY[start : start + 7], received_at=1_700_000_000_000_000 + start)
            store.append([b"{"], received_at=1_700_000_000_000_099)
        lines = ["-- What a database held at this step of the schema, as the version that made it wrote it."]
        with connect(url) as connection:
            connection.execute("SET search_path TO headwater")
            for table, columns in connection.execute(_TABLES).fetchall():
                values = " || ', ' || ".join(f"quote_nullable({one})" for one in columns.split(", "))
                rows = connection.execute(f"SELECT {values} FROM {table} ORDER BY 1").fetchall()
                lines += [f"INSERT INTO headwater.{table} ({columns}) VALUES ({row});" for (row,) in rows]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).with_name(sys.argv[1]))
