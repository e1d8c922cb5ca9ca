"""HDF stores that a program keeps open: ``store["sales"]``, ``store.put("sales", frame)``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import After, Hooks
from headwater.capture.integrations.pandas.readers import shape_of
from headwater.capture.integrations.pandas.recording import argument, hook_io
from headwater.capture.integrations.pandas.writers import snapshot_of, written_value
from headwater.capture.locations import located
from headwater.capture.profiling import snapshot
from headwater.capture.recorder import Recorder

_READS: Final = ("get", "select", "select_column", "select_as_multiple")
_WRITES: Final = ("put", "append")


def install(hooks: Hooks) -> None:
    """Hook the methods that read and write a frame. ``store[key]`` and ``store[key] = frame`` call them."""
    for name in _READS:
        hook_io(hooks, pd.HDFStore, name, _read)
    for name in _WRITES:
        hook_io(hooks, pd.HDFStore, name, _wrote(name))
    chunks = getattr(sys.modules.get("pandas.io.pytables"), "TableIterator", None)
    if chunks is not None:
        hooks.replace(chunks, "__iter__", _in_chunks)


def _read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0].filename)
    if ref is not None and isinstance(result, NDFrame):
        columns, rows = shape_of(result)
        recorder.read(result, ref, "read_hdf", columns=columns, rows=rows, snapshot=snapshot(result))


def _in_chunks(original: Callable[..., Any]) -> Callable[..., Any]:
    """Iterate over the chunks of a frame; each comes from the file."""

    def chunks(self: Any) -> Iterator[Any]:
        for frame in original(self):
            recorder = current()
            if recorder is not None:
                with GUARD.at("pandas.HDFStore.chunk"):
                    _read(recorder, frame, (self.store,), {})
            yield frame

    return chunks


def _wrote(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        frame, ref = argument(args, kwargs, 2, "value"), located(args[0].filename)
        if ref is not None:
            adds = name == "append" or bool(kwargs.get("append"))
            value = written_value(recorder, frame, "to_hdf", index=kwargs.get("index", True) is not False)
            recorder.wrote(value, ref, snapshot=None if adds else snapshot_of(frame), is_added=adds)

    return handler
