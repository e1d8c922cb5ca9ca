"""Properties of a database, for ``doctor`` and ``migrate``."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from psycopg import sql

from headwater.errors import StoreError
from headwater.storage.postgres import citus, timescale
from headwater.storage.postgres.connection import ROLE, SCHEMA, connect, explained
from headwater.storage.postgres.migrate import migrations, version_of
from headwater.storage.postgres.security import looks_past, unprotected, working_role

Connection = psycopg.Connection[Any]


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension that a store uses if it is available."""

    is_available: bool
    """Whether the server has it."""
    version: str
    """The version installed in the database; empty if it is not installed."""
    is_used: bool
    """Whether the tables of the store use it."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of a database."""

    server: str
    step: int
    """The last schema step applied to the database, of ``steps``."""
    steps: int
    user: str
    role: str
    """The role that the store works as."""
    is_isolated: bool
    """Whether the role that the store works as cannot bypass row-level security."""
    unprotected: list[str]
    """Tables that lack row-level security: must be empty."""
    months: list[str]
    """The partitions of the log."""
    size_bytes: int
    is_standby: bool
    connections: int
    max_connections: int
    timescaledb: Extension
    citus: Extension


def facts(url: str, *, schema: str = SCHEMA, role: str = ROLE) -> Facts:
    """Inspect a database.

    Raises:
        StoreUnavailable: the server cannot be reached.
        ConfigError: the address is invalid.
    """
    with explained(), connect(url) as connection:
        try:
            working, is_isolated = working_role(connection, role) or connection.info.user, True
        except StoreError:
            working, is_isolated = connection.info.user, not looks_past(connection)
        settings = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'max_connections')"
            ).fetchall()
        )
        return Facts(
            server=settings["server_version"],
            step=version_of(connection, schema),
            steps=migrations()[-1].number,
            user=connection.info.user,
            role=working,
            is_isolated=is_isolated,
            unprotected=unprotected(connection, schema),
            months=_months(connection, schema),
            size_bytes=_one(connection, "SELECT pg_database_size(current_database())"),
            is_standby=_one(connection, "SELECT pg_is_in_recovery()"),
            connections=_one(connection, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
            max_connections=int(settings["max_connections"]),
            timescaledb=_extension(connection, timescale.EXTENSION, is_used=timescale.is_used(connection, schema)),
            citus=_extension(connection, citus.EXTENSION, is_used=citus.is_used(connection, schema)),
        )


def _one(connection: Connection, statement: str) -> Any:
    found = connection.execute(statement).fetchone()
    return None if found is None else found[0]


def _months(connection: Connection, schema: str) -> list[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
        " JOIN pg_class AS p ON p.oid = i.inhparent JOIN pg_namespace AS n ON n.oid = p.relnamespace"
        " WHERE n.nspname IN (%s, %s) AND p.relname = 'frames' ORDER BY c.relname",
        (schema, timescale.log_schema(schema)),
    )
    return [month for (month,) in found]


def _extension(connection: Connection, name: str, *, is_used: bool) -> Extension:
    row = connection.execute(
        "SELECT installed_version FROM pg_available_extensions WHERE name = %s", (name,)
    ).fetchone()
    return Extension(is_available=row is not None, version=(row[0] or "") if row else "", is_used=is_used)


def stored_tenants(url: str, *, schema: str = SCHEMA) -> list[str]:
    """The names of the tenants with a store in a database, as far as the connecting role may see them."""
    with explained(), connect(url) as connection:
        if not version_of(connection, schema):
            return []
        query = sql.SQL("SELECT tenant_id FROM {} ORDER BY 1").format(sql.Identifier(schema, "tenants"))
        return [str(tenant) for (tenant,) in connection.execute(query)]
