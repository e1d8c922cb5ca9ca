"""A digest of the whole graph by name: stores with the same graph agree, whatever their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from headwater.storage.projection import run_documents
from headwater.storage.projection.names import display_order
from headwater.storage.projection.records import Name, Version
from headwater.storage.projection.run_documents import RunDoc
from headwater.storage.projection.tables import Tables

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_encode_json = msgspec.json.Encoder(order="sorted").encode  # msgpack has no integers beyond 64 bits, facets do
_MODULUS = 1 << 256
_PAGE = 2000


class GraphDigest:
    """Adds up digests of facts, so their order does not matter."""

    def __init__(self, tables: Tables, rest: Callable[[], None]) -> None:
        """``rest`` is called between facts from time to time, so that the tables can drop their caches."""
        self._tables = tables
        self._rest = rest
        self._names: dict[int, Name] = {row.id: row for row in tables.names.rows()}
        self._shown: dict[int, tuple[int, str, str]] = {}
        for row in sorted(self._names.values(), key=display_order, reverse=True):
            self._shown[row.node] = (row.kind, row.namespace, row.name)
        self._bodies: dict[int, bytes] = {}
        self._mappings: dict[int, msgspec.Raw] = {}

    def digest(self) -> str:
        """The digest, in hexadecimal."""
        total = 0
        for number, fact in enumerate(self.facts()):
            if number % _PAGE == 0:
                self._rest()
            total += int.from_bytes(blake2b(_encode(fact), digest_size=32).digest(), "big")
        return (total % _MODULUS).to_bytes(32, "big").hex()

    def facts(self) -> Iterator[tuple[Any, ...]]:
        """All facts of the graph."""
        yield from self._nodes()
        yield from self._histories()
        yield from self._edges()
        yield from self._runs()
        yield from self._derivations()

    def _nodes(self) -> Iterator[tuple[Any, ...]]:
        for name in self._names.values():
            yield (
                "name",
                name.kind,
                name.namespace,
                name.name,
                name.raw_namespace,
                name.raw_name,
                self._node(name.node),
            )
        for node in self._tables.nodes.rows():
            life = (node.life_at, node.life_key, node.is_dropped)
            yield ("node", self._node(node.id), node.type, node.created_at, node.updated_at, life)
        for fields in self._tables.fields.rows():
            yield ("fields", self._node(fields.node), sorted(fields.names))

    def _histories(self) -> Iterator[tuple[Any, ...]]:
        for row in self._tables.changes.rows():
            yield ("facet", self._node(row.node), row.name, row.at, row.key, self._body(row.body), row.run_id)

    def _edges(self) -> Iterator[tuple[Any, ...]]:
        for row in self._tables.edges.rows():
            ends = (self._node(row.source), self._node(row.target), self._node(row.job) if row.job else None)
            times = (row.valid_from, row.valid_to)
            yield ("edge", ends, row.kind, times, row.how, row.run, self._columns(row.mapping))

    def _runs(self) -> Iterator[tuple[Any, ...]]:
        for row in self._tables.runs.rows():
            doc = run_documents.decode(row.doc)
            times = (row.started_at, row.ended_at)
            yield ("run", row.run_id, self._node(row.job), row.state, row.operation, times, row.parent_run)
            yield ("claims", row.run_id, *self._claims(doc))
        for link in self._tables.dependencies.rows():
            yield ("dependency", link.run_id, link.on_run, link.at)

    def _claims(self, doc: RunDoc) -> Iterable[Any]:
        yield {name: (facet.at, facet.key, _plain(facet.body)) for name, facet in doc.facets.items()}
        for side in (doc.inputs, doc.outputs):
            found = []
            for name, touched in side.items():
                row = self._names[name]
                statements = [
                    (statement.at, statement.key, self._facets(statement.facets)) for statement in touched.statements
                ]
                extras = {key: (extra.at, extra.key, _plain(extra.body)) for key, extra in touched.extras.items()}
                found.append((row.namespace, row.name, statements, extras))
            yield sorted(found, key=lambda one: one[:2])

    def _derivations(self) -> Iterator[tuple[Any, ...]]:
        rows = self._tables.derivations.rows()
        while page := list(islice(rows, _PAGE)):
            runs = {run.id: run.run_id for run in self._tables.runs.get_many({row.run for row in page})}
            met = {number for row in page for number in (*row.outputs, *(source for source, _ in row.inputs))}
            versions = {version.id: version for version in self._tables.versions.get_many(met)}
            for row in page:
                inputs = [(self._version(versions.get(number)), mapping) for number, mapping in row.inputs]
                outputs = sorted(self._version(versions.get(number)) for number in row.outputs)
                yield ("derivation", runs.get(row.run, ""), self._in_order(inputs), outputs)

    def _in_order(self, inputs: list[tuple[tuple[Any, ...], int]]) -> list[tuple[Any, Any]]:
        """The inputs of a derivation with their columns, by which otherwise equal ones are ordered."""
        if len({one for one, _ in inputs}) < len(inputs):
            return sorted((one, self._edges_of(mapping)) for one, mapping in inputs)
        return [(one, self._columns(mapping)) for one, mapping in sorted(inputs)]

    def _version(self, row: Version | None) -> tuple[Any, ...]:
        if row is None:
            return ("missing",)
        marks = (row.tag, row.fingerprint, row.file_digest, -1 if row.row_count is None else row.row_count)
        return (self._node(row.dataset), row.created_at, row.run_id, marks)

    def _node(self, node: int) -> tuple[int, str, str]:
        return self._shown.get(node, (0, "", ""))

    def _columns(self, mapping: int) -> msgspec.Raw:
        """The edges of a mapping, in the form of a fact. Cached: many edges share few mappings."""
        found = self._mappings.get(mapping)
        if found is None:
            found = self._mappings[mapping] = msgspec.Raw(_encode(self._edges_of(mapping)))
        return found

    def _edges_of(self, mapping: int) -> list[tuple[Any, ...]]:
        if not mapping:
            return []
        return [msgspec.structs.astuple(edge) for edge in self._tables.mappings.get(mapping).fields]

    def _body(self, body: int) -> bytes:
        if not body:
            return b""
        found = self._bodies.get(body)
        if found is None:
            found = self._bodies[body] = _plain(self._tables.bodies.get(body))
        return found

    def _facets(self, facets: int) -> list[tuple[str, bytes]]:
        return [(name, self._body(body)) for name, body in self._tables.facet_sets.get(facets).facets]


def _plain(body: msgspec.Raw | bytes) -> bytes:
    """A digest of a facet's content, independent of its JSON spelling."""
    return blake2b(_encode_json(msgspec.json.decode(body)), digest_size=16).digest()
