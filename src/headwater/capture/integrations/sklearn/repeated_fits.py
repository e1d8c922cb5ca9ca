"""Fits in a loop: the first models of one line of code get their own names, the others share the last one.

Ten thousand names for ten thousand models help nobody, and describing each costs more than fitting it. Of models that
share a name, the latest counts: the training data of an earlier one is not profiled, and its feature importances are
not computed, if that has not happened yet.
"""

from __future__ import annotations

from types import CodeType
from typing import Any, Final

from headwater.capture.recorder import Named, Recorder
from headwater.capture.superseded import without_content

MAX_OF_ONE_SITE: Final = 10
"""How many models of one line of code have names of their own."""

_MAX_SITES: Final = 10_000

_Site = tuple[str, CodeType | None, int, str]
_counts: dict[_Site, int] = {}
_latest: dict[_Site, str] = {}
_positions: dict[tuple[str, str], int | None] = {}
"""The position in the recorder of the latest item with a shared name, by run and name."""


def name_of_model(recorder: Recorder, base: str, code: CodeType | None, line: int) -> str:
    """The name of a model that was fitted at that line."""
    site = (recorder.run_id, code, line, base)
    count = _counts.get(site, 0) + 1
    if len(_counts) < _MAX_SITES:
        _counts[site] = count
    if count > MAX_OF_ONE_SITE:
        return _latest[site]
    name = recorder.unique_name(base, None)
    if len(_latest) < _MAX_SITES:
        _latest[site] = name
    if count == MAX_OF_ONE_SITE:
        for shared in (name, f"{name}.training_data"):
            _positions[recorder.run_id, recorder.memory_ref(shared).name] = None
    return name


def name(recorder: Recorder, *args: Any, **kwargs: Any) -> None:
    """Call ``recorder.name``, and remove snapshot and importances from an earlier, unprocessed item with the same
    shared name."""
    recorder.name(*args, **kwargs)
    key = (recorder.run_id, args[1].name)
    if key not in _positions:
        return
    items = recorder.items
    before = _positions[key]
    earlier = items[before] if before is not None else None
    if before is not None and type(earlier) is Named and earlier.ref == args[1]:
        items[before] = without_content(earlier)
    _positions[key] = len(items) - 1
