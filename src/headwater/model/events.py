"""The three events of OpenLineage core 2-0-2 as plain, frozen values.

Attributes are snake_case; ``rename`` maps them to the names on the wire. A facet is kept as the bytes that arrived
(``msgspec.Raw``), so that unknown facets survive unchanged; ``headwater.formats.dataset_facets`` reads the known ones.
Events are validated where they enter, in ``headwater.formats.openlineage``; constructing one directly validates
nothing.
"""

from __future__ import annotations

from enum import Enum

import msgspec

_WIRE = {
    "run_id": "runId",
    "input_facets": "inputFacets",
    "output_facets": "outputFacets",
    "event_time": "eventTime",
    "event_type": "eventType",
    "schema_url": "schemaURL",
}


class EventType(Enum):
    """The transition of a run that a RunEvent reports."""

    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    FAIL = "FAIL"
    OTHER = "OTHER"

    __hash__ = object.__hash__  # members are equal where they are one object; that of ``Enum`` is written in Python


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename=_WIRE, omit_defaults=True, gc=False):
    """What all wire values share: frozen, keyword-only, without cycles, defaults left out when written."""


class Run(_Wire, frozen=True, kw_only=True):
    """One execution of a job."""

    #: UUID, lower case with hyphens
    run_id: str
    #: run facets by key
    facets: dict[str, msgspec.Raw] = {}


class Job(_Wire, frozen=True, kw_only=True):
    """A named, recurring process definition."""

    namespace: str
    name: str
    #: job facets by key
    facets: dict[str, msgspec.Raw] = {}


class Dataset(_Wire, frozen=True, kw_only=True):
    """A named collection of data: a table, a file, a topic, a model."""

    namespace: str
    name: str
    #: dataset facets by key
    facets: dict[str, msgspec.Raw] = {}


class InputDataset(Dataset, frozen=True, kw_only=True):
    """A dataset as a run or job reads it."""

    #: what is true of this reading alone, by key
    input_facets: dict[str, msgspec.Raw] = {}


class OutputDataset(Dataset, frozen=True, kw_only=True):
    """A dataset as a run or job writes it."""

    #: what is true of this writing alone, by key
    output_facets: dict[str, msgspec.Raw] = {}


class _Base(_Wire, frozen=True, kw_only=True):
    """What every event carries."""

    #: RFC 3339 text as it arrived; ``headwater.formats.openlineage.parse_time`` reads it
    event_time: str
    #: URI of the code that emitted the event
    producer: str
    #: URL of the schema that the producer claims; never used to distinguish the types
    schema_url: str = ""


class RunEvent(_Base, frozen=True, kw_only=True):
    """What a run did or how its state changed."""

    #: None if the emitter left it out, which the specification allows
    event_type: EventType | None = None
    run: Run
    job: Job
    inputs: tuple[InputDataset, ...] = ()
    outputs: tuple[OutputDataset, ...] = ()


class JobEvent(_Base, frozen=True, kw_only=True):
    """The definition of a job, without a run."""

    job: Job
    inputs: tuple[InputDataset, ...] = ()
    outputs: tuple[OutputDataset, ...] = ()


class DatasetEvent(_Base, frozen=True, kw_only=True):
    """Facts about a dataset, without a job or a run."""

    dataset: Dataset


Event = RunEvent | JobEvent | DatasetEvent
