"""The source code of runs, and a line-by-line comparison of two of them."""

from __future__ import annotations

import difflib
from itertools import takewhile
from typing import Any, Literal

import msgspec

from headwater.query.facet_values import Code, body
from headwater.query.names import short_run
from headwater.storage.base import Store
from headwater.storage.row_types import FacetChange, RunRow

MOST_LINES = 2_000
"""Lines of a comparison; the others are counted."""

_MOST_COMPARED = 3_000
"""Lines between the first and the last that differ: comparing more takes seconds."""

_FACET = "sourceCode"


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The text of the code of one run, without its secrets. ``missing`` says why there is none."""

    text: str = ""
    language: str = ""
    is_cut: bool = False
    missing: str = ""


class CodeDiff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The code of two runs, line by line.

    ``lines`` is a unified diff without the names of files, empty if the texts are the same or cannot be compared;
    ``left_out`` counts lines that are not shown, ``note`` says what the lines do not.
    """

    state: Literal["same", "changed", "unknown"]
    lines: tuple[str, ...] = ()
    left_out: int = 0
    note: str = ""


def run_source(store: Store, run: RunRow, code: Code) -> Source:
    """Return the text of the code that ran.

    It is the one that the run itself sent, else the one with the digest of the run's code, else (of an emitter that
    tells no digests) the one that the job had at the time.
    """
    changes = [change for change in store.history(run.job_id, facet=_FACET) if change.body is not None]
    found = _of_run(changes, run, code)
    if not found.get("sourceCode"):
        return Source(missing=f"the text of run {short_run(run.run_id)} was not kept")
    return Source(
        text=str(found["sourceCode"]), language=str(found.get("language") or ""), is_cut=found.get("is_cut") is True
    )


def _of_run(changes: list[FacetChange], run: RunRow, code: Code) -> dict[str, Any]:
    own = [change for change in changes if change.run_id == run.run_id]
    if own:
        return _body(own[-1])
    bodies = [(change, _body(change)) for change in changes]
    same = [found for _, found in bodies if code.sha256 and found.get("sha256") == code.sha256]
    if same:
        return same[-1]
    at = run.ended_at if run.ended_at is not None else run.started_at
    before = [found for change, found in bodies if at is None or change.changed_at <= at]
    if not before or (code.sha256 and before[-1].get("sha256")):
        return {}
    return before[-1]


def _body(change: FacetChange) -> dict[str, Any]:
    return body({_FACET: change.body}, _FACET) if change.body is not None else {}


def diff_code(store: Store, before: tuple[RunRow, Code], after: tuple[RunRow, Code]) -> CodeDiff | None:
    """Return how the code of two runs differs, line by line; None if nothing is known of either's code."""
    left, right = run_source(store, *before), run_source(store, *after)
    digests = before[1].sha256, after[1].sha256
    is_same_digest = bool(digests[0]) and digests[0] == digests[1]
    if left.missing or right.missing:
        if is_same_digest:
            return CodeDiff(state="same", note="the digest is the same; the text was not kept")
        if not any(digests) and left.missing and right.missing and not (before[1].commit or after[1].commit):
            return None
        return CodeDiff(state="unknown", note="; ".join(note for note in (left.missing, right.missing) if note))
    note = "only the beginning of a text is kept, and compared" if left.is_cut or right.is_cut else ""
    if left.text == right.text:
        if not is_same_digest and all(digests) and not note:
            note = "the texts are the same; what is masked in them, or not part of them, differs"
        return CodeDiff(state="same", note=note)
    return _compared(left.text.splitlines(), right.text.splitlines(), note)


def _compared(left: list[str], right: list[str], note: str) -> CodeDiff:
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
    if max(len(left), len(right)) - head > _MOST_COMPARED:
        tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left[::-1], right[::-1], strict=False)))
        if max(len(left), len(right)) - head - tail > _MOST_COMPARED:
            words = f"the texts differ over more than {_MOST_COMPARED:,} lines, and are not compared line by line"
            return CodeDiff(state="changed", note="; ".join(part for part in (words, note) if part))
    lines = list(difflib.unified_diff(left, right, lineterm=""))[2:]
    if not lines:
        note = "; ".join(part for part in ("only the ends of lines differ", note) if part)
    return CodeDiff(
        state="changed", lines=tuple(lines[:MOST_LINES]), left_out=max(0, len(lines) - MOST_LINES), note=note
    )
