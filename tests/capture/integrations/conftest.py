"""Following real libraries in a test, and reading what was seen of them."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.capture import context
from headwater.capture.assembler import Assembler, Outcome
from headwater.capture.guard import GUARD
from headwater.capture.hooks import unobserved
from headwater.capture.latest_arrays import LatestArrays
from headwater.capture.recorder import Recorder
from headwater.capture.registry import Registry, State
from headwater.capture.trace import trace

_numbers = itertools.count()


class Followed:
    """A recorder, of a run of its own, with some integrations installed."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.recorder = Recorder(f"00000000-0000-7000-8000-{next(_numbers):012x}", "tests", "job")
        self.recorder.values.arrays = LatestArrays()  # a program does not begin with the arrays of all tests before it
        self.registry = Registry()
        self.registry.install(only=names)
        broken = [repr(s) for s in self.registry.statuses.values() if s.state is State.BROKEN]
        assert not broken, broken
        self._token = context.enter(self.recorder)
        self._event: dict[str, Any] | None = None

    def stop(self) -> None:
        """Take the hooks away, once."""
        if self._token is not None:
            context.leave(self._token)
            self._token = None
            self.registry.remove()

    def columns(self, obj: object) -> dict[str, set[tuple[str, str | None]]]:
        """Per column of an object, the (dataset, column) pairs behind it, directly or not."""
        value = self.recorder.values.get(obj)
        assert value is not None, "the object is not followed"
        found = trace(value)
        shared = {(_name(s), s.column) for s in found.indirect}
        return {name: {(_name(s), s.column) for s in trails} | shared for name, trails in found.fields.items()}

    def direct(self, obj: object, column: str) -> dict[str | None, str]:
        """Source column to subtype, for what flows into one column."""
        found = trace(self.recorder.values.get(obj))
        return {s.column: t.subtype for s, t in found.fields[column].items() if t.type == "DIRECT"}

    def indirect(self, obj: object) -> set[tuple[str | None, str]]:
        """(column, subtype) of what decided about the whole object."""
        return {(s.column, t.subtype) for s, t in trace(self.recorder.values.get(obj)).indirect.items()}

    def event(self) -> dict[str, Any]:
        """The run's last event, assembled once, and as by the worker: nothing that assembles it is recorded itself."""
        if self._event is None:
            with unobserved():
                self._event = json.loads(Assembler(self.recorder).finish(Outcome("COMPLETE", 0))[-1])
        return self._event

    def run(self, script: str, name: str = "__main__") -> Followed:
        """Run a script, which lies in the working folder, as the module of that name; gives what was seen of it."""
        path = Path.cwd() / "script.py"
        path.write_text(script)
        exec(compile(script, str(path), "exec"), {"__name__": name})
        return self

    def entries(self) -> dict[str, dict[str, Any]]:
        """Lineage entries by the last part of the target's name."""
        return {entry["name"].rpartition("/")[2]: entry for entry in self.all_entries()}

    def all_entries(self) -> list[dict[str, Any]]:
        """All lineage entries, with the targets' full names."""
        return list(self.event()["job"]["facets"].get("lineage", {}).get("entries", []))

    def sources(self, target: str, field: str | None = None) -> set[Any]:
        """What feeds a target: names of datasets, or (name, column) of one of its fields."""
        entry = self.entries()[target]
        if field is None:
            return {_short(i["name"]) for i in entry["inputs"]}
        return {(_short(i["name"]), i.get("field")) for i in entry["fields"][field]["inputs"]}

    def facets(self, name: str) -> dict[str, Any]:
        """The facets of the dataset with that last name."""
        for dataset in [*self.event()["inputs"], *self.event()["outputs"]]:
            if _short(dataset["name"]) == name:
                return dataset["facets"]
        raise KeyError(name)


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _name(source: Any) -> str:
    return _short(source.value.dataset.name) if source.value.dataset is not None else ""


@pytest.fixture
def follow(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Followed]]:
    """``follow("polars", ...)``: those integrations are installed until the test ends, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GUARD, "strict", True)
    started: list[Followed] = []

    def begin(*names: str) -> Followed:
        started.append(Followed(names))
        return started[-1]

    yield begin
    for followed in reversed(started):
        followed.stop()
    os.chdir("/")
