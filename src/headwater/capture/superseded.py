"""Sets and models that are named anew before anything looks at them: of those of one name, the latest counts.

A loop of splits names its training set a thousand times. To profile each costs more than to split, and only the last is
told. What is behind every one of them is told all the same.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.capture.recorder import Metric, Named, Parameter, Seed, Unfollowed

_MODELS: Final = ("MODEL", "CHECKPOINT")
_LOOK_AT_NOTHING: Final = (Metric, Parameter, Seed, Unfollowed, type(None))
"""Items that say nothing about the content of a dataset; None is an item that has been taken."""


def supersede(items: list[Any], start: int, end: int) -> None:
    """Remove the content of those named sets and models between two positions that nobody will see: another gets their
    name before anything is written, and before a model that stays is said to have learned from them."""
    later: set[tuple[str, str]] = set()
    models: set[tuple[str, str]] = set()
    for position in range(end - 1, start - 1, -1):
        item = items[position]
        if type(item) in _LOOK_AT_NOTHING:
            continue
        if type(item) is not Named:
            later.clear()
            models.clear()
            continue
        name, own = item.ref[:2], models if item.ref.type in _MODELS else later
        if name in own:
            items[position] = without_content(item)
        elif own is models:
            later.clear()  # its version tells which state of its training set it learned from
        own.add(name)


def without_content(item: Named) -> Named:
    """The same dataset by name and origin, without what would describe its content."""
    forget = getattr(item.facets, "forget", None)
    if forget is not None:
        forget()
    return msgspec.structs.replace(item, snapshot=None, is_superseded=True)
