"""Tables that pandas formats for people: a ``Styler`` shows the columns of its frame."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from headwater.capture.hooks import After, Hooks
from headwater.capture.imports import when_imported
from headwater.capture.integrations.pandas.recording import hook_io
from headwater.capture.integrations.pandas.writers import wrote
from headwater.capture.recorder import Recorder

_TARGETS: Final = ("to_html", "to_latex", "to_excel", "to_string", "to_typst")


def install(hooks: Hooks) -> None:
    """Hook the writers of ``Styler``, once pandas has imported it: it needs a library that may be absent."""

    def with_styles(module: ModuleType) -> None:
        for name in _TARGETS:
            if hasattr(module.Styler, name):
                hook_io(hooks, module.Styler, name, _wrote(name))

    hooks.on_remove(when_imported("pandas.io.formats.style", with_styles))


def _wrote(name: str) -> After:
    after = wrote(name)

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        after(recorder, result, (args[0].data, *args[1:]), kwargs)

    return handler
