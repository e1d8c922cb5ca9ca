"""Notifications of commits by other processes, with the tenant and its last sequence number.

A notification reaches only those who listen when it is sent, and does not pass a pooler in transaction mode. So a
listener keeps a list of tenants, polls for missed commits after each (re)connection and from time to time, and polls
often if a test notification does not come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from headwater.errors import StoreError
from headwater.storage.postgres import citus
from headwater.storage.postgres.connection import ROLE, SCHEMA, connect, queries, setting_statements
from headwater.storage.postgres.security import working_role

CHANNEL = "headwater"
POLL_S = 0.1
"""Polling interval, in seconds, if notifications do not arrive."""
CHECK_S = 5.0
"""Polling interval, in seconds, if they do."""
LONGEST_PAUSE_S = 5.0
_SHORTEST_PAUSE_S = 0.1
_PROOF_S = 1.0
_WAKE_S = 0.25

OnChange = Callable[[str, int], None]
"""Called with a tenant and its last sequence number, on the listener's thread, possibly twice with the same."""


class Listener:
    """Reports commits until it is closed. Notifications arrive only if ``url`` leads to the server itself."""

    def __init__(self, url: str, on_change: OnChange, *, schema: str = SCHEMA, role: str = ROLE) -> None:
        self._url = url
        self._on_change = on_change
        self._schema = schema
        self._role: str | None = role
        self._is_distributed = False
        self._seen: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready = threading.Event()
        #: whether notifications arrive; if not, the listener polls often
        self.is_notified = False
        #: why the last attempt to reach the server failed; empty if it succeeded
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="headwater-listen", daemon=True)
        self._thread.start()

    def watch(self, tenant: str, since: int = 0) -> None:
        """Report commits of a tenant after a sequence number, without missing any."""
        with self._lock:
            self._seen[tenant] = max(since, self._seen.get(tenant, 0))

    def unwatch(self, tenant: str) -> None:
        """Stop reporting commits of a tenant."""
        with self._lock:
            self._seen.pop(tenant, None)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the listener has reached the server; returns whether it has."""
        return self._ready.wait(timeout_s)

    def close(self) -> None:
        """Stop, and wait for the thread. Idempotent."""
        self._closing.set()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        pause = _SHORTEST_PAUSE_S
        while not self._closing.is_set():
            try:
                with connect(self._url, application_name="headwater-listen") as connection:
                    self._role = working_role(connection, self._role) if self._role is not None else None
                    self._is_distributed = citus.is_used(connection, self._schema)
                    self.is_notified = self._prove(connection)
                    self.trouble = ""
                    self._look(connection)
                    self._ready.set()
                    pause = _SHORTEST_PAUSE_S
                    self._follow(connection)
            except (psycopg.Error, StoreError) as error:  # server down, or schema missing
                self.is_notified = False
                self.trouble = str(error).strip()
                self._closing.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _prove(self, connection: psycopg.Connection[Any]) -> bool:
        """Start to listen, and test whether a notification arrives on an idle connection.

        Another connection sends it: a pooler in transaction mode could run both statements in the same session and
        deliver the notification with the answer.
        """
        connection.execute(f"LISTEN {CHANNEL}")
        with connect(self._url, application_name="headwater-listen") as other:
            other.execute(queries()["notify"], ("0 ",))
        return any(True for _ in connection.notifies(timeout=_PROOF_S, stop_after=1))

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        looked = time.monotonic()
        while not self._closing.is_set():
            for notice in connection.notifies(timeout=_WAKE_S if self.is_notified else POLL_S, stop_after=1):
                self._tell(notice.payload)
            if time.monotonic() - looked >= (CHECK_S if self.is_notified else POLL_S):
                self._look(connection)
                looked = time.monotonic()

    def _tell(self, payload: str) -> None:
        seq, _, tenant = payload.partition(" ")
        if tenant and seq.isdigit():
            self._changed(tenant, int(seq))

    def _changed(self, tenant: str, seq: int) -> None:
        with self._lock:
            if tenant in self._seen:
                self._seen[tenant] = max(seq, self._seen[tenant])
        self._on_change(tenant, seq)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        """Report the tenants that have new commits."""
        with self._lock:
            known = dict(self._seen)
        for tenant, seq in known.items():
            with connection.transaction():
                connection.execute("; ".join(self._settings(tenant)))
                row = connection.execute(queries()["tenant_seq"], (tenant,)).fetchone()
            if row is not None and row[0] > seq:
                self._changed(tenant, row[0])

    def _settings(self, tenant: str) -> list[str]:
        return setting_statements(self._schema, self._role, tenant, is_distributed=self._is_distributed)


def listen(url: str, on_change: OnChange, *, schema: str = SCHEMA, role: str = ROLE) -> Listener:
    """Start a listener that reports every commit to a database, by any process, until it is closed."""
    return Listener(url, on_change, schema=schema, role=role)
