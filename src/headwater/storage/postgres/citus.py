"""Support for Citus: if it is installed and has data nodes, every table is distributed by tenant.

Every unique key begins with the tenant and no table references another, so the rows of a tenant are on one node, and
its transactions run there.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
EXTENSION = "citus"
_LEADER = "tenants"
"""The table that the others are co-located with."""
_PLAIN = """
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
  AND NOT EXISTS (SELECT FROM pg_dist_partition AS d WHERE d.logicalrelid = c.oid)
ORDER BY c.relname <> %s, c.relname
"""


def is_installed(connection: Connection) -> bool:
    """Whether the database has the extension."""
    return connection.execute("SELECT FROM pg_extension WHERE extname = %s", (EXTENSION,)).fetchone() is not None


def has_nodes(connection: Connection) -> bool:
    """Whether there is a node that can hold data."""
    found = connection.execute("SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards").fetchone()
    return found is not None and bool(found[0])


def is_used(connection: Connection, schema: str) -> bool:
    """Whether the tables are distributed."""
    if not is_installed(connection):
        return False
    name = sql.Identifier(schema, _LEADER).as_string(None)
    found = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(%s))", (name,)
    ).fetchone()
    return found is not None and bool(found[0])


def adopt(connection: Connection, schema: str) -> list[str]:
    """Distribute the tables that are not distributed yet; returns their names.

    The caller must secure these tables again: rows are moved to the nodes by COPY, which forced row-level security
    forbids even to the owner.
    """
    if not is_installed(connection) or not has_nodes(connection):
        return []
    tables = [table for (table,) in connection.execute(_PLAIN, (schema, _LEADER)).fetchall()]
    if tables:
        # One connection per node, so that each statement sees the effects of the one before.
        connection.execute("SET LOCAL citus.multi_shard_modify_mode TO 'sequential'")
    for table in tables:
        for part in (table, *_partitions(connection, schema, table)):
            name = sql.Identifier(schema, part)
            connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(name))
        connection.execute(distribution(schema, table))
    return tables


def _partitions(connection: Connection, schema: str, table: str) -> list[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = %s::regclass",
        (sql.Identifier(schema, table).as_string(None),),
    )
    return [str(part) for (part,) in found.fetchall()]


def let_in(connection: Connection, role: str) -> None:
    """Allow the store's role to log in: the coordinator connects to its nodes as the role of the transaction.

    The role has no password. Access from node to node is configured in ``pg_hba.conf`` or ``pg_dist_authinfo``.
    """
    found = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if found is not None and not found[0]:
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(role)))


def distribution(schema: str, table: str) -> sql.Composed:
    """The statement that distributes a table."""
    beside = sql.SQL("") if table == _LEADER else sql.SQL(", colocate_with => {}").format(_literal(schema, _LEADER))
    return sql.SQL("SELECT create_distributed_table({}, 'tenant_id'{})").format(_literal(schema, table), beside)


def _literal(schema: str, table: str) -> sql.Literal:
    return sql.Literal(sql.Identifier(schema, table).as_string(None))
