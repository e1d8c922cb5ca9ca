"""Python's garbage collector, at rest while nothing but our own objects is made, and told to pass over them.

A captured program starts with some twenty thousand objects more than a plain one: our modules. The collector would look
at them again and again, while they are made and whenever it looks at everything, and would find nothing: they stay
until the end. Frozen, they cost the program's own collections nothing. At the end they are ordinary objects again, so
that what hangs on them (a handler that the program gave to ``logging``) is finalised as without us.
"""

from __future__ import annotations

import gc


class CollectorPause:
    """From here to ``end`` nothing is collected."""

    def __init__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def end(self) -> None:
        """Collect as before."""
        if self._was_on:
            gc.enable()


class _Frozen:
    """Whether objects were frozen here."""

    has_any = False


def freeze() -> None:
    """Let the collector pass over all that there is now."""
    gc.freeze()
    _Frozen.has_any = True


def thaw() -> None:
    """Let it look at everything again, if we froze something."""
    if _Frozen.has_any:
        gc.unfreeze()
        _Frozen.has_any = False
