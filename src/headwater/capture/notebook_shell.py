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
        self._shell.set_hook("show_in_pager", lambda *_, **__: None, 99)  # help is shown by a front end
        self._shell.extension_manager.load_extension("storemagic")  # as every program of IPython does

    def transformed(self, cell: str) -> str:
        """The cell as plain Python, with magics and shell lines as calls."""
        return str(self._shell.transform_cell(cell))

    def timed(self, cell: str) -> str:
        """The Python that a cell under ``%%time`` runs; empty for any other cell."""
        first, _, rest = cell.lstrip().partition("\n")
        return self.transformed(rest) if first.split() == ["%%time"] else ""

    @property
    def is_left(self) -> bool:
        """Whether a cell called ``quit()`` or ``exit()``. It was run to its end; the cells below are not."""
        return bool(self._shell.is_left)

    def running(self, cell: str, source: str) -> _Running:
        """A section in which a cell runs: ``In``, ``Out`` and ``_`` hold cells and their values, as under a kernel."""
        return _Running(self._shell, cell, source)


class _Running:
    """A section in which a cell runs. A class, because a generator would leave a frame in tracebacks."""

    def __init__(self, shell: Any, cell: str, source: str) -> None:
        self._shell = shell
        self._cell = cell, source

    def __enter__(self) -> None:
        cell, source = self._cell
        self._shell.history_manager.store_inputs(self._shell.execution_count, source, cell)
        self._shell.execution_count += 1
        self._shell.events.trigger("pre_execute")
        self._shell.display_trap.set()

    def __exit__(self, *_: object) -> None:
        self._shell.display_trap.unset()
        self._shell.events.trigger("post_execute")  # draws figures


def _shell_class() -> Any:
    """IPython's shell with a display that discards everything. A function, because IPython may not be installed."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    class Nowhere(DisplayPublisher):  # type: ignore[misc]
        """Discards rich output."""

        def publish(self, *_: Any, **__: Any) -> None:
            """Discard it."""

        def clear_output(self, wait: bool = False) -> None:
            """Do nothing: there is nothing to clear."""

    class Unshown(DisplayHook):  # type: ignore[misc]
        """Keeps the value of a cell under its names, and shows nothing."""

        @property
        def prompt_count(self) -> int:
            """The number of the running cell."""
            return int(self.shell.execution_count) - 1

        def compute_format_data(self, result: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            """Nothing: nobody will see it."""
            return {}, {}

        def write_output_prompt(self) -> None:
            """Write none."""

        def write_format_data(self, *_: Any, **__: Any) -> None:
            """Write nothing."""

        def finish_displayhook(self) -> None:
            """Write no end of line."""

    class HeadlessShell(InteractiveShell):  # type: ignore[misc]
        """A shell without a front end, a history or a window."""

        display_pub_class = Nowhere
        displayhook_class = Unshown
        is_left = False

        def ask_exit(self) -> None:
            """Note that no further cell is to run."""
            self.is_left = True

        def enable_gui(self, gui: str | None = None) -> None:
            """Do nothing: there are no windows."""

    return HeadlessShell
