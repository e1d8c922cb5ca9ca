"""argparse: options of the command line that take several values.

The words of a command line alone do not tell whether ``b`` in ``--columns a b`` belongs to the option; the parser does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.recorder import Recorder
from headwater.capture.runs import plain


class ArgparseIntegration(Integration):
    """Records the lists that were given for options."""

    identifier: ClassVar[str] = "argparse"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the method that all others use."""
        hooks.after(module.ArgumentParser, "parse_known_args", _after_parse)


def _after_parse(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record what the parser made of the options with several values that the user typed."""
    typed = sys.argv[1:]
    given = args[1] if len(args) > 1 else kwargs.get("args")
    if given is not None and list(given) != typed:
        return
    values = vars(result[0])
    options = {word.partition("=")[0] for word in typed if word.startswith("-")}
    for action in _actions(args[0]):
        value = values.get(action.dest)
        if isinstance(value, list | tuple):
            for option in options.intersection(action.option_strings):
                recorder.parameter(option.lstrip("-"), plain(value))


def _actions(parser: Any) -> Iterator[Any]:
    """The options of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                if hasattr(command, "_actions"):
                    yield from _actions(command)
