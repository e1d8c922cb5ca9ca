"""Fields and column mappings, each stored once and referenced by small integers."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from headwater.model.graph import WHOLE, FieldEdge
from headwater.storage.projection.names import Names
from headwater.storage.projection.records import Fields, Mapping, Shape
from headwater.storage.projection.tables import Tables

_encode = msgspec.msgpack.Encoder().encode
Sources = list[tuple[int, int, int]]


class Columns:
    """Interns fields, column mappings and shapes."""

    def __init__(self, tables: Tables, names: Names) -> None:
        self._tables = tables
        self._names = names
        #: datasets that got new fields
        self.grown: set[int] = set()

    def clear(self) -> None:
        """Drop everything pending: the batch was rolled back."""
        self.grown.clear()

    def add_fields(self, node_id: int, names: Iterable[str]) -> None:
        """Assign positions to the new fields of a dataset."""
        row = self._tables.fields.get(node_id)
        known = set(row.names) if row else set()
        fresh = [name for name in dict.fromkeys(names) if name and name not in known]
        if fresh:
            self.grown.add(node_id)
            self._tables.fields.put(Fields(node=node_id, names=[*(row.names if row else ()), *fresh]))

    def mapping(self, source: int, target: int, fields: Iterable[FieldEdge]) -> int:
        """The id of these column edges between two names (given by id); 0 if there are none."""
        edges = tuple(sorted(set(fields)))
        if not edges:
            return 0
        digest = blake2b(_encode(["mapping", source, target, edges]), digest_size=16).digest()
        found = self._tables.mappings.id_of(digest)
        if found is None:
            found = self._tables.next_id("mapping")
            self._tables.mappings.add(found, digest, Mapping(id=found, source=source, target=target, fields=edges))
            self.place(self._tables.mappings.get(found))
        return found

    def place(self, mapping: Mapping) -> None:
        """Assign positions to all fields of a mapping."""
        self.add_fields(self._names.node(mapping.source).id, (edge.source_field for edge in mapping.fields))
        self.add_fields(self._names.node(mapping.target).id, (edge.target_field for edge in mapping.fields))

    def shape(self, sources: Sources) -> int:
        """The id of a shape."""
        sources = sorted(sources)
        digest = blake2b(_encode(["shape", sources]), digest_size=16).digest()
        found = self._tables.shapes.id_of(digest)
        if found is None:
            found = self._tables.next_id("content")
            self._tables.shapes.add(found, digest, Shape(id=found, sources=sources))
        return found

    def union(self, shapes: Iterable[int]) -> int:
        """One shape with the sources of all, for a run that wrote two names of one dataset."""
        unique = sorted({shape for shape in shapes if shape})
        if len(unique) <= 1:
            return unique[0] if unique else 0
        return self.shape(sorted({source for shape in unique for source in self._tables.shapes.get(shape).sources}))

    def moves(self, mapping: int) -> bool:
        """Whether a mapping leads from a column to one of another name."""
        fields = self._tables.mappings.get(mapping).fields if mapping else ()
        return any(edge.target_field not in (WHOLE, edge.source_field) for edge in fields)

    def strength(self, how: int, mapping: int) -> tuple[int, bool, tuple[FieldEdge, ...]]:
        """Sort key for claims about one edge, strongest first. By content, because ids depend on the order of arrival,
        and by all of it: claims that only differ in what the key left out would be as strong as each other."""
        return how, not mapping, self._tables.mappings.get(mapping).fields if mapping else ()
