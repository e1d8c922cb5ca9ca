"""Encodes rows as columns and decodes them, for tables whose columns differ from the fields of the row."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from headwater.model.graph import FieldEdge
from headwater.storage.compression import compress, decompress
from headwater.storage.projection.records import (
    Derivation,
    Edge,
    FacetSetRow,
    Fields,
    Mapping,
    Name,
    Node,
    Run,
    Shape,
    Statement,
    Version,
)

R = TypeVar("R", bound=msgspec.Struct)
Columns = tuple[Any, ...]

_PLAIN, _PACKED = b"\0", b"\1"
_encode = msgspec.msgpack.Encoder().encode
_says = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode
_names = msgspec.msgpack.Decoder(list[str]).decode
_shape = msgspec.msgpack.Decoder(list[tuple[int, int, int]]).decode
_facets = msgspec.msgpack.Decoder(list[tuple[str, int]]).decode
_mapping = msgspec.msgpack.Decoder(tuple[int, int, tuple[FieldEdge, ...]]).decode
_mapping_parts = msgspec.msgpack.Decoder(tuple[int, int, list[msgspec.Raw]]).decode
_COUNT = struct.Struct("<I")
_PACK_DOCS_FROM_BYTES = 4096

astuple: Callable[[Any], Columns] = msgspec.structs.astuple


def plain(row_type: type[R], *flags: str) -> Callable[..., R]:
    """Decodes a row whose columns are its fields in order; ``flags`` are booleans."""
    names = row_type.__struct_fields__
    places = {name: place for place, name in enumerate(names)}
    booleans = [places[flag] for flag in flags]

    def decode(*columns: Any) -> R:
        values = list(columns)
        for place in booleans:
            values[place] = bool(values[place])
        return row_type(**dict(zip(names, values, strict=True)))

    return decode


@lru_cache(maxsize=4096)  # a batch asks for each of its runs several times
def uuid_bytes(run_id: str) -> bytes:
    """A run id in its stored form: 16 bytes, or none for no run."""
    return bytes.fromhex(run_id.replace("-", "")) if run_id else b""


def uuid_text(stored: bytes) -> str:
    """A run id from its 16 bytes."""
    if not stored:
        return ""
    digits = stored.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def name_row(*columns: Any) -> Name:
    """A name from its columns. Spelled out, because an answer needs thousands: twice as fast as ``plain``."""
    row_id, kind, namespace, name, node, raw_namespace, raw_name, first_at, first_key, is_direct, is_renamed = columns
    return Name(
        id=row_id,
        kind=kind,
        namespace=namespace,
        name=name,
        node=node,
        raw_namespace=raw_namespace,
        raw_name=raw_name,
        first_at=first_at,
        first_key=first_key,
        is_direct=bool(is_direct),
        is_renamed=bool(is_renamed),
    )


def node_row(*columns: Any) -> Node:
    """A node from its columns. Spelled out, because an answer needs thousands: twice as fast as ``plain``."""
    row_id, kind, type_, created_at, updated_at, head, head_at, head_run, read_until, *life = columns
    life_at, life_key, life_run, is_dropped = life
    return Node(
        id=row_id,
        kind=kind,
        type=type_,
        created_at=created_at,
        updated_at=updated_at,
        head=head,
        head_at=head_at,
        head_run=head_run,
        read_until=read_until,
        life_at=life_at,
        life_key=life_key,
        life_run=life_run,
        is_dropped=bool(is_dropped),
    )


def run_columns(row: Run) -> Columns:
    """The columns of a run."""
    run_id = uuid_bytes(row.run_id)
    times = (row.started_at, row.ended_at)
    return (
        row.id,
        run_id,
        row.job,
        row.state,
        row.operation,
        *times,
        row.parent_run,
        pack(row.doc, _PACK_DOCS_FROM_BYTES),
    )


def run_row(*columns: Any) -> Run:
    """A run from its columns."""
    row_id, run_id, job, state, operation, started_at, ended_at, parent_run, doc = columns
    return Run(
        id=row_id,
        run_id=uuid_text(run_id),
        job=job,
        state=state,
        operation=operation,
        started_at=started_at,
        ended_at=ended_at,
        parent_run=parent_run,
        doc=unpack(doc),
    )


def version_columns(row: Version) -> Columns:
    """The columns of a version."""
    marks = (row.tag, row.fingerprint, row.file_digest)
    return (
        row.id,
        row.dataset,
        row.created_at,
        row.run,
        uuid_bytes(row.run_id),
        row.job,
        *marks,
        row.row_count,
        row.shape,
    )


def version_row(*columns: Any) -> Version:
    """A version from its columns."""
    row_id, dataset, created_at, run, run_id, job, tag, fingerprint, file_digest, row_count, shape = columns
    return Version(
        id=row_id,
        dataset=dataset,
        created_at=created_at,
        run=run,
        run_id=uuid_text(run_id),
        job=job,
        tag=tag,
        fingerprint=fingerprint,
        file_digest=file_digest,
        row_count=row_count,
        shape=shape,
    )


def derivation_columns(row: Derivation) -> Columns:
    """The columns of a derivation: the count of inputs, then (version, mapping) pairs, then the outputs."""
    packed = array("I", [part for pair in row.inputs for part in pair])
    packed.extend(row.outputs)
    return row.id, row.run, row.job, _COUNT.pack(len(row.inputs)) + packed.tobytes()


def derivation_row(row_id: int, run: int, job: int, edges: bytes) -> Derivation:
    """A derivation from its columns."""
    count = _COUNT.unpack_from(edges)[0]
    packed = array("I")
    packed.frombytes(edges[_COUNT.size :])
    pairs = packed[: 2 * count]
    inputs = list(zip(pairs[::2], pairs[1::2], strict=True))
    return Derivation(id=row_id, run=run, job=job, inputs=inputs, outputs=list(packed[2 * count :]))


def statement_columns(row: Statement) -> Columns:
    """The columns of a statement."""
    return row.subject, row.kind, row.at, row.key, _encode(row.says)


def statement_row(subject: int, kind: int, at: int, key: bytes, says: bytes) -> Statement:
    """A statement from its columns."""
    return Statement(subject=subject, kind=kind, at=at, key=key, says=_says(says))


def fields_columns(row: Fields) -> Columns:
    """The columns of the fields of a dataset."""
    return row.node, pack(_encode(row.names))


def fields_row(node: int, names: bytes) -> Fields:
    """The fields of a dataset from their columns."""
    return Fields(node=node, names=_names(unpack(names)))


def edge_change(
    seq: int, source: int, target: int, job: int, kind: int, valid_from: int, valid_to: int | None, mapping: int
) -> tuple[int, Edge]:
    """A logged change of an edge: (sequence number, edge), without its kind of evidence and its run."""
    edge = Edge(
        source=source,
        target=target,
        job=job,
        kind=kind,
        valid_from=valid_from,
        valid_to=valid_to,
        how=0,
        run="",
        mapping=mapping,
    )
    return seq, edge


def shape_content(row: Shape) -> bytes:
    """A shape as bytes."""
    return _encode(row.sources)


def shape_row(row_id: int, content: bytes) -> Shape:
    """A shape from its bytes."""
    return Shape(id=row_id, sources=_shape(content))


def facets_content(row: FacetSetRow) -> bytes:
    """A facet set as bytes."""
    return _encode(row.facets)


def facets_row(row_id: int, content: bytes) -> FacetSetRow:
    """A facet set from its bytes."""
    return FacetSetRow(id=row_id, facets=_facets(content))


def mapping_content(row: Mapping) -> bytes:
    """A column mapping as bytes."""
    return _encode((row.source, row.target, row.fields))


def mapping_row(row_id: int, content: bytes) -> Mapping:
    """A column mapping from its bytes."""
    source, target, fields = _mapping(content)
    return Mapping(id=row_id, source=source, target=target, fields=fields)


def mapping_size(content: bytes) -> int:
    """The number of column edges of a mapping, from its bytes."""
    return len(_mapping_parts(content)[2])


def pack(data: bytes, from_bytes: int = 512) -> bytes:
    """Compress the data if it has at least ``from_bytes`` bytes."""
    if len(data) < from_bytes:
        return _PLAIN + data
    return _PACKED + compress(data, level=3)


def unpack(data: bytes) -> bytes:
    """The data given to ``pack``."""
    return data[1:] if data[:1] == _PLAIN else decompress(data[1:])


NO_DOC = pack(b"")
"""In place of the document of a run that was read without it."""
