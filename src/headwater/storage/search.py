"""The search part of the ``Store`` contract: by words, by the end of a name, by pattern, by property.

A query costs as much as the hits it returns and a few operations on sets, however many nodes there are. A set of nodes
is an integer whose bit ``n`` represents the node with that id, so ``&``, ``|``, ``~`` and ``int.bit_count`` apply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from headwater.model.graph import NodeKind

if TYPE_CHECKING:
    from headwater.storage.row_types import NodeRow

Property = Literal["kind", "type", "namespace", "tag", "owner"]
"""Properties by which nodes can be selected."""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A matching node, with the field that matched, if any, and a score."""

    node: NodeRow
    field: str = ""
    score: float = 0.0


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a node: its tags as (key, value), and its owners."""

    tags: tuple[tuple[str, str], ...] = ()
    owners: tuple[str, ...] = ()


class Search(ABC):
    """Finds nodes."""

    @abstractmethod
    def search(
        self,
        text: str,
        *,
        kind: NodeKind | None = None,
        namespace: str | None = None,
        type: str = "",
        tag: str = "",
        owner: str = "",
        with_deleted: bool = True,
        limit: int = 20,
    ) -> list[SearchHit]:
        """Nodes whose name, namespace, columns, description, tags or owners match, best first.
        The text is words, not a query language, so no syntax is invalid. Substrings and misspellings of names match as
        well. The other arguments filter the hits: ``namespace`` to nodes with a name in it, ``type`` ignoring the case
        of ASCII letters, ``tag`` by key, value or ``key=value``, and ``owner`` with or without ``team:``.
        """

    @abstractmethod
    def named(self, text: str, *, kind: NodeKind | None = None, type: str = "", limit: int = 1000) -> list[NodeRow]:
        """Nodes whose name may end with a text, in its last part, ignoring case, with or without a file extension; some
        may not match. The shortest names come first, so that a full name is among them."""

    @abstractmethod
    def labels(self, ids: Sequence[int]) -> dict[int, Labels]:
        """The current tags and owners of these nodes, including those of columns; nodes without any are left out."""

    @abstractmethod
    def chosen(self, by: Property, value: str) -> int:
        """The set of nodes, without deleted ones, that have a value; one with ``*``, ``?`` or ``[`` is a pattern.

        A kind is ``dataset`` or ``job``; a type ignores the case of ASCII letters; namespaces, tags and owners are as
        in ``search``.
        """

    @abstractmethod
    def living(self) -> int:
        """The set of all nodes that are not deleted."""

    @abstractmethod
    def like(self, pattern: str, among: int) -> int:
        """The nodes of a set whose name, or its last part, may match a pattern; some may not."""
