"""The yardstick: one statement for every entity, text keys, a row for every facet and column edge, no cache.

It is what a direct mapping of the event model to tables gives, and how several lineage servers store events.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from uuid import uuid4

import msgspec

_SCHEMA = """
CREATE TABLE namespaces (uuid TEXT PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE jobs (uuid TEXT PRIMARY KEY, namespace TEXT, name TEXT, updated_at TEXT, UNIQUE (namespace, name));
CREATE TABLE runs (uuid TEXT PRIMARY KEY, job TEXT, state TEXT, updated_at TEXT);
CREATE TABLE datasets (uuid TEXT PRIMARY KEY, namespace TEXT, name TEXT, updated_at TEXT, UNIQUE (namespace, name));
CREATE TABLE fields (uuid TEXT PRIMARY KEY, dataset TEXT, name TEXT, type TEXT, UNIQUE (dataset, name));
CREATE TABLE versions (uuid TEXT PRIMARY KEY, dataset TEXT, run TEXT, created_at TEXT);
CREATE TABLE version_fields (version TEXT, field TEXT, PRIMARY KEY (version, field));
CREATE TABLE run_io (run TEXT, dataset TEXT, role TEXT, PRIMARY KEY (run, dataset, role));
CREATE TABLE facets (uuid TEXT PRIMARY KEY, owner TEXT, run TEXT, name TEXT, body TEXT);
CREATE INDEX facets_by_owner ON facets (owner, name);
CREATE TABLE column_lineage (version TEXT, field TEXT, source TEXT, body TEXT, PRIMARY KEY (version, field, source));
CREATE TABLE events (uuid TEXT PRIMARY KEY, run TEXT, time TEXT, body TEXT);
"""


class NaiveWriter:
    """Takes batches of events as a store does."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "naive.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)

    def append(self, events: list[bytes]) -> None:
        """Write a batch in one commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        for raw in events:
            self._write(raw, msgspec.json.decode(raw))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _write(self, raw: bytes, event: dict) -> None:
        run = event["run"]["runId"]
        run_sql = self._connection.execute
        run_sql("INSERT INTO events VALUES (?, ?, ?, ?)", (str(uuid4()), run, event["eventTime"], raw.decode()))
        job = self._upsert("jobs", event["job"], event["eventTime"])
        run_sql(
            "INSERT INTO runs VALUES (?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET state = excluded.state,"
            " updated_at = excluded.updated_at",
            (run, job, event.get("eventType"), event["eventTime"]),
        )
        self._facets(run, run, event["run"].get("facets", {}))
        self._facets(job, run, event["job"].get("facets", {}))
        for role in ("inputs", "outputs"):
            for item in event[role]:
                self._dataset(item, role, run, event["eventTime"])

    def _upsert(self, table: str, item: dict, time: str) -> str:
        run_sql = self._connection.execute
        run_sql("INSERT INTO namespaces VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (str(uuid4()), item["namespace"]))
        namespace = run_sql("SELECT uuid FROM namespaces WHERE name = ?", (item["namespace"],)).fetchone()[0]
        run_sql(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?) ON CONFLICT (namespace, name)"
            " DO UPDATE SET updated_at = excluded.updated_at",
            (str(uuid4()), namespace, item["name"], time),
        )
        found = run_sql(f"SELECT uuid FROM {table} WHERE namespace = ? AND name = ?", (namespace, item["name"]))
        return found.fetchone()[0]

    def _facets(self, owner: str, run: str, facets: dict) -> None:
        for name, body in facets.items():
            row = (str(uuid4()), owner, run, name, msgspec.json.encode(body).decode())
            self._connection.execute("INSERT INTO facets VALUES (?, ?, ?, ?, ?)", row)

    def _dataset(self, item: dict, role: str, run: str, time: str) -> None:
        run_sql = self._connection.execute
        found = self._upsert("datasets", item, time)
        run_sql("INSERT INTO run_io VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (run, found, role))
        version = str(uuid4())
        run_sql("INSERT INTO versions VALUES (?, ?, ?, ?)", (version, found, run, time))
        facets = item.get("facets", {})
        self._facets(found, run, facets)
        for field in facets.get("schema", {}).get("fields", ()):
            run_sql(
                "INSERT INTO fields VALUES (?, ?, ?, ?) ON CONFLICT (dataset, name) DO UPDATE SET type = excluded.type",
                (str(uuid4()), found, field["name"], field["type"]),
            )
            key = run_sql("SELECT uuid FROM fields WHERE dataset = ? AND name = ?", (found, field["name"])).fetchone()
            run_sql("INSERT INTO version_fields VALUES (?, ?)", (version, key[0]))
        for name, output in facets.get("columnLineage", {}).get("fields", {}).items():
            for source in output["inputFields"]:
                row = (version, name, f"{source['name']}.{source['field']}", msgspec.json.encode(source).decode())
                run_sql("INSERT INTO column_lineage VALUES (?, ?, ?, ?)", row)
