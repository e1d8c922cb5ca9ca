"""json: objects dumped into a file, and loaded from one.

Plain Python objects cannot be followed, but the numbers in them can: a metric in a dictionary is known by identity. The
rest is inferred from the source (``source_analysis/expression_values.py``). Opening a file is recorded by the files
integration; here, loading records which line of the user's code got its content.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder, saved_here, turned_to_text, went_through
from headwater.capture.source_analysis.row_list_syntax import LOADED
from headwater.capture.values import make_value
from headwater.capture.wrapper_frames import observe_io

_SAVERS: Final = frozenset(("dump",))


class JsonIntegration(Integration):
    """Follows objects into and out of JSON files."""

    identifier: ClassVar[str] = "json"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the two functions that take a file, and the one that makes a text for one."""
        hooks.replace(module, "dump", lambda original: observe_io(original, _dumped, "json.dump"))
        hooks.replace(module, "dumps", lambda original: observe_io(original, _spelled, "json.dumps"))
        hooks.replace(module, "load", lambda original: observe_io(original, _loaded, "json.load"))


def _dumped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    obj = args[0] if args else kwargs["obj"]
    ref = located(args[1] if len(args) > 1 else kwargs["fp"])
    if ref is not None:
        value = saved_here(_SAVERS, 1, obj)
        if value is not None:
            recorder.wrote(value, ref)


def _spelled(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    code = turned_to_text(args[0] if args else kwargs["obj"])
    if code is not None and recorder.waiting:
        recorder.look_again(code)


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    handle = args[0] if args else kwargs["fp"]
    known = recorder.values.seen(handle)
    ref = known.dataset if known is not None else located(handle)
    if ref is not None:
        went_through(make_value(LOADED, dataset=ref), *user_place(3))
