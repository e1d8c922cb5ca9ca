"""The type of the fixture that opens stores of each kind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from headwater.storage.table_store import TableStore

NewStore = Callable[[], AbstractContextManager[TableStore]]
