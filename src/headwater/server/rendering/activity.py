"""Recent activity, derived from the log by the same function as live messages, so that both have the same words."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import Any, Literal

import msgspec

from headwater.server.live.messages import Message, messages
from headwater.storage.base import Store
from headwater.storage.row_types import Quarantined

_EVENTS = 60
_MOST = 16


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the feed. ``subject`` is the id of the object, ``words`` describes what happened to it."""

    what: Literal["run", "node", "schema", "refused"]
    at: int
    subject: str
    namespace: str
    name: str
    words: str
    type: str = ""
    """For a node, its type in lower case, or else its kind."""
    state: str = ""
    run: str = ""
    more: int = 0
    """How many runs of the same job with the same result came right before, or how often it was refused before."""


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, latest first, and the number of events they cover."""

    lines: tuple[Happening, ...]
    events: int


def latest_activity(
    store: Store, last_seq: int, *, events: int = _EVENTS, most: int = _MOST, with_refused: bool = False
) -> Activity:
    """The changes of the last ``events`` events up to ``last_seq``: each run once, similar ones combined.

    ``with_refused`` includes refused documents, for those who may see them.
    """
    stored = list(store.events(since=max(0, last_seq - events)))
    lines: list[Happening] = []
    seen: set[tuple[str, str, str]] = set()
    for event in reversed(stored):
        for message in messages(store, event):
            line = _line(message, event.received_at)
            key = None if line is None else (line.what, line.run or line.subject, "" if line.run else line.words)
            if line is not None and key is not None and key not in seen:
                seen.add(key)
                _add(lines, line)
        if len(lines) >= most:
            break
    refused = [_refused(entry) for entry in store.quarantined(limit=most)] if with_refused else []
    merged = merge(lines, refused, key=lambda line: -line.at)
    return Activity(lines=tuple(islice(merged, most)), events=len(stored))


def _refused(entry: Quarantined) -> Happening:
    return Happening(
        what="refused",
        at=entry.received_at,
        subject=str(entry.id),
        namespace="",
        name=entry.field or f"the whole {entry.kind}",
        words=entry.rule,
        more=entry.times - 1,
    )


def _add(lines: list[Happening], line: Happening) -> None:
    before = lines[-1] if lines else None
    if (
        before is not None
        and line.run
        and (before.what, before.subject, before.state) == ("run", line.subject, line.state)
    ):
        lines[-1] = msgspec.structs.replace(before, more=before.more + 1)
    else:
        lines.append(line)


def _line(message: Message, at: int) -> Happening | None:
    data = message.data
    if message.topic == "runs":
        return Happening(
            what="run",
            at=at,
            subject=data["job"],
            namespace="",
            name=data["job_name"],
            words=_progress(data["progress"]),
            state=data["state"],
            run=data["run"],
        )
    if message.topic == "nodes" and data["change"] in ("new", "deleted"):
        type_ = data["type"] or data["kind"]
        return Happening(**_about(data), what="node", at=at, type=type_.lower(), words=data["change"])
    if message.topic == "schema" and data["kind"] != "added" and (words := schema_words(data)):
        return Happening(**_about(data), what="schema", at=at, words=words)
    return None


def _about(data: dict[str, Any]) -> dict[str, Any]:
    return {"subject": data["node"], "namespace": data["namespace"], "name": data["name"]}


def schema_words(change: dict[str, Any]) -> str:
    """A schema change in words; empty if it did not affect the columns."""
    parts = [
        f"{word} {_few(change[key])}"
        for key, word in (("added", "added"), ("removed", "removed"), ("retyped", "retyped"))
        if change.get(key)
    ]
    return ", ".join(parts)


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _progress(progress: dict[str, Any]) -> str:
    words = [
        f"{progress[key]:,} {word}{'' if progress[key] == 1 else 's'}"
        for key, word in (("inputs", "input"), ("outputs", "output"), ("rows", "row"))
        if progress[key]
    ]
    return ", ".join(words)
