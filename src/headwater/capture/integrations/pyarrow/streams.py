"""Files of arrow that are written and read piece by piece: ``ParquetWriter``, ``ParquetFile.iter_batches``, and the
writers and readers of ``pyarrow.ipc``.

Their methods are compiled, but the classes are Python's, so that they can be given methods of their own; those of
``pc.CSVWriter`` and ``pa.OSFile`` are compiled, too (``compiled_classes``). Files that arrow opened itself do not tell
their path, which is therefore remembered.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final, NamedTuple

from headwater.capture.arrow_memory import names_of, provides, remember_table, value_of
from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks
from headwater.capture.integrations.pyarrow.compiled_classes import stand_in_for
from headwater.capture.locations import is_path, located
from headwater.capture.recorder import Recorder
from headwater.capture.values import DatasetRef, Value
from headwater.capture.wrapper_frames import unseen

SUBMODULES: Final = ("pyarrow.ipc",)
_CSV: Final = "pyarrow.csv"
_WRITERS: Final = {
    "pyarrow.parquet.core": ("ParquetWriter",),
    "pyarrow.ipc": ("RecordBatchFileWriter", "RecordBatchStreamWriter"),
}
_READERS: Final = {"pyarrow.ipc": ("RecordBatchFileReader", "RecordBatchStreamReader")}
_WRITES: Final = ("write", "write_table", "write_batch")
_READS: Final = ("read_all", "read_pandas", "get_batch", "get_record_batch", "read_next_batch")
_OPENS: Final = ("memory_map", "input_stream", "output_stream")


class _Target(NamedTuple):
    """What a writer writes to."""

    ref: DatasetRef
    #: whether it was given a path, so that it writes the file from its beginning
    is_path: bool


_STREAMS: Final[weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()
"""What arrow's own open files were opened by."""
_TARGETS: Final[weakref.WeakKeyDictionary[Any, _Target]] = weakref.WeakKeyDictionary()
"""What writers that have written nothing yet, or something, write to."""
_BEGUN: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Writers that have written something, and files that were begun anew when they were opened."""
_SOURCES: Final[weakref.WeakKeyDictionary[Any, DatasetRef]] = weakref.WeakKeyDictionary()
"""What readers read from."""


def install(hooks: Hooks, module: ModuleType) -> None:
    """Hook the writers and readers of a submodule."""
    if module.__name__ == _CSV:
        writes: dict[str, Any] = {name: functools.partial(_wrote, op=f"pyarrow.{name}") for name in _WRITES}
        stand_in_for(hooks, module, "CSVWriter", _writer_opened, writes)
        if hasattr(module, "open_csv"):
            hooks.after(module, "open_csv", _csv_opened)
    for name in _WRITERS.get(module.__name__, ()):
        cls = getattr(module, name)
        hooks.after(cls, "__init__", _writer_opened)
        for method in _WRITES:
            hooks.after(cls, method, functools.partial(_wrote, op=f"pyarrow.{method}"))
    for name in _READERS.get(module.__name__, ()):
        cls = getattr(module, name)
        hooks.after(cls, "__init__", _reader_opened)
        for method in _READS:
            if hasattr(cls, method):
                hooks.after(cls, method, functools.partial(_read, op=f"pyarrow.{method}"))


def install_opens(hooks: Hooks, module: ModuleType) -> None:
    """Hook the functions of pyarrow that open a file and return it, and the class that does."""
    for name in _OPENS:
        hooks.after(module, name, _opened)
    stand_in_for(hooks, module, "OSFile", _file_opened, {})


def iterating(ref_of: Callable[[Any], DatasetRef | None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes the stand-in for ``ParquetFile.iter_batches``; ``ref_of`` tells which file is behind the object."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def iter_batches(self: Any, *args: Any, **kwargs: Any) -> Any:
            batches = original(self, *args, **kwargs)
            recorder = None if BUSY.depth else current()
            ref = ref_of(self) if recorder is not None else None
            return batches if recorder is None or ref is None else _passing(recorder, batches, ref)

        return unseen(iter_batches)

    return make


def _passing(recorder: Recorder, batches: Iterator[Any], ref: DatasetRef) -> Iterator[Any]:
    """The same batches, each of which is known to come from the file. The file is read once."""
    value: Value | None = None
    for batch in batches:
        with GUARD.at("pyarrow.iter_batches"):
            if value is None:
                value = recorder.read(batch, ref, "pyarrow.iter_batches", columns=names_of(batch))
            else:
                recorder.values.bind(batch, value)
            remember_table(value, batch)
        yield batch


def _opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del recorder
    target = args[0] if args else next(iter(kwargs.values()), None)
    if is_path(target):
        _STREAMS[result] = target


def _file_opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.OSFile(path, mode)``: what goes into it, or which columns are read, is known from what uses the file."""
    del result
    path = args[1] if len(args) > 1 else kwargs.get("path")
    mode = str(args[2] if len(args) > 2 else kwargs.get("mode", "r"))
    ref = located(path)
    if ref is None:
        return
    _STREAMS[args[0]] = path
    if "w" in mode or "a" in mode:
        recorder.wrote(None, ref, is_added="a" in mode, is_anew="w" in mode)
        _BEGUN.add(args[0])
    else:
        recorder.read(args[0], ref, "pyarrow.OSFile")


def _csv_opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pc.open_csv(source)``: a reader whose methods are compiled."""
    ref = located(place_of(args[0] if args else kwargs.get("input_file")))
    if ref is not None:
        provides(recorder.read(result, ref, "pyarrow.open_csv", columns=names_of(result)))


def place_of(target: Any) -> Any:
    """What an open file of arrow's was opened by; anything else as it is."""
    try:
        return _STREAMS.get(target, target)
    except TypeError:  # no weak references, or no hash: a buffer
        return target


def _writer_opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``ParquetWriter(where, schema)``, ``pa.ipc.new_file(sink, schema)``: nothing is written yet but the beginning."""
    del recorder, result
    given = args[1] if len(args) > 1 else kwargs.get("where", kwargs.get("sink"))
    place = place_of(given)
    ref = located(place)
    if ref is not None:
        _TARGETS[args[0]] = _Target(ref, is_path(place) and (place is given or given not in _BEGUN))


def _wrote(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """A table or a batch was added to what a writer has written."""
    del result
    writer = args[0]
    target = _TARGETS.get(writer)
    table = args[1] if len(args) > 1 else next(iter(kwargs.values()), None)
    if target is None or table is None:
        return
    value = value_of(recorder, table) or recorder.derive(table, op, (), columns=names_of(table))
    recorder.wrote(value, target.ref, is_anew=target.is_path and writer not in _BEGUN)
    _BEGUN.add(writer)


def _reader_opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``pa.ipc.open_file(source)``: nothing is read yet but the schema."""
    del recorder, result
    ref = located(place_of(args[1] if len(args) > 1 else kwargs.get("source")))
    if ref is not None:
        _SOURCES[args[0]] = ref


def _read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], op: str) -> None:
    """A table, a frame or a batch was read by a reader."""
    del kwargs
    ref = _SOURCES.get(args[0])
    if ref is None:
        return
    is_whole = op in ("pyarrow.read_all", "pyarrow.read_pandas")
    rows = getattr(result, "num_rows", None) if is_whole else None
    value = recorder.read(result, ref, op, columns=names_of(result), rows=rows)
    remember_table(value, result)
