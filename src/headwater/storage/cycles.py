"""Detects cycles of dependencies between runs. The run that would close a cycle is refused.

The check runs where events are written, one commit at a time, so it covers every entry point and concurrent requests.
Which run of a cycle is refused depends on the order of arrival: the last one is. A log assembled elsewhere can still
contain a cycle; every walk over dependencies terminates nevertheless.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from headwater.errors import InvalidEvent
from headwater.model.events import Event, RunEvent
from headwater.storage.projection.dependencies import RECORD, builds_on
from headwater.storage.projection.tables import Tables

FIELD = f"run.facets.{RECORD}.dependencies"


class Cycles:
    """The dependencies among the events of one commit and the stored ones."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        #: dependencies in the new events, by run
        self._dependencies_of: dict[str, Sequence[str]] = {}
        self._named: set[str] = set()

    def check(self, event: Event) -> InvalidEvent | None:
        """Why an event must be refused; None if it is accepted, and its dependencies are then included."""
        if not isinstance(event, RunEvent) or RECORD not in event.run.facets:
            return None
        run_id, starts = event.run.run_id, builds_on(event.run.facets)
        if starts and (run_id in starts or self._is_named(run_id)):
            path = self._path(starts, run_id)
            if path:
                return InvalidEvent(
                    field=FIELD,
                    value=repr(path[0]),
                    rule="must not form a cycle: " + " -> ".join((run_id, *path)),
                    hint="remove the dependency that was recorded by mistake",
                )
        self._dependencies_of[run_id] = starts
        self._named.update(starts)
        return None

    def _is_named(self, run_id: str) -> bool:
        """Whether any run depends on this one. Nothing depends on most new runs, so no path can lead to them."""
        return run_id in self._named or bool(self._tables.dependencies.where(on_run=run_id))

    def _path(self, starts: Sequence[str], goal: str) -> list[str]:
        """The runs on a path from one of the starts to the goal, both included; empty if there is none."""
        came_from: dict[str, str | None] = dict.fromkeys(starts)
        waiting = deque(came_from)
        while waiting and goal not in came_from:
            here = waiting.popleft()
            for below in self._below(here):
                if below not in came_from:
                    came_from[below] = here
                    waiting.append(below)
        if goal not in came_from:
            return []
        path = [goal]
        while (before := came_from[path[-1]]) is not None:
            path.append(before)
        return path[::-1]

    def _below(self, run_id: str) -> Sequence[str]:
        known = self._dependencies_of.get(run_id)
        return [row.on_run for row in self._tables.dependencies.where(run_id=run_id)] if known is None else known
