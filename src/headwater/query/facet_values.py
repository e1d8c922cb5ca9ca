"""Reads what is known about a run or a version from facets into plain values.

Facets come from many emitters. Reading is lenient: a facet that is missing or has another shape leaves a fact out, it
never fails a question. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import msgspec

from headwater.query.names import node_id, version_id
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow, VersionRow

Facets = Mapping[str, msgspec.Raw]


class Code(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The code of a run: where it stands, the digest of its text, its state under version control."""

    path: str = ""
    sha256: str = ""
    commit: str = ""
    branch: str = ""
    repository: str = ""
    is_dirty: bool | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run ran: interpreter, platform, host, and the packages with a digest of them all."""

    python: str = ""
    platform: str = ""
    host: str = ""
    user: str = ""
    sha256: str = ""
    packages: dict[str, str] = {}


class Metric(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number that a run reported, on which dataset and at which step."""

    name: str
    value: Any
    dataset: str = ""
    step: int | None = None


class Seed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A random seed that was set, by which library and for what; ``value`` None if it was left to chance."""

    library: str
    scope: str = ""
    value: Any = None
    where: str = ""


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dataset version: ``id`` is the public name, ``ordinal`` its place in time, ``run_id`` the run that wrote it."""

    id: str
    dataset: str
    name: str
    namespace: str
    type: str
    version: str
    ordinal: int = 0
    fingerprint: str = ""
    row_count: int | None = None
    created_at: int = 0
    run_id: str = ""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run with its job, code, parameters, seeds, metrics, environment and outcome."""

    run_id: str
    job: str
    job_name: str
    operation: str = ""
    state: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    parent_run: str = ""
    code: Code = Code()
    parameters: dict[str, Any] = {}
    seeds: tuple[Seed, ...] = ()
    metrics: tuple[Metric, ...] = ()
    environment: Environment = Environment()
    command: str = ""
    error: str = ""
    #: what capture could not see or keep, one sentence each
    unseen: tuple[str, ...] = ()
    tags: dict[str, str] = {}


def body(facets: Facets, *names: str) -> dict[str, Any]:
    """Return the first of these facets that is there and is an object, without its ``_`` members; else nothing."""
    for name in names:
        raw = facets.get(name)
        if raw is None:
            continue
        try:
            value = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            continue
        if isinstance(value, dict) and not value.get("_deleted"):
            return {key: item for key, item in value.items() if not key.startswith("_")}
    return {}


def objects(found: Any) -> list[dict[str, Any]]:
    """Return the objects in a list of a facet; none if it is no list."""
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold: finite, and no integer of hundreds of digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False


def version_facts(row: NodeRow, version: VersionRow) -> Version:
    """Return the public facts of a version of that dataset."""
    return Version(
        id=version_id(row, version.version),
        dataset=node_id(row),
        name=row.name,
        namespace=row.namespace,
        type=row.type,
        version=version.version,
        ordinal=version.ordinal,
        fingerprint=version.fingerprint,
        row_count=version.row_count,
        created_at=version.created_at,
        run_id=version.run_id,
    )


def as_seen(store: Store, versions: Iterable[VersionRow]) -> list[VersionRow]:
    """Return versions, in order; those that no known run wrote with the rows and the content that their first reader
    saw. Every form of an answer shows them so."""
    versions = list(versions)
    unwritten = [version.id for version in versions if not version.run_id and version.id]
    if not unwritten:
        return versions
    stated = store.facets_of_versions(unwritten)
    return [
        version if version.run_id or version.id not in stated else _seen(version, stated[version.id])
        for version in versions
    ]


def _seen(version: VersionRow, facets: Facets) -> VersionRow:
    rows = body(facets, "dataQualityMetrics").get("rowCount")
    is_count = isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0
    return msgspec.structs.replace(
        version,
        row_count=rows if is_count else version.row_count,
        fingerprint=_content(facets) or version.fingerprint,
    )


def _content(facets: Facets) -> str:
    """The fingerprint of what was read, of its values or else of its bytes; empty if none was taken."""
    stated = body(facets, "headwater_fingerprint")
    file = stated.get("file")
    found = stated.get("exact") or (file.get("sha256") if isinstance(file, dict) else None)
    return found if isinstance(found, str) else ""


def run_facts(store: Store, run: RunRow) -> RunFacts:
    """Return what is known of a run: its own facets, and its job's as they stood when it ran."""
    jobs = store.nodes([run.job_id])
    at = run.ended_at if run.ended_at is not None else run.started_at
    job_facets = store.facets(run.job_id, as_of=at) if jobs else {}
    facets = store.run_facets(run.run_id)
    process = body(facets, "headwater_process", "headwater_command")
    return RunFacts(
        run_id=run.run_id,
        job=node_id(jobs[0]) if jobs else "",
        job_name=jobs[0].name if jobs else "",
        operation=run.operation,
        state=run.state.value,
        started_at=run.started_at,
        ended_at=run.ended_at,
        parent_run=run.parent_run,
        code=_code(facets, job_facets),
        parameters=_parameters(facets),
        seeds=_seeds(facets),
        metrics=_metrics(facets),
        environment=_environment(facets, process),
        command=_command(process),
        error=_text(failure(facets), "message"),
        unseen=_unseen(facets),
        tags=_tags(facets),
    )


_LOST = {
    "dropped_operations": "operations beyond the limit of a run were left out",
    "dropped_events": "events could not be delivered or kept",
    "capture_errors": "times something went wrong within capture",
    "unlisted_statements": "more statements of SQL were followed than are listed",
    "unlisted_unresolved": "more of these than are listed",
}


def _unseen(facets: Facets) -> tuple[str, ...]:
    outcome = body(facets, "headwater_outcome")
    stated = outcome.get("unresolved")
    found = [text for text in stated if isinstance(text, str) and text] if isinstance(stated, list) else []
    counts = [(outcome.get(name), words) for name, words in _LOST.items()]
    return (*found, *(f"{count:,} {words}" for count, words in counts if isinstance(count, int) and count > 0))


def failure(facets: Facets) -> dict[str, Any]:
    """Why a run failed, ``message`` and ``stackTrace``; Spark's listener has a facet of its own for it."""
    return body(facets, "errorMessage", "spark.exception")


def _code(facets: Facets, job_facets: Facets) -> Code:
    own = body(facets, "headwater_code", "headwater_source") or body(job_facets, "headwater_code", "headwater_source")
    git = own.get("git") if isinstance(own.get("git"), dict) else None
    git = git or body(facets, "headwater_git", "headwater_repository")
    git = git or body(job_facets, "headwater_git", "headwater_repository")
    place = body(job_facets, "sourceCodeLocation")
    return Code(
        path=_text(own, "path", "file", "script") or _text(place, "path", "url"),
        sha256=_text(own, "sha256", "source", "code_hash", "digest", "bytecode"),
        commit=_text(git, "commit", "sha") or _text(place, "version"),
        branch=_text(git, "branch") or _text(place, "branch"),
        repository=_text(git, "repository", "repo_url", "remote", "url") or _text(place, "repoUrl"),
        is_dirty=_flag(git, "is_dirty", "dirty"),
    )


def _parameters(facets: Facets) -> dict[str, Any]:
    own = body(facets, "headwater_parameters").get("parameters")
    if isinstance(own, dict):
        return dict(sorted(own.items()))
    standard = objects(body(facets, "executionParameters").get("parameters"))
    return {str(item.get("key", item.get("name"))): item.get("value") for item in standard}


def _seeds(facets: Facets) -> tuple[Seed, ...]:
    return tuple(
        Seed(
            library=str(item.get("library", "")),
            scope=str(item.get("scope") or ""),
            value=item.get("value"),
            where=str(item.get("where") or ""),
        )
        for item in objects(body(facets, "headwater_seeds").get("seeds"))
    )


def _metrics(facets: Facets) -> tuple[Metric, ...]:
    found = body(facets, "headwater_metrics").get("metrics")
    if isinstance(found, dict):
        return tuple(Metric(name=name, value=value) for name, value in found.items())
    metrics = []
    for item in objects(found):
        if "name" in item:
            on = item.get("dataset")
            dataset = str(on.get("name", "")) if isinstance(on, dict) else str(on or "")
            step = item.get("step") if isinstance(item.get("step"), int) else None
            metrics.append(Metric(name=str(item["name"]), value=item.get("value"), dataset=dataset, step=step))
    return tuple(metrics)


def _environment(facets: Facets, process: dict[str, Any]) -> Environment:
    own = body(facets, "headwater_environment")
    engine = body(facets, "processing_engine")
    python = _text(own, "python", "python_version")
    if not python and str(engine.get("name", "")).lower() == "python":
        python = _text(engine, "version")
    packages = own.get("packages") or own.get("distributions")
    if isinstance(packages, list):
        packages = {str(item.get("name")): str(item.get("version")) for item in objects(packages)}
    return Environment(
        python=python,
        platform=_text(own, "platform", "os", "system"),
        host=_text(own, "host", "hostname") or _text(process, "host", "hostname"),
        user=_text(own, "user") or _text(process, "user"),
        sha256=_text(own, "lock_digest", "sha256", "digest"),
        packages={str(key): str(value) for key, value in sorted(packages.items())}
        if isinstance(packages, dict)
        else {},
    )


def _command(process: dict[str, Any]) -> str:
    argv = process.get("argv") or process.get("command") or ""
    return " ".join(str(item) for item in argv) if isinstance(argv, list) else str(argv)


def _tags(facets: Facets) -> dict[str, str]:
    found = objects(body(facets, "tags").get("tags"))
    return {str(item.get("key", "")): str(item.get("value", "")) for item in found}


def _text(found: Mapping[str, Any] | None, *names: str) -> str:
    for name in names:
        value = (found or {}).get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _flag(found: Mapping[str, Any] | None, *names: str) -> bool | None:
    for name in names:
        value = (found or {}).get(name)
        if isinstance(value, bool):
            return value
    return None


def schema_fields(facets: Facets) -> list[tuple[str, str]]:
    """Return the columns of a ``schema`` facet as (name, type), nested ones with dotted names."""
    return list(_flat(body(facets, "schema").get("fields"), ""))


def known_columns(
    store: Store, dataset_id: int, *, as_of: int | None = None, moved: Iterable[str] | None = None
) -> list[tuple[str, str]]:
    """Return the columns of a dataset as (name, type) in the order of its schema at an instant; then those that only
    edges know, by name and without a type.

    Of a dataset with a schema these are the ones that edges which hold move (``moved``; without it, those that lead
    into it): one that it had once is gone. Without a schema all that ever took part in an edge.
    """
    found = dict(schema_fields(store.facets(dataset_id, as_of=as_of)))
    if not found:
        moved = store.fields(dataset_id)
    elif moved is None:
        written = [edge for edge in store.edges(target_id=dataset_id) if edge.valid_to is None]
        moved = {field.target_field for edge in written for field in store.mapping_fields(edge)} - {"", "*"}
    return [*found.items(), *((name, "") for name in sorted(set(moved)) if name not in found)]


def _flat(fields: Any, prefix: str) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for item in objects(fields):
        if item.get("name"):
            name = prefix + str(item["name"])
            flat.append((name, str(item.get("type") or "")))
            flat.extend(_flat(item.get("fields"), name + "."))
    return flat
