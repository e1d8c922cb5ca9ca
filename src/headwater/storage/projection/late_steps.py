"""A step of a flow that arrives late changes the edges between its neighbours alone, however long the history is."""

from __future__ import annotations

from typing import NamedTuple

from headwater.storage.projection.records import Edge

Claim = tuple[int, int]
"""(how, mapping) of a source."""


class Step(NamedTuple):
    """What feeds a target from ``at`` on, as stated by ``by``. Steps sort in their order."""

    at: int
    by: str
    shape: int


class Neighbours(NamedTuple):
    """A late step between the one before it, if there is one, and the one after. No two are at the same instant."""

    before: Step | None
    late: Step
    after: Step


class Claims(NamedTuple):
    """What the three steps claim about one source; None for nothing."""

    before: Claim | None
    late: Claim | None
    after: Claim | None


class Interval(NamedTuple):
    """A time with one claim; ``run`` was the last to make it, and is empty if it has no end."""

    claim: Claim
    valid_from: int
    valid_to: int | None
    run: str


def intervals(steps: Neighbours, claims: Claims, held: Edge | None, begun: Edge | None) -> list[Interval] | None:
    """The intervals of a source that the edges ``held`` and ``begun`` become.

    ``held`` is valid when the late step comes, ``begun`` from the step after it on; either may not exist. Returns None
    if they are not what the neighbours of the late step left behind.
    """
    goes_on = claims.before == claims.after
    if _claim(held) != claims.before or _claim(begun) != (None if goes_on else claims.after):
        return None
    before, late, after = steps
    found: list[Interval] = []
    if held is not None:
        if goes_on == (held.valid_to == after.at) or (held.valid_to is not None and held.valid_to < after.at):
            return None
        found.append(Interval((held.how, held.mapping), held.valid_from, late.at, before.by if before else ""))
    if claims.late is not None:
        found.append(Interval(claims.late, late.at, after.at, late.by))
    onward = held if goes_on else begun
    if onward is not None:
        found.append(Interval((onward.how, onward.mapping), after.at, onward.valid_to, onward.run))
    return _joined(found)


def _claim(edge: Edge | None) -> Claim | None:
    return None if edge is None else (edge.how, edge.mapping)


def _joined(found: list[Interval]) -> list[Interval]:
    """The intervals, with those joined that follow one another with the same claim."""
    joined: list[Interval] = []
    for interval in found:
        last = joined[-1] if joined else None
        if last is not None and (last.claim, last.valid_to) == (interval.claim, interval.valid_from):
            joined[-1] = last._replace(valid_to=interval.valid_to, run=interval.run)
        else:
            joined.append(interval)
    return joined
