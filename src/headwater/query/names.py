"""Names of nodes: the ids in answers (``headwater.model.node_ids``), and the short labels for people."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from headwater.model import node_ids
from headwater.model.graph import Node, NodeKind
from headwater.model.short_digests import version_ends
from headwater.model.short_names import ShortNames, database_file
from headwater.query.terminal_text import clean

if TYPE_CHECKING:
    from headwater.storage.row_types import NodeRow

_FILES = "file"
_IN_MEMORY = ("inmemory", "memory")
_PLAIN_NAMESPACES = ("file", "default", "", "inmemory://", "inmemory", "headwater")


def node_id(row: NodeRow) -> str:
    """Return the public id of a dataset or job."""
    write = node_ids.job_id if row.kind is NodeKind.JOB else node_ids.dataset_id
    return write(row.namespace, row.name)


def version_id(row: NodeRow, version: str) -> str:
    """Return the public id of a dataset version; ``version`` is empty for a state that nobody named."""
    return f"{node_id(row)}#{version}"


def field_id(row: NodeRow, field: str) -> str:
    """Return the public id of a column."""
    return node_ids.field_id(row.namespace, row.name, field)


def is_in_memory(namespace: str) -> bool:
    """Tell whether datasets of this namespace live in a process and nowhere else."""
    return namespace.startswith(_IN_MEMORY)


class Named(Protocol):
    """What has a name in a namespace: a node of an answer, a row of a store, a line of a list."""

    @property
    def namespace(self) -> str:
        """Who names it."""

    @property
    def name(self) -> str:
        """The whole name."""


class Labels:
    """Short names for people, safe to print: a file by the end of its path, namespaces only where they are needed.

    ``shown`` is what is named together: each path gets as much of its end as tells it from the others
    (``headwater.model.short_names``), so every form of an answer uses the same words. A path in the folder ``base``
    (the working folder when None) is relative to it: what a terminal says of single things; "" is no folder. A version
    of a dataset is named as such where several are shown, or always with ``every_version``.
    """

    def __init__(self, base: str | None = "", shown: Iterable[Named] = (), *, every_version: bool = False) -> None:
        self.base = (base if base is not None else os.getcwd()).rstrip("/")  # noqa: PTH109 - text, not a path
        shown = list(shown)
        counts = Counter((item.namespace, item.name) for item in shown)
        names = [(item.namespace, item.name) for item in shown]
        names += [(_FILES, path) for path in {database_file(namespace) for namespace, _ in names} if path]
        self._short = ShortNames(names)
        self._versions = version_ends(
            item
            for item in shown
            if isinstance(item, Node) and (every_version or counts[item.namespace, item.name] > 1)
        )

    def of(self, one: Named) -> str:
        """Return the label of what has a name in a namespace."""
        version = self._versions.get(one.id, "") if isinstance(one, Node) else ""
        return clean((self._relative(one.name) or self._short.of(one.namespace, one.name)) + version)

    def file(self, name: str) -> str:
        """Return a path relative to the base folder where it lies in it, else its end."""
        return self._relative(name) or self._short.of(_FILES, name)

    def _relative(self, name: str) -> str:
        return name[len(self.base) + 1 :] if self.base and name.startswith(self.base + "/") else ""

    def place(self, namespace: str) -> str:
        """Return the namespace where a reader needs it, else nothing; a database file by the end of its path."""
        if namespace in _PLAIN_NAMESPACES or is_in_memory(namespace):
            return ""
        if path := database_file(namespace):
            return clean(f"{namespace.partition(':')[0]} {self.file(path)}")
        return clean(namespace)


def short_run(run_id: str) -> str:
    """Return the start of a run id that is likely to be unique: ids that begin with the time need more of it."""
    return run_id[:13] if run_id[14:15] == "7" else run_id[:8]


def last_part(name: str) -> str:
    """Return what stands after the last slash."""
    return PurePosixPath(name).name or name
