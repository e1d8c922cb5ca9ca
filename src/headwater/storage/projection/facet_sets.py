"""The facets of an object in an event, stored once by content, and parsed once for the projection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

import msgspec

from headwater.formats.dataset_facets import (
    AnyFacet,
    ColumnLineage,
    DatasetLineage,
    DatasetType,
    DatasetVersion,
    DataSource,
    Documentation,
    JobLineage,
    LifecycleStateChange,
    LineageField,
    LineageInput,
    Ownership,
    Schema,
    Symlinks,
    Tags,
    flat_fields,
    try_facet,
)
from headwater.formats.feast_facets import file_of_source
from headwater.formats.lineage_facets import Reading, read_columns
from headwater.formats.openlineage import canonical, facet_deleted, find_facet
from headwater.formats.run_facets import JobType
from headwater.storage.projection.records import DATASET, JOB, FacetSetRow
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import DIGEST, ENTRY

_CACHE_OBJECTS = 50_000
_MOST_DIGESTED_BYTES = 8 << 20
"""Of facets whose digests are kept by their bytes."""
_OVERHEAD = 2500
"""What a facet set takes beside the contents of its facets."""
LINEAGE_FACETS = (("lineage", "LineageDatasetFacet"), ("columnLineage", "ColumnLineageDatasetFacet"))

Facets = Mapping[str, msgspec.Raw]
Named = tuple[int, str, str]
"""Kind, namespace and name of a node in a lineage facet."""
OWN: Named = (DATASET, "", "")
OWN_JOB: Named = (JOB, "", "")
"""The dataset that carries the facet, and the job of the event."""


class _FileDigest(msgspec.Struct, frozen=True):
    sha256: str = ""


class _Fingerprint(msgspec.Struct, frozen=True):
    exact: str = ""
    file: _FileDigest = _FileDigest()


_fingerprint = msgspec.json.Decoder(_Fingerprint)


class FacetSet:
    """A set of facets, with the properties that the projection needs, computed on first use.

    ``bodies`` maps facet names to body ids, 0 for a facet to be removed.
    """

    def __init__(self, row: FacetSetRow, raw: Facets) -> None:
        self.id = row.id
        self.bodies = dict(row.facets)
        self.raw = {name: raw[name] for name, body in row.facets if body}
        self.symlinks: tuple[tuple[str, str], ...] = ()
        #: address of the data source
        self.source_uri = ""
        self.life = ""
        self.renamed_from: tuple[str, str] | None = None
        self._read_identity()
        self.lineage = self._lineage_digest()
        #: names for ``run_documents.say``: a statement with different lineage is never fully overridden
        self.claims = frozenset(self.bodies) | ({self.lineage.hex()} if self.lineage else frozenset())
        self._named: dict[Named, tuple[str, ...]] | None = None
        self._identities: tuple[str, str, str] | None = None
        self._marks: tuple[str, ...] | None = None
        self._work: tuple[str, bool] | None = None

    def _read_identity(self) -> None:
        if not self.raw:
            return
        if links := self._facet(Symlinks):
            self.symlinks = tuple((link.namespace, link.name) for link in links.identifiers or ())
        if source := self._facet(DataSource):
            self.source_uri = source.uri or ""
        if place := file_of_source(self.raw):
            self.symlinks += (place,)
        if change := self._facet(LifecycleStateChange):
            self.life = change.lifecycle_state_change.upper()
            previous = change.previous_identifier
            if self.life == "RENAME" and previous is not None:
                self.renamed_from = (previous.namespace, previous.name)

    def _facet(self, kind: type[AnyFacet]) -> AnyFacet | None:
        return try_facet(self.raw, kind)

    def _lineage_digest(self) -> bytes:
        """Digest of the lineage facets; empty if there are none."""
        found = self.lineage_facets()
        return blake2b(b"\0".join(bytes(raw) for raw in found.values()), digest_size=16).digest() if found else b""

    def lineage_facets(self) -> dict[str, msgspec.Raw]:
        """The lineage facets, with the schema they refer to, under the specification's keys."""
        found = {name: raw for name, stem in LINEAGE_FACETS if (raw := find_facet(self.raw, name, stem)) is not None}
        if found and (schema := find_facet(self.raw, Schema.KEY, Schema.SCHEMA)) is not None:
            found[Schema.KEY] = schema
        return found

    def named(self) -> dict[Named, tuple[str, ...]]:
        """The datasets and jobs in the lineage facets, each with those of its fields that are named there."""
        if self._named is None:
            self._named = _named_in(self.raw) if self.lineage else {}
        return self._named

    def identities(self) -> tuple[str, str, str]:
        """(version, fingerprint, SHA-256 of the file) of the dataset's state, from the facets."""
        if self._identities is None:
            version = self._facet(DatasetVersion)
            mark = read_fingerprint(self.raw)
            self._identities = (version.dataset_version if version else "", *mark)
        return self._identities

    def marks(self) -> tuple[str, ...]:
        """The given ``identities``, each once, in the order of ``marks_of``."""
        if self._marks is None:
            self._marks = marks_of(self.identities())
        return self._marks

    def work(self) -> tuple[str, bool] | None:
        """(kind of work, whether it never ends) of a job; None if the facets do not state it."""
        if self._work is None and "jobType" in self.bodies:
            self._work = (type_of(self.raw, is_job=True), is_streaming(self.raw))
        return self._work


def marks_of(*identities: tuple[str, str, str]) -> tuple[str, ...]:
    """The marks in some ``identities``, each once, the most reliable first.

    The digest of a file comes before the fingerprint of the loaded data: a run that parses dates, or skips a column,
    has still read the same file.
    """
    found = (mark for version, exact, digest in identities for mark in (version, digest, exact) if mark)
    return tuple(dict.fromkeys(found))


def read_fingerprint(facets: Facets) -> tuple[str, str]:
    """(exact fingerprint, SHA-256 of the file) from a ``headwater_fingerprint`` facet; empty if not given."""
    raw = facets.get("headwater_fingerprint")
    if raw is None:
        return "", ""
    try:
        found = _fingerprint.decode(raw)
    except msgspec.MsgspecError:
        return "", ""
    return found.exact, found.file.sha256


def _named_in(raw: Facets) -> dict[Named, tuple[str, ...]]:
    found: dict[Named, dict[str, None]] = {}

    def add(named: Named, *fields: str) -> None:
        found.setdefault(named, {}).update(dict.fromkeys(filter(None, fields)))

    def add_all(inputs: Iterable[LineageInput] | None) -> None:
        for source in inputs or ():
            if source.namespace and source.name:
                add((_kind(source.type), source.namespace, source.name), source.field or "")
            elif not source.namespace and not source.name and _kind(source.type) == JOB:
                add(OWN_JOB, source.field or "")

    def add_fields(target: Named, fields: Mapping[str, LineageField] | None) -> None:
        add(target, *(fields or ()))
        for field in (fields or {}).values():
            add_all(field.inputs)

    if columns := _columns_of(raw):
        add(OWN, *columns.named)
        for source in columns.sources:
            _, namespace, name, _ = source.source
            fields = {edge.source_field for edge in source.fields} | {field for field, *_ in source.wide}
            add((DATASET, namespace, name), *fields)
    if dataset := try_facet(raw, DatasetLineage):
        add_all(dataset.inputs)
        add_fields(OWN, dataset.fields)
    if job := try_facet(raw, JobLineage):
        for entry in job.entries or ():
            add_all(entry.inputs)
            if entry.namespace and entry.name:
                add_fields((_kind(entry.type), entry.namespace, entry.name), entry.fields)
            else:
                add_fields(OWN_JOB, entry.fields)
    return {named: tuple(sorted(fields)) for named, fields in sorted(found.items())}


def _columns_of(raw: Facets) -> Reading | None:
    """The reading of the ``columnLineage`` facet, which the edges of the run are made of as well; None if there is none
    that can be read."""
    found = find_facet(raw, ColumnLineage.KEY, ColumnLineage.SCHEMA)
    try:
        return None if found is None else read_columns(found)
    except msgspec.MsgspecError:
        return None


def _kind(type_: str) -> int:
    return JOB if type_.upper() == "JOB" else DATASET


def field_names(raw: Facets) -> list[str]:
    """The columns of a ``schema`` facet, with dotted names for nested ones."""
    schema = try_facet(raw, Schema)
    return [] if schema is None else [field.name for field in flat_fields(schema)]


def type_of(raw: Facets, *, is_job: bool) -> str:
    """The dataset type (TABLE, FILE, MODEL ...) or the kind of work of a job."""
    if is_job:
        job = try_facet(raw, JobType)
        return (job.job_type or "") if job else ""
    kind = try_facet(raw, DatasetType)
    return kind.dataset_type if kind else ""


def is_streaming(raw: Facets) -> bool:
    """Whether a job's facets state that it never ends."""
    job = try_facet(raw, JobType)
    return job is not None and job.processing_type.upper() == "STREAMING"


def words_of(raw: Facets) -> tuple[str, str, str]:
    """(description, tags, owners) as searchable text: one tag (key, tab, value) or owner per line."""
    about, tags, owners = try_facet(raw, Documentation), try_facet(raw, Tags), try_facet(raw, Ownership)
    named = [owner.name for owner in (owners.owners or ())] if owners else []
    tagged = [f"{_plain(tag.key)}\t{_plain(tag.value)}" for tag in (tags.tags or ())] if tags else []
    return about.description if about else "", _lines(tagged), _lines(named)


def _lines(values: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(value.replace("\n", " ") for value in values if value))


def _plain(value: str) -> str:
    return value.replace("\t", " ")


class FacetSets:
    """Facet sets by content, with caches by the bytes as they arrived: most events repeat earlier facets."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        #: by object identity: the reader returns the same object for the same bytes
        self._by_object: dict[int, tuple[Facets, FacetSet]] = {}
        self._nothing: FacetSet | None = None
        self._by_id: dict[int, FacetSet] = {}
        #: digest of a facet by its bytes: sets share facets, such as the schema of a table that is read and written
        self._digests: dict[bytes, bytes] = {}
        #: estimated bytes, of the contents of facets as well: others refer to them
        self._sets_weight = 0
        self._objects_weight = 0
        self._digests_weight = 0

    @property
    def weight(self) -> int:
        """The bytes that the cache takes, by estimate."""
        return self._sets_weight + self._objects_weight + self._digests_weight

    def clear(self) -> None:
        """Drop the cache: the batch that filled it was rolled back."""
        self._by_object.clear()
        self._by_id.clear()
        self._digests.clear()
        self._nothing = None
        self._sets_weight = self._objects_weight = self._digests_weight = 0

    def of(self, facets: Facets) -> FacetSet:
        """The set of these facets, stored if it is new."""
        if not facets:
            return self._nothing or self._no_facets()
        seen = self._by_object.get(id(facets))
        if seen is not None and seen[0] is facets:
            return seen[1]
        found = self._intern(facets)
        if len(self._by_object) >= _CACHE_OBJECTS:
            self._by_object.clear()
            self._objects_weight = 0
        self._by_object[id(facets)] = (facets, found)
        self._objects_weight += ENTRY + sum([len(memoryview(raw)) for raw in facets.values()])
        return found

    def _no_facets(self) -> FacetSet:
        self._nothing = self._intern({})
        return self._nothing

    def by_id(self, set_id: int) -> FacetSet:
        """The set with that id."""
        found = self._by_id.get(set_id)
        if found is None:
            row = self._tables.facet_sets.get(set_id)
            raw = {name: msgspec.Raw(self._tables.bodies.get(body)) for name, body in row.facets if body}
            found = self._by_id[set_id] = FacetSet(row, raw)
            self._sets_weight += _OVERHEAD + sum([len(bytes(content)) for content in raw.values()])
        return found

    def fetch(self, set_ids: Collection[int]) -> None:
        """Prefetch the sets with these ids, in a few statements however many there are."""
        unknown = [set_id for set_id in set_ids if set_id not in self._by_id]
        rows = self._tables.facet_sets.get_many(unknown).values() if unknown else ()
        self._tables.bodies.get_many({body for row in rows for _, body in row.facets if body})

    def merged(self, sets: list[FacetSet]) -> dict[str, int]:
        """The merged bodies for an object that an event lists more than once, whatever the order."""
        found: dict[str, int] = {}
        for facet_set in sets:
            for name, body in facet_set.bodies.items():
                old = found.get(name)
                if old is None or (old != body and self._weight(body) > self._weight(old)):
                    found[name] = body
        return found

    def _weight(self, body: int) -> bytes:
        return _canonical(self._tables.bodies.get(body)) if body else b""

    def _intern(self, facets: Facets) -> FacetSet:
        tables = self._tables
        parts: list[tuple[str, bytes, msgspec.Raw]] = []
        for name in sorted(facets):
            raw = facets[name]
            parts.append((name, self._digest(bytes(raw)), raw))
        digest = blake2b(msgspec.msgpack.encode([(name, body) for name, body, _ in parts]), digest_size=16).digest()
        set_id = tables.facet_sets.id_of(digest)
        if set_id is None:
            set_id = tables.next_id("content")
            row = FacetSetRow(id=set_id, facets=[(name, self._body(body, raw)) for name, body, raw in parts])
            tables.facet_sets.add(set_id, digest, row)
        return self.by_id(set_id)

    def _digest(self, raw: bytes) -> bytes:
        """The digest of a facet; empty for one that removes what was stated before."""
        found = self._digests.get(raw)
        if found is None:
            if self._digests_weight > _MOST_DIGESTED_BYTES:
                self._digests.clear()
                self._digests_weight = 0
            is_gone = raw == b"null" or facet_deleted(raw)
            found = self._digests[raw] = b"" if is_gone else blake2b(_canonical(raw), digest_size=16).digest()
            self._digests_weight += DIGEST + len(raw)
        return found

    def _body(self, digest: bytes, raw: msgspec.Raw) -> int:
        if not digest:
            return 0
        found = self._tables.bodies.id_of(digest)
        if found is None:
            found = self._tables.next_id("content")
            self._tables.bodies.add(found, digest, bytes(raw))
        return found


def _canonical(raw: bytes) -> bytes:
    return canonical(b'{"":' + raw + b"}")
