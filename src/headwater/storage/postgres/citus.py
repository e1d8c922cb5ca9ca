"""citus"""

from __future__ import annotations

from typing import Any

import psycopg


def adopt(connection: psycopg.Connection[Any], schema: str) -> None:
    """Nothing yet."""
