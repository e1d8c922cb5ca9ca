"""The search part of the ``Store`` contract: by words, by the end of a name, by pattern, by property.

A question costs what it shows and a few operations on sets of nodes, however many nodes there are. A set of nodes is a
number whose bit ``n`` stands for the node of that id: ``&``, ``|``, ``~`` and ``int.bit_count`` do the rest.
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
"""What nodes can be chosen by."""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A node that matched, where (a field name, when one did), and how well."""

    node: NodeRow
    field: str = ""
    score: float = 0.0


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What people call a node besides: its tags as (key, value), and its owners."""

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
        """Nodes whose name, namespace, columns, description, tags or owners match, best first. Never raises on
        odd syntax: the text is words, not a query language. Substrings and misspellings of names are found too.

        What else is given narrows the hits: ``namespace`` to nodes with a name in it, ``type`` to those of a type,
        whatever the case of its ASCII letters, ``tag`` to those with that key, value or ``key=value``, ``owner`` to
        those of an owner of that name, with or without its ``team:``.
        """

    @abstractmethod
    def named(self, text: str, *, kind: NodeKind | None = None, type: str = "", limit: int = 1000) -> list[NodeRow]:
        """Nodes with a name that may end with a text, in its last part, whatever the case and with or without a file
        extension; some may not. The shortest names come first, so a full name is among them."""

    @abstractmethod
    def labels(self, ids: Sequence[int]) -> dict[int, Labels]:
        """The tags and owners of these nodes as they are now, those of columns too; one without any is left out."""

    @abstractmethod
    def chosen(self, by: Property, value: str) -> int:
        """The set of nodes, deleted ones left out, that have a value; one with ``*``, ``?`` or ``[`` is a pattern.

        A kind is ``dataset`` or ``job``, a type is meant whatever the case of its ASCII letters; namespaces, tags and
        owners are those of ``search``.
        """

    @abstractmethod
    def living(self) -> int:
        """The set of all nodes that are not deleted."""

    @abstractmethod
    def like(self, pattern: str, among: int) -> int:
        """Those nodes of a set whose name may match a pattern, whole or in its last part; some may not."""
