"""numpy: files, the functions that build arrays from arrays, views, and seeds.

An array is followed if a hooked function made it, or if it is a view of one that is followed. Operators, element-wise
functions and fancy indexing on plain arrays cannot be observed: they run in C, without any attribute of numpy that
could be replaced.

numba recognises numpy's functions by identity. If it was loaded before capture began, or is loaded when numpy was known
before, only the hooks on files are kept.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType, ModuleType
from typing import Any, ClassVar, Final

import numpy as np

from headwater.capture.hooks import After, Hooks, Integration, loading, observe
from headwater.capture.imports import IMPORTS
from headwater.capture.integrations.numpy.columns import Made, columns_made
from headwater.capture.integrations.numpy.dispatch import Make, is_dispatching, stand_in
from headwater.capture.locations import is_path, located
from headwater.capture.profiling import snapshot
from headwater.capture.recorder import VALUES, Recorder, saved_here
from headwater.capture.source_analysis.array_origins import known_or_read, owner_read
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.user_code import user_site
from headwater.capture.values import UNKNOWN, Columns, Dep, Value, make_value
from headwater.capture.wrapper_frames import observe_io, unseen

_READERS: Final = ("load", "loadtxt", "genfromtxt", "fromfile")
_WRITERS: Final = ("save", "savez", "savez_compressed", "savetxt")
_SAVERS: Final = frozenset(_WRITERS)
_SMALLEST: Final = 4
"""The least number of elements at which rows and columns of a matrix can be told apart."""
_MADE: Final = (
    *("where", "select", "choose", "concatenate", "stack", "dstack", "vstack", "hstack", "column_stack", "append"),
    *(
        "nan_to_num",
        "clip",
        "round",
        "digitize",
        "interp",
        "cumsum",
        "diff",
        "tile",
        "repeat",
        "delete",
        "insert",
        "take",
    ),
    *("sort", "unique", "roll", "flip", "gradient", "searchsorted"),
)


_ARRAYS: Final = (np.ndarray, list, tuple)
"""Classes of what is followed; as all that is asked for at each call, not made anew there."""
_SEQUENCES: Final = (list, tuple)
_OF_METHODS: Final = ("mean", "average", "median", "clip", "round", "cumsum", "repeat", "take", "flip")
"""Functions that leave other objects than arrays to a method or index of theirs: ``np.clip(frame["x"], 0, 1)``."""


class NumpyIntegration(Integration):
    """Follows arrays from files and frames to files and models."""

    identifier: ClassVar[str] = "numpy"
    is_on: ClassVar[bool] = False
    """Whether what was put into numpy for good records anything."""

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions in numpy's namespace."""
        NumpyIntegration.is_on = True
        hooks.on_remove(_switch_off)
        for name in (*_READERS, *_WRITERS):
            handler = _wrote(name) if name in _WRITERS else _read(f"numpy.{name}")
            _replace(hooks, module, name, functools.partial(observe_io, after=handler, site=f"numpy.{name}"))
        VALUES.resolvers.append(view_of)
        hooks.on_remove(lambda: VALUES.resolvers.remove(view_of))
        if "numba" in sys.modules:
            return
        functions = hooks.part()
        for name in set(_MADE).difference(_OF_METHODS):
            _hook(functions, module, name, _made(name))
        for name in _OF_METHODS:
            _replace(functions, module, name, functools.partial(_observe_arrays, name=name))
        _hook(functions, type(module.c_).__mro__[1], "__getitem__", _indexed)
        functions.settle()
        # Accessing ``numpy.random`` here would load it even if the program does not use it.
        functions.on_remove(IMPORTS.when_imported("numpy.random", lambda found: _hook_seeds(functions, found)))
        if not loading(module):
            hooks.on_remove(IMPORTS.when_imported("numba", lambda _module: functions.remove()))


def _switch_off() -> None:
    NumpyIntegration.is_on = False


def _replace(hooks: Hooks, owner: Any, name: str, make: Make) -> None:
    """Replace a function. What is put there while numpy is being loaded is what others come to know, for good."""
    is_known = not isinstance(owner, ModuleType) or not loading(owner)
    standing_in = functools.partial(stand_in, make=make, is_known=is_known)
    hooks.replace(owner, name, standing_in, for_good=not is_known and is_dispatching(getattr(owner, name, None)))


def _observe_arrays(original: Any, name: str) -> Any:
    """Observe the calls with an array, or a list of arrays; those with a frame or column are calls of its method."""
    observed = unseen(observe(original, _made(name), f"numpy.{name}"))

    @functools.wraps(original)
    def chosen(*args: Any, **kwargs: Any) -> Any:
        is_of_arrays = bool(args) and type(args[0]) in (list, tuple, np.ndarray)
        return observed(*args, **kwargs) if is_of_arrays else original(*args, **kwargs)

    return unseen(chosen)


def _hook_seeds(hooks: Hooks, module: ModuleType) -> None:
    _hook(hooks, module, "default_rng", _seeded("default_rng"))
    _hook(hooks, module, "seed", _seeded("global"))
    hooks.settle()


def _hook(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    if hasattr(owner, name):
        _replace(hooks, owner, name, lambda original: unseen(observe(original, handler, f"numpy.{name}")))


def _read(op: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        source = args[0] if args else kwargs.get("file", kwargs.get("fname"))
        ref = located(source)
        if ref is None:
            return
        if isinstance(result, np.ndarray):
            recorder.read(result, ref, op, columns=_names(result), rows=_rows(result), snapshot=_held(result))
        else:  # an archive, or a pickled object
            recorder.read(result, ref, op)

    return handler


def _wrote(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        target = args[0] if args else kwargs.get("file", kwargs.get("fname"))
        suffix = {"save": ".npy", "savez": ".npz", "savez_compressed": ".npz"}.get(name, "")
        ref = located(target)
        if ref is None or not NumpyIntegration.is_on:
            return
        if suffix and not hasattr(target, "write") and not ref.name.endswith(suffix):
            ref = ref._replace(name=ref.name + suffix)  # as numpy does
        arrays = [item for item in (*args[1:], *kwargs.values()) if isinstance(item, np.ndarray) or _known(item)]
        values = [known_or_read(recorder.values, item) or UNKNOWN for item in arrays]
        single = values[0] if len(values) == 1 else make_value(name, tuple(values), _all)
        names = _header(arrays[0], args, kwargs) if name == "savetxt" and len(arrays) == 1 else ()
        held = _held(arrays[0], names or single.column_names()) if len(arrays) == 1 else None
        is_known = any(item is not UNKNOWN and item.op != GUESSED for item in values)
        read = None if is_known else saved_here(_SAVERS, 0)
        if read is None and any(item is not UNKNOWN for item in values):
            read = _renamed(single, names)
        recorder.wrote(read, ref, snapshot=held, is_anew=is_path(target) and read is not None)

    return handler


def _known(item: Any) -> bool:
    return VALUES.get(item) is not None


def _held(array: Any, names: tuple[str, ...] = ()) -> Any:
    if not isinstance(array, np.ndarray):
        return None
    return snapshot(array, names if array.ndim == 2 and array.shape[1] == len(names) else ())


def _header(array: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """The names in the last line of the header that ``savetxt`` writes; empty if they are not one for each column."""
    header = args[5] if len(args) > 5 else kwargs.get("header", "")
    delimiter = args[3] if len(args) > 3 else kwargs.get("delimiter", " ")
    names = tuple([name.strip() for name in str(header).rpartition("\n")[2].split(str(delimiter) or None)])
    width = array.shape[1] if getattr(array, "ndim", 0) == 2 else 1
    return names if len(set(names)) == width and all(names) else ()


def _renamed(value: Value, names: tuple[str, ...]) -> Value:
    """The value under the names that its columns have in a file."""
    own = value.column_names()
    if not names or own == names or len(own) != len(names):
        return value
    fields = {name: [Dep(0, column, subtype="IDENTITY")] for name, column in zip(names, own, strict=True)}
    return make_value("savetxt", (value,), lambda _: Columns(fields), columns=names, rows=value.rows)


def _names(array: np.ndarray[Any, Any]) -> tuple[str, ...] | None:
    names: tuple[str, ...] | None = array.dtype.names
    return names


def _rows(array: np.ndarray[Any, Any]) -> int | None:
    return array.shape[0] if array.ndim else None


def _made(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not isinstance(result, _ARRAYS) or not NumpyIntegration.is_on:
            return  # a number: ``np.mean`` of a column
        is_users = not _is_library(sys._getframe(2))
        for part in result if isinstance(result, _SEQUENCES) else (result,):  # ``unique`` with counts, ``gradient``
            _bind(recorder, part, name, args, kwargs, is_users=is_users)

    return handler


def _indexed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    parts = args[1] if isinstance(args[1], tuple) else (args[1],)
    _bind(recorder, result, "c_" if type(args[0]).__name__ == "CClass" else "r_", parts, {}, is_users=True)


def _bind(
    recorder: Recorder, result: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_users: bool
) -> None:
    """Record that ``result`` was made from the followed arguments, including those in lists. Only if the user's own
    code makes the call (``is_users``) is that code analysed for arguments of unknown origin."""
    if not isinstance(result, np.ndarray):
        return
    values = recorder.values
    look_up = functools.partial(known_or_read, values) if is_users else values.seen
    found = {id(item): value for item in _flat([*args, *kwargs.values()]) if (value := look_up(item)) is not None}
    inputs = [value for value in found.values() if value.op != GUESSED] or list(found.values())
    if not inputs:
        return
    taken = {key: value for key, value in found.items() if value in inputs}
    made = columns_made(name, result, args, kwargs, lambda item: taken.get(id(item))) or Made(inputs, (), _all)
    columns = made.columns or None
    recorder.derive(result, f"numpy.{name}", made.inputs, rule=made.rule, columns=columns, rows=_rows(result))


def _flat(arguments: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in arguments:
        if isinstance(item, _SEQUENCES):
            found.extend(item[:10_000])
        else:
            found.append(item)
    return found


def _all(value: Value) -> Columns:
    """Everything in the result comes from everything in the inputs, because columns of an array have no names."""
    deps = [_whole(position, item) for position, item in enumerate(value.inputs)]
    return Columns(dict.fromkeys(value.column_names() or ("*",), deps))


def _whole(position: int, item: Value) -> Dep:
    names = item.column_names()
    return Dep(position, names[0] if len(names) == 1 else None)


def _above(value: Value) -> Columns:
    return Columns(
        {name: [Dep(i, name, subtype="IDENTITY") for i in range(len(value.inputs))] for name in value.column_names()}
    )


def view_of(obj: object) -> Value | None:
    """The value of an array that shares its memory with one that is followed; None for anything else.

    The ``base`` of every view is the array that owns the memory, so one step is enough. The offset and strides of the
    view show which columns it has; if they do not, it comes from all of them.
    """
    if type(obj) is not np.ndarray or obj.base is None:
        return None
    base = obj.base
    whole = owner_read(VALUES, base, 3) if base is not obj else None
    if whole is None or whole.op == GUESSED:  # a guess about the owner says nothing about the view
        return None
    names = whole.column_names()
    columns = _columns_seen(obj, base, names, whole.rows) if type(base) is np.ndarray else None
    if columns is None and obj.ndim == 2 and len(names) == obj.shape[1]:
        columns = names
    code, line = user_site(3)
    rule = _all if columns is None else _above
    made = make_value("numpy.view", (whole,), rule, columns=columns, rows=_rows(obj), code=code, line=line)
    return VALUES.bind(obj, made)


def _columns_seen(
    view: np.ndarray[Any, Any], base: np.ndarray[Any, Any], names: tuple[str, ...], rows: int | None
) -> tuple[str, ...] | None:
    """The columns of ``base`` that a view contains, by its position in memory; None if that is not clear.

    ``base`` holds the columns side by side or, like arrays from pandas, one after the other.
    """
    if base.ndim != 2 or base.size < _SMALLEST or not 1 <= view.ndim <= 2 or len(set(names)) != len(names):
        return None
    beside, above = base.shape == (rows, len(names)), base.shape == (len(names), rows)
    if beside == above or view.size == 0 or not (base.flags.c_contiguous or base.flags.f_contiguous):
        return None
    across, along = base.strides if above else base.strides[::-1]
    begin = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    first = begin % along // across if across < along else begin // across
    if len(view) > 1 and not _goes_down(view.strides[0], across, along):
        return None
    width = view.shape[1] if view.ndim == 2 else 1
    step, rest = divmod(view.strides[1], across) if width > 1 else (0, 0)
    if rest or not (0 <= first < len(names) and 0 <= first + (width - 1) * step < len(names)):
        return None
    return tuple(names[first + place * step] for place in range(width)) if width == 1 or step else None


def _goes_down(stride: int, across: int, along: int) -> bool:
    """Whether a step of ``stride`` bytes leads to another row of the same column."""
    return stride % along == 0 and stride != 0 if across < along else 0 < abs(stride) < across


def _seeded(scope: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seed = args[0] if args else kwargs.get("seed")
        if isinstance(seed, np.random.Generator | np.random.BitGenerator) or _is_library(sys._getframe(2)):
            return
        code, line = user_site(3)
        recorder.seed("numpy", scope, _plain(seed), code, line)

    return handler


def _is_library(caller: FrameType) -> bool:
    """Whether the caller is an installed library, whose own use of numpy is not the user's."""
    name = caller.f_code.co_filename
    return "site-packages" in name or "dist-packages" in name or name.startswith("<frozen")


def _plain(seed: Any) -> Any:
    """The seed as a plain number or list; for a ``SeedSequence``, its entropy."""
    if isinstance(seed, np.random.SeedSequence):
        seed = seed.entropy
    if isinstance(seed, np.generic | np.ndarray):
        return seed.tolist()
    return seed if seed is None or isinstance(seed, int | str | list | tuple) else repr(type(seed))
