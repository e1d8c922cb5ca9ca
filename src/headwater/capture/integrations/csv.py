"""csv: the columns of what ``csv.DictWriter`` and ``csv.writer`` write.

Their rows are plain Python, which cannot be followed; the source shows what they were made of, where they are written.
The first rows that a place in the code writes are examined, until the run has read or iterated over something else. If
the code does not show what one place writes, the file comes from what it shows of the file as a whole. The columns of a
``csv.writer`` have names if it begins with a row of texts that stands in the code.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from sys import _getframe
from types import CodeType, FrameType, ModuleType
from typing import Any, ClassVar, Final

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.recorder import PASSES, Recorder, is_given_literally, table_of
from headwater.capture.source_analysis.row_list_syntax import Maker
from headwater.capture.user_code import is_users
from headwater.capture.values import NOTHING, Columns, DatasetRef, make_value
from headwater.capture.wrapper_frames import USERS_CODE, unseen

_MOST_LOOKS: Final = 4
"""How often a place is examined before the run has read something else."""
_MAKERS: Final = {
    "writerow": Maker(frozenset(("writerow",)), 0, is_row=True),
    "writerows": Maker(frozenset(("writerows",)), 0),
}


class CsvIntegration(Integration):
    """Follows what is written by the writers of csv."""

    identifier: ClassVar[str] = "csv"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the class, and the function that returns a compiled object."""
        hooks.replace(module, "writer", _handing_out)
        hooks.after(module.DictWriter, "__init__", _opened)
        for name in _MAKERS:
            hooks.replace(module.DictWriter, name, functools.partial(_writing, name=name))
        hooks.on_remove(_WRITERS.clear)


class _Writer:
    """What is known about a writer: the file, its columns, and the place in the code that has written last."""

    __slots__ = ("alive", "code", "count", "names", "offset", "passes", "recorder", "ref")

    def __init__(self, recorder: Recorder, ref: DatasetRef, names: tuple[str, ...]) -> None:
        self.recorder = recorder
        self.ref = ref
        self.names = names
        self.alive: weakref.ref[Any] | None = None
        self.code: CodeType | None = None
        self.offset = self.count = self.passes = 0

    def is_due(self, frame: FrameType) -> bool:
        """Whether to examine what the place where a frame is has just written."""
        if frame.f_lasti != self.offset or frame.f_code is not self.code:
            self.code, self.offset, self.count = frame.f_code, frame.f_lasti, 0
        if self.passes != PASSES.count:
            self.passes, self.count = PASSES.count, 0
        self.count += 1
        return self.count <= _MOST_LOOKS and BUSY.depth in (0, USERS_CODE)

    def begins(self, row: Any) -> bool:
        """Take the names of the columns from a first row that stands in the code; False if that is none."""
        self.names = _names_in(row) if is_given_literally(_MAKERS["writerow"]) else ()
        return bool(self.names)

    def wrote(self, name: str) -> bool:
        """Record what a place in the code writes by the method of that name. False if the code does not show it; then
        the file has no columns, and comes from what the code shows of it as a whole. (The header that ``DictWriter``
        writes itself comes from nothing.)"""
        if current() is not self.recorder or not is_users(self.code):
            return True
        value = table_of(self.names, None, _MAKERS[name])
        if value is None and is_given_literally(_MAKERS[name]):
            names = self.names
            value = make_value("csv.rows", (NOTHING,), lambda _: Columns({name: [] for name in names}), columns=names)
        if value is not None:
            self.recorder.wrote(value, self.ref)
        elif self.count == 1:  # later looks at a place find no less than the first, unless it is analysed too often
            self.recorder.wrote(self.recorder.shown.get(self.ref[:2]), self.ref, is_anew=True)
            return False
        return True


_WRITERS: Final[dict[int, _Writer]] = {}
"""The writers in use, by their ``id()``."""


def _opened(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``csv.DictWriter(file, fieldnames)``."""
    del result
    ref = located(args[1] if len(args) > 1 else kwargs.get("f"))
    names = args[2] if len(args) > 2 else kwargs.get("fieldnames")
    if ref is None or not isinstance(names, list | tuple | type({}.keys())):
        return
    key = id(args[0])
    known = _WRITERS[key] = _Writer(recorder, ref, tuple(map(str, names)))
    known.alive = weakref.ref(args[0], lambda _: _WRITERS.pop(key, None) and None)


def _writing(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        known = _WRITERS.get(id(self))
        if known is not None and known.is_due(_getframe(1)):
            with GUARD.at(f"csv.{name}"):
                if not known.wrote(name):
                    _WRITERS.pop(id(self), None)
        return result

    return unseen(write)


def _handing_out(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def writer(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        recorder = current()
        if recorder is None or not args or not is_users(_getframe(1).f_code):
            return made
        with GUARD.at("csv.writer"):
            ref = located(args[0])
            return made if ref is None else RowWriter(made, recorder, ref)
        return made

    return unseen(writer)


class RowWriter:
    """Stands in for the object that ``csv.writer`` returns to the user's code. (It refers to nothing that refers to it:
    a file that nobody closes is closed with its last reference.)"""

    __slots__ = ("_known", "_made")

    def __init__(self, made: Any, recorder: Recorder, ref: DatasetRef) -> None:
        self._made = made
        self._known: _Writer | None = _Writer(recorder, ref, ())

    def writerow(self, *args: Any) -> Any:
        """Write a row, the first of which may be the names of the columns."""
        known = self._known
        result = self._made.writerow(*args)
        if known is not None and known.is_due(_getframe(1)):
            with GUARD.at("csv.writerow"):
                is_followed = known.wrote("writerow") if known.names else known.begins(args[0])
                self._known = known if is_followed else None
        return result

    def writerows(self, *args: Any) -> Any:
        """Write several rows."""
        known = self._known
        result = self._made.writerows(*args)
        if known is not None and known.is_due(_getframe(1)):
            with GUARD.at("csv.writerows"):
                self._known = known if known.names and known.wrote("writerows") else None
        return result

    writerow, writerows = unseen(writerow), unseen(writerows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return self._made.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self._made)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._made)


RowWriter.__name__ = RowWriter.__qualname__ = "writer"
RowWriter.__module__ = "_csv"


def _names_in(row: Any) -> tuple[str, ...]:
    """The names of columns in a first row; empty if not all that is in it are different texts."""
    names = tuple(row) if isinstance(row, list | tuple) else ()
    is_named = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return names if is_named else ()
