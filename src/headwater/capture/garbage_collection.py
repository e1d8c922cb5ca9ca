"""Keeps Python's garbage collector from scanning our own objects over and over.

Our modules add some twenty thousand objects to a captured program. The collector would scan them while they are
created and in every full collection, although they live until the end. Frozen, they do not slow down the program's own
collections. At the end they become ordinary objects again, so that what depends on them (a handler that the program
gave to ``logging``) is finalised as it would be without us.
"""

from __future__ import annotations

import gc


class CollectorPause:
    """Pauses garbage collection until ``end``."""

    def __init__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def end(self) -> None:
        """Enable collection again, if it was enabled."""
        if self._was_on:
            gc.enable()


class _Frozen:
    """Whether objects were frozen here."""

    has_any = False


def freeze() -> None:
    """Exclude all existing objects from collection."""
    gc.freeze()
    _Frozen.has_any = True


def thaw() -> None:
    """Undo ``freeze``, if it was called."""
    if _Frozen.has_any:
        gc.unfreeze()
        _Frozen.has_any = False
