"""OpenLineage events for tests: builders, and whole histories that depend on a seed alone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from headwater.formats.openlineage import format_time

PRODUCER = "https://headwater.dev/testing"
EPOCH_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z: where the clock of these events starts."""
SECOND_US = 1_000_000
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"

_LIVES: tuple[tuple[str | None, ...], ...] = (
    *[("START", "COMPLETE")] * 4,
    ("START", "FAIL"),
    ("START", "ABORT", "COMPLETE"),
    ("START", "RUNNING"),
    (None, "COMPLETE"),
    ("COMPLETE",),
    ("START", "RUNNING", "RUNNING", "COMPLETE"),
    ("FAIL", "COMPLETE"),
    ("OTHER",),
)
"""The events of a run in one history."""

Facets = Mapping[str, Any]
Event = dict[str, Any]


def run_id(number: int) -> str:
    """The UUID of a run, by number: version 7, in the order of the numbers."""
    return str(UUID(int=(number << 80) | (0x7 << 76) | (0x2 << 62) | (number * 2_654_435_761 & 0xFFFF_FFFF)))


def at(seconds: float) -> str:
    """An event time, in seconds since the clock of these events started."""
    return format_time(EPOCH_US + round(seconds * SECOND_US))


def facet(**members: Any) -> dict[str, Any]:
    """A facet with the two members that the specification asks of all."""
    return {"_producer": PRODUCER, "_schemaURL": f"{PRODUCER}/facet.json", **members}


def dataset(name: str, namespace: str = "db", facets: Facets | None = None, **more: Facets) -> dict[str, Any]:
    """A dataset as it stands in an event; ``more`` takes ``inputFacets`` and ``outputFacets``."""
    found: dict[str, Any] = {"namespace": namespace, "name": name}
    if facets:
        found["facets"] = dict(facets)
    return {**found, **{key: dict(value) for key, value in more.items() if value}}


def schema(*names: str) -> dict[str, Any]:
    """A ``schema`` facet with columns of these names."""
    return facet(fields=[{"name": name, "type": "text"} for name in names])


def column_lineage(fields: Mapping[str, Iterable[tuple[str, str]]], namespace: str = "db") -> dict[str, Any]:
    """A ``columnLineage`` facet: for each output field its (dataset, field) sources."""
    return facet(
        fields={
            name: {
                "inputFields": [{"namespace": namespace, "name": source, "field": field} for source, field in sources]
            }
            for name, sources in fields.items()
        }
    )


def lineage(entries: Mapping[str, Iterable[str]], namespace: str = "db") -> dict[str, Any]:
    """A job-level ``lineage`` facet: the source datasets of each target dataset."""
    return facet(
        entries=[
            {
                "type": "DATASET",
                "namespace": namespace,
                "name": target,
                "inputs": [{"type": "DATASET", "namespace": namespace, "name": source} for source in sources],
            }
            for target, sources in entries.items()
        ]
    )


def run_event(
    run: str,
    job: str,
    kind: str | None,
    seconds: float,
    inputs: Sequence[str | dict[str, Any]] = (),
    outputs: Sequence[str | dict[str, Any]] = (),
    *,
    namespace: str = "jobs",
    run_facets: Facets | None = None,
    job_facets: Facets | None = None,
) -> Event:
    """A RunEvent; datasets are given by name, or as ``dataset`` gives them."""
    event: Event = {
        "eventTime": at(seconds),
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}#/$defs/RunEvent",
        "run": {"runId": run, "facets": dict(run_facets or {})},
        "job": {"namespace": namespace, "name": job, "facets": dict(job_facets or {})},
        "inputs": [dataset(one) if isinstance(one, str) else one for one in inputs],
        "outputs": [dataset(one) if isinstance(one, str) else one for one in outputs],
    }
    return event if kind is None else {"eventType": kind, **event}


def whole_run(
    number: int,
    job: str,
    seconds: float,
    inputs: Sequence[str | dict[str, Any]] = (),
    outputs: Sequence[str | dict[str, Any]] = (),
    *,
    end: str = "COMPLETE",
    lasts_s: float = 10,
    **more: Any,
) -> list[Event]:
    """START and the last event of a run that took ``lasts_s`` seconds."""
    run = run_id(number)
    return [
        run_event(run, job, "START", seconds, inputs, (), **more),
        run_event(run, job, end, seconds + lasts_s, inputs, outputs, **more),
    ]


def job_event(
    job: str,
    seconds: float,
    inputs: Sequence[str | dict[str, Any]] = (),
    outputs: Sequence[str | dict[str, Any]] = (),
    *,
    namespace: str = "jobs",
    facets: Facets | None = None,
) -> Event:
    """A JobEvent."""
    return {
        "eventTime": at(seconds),
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}#/$defs/JobEvent",
        "job": {"namespace": namespace, "name": job, "facets": dict(facets or {})},
        "inputs": [dataset(one) if isinstance(one, str) else one for one in inputs],
        "outputs": [dataset(one) if isinstance(one, str) else one for one in outputs],
    }


def dataset_event(name: str, seconds: float, facets: Facets, *, namespace: str = "db") -> Event:
    """A DatasetEvent."""
    return {
        "eventTime": at(seconds),
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}#/$defs/DatasetEvent",
        "dataset": dataset(name, namespace, facets),
    }


def raw(events: Iterable[Event]) -> list[bytes]:
    """Events as they travel."""
    return [msgspec.json.encode(event) for event in events]


_ABOUT: dict[str, tuple[dict[str, Any], ...]] = {
    "documentation": (facet(description="what was sold"), facet(description="lake of orders", contentType="text")),
    "tags": (
        facet(tags=[{"key": "pii", "value": "true", "source": "USER"}]),
        facet(tags=[{"key": "pii", "value": "true", "field": "a"}, {"key": "tier", "value": "gold"}]),
    ),
    "ownership": (facet(owners=[{"name": "team:sales", "type": "OWNER"}]), facet(owners=[{"name": "ada"}])),
    "dataSource": (
        facet(name="lake", uri="s3://bucket/lake"),
        facet(name="shop", uri="postgresql://db/shop"),
        facet(name="shop", uri="postgresql://other:5432/shop"),
    ),
    "dataQualityMetrics": (facet(rowCount=3, columnMetrics={"a": {"nullCount": 1, "distinctCount": 2}}),),
}
"""What histories say of datasets beside where they are from."""


class History:
    """A random history of a small platform, the same for the same seed.

    It has what makes histories hard: runs that fail, restart or never end, jobs that change, late names for the same
    data, renames, dropped and revived jobs, removed facets, equal times, fields that come and go, versions and
    fingerprints, and design-time lineage.
    """

    def __init__(self, seed: int, *, datasets: int = 6, jobs: int = 4) -> None:
        self._random = random.Random(seed)  # noqa: S311 - tests, no secrets
        self._counts = random.Random(seed)  # noqa: S311 - tests, no secrets
        self._datasets = [f"t{number}" for number in range(datasets)]
        self._jobs = [f"j{number}" for number in range(jobs)]
        self._number = 0

    def events(self, runs: int) -> list[bytes]:
        """The events of so many runs, with other events between them, in the order of time."""
        found: list[Event] = []
        for _ in range(runs):
            found += self._run()
            if self._random.random() < 0.35:
                found.append(self._other())
        found.sort(key=lambda event: str(event["eventTime"]))
        return raw(found)

    def _clock(self) -> float:
        return self._random.randrange(60)

    def _name(self) -> dict[str, Any]:
        name = self._random.choice(self._datasets)
        kind = self._random.random()
        if kind < 0.1:
            return dataset(f"lake/{name}", "s3a://bucket", self._facets(name))
        if kind < 0.2:
            return dataset(f"/lake/{name}/", "s3://bucket", self._facets(name))
        if kind < 0.3:
            return self._at_source(name)
        return dataset(name, facets=self._facets(name))

    def _at_source(self, name: str) -> dict[str, Any]:
        """A table or an object under its address, or under a nickname, with the URI of its source or without."""
        pick = self._random
        namespace, given, uri = pick.choice(
            [
                ("postgres://pg:5432", f"shop.public.{name}", "postgres://pg/shop"),
                ("shop", f"public.{name}", "jdbc:postgresql://pg/shop"),
                ("shop", f"shop.public.{name}", "postgresql://me@pg:5432/other"),
                ("lakehouse", f"lake/{name}", "s3n://bucket"),
                ("lakehouse", name, f"s3://bucket/lake/{name}"),
            ]
        )
        source = {"dataSource": facet(name=namespace, uri=uri)} if pick.random() < 0.6 else {}
        return dataset(given, namespace, {**self._facets(name), **source})

    def _facets(self, name: str) -> dict[str, Any]:
        pick = self._random
        found: dict[str, Any] = {}
        if pick.random() < 0.5:
            found["schema"] = schema(*pick.sample(["a", "b", "c", "d"], pick.randrange(1, 4)))
        if pick.random() < 0.1:
            found["schema"] = facet(_deleted=True)
        if pick.random() < 0.25:
            found["version"] = facet(datasetVersion=f"v{pick.randrange(3)}")
        if pick.random() < 0.25:
            found["headwater_fingerprint"] = facet(exact=f"{pick.randrange(3):032x}", file={"sha256": f"{name}0"})
        if self._counts.random() < 0.4:
            found["dataQualityMetrics"] = facet(rowCount=self._counts.randrange(4))
        if pick.random() < 0.1:
            other = pick.choice(self._datasets)
            identifiers = [{"namespace": "s3://bucket", "name": f"lake/{other}", "type": "LOCATION"}]
            found["symlinks"] = facet(identifiers=identifiers)
        if pick.random() < 0.1:
            found["lifecycleStateChange"] = self._life()
        if pick.random() < 0.1:
            found["datasetType"] = facet(datasetType=pick.choice(["TABLE", "MODEL"]))
        if pick.random() < 0.15:
            found[pick.choice(list(_ABOUT))] = facet(_deleted=True)
        elif pick.random() < 0.3:
            kind, bodies = pick.choice(list(_ABOUT.items()))
            found[kind] = pick.choice(bodies)
        return found

    def _life(self) -> dict[str, Any]:
        change = self._random.choice(["DROP", "CREATE", "RENAME", "TRUNCATE"])
        if change != "RENAME":
            return facet(lifecycleStateChange=change)
        previous = {"namespace": "db", "name": self._random.choice(self._datasets) + "_old"}
        return facet(lifecycleStateChange=change, previousIdentifier=previous)

    def _some(self, most: int) -> list[dict[str, Any]]:
        return [self._name() for _ in range(self._random.randrange(most + 1))]

    def _run(self) -> list[Event]:
        pick = self._random
        self._number += 1
        run, job, start = run_id(self._number), pick.choice(self._jobs), self._clock()
        facets: dict[str, Any] = {}
        if pick.random() < 0.2:
            facets["jobType"] = facet(processingType=pick.choice(["STREAMING", "BATCH"]), integration="X", jobType="Y")
        if pick.random() < 0.2:
            names = pick.sample(self._datasets, 3)
            facets["lineage"] = lineage({names[0]: names[1:2], names[1]: names[2:]})
        found = []
        for kind in pick.choice(_LIVES):
            outputs = self._some(2)
            for output in outputs:
                if pick.random() < 0.3:
                    sources = {name: [(pick.choice(self._datasets), pick.choice("abc"))] for name in "ab"}
                    output.setdefault("facets", {})["columnLineage"] = column_lineage(sources)
                if pick.random() < 0.3:
                    output["outputFacets"] = {"outputStatistics": facet(rowCount=pick.randrange(100))}
            run_facets = {"nominalTime": facet(nominalStartTime=at(start))} if pick.random() < 0.3 else {}
            if pick.random() < 0.2:
                parent = {"run": {"runId": run_id(1 + pick.randrange(9))}, "job": {"namespace": "jobs", "name": "p"}}
                run_facets["parent"] = facet(**parent)
            if pick.random() < 0.15:  # on earlier runs and on one that never arrives: no cycle, in any order
                others = pick.sample([*range(max(1, self._number - 4), self._number), 900], 1)
                run_facets["headwater_record"] = facet(dependencies=[run_id(other) for other in others])
            found.append(
                run_event(run, job, kind, start, self._some(2), outputs, job_facets=facets, run_facets=run_facets)
            )
            start += pick.randrange(4)
        return found

    def _other(self) -> Event:
        pick = self._random
        kind = pick.random()
        if kind < 0.3:
            names = [dataset(name) for name in pick.sample(self._datasets, 3)]
            return job_event(pick.choice(self._jobs), self._clock(), names[:1], names[1:])
        if kind < 0.5:
            return job_event(pick.choice(self._jobs), self._clock(), facets={"lifecycleStateChange": self._life()})
        name = pick.choice(self._datasets)
        facets = self._facets(name)
        if pick.random() < 0.4:
            inputs = [{"type": "DATASET", "namespace": "db", "name": pick.choice(self._datasets)}]
            facets["lineage"] = facet(inputs=inputs) if pick.random() < 0.8 else facet(_deleted=True)
        return dataset_event(name, self._clock(), facets)
