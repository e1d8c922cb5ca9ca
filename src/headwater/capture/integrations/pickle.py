"""pickle: objects dumped into a file, and loaded from one.

``dump`` writes the object's value to the file; ``load`` is a read. ``dumps`` and ``loads`` involve no file and are not
observed: what a program does with the bytes is recorded by the files integration.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.containers import bind_parts, typed, value_saved
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import observe_io

_SAVERS: Final = frozenset(("dump",))


class PickleIntegration(Integration):
    """Follows objects into and out of pickle files."""

    identifier: ClassVar[str] = "pickle"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the two functions that take a file."""
        hooks.replace(module, "dump", lambda original: observe_io(original, _dumped, "pickle.dump"))
        hooks.replace(module, "load", lambda original: observe_io(original, _loaded, "pickle.load"))


def _dumped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    obj = args[0] if args else kwargs["obj"]
    ref = located(args[1] if len(args) > 1 else kwargs["file"])
    if ref is not None:
        recorder.wrote(value_saved(recorder.values, obj, _SAVERS), typed(ref, obj))


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0] if args else kwargs["file"])
    if ref is not None:
        columns, rows = shape_of(result)
        source = recorder.read(result, typed(ref, result), "pickle.load", columns=columns, rows=rows)
        bind_parts(recorder, result, source)


def shape_of(obj: Any) -> tuple[tuple[str, ...] | None, int | None]:
    """Column names and row count of an object that looks like a table; otherwise None for both."""
    columns = getattr(obj, "columns", None)
    shape = getattr(obj, "shape", None)
    if columns is None or not isinstance(shape, tuple):
        return None, None
    return tuple(map(str, columns)), shape[0] if shape else None
