"""Our own facets: what the standard lacks for AI and ML. Their JSON Schemas and examples stand under ``spec/``.

``facet`` builds a body with its producer and schema address; ``read_body`` reads one. The structs name the members that
Headwater itself relies on; further members are allowed, as in every facet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from headwater.formats.dataset_facets import PRODUCER

VERSION = "1-0-0"
"""Version of the schemas of our facets."""


class OwnFacet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A facet of ours. ``KEY`` is its key and the name of its schema, ``OF`` what carries it."""

    KEY: ClassVar[str] = ""
    OF: ClassVar[str] = "run"


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value inside a facet of ours."""


class VersionRef(Member, frozen=True, kw_only=True):
    """A dataset, and the version of it where that is known."""

    namespace: str
    name: str
    version: str | None = None


class Parameters(OwnFacet, frozen=True, kw_only=True):
    """What the run was told: arguments, configuration, hyper-parameters."""

    KEY: ClassVar[str] = "headwater_parameters"
    parameters: dict[str, Any]


class Seed(Member, frozen=True, kw_only=True):
    """A source of chance. ``value`` None is a fact too: nothing was set. ``where`` is ``file:line``."""

    library: str
    scope: str
    value: Any
    where: str | None = None


class Seeds(OwnFacet, frozen=True, kw_only=True):
    """Every random seed of the run, set or not."""

    KEY: ClassVar[str] = "headwater_seeds"
    seeds: list[Seed]


class Metric(Member, frozen=True, kw_only=True):
    """A measured value, of a dataset and at a step where that applies."""

    name: str
    value: float | None
    dataset: VersionRef | None = None
    step: int | None = None


class Metrics(OwnFacet, frozen=True, kw_only=True):
    """What the run measured."""

    KEY: ClassVar[str] = "headwater_metrics"
    metrics: list[Metric]


class CodeLine(Member, frozen=True, kw_only=True):
    """A line of the user's code."""

    file: str
    line: int | None = None
    function: str | None = None


class OperationStep(Member, frozen=True, kw_only=True):
    """One step between what was read and what was written; ``inputs`` are ids of earlier steps."""

    id: int
    op: str
    inputs: list[int] = []
    output: str | int | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    detail: Any = None
    code: CodeLine | None = None


class Operations(OwnFacet, frozen=True, kw_only=True):
    """The steps of a run in time order; ``count`` is how many there were, kept or not."""

    KEY: ClassVar[str] = "headwater_operations"
    operations: list[OperationStep]
    count: int | None = None


class Process(OwnFacet, frozen=True, kw_only=True):
    """The command line and where it ran."""

    KEY: ClassVar[str] = "headwater_process"
    argv: list[str] = []
    working_folder: str | None = None
    host: str | None = None
    pid: int | None = None


class Environment(OwnFacet, frozen=True, kw_only=True):
    """Interpreter, machine and packages; ``sha256`` is one digest of them all."""

    KEY: ClassVar[str] = "headwater_environment"
    python: str
    implementation: str | None = None
    platform: str | None = None
    machine: str | None = None
    cpu_count: int | None = None
    memory_bytes: int | None = None
    gpus: list[Any] = []
    sha256: str | None = None
    packages: dict[str, str] = {}


class Git(Member, frozen=True, kw_only=True):
    """The state of the repository; ``diff_digest`` names what was changed and not committed."""

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    is_dirty: bool | None = None
    diff_digest: str | None = None
    changed_files: Any = None
    untracked_files: Any = None


class Code(OwnFacet, frozen=True, kw_only=True):
    """The code that ran: ``sha256`` of its bytes, ``source_digest`` of its text without layout and comments."""

    KEY: ClassVar[str] = "headwater_code"
    path: str | None = None
    name: str | None = None
    line: int | None = None
    sha256: str | None = None
    source_digest: str | None = None
    bytecode_digest: str | None = None
    git: Git | None = None
    functions: list[Any] = []


class Outcome(OwnFacet, frozen=True, kw_only=True):
    """How the run ended and what capture could not keep."""

    KEY: ClassVar[str] = "headwater_outcome"
    duration_s: float | None = None
    exit_code: int | None = None
    exception: str | None = None
    signal: str | int | None = None
    dropped_events: int | None = None
    dropped_operations: int | None = None
    capture_errors: int | None = None
    unresolved: list[Any] = []


class FileDigest(Member, frozen=True, kw_only=True):
    """The bytes of a file."""

    sha256: str
    size_bytes: int | None = None


class Fingerprint(OwnFacet, frozen=True, kw_only=True):
    """Digests of the content: in row order, of the rows as a multiset, of each column, of the schema, of the file."""

    KEY: ClassVar[str] = "headwater_fingerprint"
    OF: ClassVar[str] = "dataset"
    exact: str | None = None
    multiset: str | None = None
    columns: dict[str, str] = {}
    schema: str | None = None
    algorithm: str | None = None
    library: str | None = None
    row_count: int | None = msgspec.field(default=None, name="rowCount")
    file: FileDigest | None = None


class Checkpoint(Member, frozen=True, kw_only=True):
    """The place in training at which a state was saved."""

    step: int


class ImportanceDetails(Member, frozen=True, kw_only=True):
    """What the importances are: ``kind`` says how they came about, ``left_out`` how many features have none listed,
    ``columns`` what the features of each column weigh together, ``mixed`` what features of several columns weigh."""

    kind: str
    left_out: int | None = None
    columns: dict[str, float] = {}
    mixed: float | None = None


class Model(OwnFacet, frozen=True, kw_only=True):
    """A model: what it is, what it learned from, and the model it grew out of."""

    KEY: ClassVar[str] = "headwater_model"
    OF: ClassVar[str] = "dataset"
    name: str | None = None
    version: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    class_name: str | None = msgspec.field(default=None, name="class")
    hyper_parameters: dict[str, Any] = {}
    features: list[str] = []
    importances: dict[str, float] = {}
    importance_details: ImportanceDetails | None = None
    feature_count: int | None = None
    preprocessing: list[Any] = []
    training: VersionRef | None = None
    parent: VersionRef | None = None
    step: int | None = None
    checkpoint: Checkpoint | None = None


class Predictions(OwnFacet, frozen=True, kw_only=True):
    """Which model made this data, from what, by which method."""

    KEY: ClassVar[str] = "headwater_predictions"
    OF: ClassVar[str] = "dataset"
    model: VersionRef
    input: VersionRef | None = None
    method: str | None = None


class Split(OwnFacet, frozen=True, kw_only=True):
    """One side of a split: its role, what was split and how."""

    KEY: ClassVar[str] = "headwater_split"
    OF: ClassVar[str] = "dataset"
    role: str
    of: VersionRef | None = None
    seed: Any = None
    fraction: Any = None
    rows: int | None = None
    stratified: bool | None = None


class FlatRecord(OwnFacet, frozen=True, kw_only=True):
    """The flat record that a run came in as (``headwater.formats.record`` reads it)."""

    KEY: ClassVar[str] = "headwater_record"
    lineage_id: str
    operation_type: str
    source: Any
    destination: Any
    transformation: dict[str, Any]
    data_quality: dict[str, Any] = {}
    dependencies: list[str] = []


OWN_FACETS: dict[str, type[OwnFacet]] = {
    kind.KEY: kind
    for kind in (
        Parameters,
        Seeds,
        Metrics,
        Operations,
        Process,
        Environment,
        Code,
        Outcome,
        Fingerprint,
        Model,
        Predictions,
        Split,
        FlatRecord,
    )
}
"""Our facets by key."""


def schema_url(name: str) -> str:
    """The address of the schema of a facet of ours."""
    return f"https://headwater.dev/spec/{VERSION}/{name}.json"


def facet(name: str, /, **body: Any) -> dict[str, Any]:
    """A facet of ours as a plain document, with its producer and the address of its schema.

    >>> facet("headwater_parameters", parameters={"depth": 3})["parameters"]
    {'depth': 3}
    """
    return {"_producer": PRODUCER, "_schemaURL": schema_url(name), **body}


def to_facet(value: OwnFacet) -> dict[str, Any]:
    """A typed facet as a plain document."""
    return facet(value.KEY, **msgspec.to_builtins(value))


def read_own(facets: Mapping[str, msgspec.Raw], kind: type[OwnFacet]) -> OwnFacet | None:
    """The facet of that kind, typed; None when it is absent or does not follow its schema."""
    raw = facets.get(kind.KEY)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return None
