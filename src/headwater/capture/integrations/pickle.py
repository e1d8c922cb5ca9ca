"""pickle: objects dumped into a file, and loaded from one.

``dump`` writes the object's value to the file; ``load`` is a read. ``dumps`` involves no file and is not observed: what
a program does with the bytes is recorded by the files integration. ``loads`` is a read if its bytes are those of a file
that the run has opened.
"""

from __future__ import annotations

import _pickle
import os
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.buffers import text_read
from headwater.capture.containers import bind_parts, shape_of, typed, value_saved
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.library_callers import is_users_doing
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.stand_ins import never_binding
from headwater.capture.values import DatasetRef
from headwater.capture.wrapper_frames import observe_io

_SAVERS: Final = frozenset(("dump",))
_COMPARED: Final = 65_536
"""How many bytes are compared at either end of a file."""


class PickleIntegration(Integration):
    """Follows objects into and out of pickle files."""

    identifier: ClassVar[str] = "pickle"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the two functions that take a file, and the one that takes its bytes."""
        hooks.replace(module, "dump", lambda original: observe_io(original, _dumped, "pickle.dump"))
        hooks.replace(module, "load", lambda original: observe_io(original, _loaded, "pickle.load"))
        stand_in = never_binding(module.loads, observe_io(module.loads, _loaded_bytes, "pickle.loads"))
        for owner in (module, _pickle):  # where pickles that hold the function look for it
            if owner.loads is stand_in.__wrapped__:
                hooks.replace(owner, "loads", lambda _original: stand_in)


def _dumped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    obj = args[0] if args else kwargs["obj"]
    ref = located(args[1] if len(args) > 1 else kwargs["file"])
    if ref is not None and is_users_doing(2):
        recorder.wrote(value_saved(recorder.values, obj, _SAVERS), typed(ref, obj))


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0] if args else kwargs["file"])
    if ref is not None and is_users_doing(2):
        _read(recorder, result, ref, "pickle.load")


def _loaded_bytes(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    data = args[0] if args else None
    if not isinstance(data, bytes):
        return
    ref = recorder.binaries.get(len(data))
    if ref is not None and _are_bytes_of(ref.name, data):
        _read(recorder, result, ref, "pickle.loads")
    elif hasattr(result, "columns"):  # a table that was pickled in memory
        columns, rows = shape_of(result)
        inputs, rule = text_read(data, "loads", ("data",))
        recorder.derive(result, "pickle.loads", inputs, rule, columns=columns, rows=rows)


def _are_bytes_of(path: str, data: bytes) -> bool:
    """Whether these are the bytes of a file of the same size, judged by both its ends."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_size != len(data) or os.read(descriptor, _COMPARED) != data[:_COMPARED]:
            return False
        os.lseek(descriptor, -min(_COMPARED, len(data)), os.SEEK_END)
        return os.read(descriptor, _COMPARED) == data[-_COMPARED:]
    finally:
        os.close(descriptor)


def _read(recorder: Recorder, result: Any, ref: DatasetRef, op: str) -> None:
    columns, rows = shape_of(result)
    source = recorder.read(result, typed(ref, result), op, columns=columns, rows=rows)
    bind_parts(recorder, result, source)
