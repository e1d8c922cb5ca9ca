"""Implements search on top of ``Tables``, shared by all backends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from headwater.model.graph import NodeKind
from headwater.storage.contract_rows import ContractRows
from headwater.storage.projection import node_sets, search_terms
from headwater.storage.projection.records import KIND_CODES
from headwater.storage.projection.search_lookup import Finder, Narrowing
from headwater.storage.projection.tables import Tables
from headwater.storage.row_types import NodeRow
from headwater.storage.search import Labels, Property, Search, SearchHit

_SPACES = {"namespace": search_terms.NAMESPACE, "tag": search_terms.TAG, "owner": search_terms.OWNER}


class SearchStore(Search):
    """Finds nodes through the search index."""

    _tables: Tables
    _answers: ContractRows

    @abstractmethod
    def _reading(self) -> AbstractContextManager[None]:
        """A context in which the tables may be read and show the last acknowledged event."""

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
        """Nodes whose name, namespace, columns, description, tags or owners match, best first."""
        code = 0 if kind is None else KIND_CODES.get(kind)
        if limit <= 0 or code is None:
            return []
        wanted = Narrowing(kind=code, namespace=namespace, type=type, tag=tag, owner=owner, is_alive=not with_deleted)
        query = search_terms.read(text)
        with self._reading():
            found = Finder(self._tables.search).search(query, limit, wanted)
            nodes = {row.id: row for row in self._answers.nodes([row.node for _, row in found])}
            return [
                SearchHit(
                    node=nodes[row.node],
                    field=search_terms.column_of(query, row),
                    score=search_terms.score(query, place),
                )
                for place, row in found
            ]

    def named(self, text: str, *, kind: NodeKind | None = None, type: str = "", limit: int = 1000) -> list[NodeRow]:
        """Nodes whose name may end with a text, the shortest names first."""
        code = 0 if kind is None else KIND_CODES.get(kind)
        if code is None:
            return []
        with self._reading():
            found = Finder(self._tables.search).named(text, limit, Narrowing(kind=code, type=type))
            return self._answers.nodes([row.node for row in found])

    def labels(self, ids: Sequence[int]) -> dict[int, Labels]:
        """The current tags and owners of these nodes."""
        with self._reading():
            rows = self._tables.search.get_many(ids)
        return {
            row.node: Labels(tags=tuple(search_terms.tags(row.tags)), owners=tuple(search_terms.labels(row.owners)))
            for row in rows
            if row.tags or row.owners
        }

    def chosen(self, by: Property, value: str) -> int:
        """The set of nodes that have a value, or one that matches a pattern."""
        with self._reading():
            finder = Finder(self._tables.search)
            if by == "kind":
                codes = {kind.value: code for kind, code in KIND_CODES.items()}
                found = finder.valued(search_terms.KIND, str(codes.get(value, "")))
            elif by == "type":
                found = finder.valued(search_terms.TYPE, value.encode().upper().decode())
            else:
                found = finder.valued(_SPACES[by], value)
            return found & finder.alive()

    def living(self) -> int:
        """The set of all nodes that are not deleted."""
        with self._reading():
            return Finder(self._tables.search).alive()

    def like(self, pattern: str, among: int) -> int:
        """The nodes of a set whose name may match a pattern."""
        with self._reading():
            finder = Finder(self._tables.search)
            loose = node_sets.of(row.node for row in finder.loose())
            return finder.like(pattern, among & finder.everything()) | (among & loose)
