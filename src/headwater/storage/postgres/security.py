"""Row-level security: policies on every table, and a role that cannot bypass them.

A policy compares ``tenant_id`` with a setting of the transaction. Without the setting, no rows are visible.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from headwater.errors import StoreError
from headwater.storage.postgres.connection import TENANT_SETTING

Connection = psycopg.Connection[Any]
_TABLES = """
SELECT c.relname, EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = 'tenant'),
  c.relrowsecurity AND c.relforcerowsecurity
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND EXISTS (
  SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
)
ORDER BY c.relname
"""


def close_tables(connection: Connection, schema: str) -> None:
    """Put every table with a tenant column behind row-level security, which also binds its owner."""
    for table, has_policy, is_forced in connection.execute(_TABLES, (schema,)).fetchall():
        close_table(connection, sql.Identifier(schema, table), has_policy=has_policy, is_forced=is_forced)


def close_table(connection: Connection, name: sql.Identifier, *, has_policy: bool, is_forced: bool) -> None:
    """Put one table behind row-level security."""
    if not is_forced:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
        connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(name))
    if not has_policy:
        own = sql.SQL("tenant_id = current_setting({}, true)").format(sql.Literal(TENANT_SETTING))
        connection.execute(sql.SQL("CREATE POLICY tenant ON {} USING ({}) WITH CHECK ({})").format(name, own, own))


def unprotected(connection: Connection, schema: str) -> list[str]:
    """The tables of a schema that lack row-level security."""
    found = connection.execute(_TABLES, (schema,)).fetchall()
    return [table for table, has_policy, is_forced in found if not (has_policy and is_forced)]


# -- the role ------------------------------------------------------------------------------------------------------
def make_role(connection: Connection, role: str) -> str | None:
    """Create the role that the store works as, if the connecting role may; returns None if there is none."""
    if not _exists(connection, role):
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                        sql.Identifier(role)
                    )
                )
        except psycopg.errors.InsufficientPrivilege:
            return None
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            pass  # created meanwhile, for another database of this server
    if not may_become(connection, role):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            pass  # other roles may be allowed to become it
    return role


def grant(connection: Connection, schema: str, role: str | None) -> None:
    """Let the role use the schema and everything created in it."""
    if role is None:
        return
    name, given = sql.Identifier(schema), sql.Identifier(role)
    for statement in (
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        "REVOKE INSERT, UPDATE, DELETE ON {schema}.migrations FROM {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
    ):
        connection.execute(sql.SQL(statement).format(schema=name, role=given))


def _exists(connection: Connection, role: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None


def may_become(connection: Connection, role: str) -> bool:
    """Whether the connecting role may become another."""
    how = "SET" if connection.info.server_version >= 160000 else "MEMBER"
    found = connection.execute("SELECT pg_has_role(current_user, %s, %s)", (role, how)).fetchone()
    return found is not None and bool(found[0])


def looks_past(connection: Connection) -> bool:
    """Whether the connecting role bypasses row-level security."""
    found = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    return found is not None and bool(found[0])


def working_role(connection: Connection, role: str) -> str | None:
    """The role to switch to in every transaction; None if the connecting role can be used itself.

    Raises:
        StoreError: the connecting role bypasses row-level security and may not become another role.
    """
    if _exists(connection, role) and may_become(connection, role):
        return role
    if looks_past(connection):
        raise StoreError(
            f"role {connection.info.user!r} looks past row-level security and may not become {role!r}",
            hint=f"run 'headwater migrate' as a role that may create roles, or: CREATE ROLE {role} NOLOGIN; "
            f"GRANT {role} TO {connection.info.user};",
        )
    return None
