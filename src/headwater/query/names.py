"""Names of nodes: the ids that answers carry, and the short labels that people read.

An id is the kind, the namespace and the name joined by colons. It is written here and never split: an id that comes
in is looked up, because namespaces and names hold colons of their own.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from headwater.model.graph import NodeKind
from headwater.query.text import clean

if TYPE_CHECKING:
    from headwater.storage.base import NodeRow

_IN_MEMORY = ("inmemory", "memory")
_PLAIN_NAMESPACES = ("file", "default", "", "inmemory://", "inmemory", "headwater")


def node_id(row: NodeRow) -> str:
    """Return the public id of a dataset or job."""
    return f"{row.kind}:{row.namespace}:{row.name}"


def version_id(row: NodeRow, version: str) -> str:
    """Return the public id of a dataset version."""
    return f"{node_id(row)}#{version}"


def field_id(row: NodeRow, field: str) -> str:
    """Return the public id of a column."""
    return f"datasetField:{row.namespace}:{row.name}:{field}"


def is_in_memory(namespace: str) -> bool:
    """Tell whether datasets of this namespace live in a process and nowhere else."""
    return namespace.startswith(_IN_MEMORY)


class Labels:
    """Short names for people: files relative to a folder, namespaces only where they tell something apart."""

    def __init__(self, base: str | None = None) -> None:
        self.base = (base if base is not None else os.getcwd()).rstrip("/")  # noqa: PTH109 - text, not a path

    def of(self, kind: NodeKind | str, namespace: str, name: str) -> str:
        """Return the label of a node, safe to print."""
        if namespace == "file" or namespace.startswith("file:"):
            return clean(self.file(name))
        return clean(name)

    def row(self, row: NodeRow) -> str:
        """Return the label of a stored node."""
        return self.of(row.kind, row.namespace, row.name)

    def file(self, name: str) -> str:
        """Return a path relative to the base folder when it lies in it."""
        if self.base and name.startswith(self.base + "/"):
            return name[len(self.base) + 1 :]
        return name

    def place(self, namespace: str) -> str:
        """Return the namespace where a reader needs it, else nothing; a database file relative to the base folder."""
        if namespace in _PLAIN_NAMESPACES or is_in_memory(namespace):
            return ""
        scheme, _, rest = namespace.partition("://")
        if self.base and (at := rest.find(self.base + "/")) in {0, 1}:
            return clean(f"{scheme} {rest[at + len(self.base) + 1 :]}")
        return clean(namespace)


def short_run(run_id: str) -> str:
    """Return the start of a run id that is likely to be unique: ids that begin with the time need more of it."""
    return run_id[:13] if run_id[14:15] == "7" else run_id[:8]


def last_part(name: str) -> str:
    """Return what stands after the last slash."""
    return PurePosixPath(name).name or name
