"""Our own facets, for AI and ML concepts that the standard lacks. Their JSON Schemas and examples are in ``spec/``.

``facet`` builds a body with its producer and schema address. The structs name the members that Headwater itself relies
on, for programs that process its events: ``read_own`` reads a facet as one, ``to_facet`` writes it. Further members are
allowed, as in every facet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from headwater.formats.dataset_facets import PRODUCER

VERSION = "1-0-0"
"""Version of the schemas of our facets."""


class OwnFacet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A facet of ours. Each one is declared with ``own_facet``, which fills in the class variables."""

    KEY: ClassVar[str] = ""
    OF: ClassVar[str] = ""


AnyOwnFacet = TypeVar("AnyOwnFacet", bound=OwnFacet)


def own_facet(key: str, *, of: str = "run") -> Callable[[type[AnyOwnFacet]], type[AnyOwnFacet]]:
    """Declare a facet: its key, which is also the name of its JSON Schema, and the kind of object that carries it."""

    def declare(kind: type[AnyOwnFacet]) -> type[AnyOwnFacet]:
        kind.KEY, kind.OF = key, of
        return kind

    return declare


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value inside a facet of ours."""


class VersionRef(Member, frozen=True, kw_only=True):
    """A dataset, and its version if known."""

    namespace: str
    name: str
    version: str | None = None


@own_facet("headwater_parameters")
class Parameters(OwnFacet, frozen=True, kw_only=True):
    """Parameters of the run: arguments, configuration, hyper-parameters."""

    parameters: dict[str, Any]


class Seed(Member, frozen=True, kw_only=True):
    """A source of chance. ``value`` None is a fact too: nothing was set. ``where`` is ``file:line``."""

    library: str
    scope: str
    value: Any
    where: str | None = None


@own_facet("headwater_seeds")
class Seeds(OwnFacet, frozen=True, kw_only=True):
    """Every random seed of the run, set or not."""

    seeds: list[Seed]


class Metric(Member, frozen=True, kw_only=True):
    """A measured value, of a dataset and at a step where that applies."""

    name: str
    value: float | None
    dataset: VersionRef | None = None
    step: int | None = None


@own_facet("headwater_metrics")
class Metrics(OwnFacet, frozen=True, kw_only=True):
    """What the run measured."""

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


@own_facet("headwater_operations")
class Operations(OwnFacet, frozen=True, kw_only=True):
    """The steps of a run in time order; ``count`` is how many there were, kept or not."""

    operations: list[OperationStep]
    count: int | None = None


@own_facet("headwater_process")
class Process(OwnFacet, frozen=True, kw_only=True):
    """The command line and where it ran."""

    argv: list[str] = []
    working_folder: str | None = None
    host: str | None = None
    pid: int | None = None


@own_facet("headwater_environment")
class Environment(OwnFacet, frozen=True, kw_only=True):
    """Interpreter, machine and packages; ``sha256`` is one digest of them all."""

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


@own_facet("headwater_code")
class Code(OwnFacet, frozen=True, kw_only=True):
    """The code that ran: ``sha256`` of its bytes, ``source_digest`` of its text without layout and comments."""

    path: str | None = None
    name: str | None = None
    line: int | None = None
    sha256: str | None = None
    source_digest: str | None = None
    bytecode_digest: str | None = None
    git: Git | None = None
    functions: list[Any] = []


@own_facet("headwater_outcome")
class Outcome(OwnFacet, frozen=True, kw_only=True):
    """How the run ended and what capture could not keep."""

    duration_s: float | None = None
    exit_code: int | None = None
    exception: str | None = None
    signal: str | int | None = None
    dropped_events: int | None = None
    dropped_operations: int | None = None
    capture_errors: int | None = None
    unlisted_statements: int | None = None
    unlisted_unresolved: int | None = None
    unresolved: list[Any] = []


class FileDigest(Member, frozen=True, kw_only=True):
    """The bytes of a file."""

    sha256: str
    size_bytes: int | None = None


@own_facet("headwater_fingerprint", of="dataset")
class Fingerprint(OwnFacet, frozen=True, kw_only=True):
    """Digests of the content: in row order, of the rows as a multiset, of each column, of the schema, of the file."""

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


@own_facet("headwater_model", of="dataset")
class Model(OwnFacet, frozen=True, kw_only=True):
    """A model: what it is, what it learned from, and the model it grew out of."""

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


@own_facet("headwater_predictions", of="dataset")
class Predictions(OwnFacet, frozen=True, kw_only=True):
    """Which model made this data, from what, by which method."""

    model: VersionRef
    input: VersionRef | None = None
    method: str | None = None


@own_facet("headwater_split", of="dataset")
class Split(OwnFacet, frozen=True, kw_only=True):
    """One side of a split: its role, what was split and how."""

    role: str
    of: VersionRef | None = None
    seed: Any = None
    fraction: Any = None
    rows: int | None = None
    stratified: bool | None = None


@own_facet("headwater_record")
class FlatRecord(OwnFacet, frozen=True, kw_only=True):
    """The flat record that a run came in as (``headwater.formats.record`` reads it)."""

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
    """The facet of that kind, typed; None if it is absent or does not follow its schema."""
    raw = facets.get(kind.KEY)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError:
        return None
