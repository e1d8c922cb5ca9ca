"""What a program sent to a service, and what the service makes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import msgspec

import headwater as hw
from headwater.model.graph import Edge
from headwater.query.result import LineageGraph
from headwater.storage.open import open_store
from headwater.testing.service_crash import ServiceProcess
from interop.programs import HERE, ROOT

CORPORA = HERE / "corpora"


class Sent:
    """A service in a process of its own, its key, and questions to it."""

    def __init__(self, folder: Path, *options: str, store: str = "") -> None:
        self.folder = folder
        self._store = store
        self._options = options
        self._process = ServiceProcess(folder, *options, store=store)
        self.url = f"http://127.0.0.1:{self._process.port}"
        self.key = self._process.key
        self.lineage = hw.connect(self.url, key=self.key)

    @property
    def settings(self) -> dict[str, str]:
        """The two settings that every OpenLineage client knows."""
        return {"OPENLINEAGE_URL": self.url, "OPENLINEAGE_API_KEY": self.key}

    def restart(self) -> None:
        """End the service as a power cut would, and start it again at the same place."""
        self._process.kill()
        self._process = ServiceProcess(self.folder, *self._options, store=self._store, port=self._process.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it as an operator would."""
        self.lineage.close()
        self._process.stop()

    def get(self, path: str, **query: str | int) -> Any:
        """The answer to a GET below ``/api/v1``."""
        return self.lineage._get(path, dict, **query)

    def log(self) -> list[bytes]:
        """Every event as it came in, in the order of arrival."""
        with open_store(self._store or self.folder, read_only=True) as store:
            return [event.body for event in store.events()]

    def events(self) -> list[dict[str, Any]]:
        """The same, decoded."""
        return [msgspec.json.decode(body) for body in self.log()]

    def graph_hash(self) -> str:
        """The digest of all that the service knows."""
        with open_store(self._store or self.folder, read_only=True) as store:
            return store.graph_hash()

    def graph(self) -> LineageGraph:
        """Everything."""
        return self.lineage.graph("kind:dataset | kind:job")

    def edges(self) -> set[tuple[str, str, str, str]]:
        """Each dataset edge that holds: short names of source, target and job, and how it is known."""
        return {
            (short(edge.source), short(edge.target), short(edge.job), edge.how.value)
            for edge in self.graph().edges
            if edge.valid_to is None
        }

    def columns(self, dataset: str) -> set[str]:
        """The column edges into a dataset, of one hop."""
        found = self.lineage.upstream(dataset, depth=1, columns=True)
        return {text for edge in found.edges for text in _columns_of(edge)}

    def states(self) -> dict[str, list[str]]:
        """Job by its name: the states of its runs, latest first."""
        found: dict[str, list[str]] = {}
        for run in self.lineage.runs(limit=1000):
            found.setdefault(run.job_name, []).append(run.state)
        return found


def _columns_of(edge: Edge) -> list[str]:
    return [f"{short(edge.source)}.{one.source_field} -> {one.target_field}" for one in edge.fields]


def short(node: str) -> str:
    """A node's id without its kind and namespace."""
    return node.rpartition(":")[2]


def keep(name: str, events: list[bytes]) -> None:
    """Write what was sent as the corpus of that name, when told to: ``HEADWATER_UPDATE_GOLDEN=1``.

    It must say nothing of the machine: record with ``HEADWATER_INTEROP`` in a neutral place.
    """
    if not os.environ.get("HEADWATER_UPDATE_GOLDEN"):
        return
    told = b"\n".join(events).decode()
    for place in (str(ROOT), str(Path.home()), "/tmp/"):
        assert place not in told, f"the events of {name} name {place}"
    CORPORA.mkdir(exist_ok=True)
    (CORPORA / f"{name}.ndjson").write_text(told + "\n")
