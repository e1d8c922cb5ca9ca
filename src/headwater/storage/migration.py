"""Schema migrations: numbered SQL files, applied once, with recorded checksums."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, with line ends normalised."""
        return hashlib.sha256("\n".join(self.sql.splitlines()).encode()).hexdigest()


@cache
def steps_of(package: str) -> tuple[Migration, ...]:
    """The steps in the folder ``migrations`` of a backend, in order."""
    found = []
    for item in files(package).joinpath("migrations").iterdir():
        if item.name.endswith(".sql"):
            number, _, name = item.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, item.read_text(encoding="utf-8")))
    return tuple(sorted(found))
