"""Decodes incoming events, with a cache of the parts that most events repeat.

The result is that of ``headwater.formats.openlineage.read``: the event and its key. The event of a daily job differs
from yesterday's in its run and its statistics; the job, the inputs and most facets are the same bytes. Such parts are
decoded, checked and canonicalised once. The key is still the hash of the whole canonical event.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, NamedTuple, TypeVar

import msgspec

from headwater.errors import InvalidEvent
from headwater.formats.nesting import MOST_LEVELS, is_too_deep
from headwater.formats.openlineage import KEY_SIZE, SHARES_RUNS, parse_time, read
from headwater.model.events import Event, EventType, InputDataset, Job, OutputDataset, Run, RunEvent
from headwater.model.run_ids import canonical_run_id
from headwater.storage.projection.weights import READ_BYTES

_LARGEST_BYTES = 1 << 20
_OVERHEAD = 600
"""What a decoded part takes beside its bytes as they came and its canonical form."""
_MOST_JOBS = 1_000
_LARGEST_KEPT_BYTES = 12 << 10
_MOST_OUTPUTS = 4
_LEVELS_AROUND = 3
"""Objects and lists around the parts of an event: around the facets of an output the output, the list and the event."""

S = TypeVar("S", bound=bytes | str)
T = TypeVar("T")
Named = TypeVar("Named", Job, InputDataset)
Maybe = msgspec.Raw | msgspec.UnsetType
Facets = dict[str, msgspec.Raw]
_NO_FACETS: Facets = {}


class _Strict(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The fields of a common event; anything else is left to the plain reader."""


class _RunParts(_Strict):
    run_id: str
    facets: Maybe = msgspec.UNSET


class _OutputParts(_Strict):
    namespace: str
    name: str
    facets: Maybe = msgspec.UNSET
    output_facets: Maybe = msgspec.UNSET


class _EventParts(_Strict, gc=True):
    event_time: str
    producer: str
    run: _RunParts
    job: msgspec.Raw
    event_type: EventType | msgspec.UnsetType = msgspec.UNSET
    schema_url: str | msgspec.UnsetType = msgspec.field(name="schemaURL", default=msgspec.UNSET)
    inputs: Maybe = msgspec.UNSET
    outputs: list[_OutputParts] | msgspec.UnsetType = msgspec.UNSET


_parts = msgspec.json.Decoder(_EventParts).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_facets = msgspec.json.Decoder(Facets).decode
_anything = msgspec.json.Decoder().decode
_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode
_KINDS = {kind: b',"eventType":' + _encode(kind) for kind in EventType}
_job = msgspec.json.Decoder(Job).decode
_input = msgspec.json.Decoder(InputDataset).decode


class Unusual(Exception):  # not an error: the plain reader decides
    """The event is not of the common form."""


class Remembered(Generic[S, T]):
    """A cache of a function of bytes or text. When it has taken ``most_bytes``, by estimate, what was not asked for
    since it was half full is dropped."""

    def __init__(self, make: Callable[[S], T], most_bytes: int) -> None:
        self._make = make
        self._half = most_bytes // 2
        self._known: dict[S, T] = {}
        self._before: dict[S, T] = {}
        self._weight = 0

    def __call__(self, raw: S) -> T:
        """The function's result."""
        found = self._known.get(raw)
        if found is None:
            found = self._before.pop(raw, None)
            if found is None:
                found = self._make(raw)
            if len(raw) < _LARGEST_BYTES:
                self._weight += _OVERHEAD + 2 * len(raw)
                if self._weight > self._half:
                    self._before, self._known = self._known, {}
                    self._weight = _OVERHEAD + 2 * len(raw)
                self._known[raw] = found
        return found


class _LastOutput(NamedTuple):
    """An output without its facets about this write: as it arrived, and decoded."""

    namespace: str
    name: str
    raw: Maybe
    facets: Facets
    #: the canonical form, without its end
    part: bytes


class _LastDatasets(msgspec.Struct):
    """The datasets in the last event of a job: comparing with them is cheaper than a look-up."""

    #: referenced so that no other object gets the same ``id``
    job: Job
    inputs_raw: msgspec.Raw = msgspec.Raw(b"")
    inputs: tuple[InputDataset, ...] = ()
    inputs_part: bytes = b""
    #: by position in the event
    outputs: list[_LastOutput] = msgspec.field(default_factory=list)


class EventReader:
    """``read`` with a cache. Not thread-safe."""

    def __init__(self) -> None:
        self._facets = Remembered(_read_facets, READ_BYTES["facets"])
        self._jobs = Remembered(_read_job, READ_BYTES["jobs"])
        self._inputs = Remembered(_read_input, READ_BYTES["inputs"])
        self._texts: Remembered[str, bytes] = Remembered(_encode, READ_BYTES["texts"])
        self._last_by_job: dict[int, _LastDatasets] = {}
        self._last_weight = 0

    def read(self, raw: bytes) -> tuple[Event, bytes, int]:
        """The event, its key, and its time in microseconds since the epoch.

        Raises:
            InvalidEvent: the document breaks a rule; ``field``, ``value`` and ``rule`` say which.
        """
        try:
            return self._common(raw)
        except (Unusual, msgspec.MsgspecError, UnicodeError, RecursionError, InvalidEvent):
            event, key, _ = read(raw)
        if is_too_deep(raw):
            raise InvalidEvent(
                rule=f"must not be nested more than {MOST_LEVELS} levels deep", hint="put the inner value into a string"
            )
        return event, key, parse_time(event.event_time)

    def _common(self, raw: bytes) -> tuple[Event, bytes, int]:
        """Decode a RunEvent of the common form. Raises ``Unusual`` for any other."""
        parts = _parts(raw)
        time = parts.event_time
        at = parse_time(time)
        if "\0" in parts.producer or (parts.schema_url is not msgspec.UNSET and "\0" in parts.schema_url):
            raise Unusual
        if parts.producer.endswith(SHARES_RUNS):
            raise Unusual
        job, job_part = self._jobs(bytes(parts.job))
        last = self._last_of(job)
        run, run_part = _read_run(parts.run)
        pieces = [b'{"eventTime":', _encode(time)]
        kind: EventType | None = None
        if parts.event_type is not msgspec.UNSET:
            kind = parts.event_type
            pieces.append(_KINDS[kind])
        inputs: tuple[InputDataset, ...] = ()
        if parts.inputs is not msgspec.UNSET:
            inputs, inputs_part = self._read_inputs(last, parts.inputs)
            pieces += (b',"inputs":[', inputs_part, b"]")
        pieces += (b',"job":', job_part)
        outputs: tuple[OutputDataset, ...] = ()
        if parts.outputs is not msgspec.UNSET:
            pieces.append(b',"outputs":[')
            outputs = tuple([self._read_output(last, place, item, pieces) for place, item in enumerate(parts.outputs)])
            pieces.append(b"]")
        pieces += (b',"producer":', self._texts(parts.producer), b',"run":', run_part)
        url = ""
        if parts.schema_url is not msgspec.UNSET:
            url = parts.schema_url
            pieces += (b',"schemaURL":', self._texts(url))
        pieces.append(b"}")
        canonical = b"".join(pieces)
        event = RunEvent(
            event_type=kind,
            event_time=time,
            producer=parts.producer,
            schema_url=url,
            run=run,
            job=job,
            inputs=inputs,
            outputs=outputs,
        )
        return event, blake2b(canonical, digest_size=KEY_SIZE).digest(), at

    def _last_of(self, job: Job) -> _LastDatasets:
        found = self._last_by_job.get(id(job))
        if found is None or found.job is not job:
            if len(self._last_by_job) >= _MOST_JOBS or self._last_weight > READ_BYTES["last"]:
                self._last_by_job.clear()
                self._last_weight = 0
            found = self._last_by_job[id(job)] = _LastDatasets(job)
        return found

    def _read_inputs(self, last: _LastDatasets, raw: msgspec.Raw) -> tuple[tuple[InputDataset, ...], bytes]:
        if raw != last.inputs_raw:
            found = [self._inputs(bytes(item)) for item in _items(raw)]
            size = len(memoryview(raw))
            if size > _LARGEST_KEPT_BYTES:
                return tuple([one for one, _ in found]), b",".join([part for _, part in found])
            self._last_weight += 2 * size
            last.inputs_raw = raw.copy()
            last.inputs = tuple([one for one, _ in found])
            last.inputs_part = b",".join([part for _, part in found])
        return last.inputs, last.inputs_part

    def _read_output(self, last: _LastDatasets, place: int, parts: _OutputParts, pieces: list[bytes]) -> OutputDataset:
        """The output at this place of the event; its canonical form is appended to the pieces of the event's."""
        known = last.outputs
        one = known[place] if place < len(known) else None
        if one is None or one.raw != parts.facets or one.name != parts.name or one.namespace != parts.namespace:
            one = self._new_output(parts)
            if len(one.part) <= _LARGEST_KEPT_BYTES:
                self._last_weight += 2 * len(one.part)
                if place < len(known):
                    known[place] = one
                elif place == len(known) < _MOST_OUTPUTS:
                    known.append(one)
        outer = _NO_FACETS
        if place:
            pieces.append(b",")
        pieces.append(one.part)
        if parts.output_facets is not msgspec.UNSET:
            outer, written = _read_facets(bytes(parts.output_facets))
            pieces += (b',"outputFacets":', written)
        pieces.append(b"}")
        return OutputDataset(namespace=one.namespace, name=one.name, facets=one.facets, output_facets=outer)

    def _new_output(self, parts: _OutputParts) -> _LastOutput:
        raw = parts.facets
        name, namespace = parts.name, parts.namespace
        if not namespace.strip() or not name.strip() or "\0" in namespace or "\0" in name:
            raise Unusual
        facets, first = _NO_FACETS, b'{"name":'
        if raw is not msgspec.UNSET:
            raw = raw.copy()
            facets, part = self._facets(bytes(raw))
            first = b'{"facets":' + part + b',"name":'
        named = b"".join((first, _encode(name), b',"namespace":', _encode(namespace)))
        return _LastOutput(namespace, name, raw, facets, named)


def _read_run(parts: _RunParts) -> tuple[Run, bytes]:
    if canonical_run_id(parts.run_id) != parts.run_id:
        raise Unusual
    if parts.facets is msgspec.UNSET:
        return Run(run_id=parts.run_id), b'{"runId":' + _encode(parts.run_id) + b"}"
    facets, part = _read_facets(bytes(parts.facets))
    return Run(run_id=parts.run_id, facets=facets), b'{"facets":' + part + b',"runId":' + _encode(parts.run_id) + b"}"


def _read_facets(raw: bytes) -> tuple[Facets, bytes]:
    return _facets(raw), _canonical(raw)


def _read_job(raw: bytes) -> tuple[Job, bytes]:
    return _named(_job(raw)), _canonical(raw)


def _read_input(raw: bytes) -> tuple[InputDataset, bytes]:
    return _named(_input(raw)), _canonical(raw)


def _canonical(raw: bytes) -> bytes:
    found = _sorted(_anything(raw))
    # Searching for one byte first is ten times as fast; ``in`` would first try to take the bytes for a number.
    if found.find(b"\\") >= 0 and b"\\u0000" in found:
        raise Unusual
    if is_too_deep(found, MOST_LEVELS - _LEVELS_AROUND):
        raise Unusual
    return found


def _named(found: Named) -> Named:
    if not found.namespace.strip() or not found.name.strip():
        raise Unusual
    return found
