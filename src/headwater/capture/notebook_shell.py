"""The IPython shell that runs the magics of a notebook, like a kernel without a front end.

Rich output (values, ``display``, figures) is discarded; printed output is printed. Figures are drawn and closed at the
end of a cell, as under a kernel. No history is kept, and the user's IPython settings are not read.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any


class Shell:
    """Translates IPython's additions to Python and runs magics, in the namespace of ``main``."""

    def __init__(self, main: ModuleType) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as kernels do
        InteractiveShell.clear_instance()
        self._shell: Any = _shell_class().instance(
            config=Config({"HistoryManager": {"enabled": False}}), user_module=main
        )

    def transformed(self, cell: str) -> str:
        """The cell as plain Python, with magics and shell lines as calls."""
        return str(self._shell.transform_cell(cell))

    def timed(self, cell: str) -> str:
        """The Python that a cell under ``%%time`` runs; empty for any other cell."""
        first, _, rest = cell.lstrip().partition("\n")
        return self.transformed(rest) if first.split() == ["%%time"] else ""

    def before_cell(self) -> None:
        """Trigger the event at the beginning of a cell."""
        self._shell.events.trigger("pre_execute")

    def after_cell(self) -> None:
        """Trigger the event at the end of a cell, which draws figures."""
        self._shell.events.trigger("post_execute")


def _shell_class() -> Any:
    """IPython's shell with a display that discards everything. A function, because IPython may not be installed."""
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class Nowhere(DisplayPublisher):  # type: ignore[misc]
        """Discards rich output."""

        def publish(self, *_: Any, **__: Any) -> None:
            """Discard it."""

        def clear_output(self, wait: bool = False) -> None:
            """Do nothing: there is nothing to clear."""

    class HeadlessShell(InteractiveShell):  # type: ignore[misc]
        """A shell without a front end, a history or a window."""

        display_pub_class = Nowhere

        def enable_gui(self, gui: str | None = None) -> None:
            """Do nothing: there are no windows."""

    return HeadlessShell
