"""Files: ``open`` in all its forms, and files that are copied, moved and renamed.

Which file a program opened is a fact. What it wrote there is unknown unless the source says so
(``source_analysis/file_payloads.py``): such a write has no value, and the assembler of the run infers its sources as
everything read before it. A write is recorded when the file is opened, so that a crash or a handle left open loses
nothing, and once more when the handle is gone, because by then the program may have read more. The handle itself is the
one Python made: neither its type nor anything else about it changes.
An interpreter-wide audit hook would see no more than this, and could not be removed again.

Ignored as not being user data: source and byte code, installed libraries, the interpreter's own files, devices, caches,
version control, our own store, and files that the interpreter's own modules (logging, tracebacks, imports) open. A file
that is gone when the run ends is considered scratch, and the assembler leaves it out.
"""

from __future__ import annotations

import _io
import builtins
import io
import os
import sys
import sysconfig
import weakref
from itertools import islice
from types import ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.capture.library_callers import is_users_doing
from headwater.capture.locations import MOST_FILES, located, path_of
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Emptied, Recorder
from headwater.capture.stand_ins import StandIn
from headwater.capture.values import UNKNOWN, Columns, DatasetRef, Dep, Value, make_value
from headwater.capture.wrapper_frames import USERS_CODE, observe_io, unseen

_CODE: Final = (".py", ".pyc", ".pyi", ".pyd", ".so", ".dll", ".dylib", ".pth", ".ttf", ".otf", ".afm", ".pfb", ".log")
_NAMES: Final = (".gitignore", "cachedir.tag")
"""Files that libraries put into the folders of their caches (joblib's ``Memory``)."""
_SYSTEM: Final = ("/proc/", "/dev/", "/sys/", "/etc/", "/usr/share/", "/usr/lib/", "/run/")
_FOLDERS: Final = frozenset(
    (
        ".git",
        ".hg",
        ".svn",
        ".headwater",
        ".cache",
        ".config",
        ".local",
        ".venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".ipython",
        ".jupyter",
        ".matplotlib",
        ".idea",
        ".vscode",
        "__pycache__",
        "site-packages",
        "dist-packages",
        "node_modules",
    )
)
_MOST_BINARIES: Final = 64
"""How many files opened to read bytes are remembered."""


_OWNERS: Final = (builtins, io, *((_io,) if builtins.open.__module__ == "_io" else ()))
"""Modules that programs have ``open`` from. The last, by which every import reads its file, only where pickles refer to
it: since Python 3.12."""
_COPIES: Final = (("bz2", "_builtin_open"), ("tarfile", "bltn_open"))
"""Modules that hold ``open`` under another name, which is that of their own file function."""


class FilesIntegration(Integration):
    """Follows files that Python code opens, copies and moves."""

    identifier: ClassVar[str] = "files"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Replace ``open`` everywhere by one wrapper, and hook the functions that copy and move files."""
        import shutil

        if sys.flags.warn_default_encoding:
            # the interpreter was asked to warn about callers of open(), and would report the wrapper
            _hook_moves(hooks, shutil)
            return
        stand_in = OpenStandIn(builtins.open)
        for owner in _OWNERS:
            if owner.open is stand_in.__wrapped__:
                hooks.replace(owner, "open", lambda _original: stand_in)
        for module_name, name in _COPIES:  # those that are not loaded yet will find the stand-in
            holder = sys.modules.get(module_name)
            if getattr(holder, name, None) is stand_in.__wrapped__:
                hooks.replace(holder, name, lambda _original: stand_in)
        _hook_moves(hooks, shutil)


def _hook_moves(hooks: Hooks, shutil: ModuleType) -> None:
    for name in ("rename", "replace", "renames"):
        hooks.replace(os, name, lambda original, name=name: observe_io(original, _moved, f"os.{name}"))  # type: ignore[misc]
    for name in ("copyfile", "copy", "copy2"):
        hooks.replace(shutil, name, lambda original, name=name: observe_io(original, _copied, f"shutil.{name}"))  # type: ignore[misc]
    hooks.replace(shutil, "move", lambda original: observe_io(original, _moved, "shutil.move"))
    hooks.replace(shutil, "copytree", lambda original: observe_io(original, _copied_folder, "shutil.copytree"))


class OpenStandIn(StandIn):
    """Takes the place of ``open``. Not a function, so that it does not bind if it is a class attribute, like the
    original."""

    def __init__(self, original: Any) -> None:
        self.__wrapped__ = original
        for name in ("__name__", "__qualname__", "__doc__", "__module__", "__text_signature__"):
            setattr(self, name, getattr(original, name, None))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Open the file, and record its path and mode."""
        handle = self.__wrapped__(*args, **kwargs)
        if args and type(args[0]) is str and args[0].endswith(_CODE):
            return handle
        depth = BUSY.depth
        recorder = current()
        if recorder is None:
            return handle
        if depth in (0, USERS_CODE):
            BUSY.depth = 1
            try:
                with GUARD.at("files.open"):
                    _opened(recorder, handle, args, kwargs)
            finally:
                BUSY.depth = depth
        elif len(args) > 1 and args[1] in ("a", "ab"):  # as pandas does where it adds to a file
            with GUARD.at("files.open"):
                _is_new(recorder, handle, args[0])
        return handle


OpenStandIn.__call__ = unseen(OpenStandIn.__call__)  # type: ignore[method-assign]


def _opened(recorder: Recorder, handle: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    target = args[0] if args else kwargs.get("file")
    mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
    if isinstance(target, int) or not isinstance(mode, str):
        return
    path = path_of(target)
    if path is None or not is_user_data(path) or not is_users_doing():
        return
    ref = located(os.path.abspath(path))  # noqa: PTH100 - a lexical step, no look at the disk
    if ref is None:
        return
    if "r" in mode or ("+" in mode and "a" in mode):  # "w+" truncates the file: there is nothing to read
        recorder.went_through(recorder.read(handle, ref, "open"), *user_place(3))
        if "b" in mode and ref.namespace == "file" and (size := os.fstat(handle.fileno()).st_size):
            _remember(recorder.binaries, size, ref)
    if mode[0] in "wxa" or "+" in mode:
        code, line = user_place(3)
        is_anew = mode[0] in "wx" and not recorder.has_read_enough(code, line)
        value = recorder.shown[ref[:2]] = recorder.put_in_file(code, line)
        if mode[0] == "a":
            _is_new(recorder, handle, target)
        recorder.wrote(value, ref, is_added=mode[0] == "a" or "r" in mode, is_anew=is_anew)
        _watch(handle, recorder, ref, value)
        if value is None and code is not None:
            recorder.wait_for(id(handle), code, line, ref)


def _remember(binaries: dict[int, DatasetRef], size_bytes: int, ref: DatasetRef) -> None:
    binaries.pop(size_bytes, None)
    if len(binaries) >= _MOST_BINARIES:
        binaries.pop(next(iter(binaries)), None)
    binaries[size_bytes] = ref


def _is_new(recorder: Recorder, handle: Any, target: Any) -> None:
    """Tell the recorder where a file that is opened to add to it holds nothing yet."""
    path = path_of(target)
    ref = located(os.path.abspath(path)) if path is not None else None  # noqa: PTH100 - a lexical step
    if ref is not None and os.fstat(handle.fileno()).st_size == 0:
        recorder.add(Emptied(ref))


_WATCHED: dict[int, tuple[weakref.ref[Any], Recorder, DatasetRef]] = {}
"""Handles open for writing, by ``id()``, with the recorder and the name of the dataset."""


def _watch(handle: Any, recorder: Recorder, ref: DatasetRef, value: Value | None) -> None:
    """Record the write again when the handle is gone, unless the file was begun anew through another."""
    key, begun = id(handle), recorder.begun.get(ref[:2])

    def gone(_ref: weakref.ref[Any]) -> None:
        known = _WATCHED.pop(key, None)
        if known is not None:
            with GUARD.at("files.close"):
                recorder.waiting.pop(key, None)
                recorder.closed(ref)
                if recorder.begun.get(ref[:2]) == begun:  # else what was written through it has been replaced since
                    recorder.wrote(value, ref)

    recorder.unclosed[ref[:2]] = recorder.unclosed.get(ref[:2], 0) + 1
    _WATCHED[key] = (weakref.ref(handle, gone), recorder, ref)


def is_user_data(path: str) -> bool:
    """Whether a path may contain the user's data, judged by the path alone."""
    lowered = path.lower()
    if lowered.endswith((*_CODE, *_NAMES)):
        return False
    full = os.path.abspath(path)  # noqa: PTH100 - a lexical step, no look at the disk
    if full.startswith(_SYSTEM) or full.startswith(_interpreter()):
        return False
    return _FOLDERS.isdisjoint(full.split("/" if os.sep == "/" else os.sep))


_interpreter_paths: list[tuple[str, ...]] = []


def _interpreter() -> tuple[str, ...]:
    """Folders of the interpreter and its libraries; computed once."""
    if not _interpreter_paths:
        paths = {path for key, path in sysconfig.get_paths().items() if key in _LIBRARIES and path}
        _interpreter_paths.append(tuple(sorted(path.rstrip(os.sep) + os.sep for path in paths)))
    return _interpreter_paths[0]


_LIBRARIES: Final = frozenset({"stdlib", "platstdlib", "purelib", "platlib", "include"})


def _ends(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[DatasetRef, DatasetRef] | None:
    """Source and target of a copy or move, as files with absolute paths; None if either is not the user's data."""
    given = [*args, *kwargs.values()]
    source = kwargs.get("src", given[0])
    target = kwargs.get("dst", given[1] if len(given) > 1 else None)
    paths = path_of(source), path_of(target)
    if paths[0] is None or paths[1] is None or not all(is_user_data(path) for path in paths if path):
        return None
    if os.path.isdir(paths[1]):  # noqa: PTH112 - copied into a folder: the target is the file in it
        below = os.path.join(paths[1], os.path.basename(paths[0]))  # noqa: PTH118, PTH119 - text in, text out
        if not os.path.isfile(below):  # noqa: PTH113 - likewise
            return None
        paths = paths[0], below
    refs = [located(os.path.abspath(path)) for path in paths if path]  # noqa: PTH100 - a lexical step, no look at the disk
    return (refs[0], refs[1]) if refs[0] is not None and refs[1] is not None else None


def _copied(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ends = _ends(args, kwargs)
    if ends is not None and is_users_doing():
        _note_copy(recorder, *ends)


def _copied_folder(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record that each file of a folder is now in a second one, too."""
    folders = _folders(result, args, kwargs)
    if folders is not None and is_users_doing():
        for source, target in _files_of(recorder, *folders):
            _note_copy(recorder, source, target)


def _note_copy(recorder: Recorder, source: DatasetRef, target: DatasetRef) -> None:
    value = recorder.read(_Passing(), source, "copy")
    recorder.wrote(_copy_of(value, "copy"), target, is_anew=True)


def _moved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record that what was written under the old name now has the new one, as in an atomic save; of a folder, that of
    each file in it."""
    if not is_users_doing():
        return
    folders = _folders(result, args, kwargs)
    ends = _ends(args, kwargs) if folders is None else None
    for source, target in _files_of(recorder, *folders) if folders is not None else [ends] if ends is not None else []:
        value = recorder.written.pop(source[:2], None)
        if value is None:
            value = _copy_of(make_value("file", dataset=source), "rename")
        recorder.wrote(value, target, is_anew=True)
        recorder.moved[source[:2]] = target


def _folders(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str] | None:
    """The old and the new place of a folder that was moved or copied, as absolute paths; None for a file."""
    given = [*args, *kwargs.values()]
    source = path_of(kwargs.get("src", given[0]))
    target = path_of(result or kwargs.get("dst", given[1] if len(given) > 1 else None))
    if source is None or target is None or not os.path.isdir(target):  # noqa: PTH112 - a name that may be anything
        return None
    if os.path.isfile(source) or not (is_user_data(source) and is_user_data(target)):  # noqa: PTH113 - likewise
        return None
    return os.path.abspath(source), os.path.abspath(target)  # noqa: PTH100 - a lexical step


def _files_of(recorder: Recorder, source: str, target: str) -> list[tuple[DatasetRef, DatasetRef]]:
    """The old and the new name of each file in a folder: of a folder that is one dataset, its own; of very many files,
    those that this run has written."""
    found = (os.path.join(folder, name) for folder, _, names in os.walk(target) for name in names)  # noqa: PTH118 - text
    paths = [os.path.relpath(path, target) for path in islice(found, MOST_FILES + 1)]
    if len(paths) > MOST_FILES:
        below = source + os.sep
        paths = [name[len(below) :] for space, name in recorder.written if space == "file" and name.startswith(below)]
    whole = located(source), located(target)
    if whole[0] is not None and whole[0][:2] in recorder.written:
        paths = ["."]
    pairs = [[located(os.path.normpath(os.path.join(end, path))) for end in (source, target)] for path in paths]  # noqa: PTH118 - text
    return [(old, new) for old, new in pairs if old is not None and new is not None and is_user_data(new.name)]


class _Passing:
    """An object to bind a value to while a file is copied."""


def _copy_of(source: Value, op: str) -> Value:
    return make_value(op, (source or UNKNOWN,), _all, code=source.code, line=source.line)


def _all(value: Value) -> Columns:
    return Columns({"*": [Dep(0, None, subtype="IDENTITY")]})
