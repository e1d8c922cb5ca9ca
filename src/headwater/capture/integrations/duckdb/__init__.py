"""duckdb: statements on connections and on the module, relations, registered frames, files.

duckdb looks for data frames among the variables of its caller, so a Python function between the user and duckdb would
hide them. Every call is therefore made from a scope that has the caller's own variables.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.integrations.duckdb import connections, fetched_rows, relations


class DuckdbIntegration(Integration):
    """Follows duckdb."""

    identifier: ClassVar[str] = "duckdb"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the module's functions, connections and relations."""
        connections.hook(hooks, module)
        relations.hook(hooks, module)
        fetched_rows.hook(hooks, module)
