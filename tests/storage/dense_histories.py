"""Random histories of few names, runs and instants: nearly every statement meets another about the same thing."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from headwater.testing.events import Event, at, dataset, facet, raw, run_id, schema

Facets = dict[str, Any]
_KINDS: tuple[str | None, ...] = (None, "START", "RUNNING", *["COMPLETE"] * 3, "FAIL", "ABORT", "OTHER")
_LIVES = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "OVERWRITE")
_STEPS: tuple[list[dict[str, Any]] | None, ...] = (
    None,
    [],
    [{"type": "DIRECT", "subtype": "IDENTITY"}],
    [{"type": "DIRECT", "masking": True}],
    [{"type": "INDIRECT", "subtype": "FILTER"}],
    [{"type": "INFERRED"}],
)


class DenseHistory:
    """``events`` of one seed. Each history has a few kinds of facets, so that those meet one another."""

    def __init__(self, seed: int) -> None:
        self._pick = pick = random.Random(seed)
        self._tables = ["a", "b", "c", "d"][: pick.choice([2, 3, 4])]
        self._jobs = ["j", "k"][: pick.choice([1, 2])]
        self._runs = [run_id(number) for number in range(1, pick.choice([2, 3, 4]))]
        self._instants = pick.choice([1, 2, 4, 8])
        of_data, of_jobs = list(self._of_data()), list(self._of_jobs())
        self._of_a_dataset = pick.sample(of_data, pick.choice([1, 2, 3, 5, len(of_data)]))
        self._of_a_job = pick.sample(of_jobs, pick.choice([0, 1, 2, len(of_jobs)]))

    def events(self) -> list[bytes]:
        """Three to twelve events."""
        return raw([self._event() for _ in range(self._pick.choice([3, 5, 8, 12]))])

    def _event(self) -> Event:
        pick = self._pick
        event: Event = {"eventTime": at(pick.randrange(self._instants)), "producer": "https://example.com/dense"}
        kind = pick.random()
        if kind < 0.12:
            return {**event, "dataset": self._dataset()}
        event |= {
            "job": {"namespace": "jobs", "name": pick.choice(self._jobs), "facets": self._facets(self._of_a_job)},
            "inputs": [self._dataset() for _ in range(pick.choice([0, 1, 1, 2]))],
            "outputs": [self._dataset() for _ in range(pick.choice([0, 1, 1, 2]))],
        }
        if kind < 0.25:
            return event
        run: dict[str, Any] = {"runId": pick.choice(self._runs)}
        if pick.random() < 0.2:
            job = {"namespace": "jobs", "name": pick.choice(self._jobs)}
            run["facets"] = {"parent": facet(run={"runId": pick.choice(self._runs)}, job=job)}
        return {**event, "eventType": pick.choice(_KINDS), "run": run}

    def _dataset(self) -> dict[str, Any]:
        return dataset(self._pick.choice(self._tables), facets=self._facets(self._of_a_dataset))

    def _facets(self, makers: list[Callable[[], Facets]]) -> Facets:
        found: Facets = {}
        for maker in self._pick.sample(makers, self._pick.randrange(min(3, len(makers)) + 1)):
            found |= maker()
        return found

    # -- facets ----------------------------------------------------------------------------------------------------
    def _of_data(self) -> tuple[Callable[[], Facets], ...]:
        pick = self._pick
        return (
            lambda: {"symlinks": facet(identifiers=[{**self._named(), "type": "TABLE"}])},
            lambda: {"lifecycleStateChange": self._life(pick.choice(_LIVES))},
            lambda: {"columnLineage": facet(fields={"x": self._columns(), "z": self._columns()})},
            lambda: {"columnLineage": facet(fields={}, dataset=[{**self._named(), "field": pick.choice("xy")}])},
            lambda: {"schema": schema(*pick.sample("xyzw", pick.choice([1, 2, 3])))},
            lambda: {"version": facet(datasetVersion=pick.choice("12"))},
            lambda: {"lineage": facet(inputs=self._inputs(), fields={"x": {"inputs": self._inputs()}})},
            lambda: {"documentation": facet(description=pick.choice("pqr"))},
            lambda: {pick.choice(["schema", "columnLineage", "lineage", "symlinks"]): facet(_deleted=True)},
            lambda: {pick.choice(["schema", "columnLineage", "lineage"]): None},
            lambda: {"headwater_fingerprint": facet(exact=pick.choice("ef"), file={"sha256": pick.choice(["s", ""])})},
            lambda: {"dataSource": facet(name="s", uri=pick.choice(["postgres://db/shop", "s3://lake"]))},
            lambda: {"datasetType": facet(datasetType=pick.choice(["TABLE", "VIEW"]))},
        )

    def _of_jobs(self) -> tuple[Callable[[], Facets], ...]:
        pick = self._pick
        return (
            lambda: {"lineage": facet(entries=[self._entry() for _ in range(pick.choice([0, 1, 2]))])},
            lambda: {"lifecycleStateChange": self._life(pick.choice(["CREATE", "DROP"]))},
            lambda: {"jobType": facet(processingType=pick.choice(["STREAMING", "BATCH"]), integration="X")},
            lambda: {"documentation": facet(description=pick.choice("pq"))},
        )

    def _named(self) -> dict[str, Any]:
        return {"namespace": "db", "name": self._pick.choice(self._tables)}

    def _life(self, change: str) -> dict[str, Any]:
        return facet(lifecycleStateChange=change, previousIdentifier=self._named())

    def _columns(self) -> dict[str, Any]:
        source = {**self._named(), "field": self._pick.choice("xy"), "transformations": self._pick.choice(_STEPS)}
        return {"inputFields": [source]}

    def _inputs(self) -> list[dict[str, Any]]:
        return [self._input() for _ in range(self._pick.choice([0, 1, 2]))]

    def _input(self) -> dict[str, Any]:
        pick = self._pick
        source = pick.choice(
            [
                {"type": "DATASET", **self._named()},
                {"type": "DATASET", **self._named(), "field": pick.choice("xy")},
                {"type": "JOB"},
                {"type": "JOB", "namespace": "jobs", "name": pick.choice(self._jobs), "field": "x"},
            ]
        )
        return {**source, "transformations": pick.choice(_STEPS)}

    def _entry(self) -> dict[str, Any]:
        fields = {"x": {"inputs": self._inputs()}}
        return {
            "type": self._pick.choice(["DATASET", "DATASET", "JOB"]),
            **self._named(),
            "inputs": self._inputs(),
            "fields": fields,
        }
