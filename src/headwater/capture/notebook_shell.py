"""The IPython shell that runs the magics of a notebook, like that of a kernel without a front end.

What a kernel sends to be drawn (values, ``display``, figures) goes nowhere; what it prints is printed. Figures are
drawn and closed at the end of a cell, as under a kernel. No history is kept, and nothing of the user's IPython
settings is read.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any


class Shell:
    """Runs what IPython adds to Python, in the namespace of ``main``."""

    def __init__(self, main: ModuleType) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as kernels do
        InteractiveShell.clear_instance()
        self._shell: Any = _shell_class().instance(
            config=Config({"HistoryManager": {"enabled": False}}), user_module=main
        )

    def transformed(self, cell: str) -> str:
        """The cell as Python: magics and shell lines as calls."""
        return str(self._shell.transform_cell(cell))

    def timed(self, cell: str) -> str:
        """The Python that a cell under ``%%time`` runs; empty for any other cell."""
        first, _, rest = cell.lstrip().partition("\n")
        return self.transformed(rest) if first.split() == ["%%time"] else ""

    def before_cell(self) -> None:
        """Tell those who wait for a cell to begin."""
        self._shell.events.trigger("pre_execute")

    def after_cell(self) -> None:
        """Tell those who wait for a cell to end: figures are drawn then."""
        self._shell.events.trigger("post_execute")


def _shell_class() -> Any:
    """IPython's shell with a display that goes nowhere. Made when it is needed: IPython may not be there."""
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class Nowhere(DisplayPublisher):  # type: ignore[misc]
        """Takes what is to be drawn."""

        def publish(self, *_: Any, **__: Any) -> None:
            """Draw nothing."""

        def clear_output(self, wait: bool = False) -> None:
            """There is nothing to clear."""

    class HeadlessShell(InteractiveShell):  # type: ignore[misc]
        """A shell without a front end, a history or a window."""

        display_pub_class = Nowhere

        def enable_gui(self, gui: str | None = None) -> None:
            """There are no windows."""

    return HeadlessShell
