"""The columns of the files that a statement of duckdb reads (``SELECT * FROM 'sales.csv'``).

duckdb's readers and their options decide whether a file has a header and what its columns are called, so duckdb itself
is asked what a reader would return, in a separate database in memory. It looks only at the beginning of a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from headwater.capture.guard import GUARD
from headwater.capture.locations import matching
from headwater.capture.sql_files import quoted_files, readers

_MOST_QUESTIONS: Final = 64
"""Readers that are asked about in one run; each question takes about ten milliseconds."""
_SETTINGS: Final = {"threads": 1, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class FileColumns:
    """Asks duckdb, once for each reader."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._asked: dict[str, tuple[str, ...]] = {}

    def of(self, text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The local files and patterns that a statement reads, each with its columns; without those that cannot be
        read."""
        if "'" not in text or "duckdb" not in sys.modules:
            return
        for reader in readers(text):
            files = quoted_files(f"FROM {reader}")
            if not files or not all(map(_is_local, files)):
                continue
            if reader not in self._asked and len(self._asked) < _MOST_QUESTIONS:
                self._asked[reader] = ()
                with GUARD.at("columns of files"):
                    self._asked[reader] = self._ask(reader)
            columns = self._asked.get(reader, ())
            yield from ((file, columns) for file in files if columns)

    def _ask(self, reader: str) -> tuple[str, ...]:
        duckdb: Any = sys.modules["duckdb"]
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        question = f"DESCRIBE SELECT * FROM {reader}"  # noqa: S608 - from a statement that ran
        try:
            found = self._connection.execute(question).fetchall()
        except duckdb.Error:  # the file is gone, or the reader needs a parameter or an extension of the user's database
            return ()
        return tuple([str(row[0]) for row in found])


def _is_local(file: str) -> bool:
    """Whether a file, or what matches a pattern, can be read a second time: a pipe would be drained, or waited for."""
    found = matching(file) if any(sign in file for sign in "*?[") else [file]
    return "://" not in file and bool(found) and all(map(os.path.isfile, found))
