"""scipy: sparse matrices, from the vectoriser or encoder that makes them to the model that learns from them.

All sparse classes inherit their methods from a few classes written in Python, which are hooked. As with dense arrays,
columns are followed by name if all of them have names; otherwise a matrix as a whole comes from its sources.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import Any, ClassVar, Final

import numpy as np

from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.locations import is_path, located
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.array_origins import known_or_read
from headwater.capture.values import Columns, Dep, Rule, Value
from headwater.capture.wrapper_frames import observe_io, unseen

_SAME: Final = (
    *("tocsr", "tocsc", "tocoo", "tobsr", "todia", "todok", "tolil", "asformat", "toarray", "todense", "copy"),
    *("astype", "asfptype", "sorted_indices", "conj", "conjugate", "getrow"),
)
_CHANGED: Final = (
    *("sqrt", "sign", "log1p", "expm1", "power", "floor", "ceil", "rint", "trunc", "tanh", "sin", "multiply"),
    *("maximum", "minimum", "__abs__", "__neg__", "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__"),
    *("__truediv__", "__div__", "__pow__", "__lt__", "__gt__", "__le__", "__ge__", "__eq__", "__ne__", "__iadd__"),
)
_MIXED: Final = ("dot", "__matmul__", "__rmatmul__", "transpose", "reshape", "diagonal", "getcol")
_REDUCED: Final = ("sum", "mean", "max", "min", "nanmax", "nanmin", "getnnz", "count_nonzero")
_IN_PLACE: Final = ("__setitem__", "setdiag", "_set_many")
_BELOW: Final = ("vstack",)
_STACKS: Final = ("hstack", "vstack", "block_diag", "bmat", "block_array", "kron", "tril", "triu")
_MATRICES: Final = ("csr_matrix", "csc_matrix", "coo_matrix", "lil_matrix", "dok_matrix", "bsr_matrix", "dia_matrix")


class ScipyIntegration(Integration):
    """Follows sparse matrices."""

    identifier: ClassVar[str] = "scipy"
    submodules: ClassVar[tuple[str, ...]] = ("scipy.sparse",)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: all hooks are in ``scipy.sparse``."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the sparse classes, and the functions that stack, save and load them."""
        for owner in _family(module):
            own = vars(owner)
            for names, make in (
                (_SAME, _kept),
                (_CHANGED, _changed),
                (_MIXED, _mixed),
                (_REDUCED, _mixed),
                (_IN_PLACE, _set),
            ):
                for name in names:
                    if isinstance(own.get(name), FunctionType):
                        _hook(hooks, owner, name, make(name))
            for name, handler in (("__init__", _constructed), ("__getitem__", _chosen)):
                if isinstance(own.get(name), FunctionType):
                    _hook(hooks, owner, name, handler)
        for name in _STACKS:
            if hasattr(module, name):
                _hook(hooks, module, name, _stacked(name))
        for name, after in (("save_npz", _saved), ("load_npz", _loaded)):
            if hasattr(module, name):
                hooks.replace(module, name, functools.partial(observe_io, after=after, site=f"scipy.{name}"))


def _family(module: ModuleType) -> list[type]:
    """The classes of sparse matrices, with their bases in ``scipy.sparse``."""
    made = [getattr(module, name) for name in _MATRICES if hasattr(module, name)]
    found = {cls: None for matrix in made for cls in matrix.__mro__ if cls.__module__.startswith("scipy.sparse")}
    return list(found)


def _hook(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    site = f"scipy.{name}"
    hooks.replace(owner, name, lambda original: unseen(observe(original, handler, site)))


def is_sparse(item: Any) -> bool:
    """Whether an object is a sparse matrix or array."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(item))


def _rows(matrix: Any) -> int | None:
    return int(matrix.shape[0]) if getattr(matrix, "shape", ()) else None


def _names(value: Value, result: Any) -> tuple[str, ...] | None:
    """The names of the columns of ``value``, if the result has as many columns."""
    names = value.column_names()
    shape: Any = getattr(result, "shape", ())
    width = shape[-1] if len(shape) == 2 else 1
    return names if names and len(names) == width else None


def _derive(recorder: Recorder, result: Any, op: str, inputs: list[Value], names: Any, rule: Rule) -> None:
    recorder.derive(result, f"scipy.{op}", inputs, rule=rule, columns=names, rows=_rows(result))


def by_place(subtype: str) -> Rule:
    """Each column comes from the column at its position in the first input, and from the columns of that name (or all)
    of the other inputs. Without names, everything comes from everything."""

    def rule(value: Value) -> Columns:
        more = [dep for position in range(1, len(value.inputs)) for dep in _aligned(value, position, None)]
        names, own = value.column_names(), value.inputs[0].column_names()
        if not names:
            return Columns({"*": [Dep(0, None, subtype=subtype), *more]})
        fields = {}
        for place, name in enumerate(names):
            first = Dep(0, own[place] if len(own) == len(names) else None, subtype=subtype)
            fields[name] = [first, *(d for i in range(1, len(value.inputs)) for d in _aligned(value, i, name))]
        return Columns(fields)

    return rule


def _aligned(value: Value, position: int, name: str | None) -> list[Dep]:
    known = value.inputs[position].column_names()
    return [Dep(position, name if name in known else None)]


SAME: Final = by_place("IDENTITY")
CHANGED: Final = by_place("TRANSFORMATION")


def everything(value: Value) -> Columns:
    """The whole result comes from all inputs."""
    deps = [Dep(position, None) for position in range(len(value.inputs))]
    return Columns(dict.fromkeys(value.column_names() or ("*",), deps))


def _others(recorder: Recorder, arguments: Sequence[Any]) -> list[Value]:
    """The values of the followed arguments."""
    held = [item for item in arguments if is_sparse(item) or isinstance(item, np.ndarray) or hasattr(item, "iloc")]
    return [value for item in held if (value := known_or_read(recorder.values, item, 4)) is not None]


def _kept(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        known = recorder.values.get(args[0])
        if known is not None and result is not args[0]:
            _derive(recorder, result, name, [known], _names(known, result), SAME)

    return handler


def _changed(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        known = recorder.values.get(args[0])
        inputs = [*([known] if known is not None else []), *_others(recorder, args[1:])]
        if inputs and hasattr(result, "shape"):
            _derive(recorder, result, name.strip("_"), inputs, _names(inputs[0], result), CHANGED)

    return handler


def _mixed(name: str) -> After:
    """For methods that exchange rows and columns, or reduce them: everything comes from everything, but a result of a
    single column from that column."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        known = recorder.values.get(args[0])
        inputs = [*([known] if known is not None else []), *_others(recorder, args[1:])]
        if not inputs or not getattr(result, "shape", ()):
            return
        names = inputs[0].column_names()
        is_one = len(names) == 1 and len(inputs) == 1
        _derive(recorder, result, name.strip("_"), inputs, names if is_one else None, SAME if is_one else everything)

    return handler


def _set(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        known = recorder.values.get(args[0])
        more = _others(recorder, args[1:])
        if known is not None and more:
            _derive(recorder, args[0], name.strip("_"), [known, *more], known.columns, CHANGED)

    return handler


def _constructed(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``csr_matrix(data)``, from a matrix, an array, a column, or a tuple of data and positions."""
    matrix, data = args[0], args[1] if len(args) > 1 else kwargs.get("arg1")
    is_parts = isinstance(data, tuple) and len(data) in (2, 3) and not isinstance(data[0], int | np.integer)
    given = data if isinstance(data, tuple) and is_parts else (data,)
    parts = [item for argument in given for item in (argument if isinstance(argument, tuple) else (argument,))]
    inputs = _others(recorder, parts)
    if inputs:
        names = _names(inputs[0], matrix) or (inputs[0].column_names() if len(inputs[0].column_names()) == 1 else None)
        is_whole = len(inputs) == 1 and not is_parts
        _derive(recorder, matrix, type(matrix).__name__, inputs, names if is_whole else None, SAME)


def _chosen(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``matrix[rows, columns]``: the chosen columns."""
    known = recorder.values.get(args[0])
    if known is None or not hasattr(result, "shape") or not result.shape:
        return
    names = known.column_names()
    chosen = args[1][1] if isinstance(args[1], tuple) and len(args[1]) == 2 else slice(None)
    if isinstance(chosen, int | np.integer):
        chosen = slice(chosen, chosen + 1 or None)
    kept: tuple[str, ...] | None = None
    if names and len(names) == args[0].shape[-1] and chosen is not Ellipsis and not is_sparse(chosen):
        kept = tuple(np.asarray(names, dtype=object)[chosen])
    _derive(recorder, result, "getitem", [known], kept, _by_name if kept else SAME)


def _by_name(value: Value) -> Columns:
    return Columns({name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()})


def _stacked(name: str) -> After:
    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        blocks = args[0] if args else kwargs.get("blocks", kwargs.get("mats"))
        given = blocks if isinstance(blocks, list | tuple) else [blocks]
        flat = [item for block in given for item in (block if isinstance(block, list | tuple) else (block,))]
        found = [known_or_read(recorder.values, item, 3) for item in flat]
        inputs = [value for value in found if value is not None]
        if not inputs:
            return
        names: tuple[str, ...] | None = None
        rule: Rule = everything
        if name in _BELOW:
            names, rule = _names(inputs[0], result), _each
        elif name == "hstack":
            labels = _labels_beside(flat, found)
            if len(labels) == result.shape[1]:
                names, rule = _told_apart(labels), _beside(labels)
        _derive(recorder, result, name, inputs, names, rule)

    return handler


def _labels_beside(blocks: Sequence[Any], found: Sequence[Value | None]) -> list[tuple[int, str | None] | None]:
    """For each column of blocks that stand side by side: the place of its block among the known ones, and its label
    there, if it has one. None for those of unknown blocks."""
    labels: list[tuple[int, str | None] | None] = []
    place = -1
    for block, value in zip(blocks, found, strict=True):
        shape: Any = getattr(block, "shape", ())
        width = shape[1] if len(shape) == 2 else 1
        place += value is not None
        own = value.column_names() if value is not None else ()
        if value is None:
            labels += [None] * width
        else:
            labels += [(place, label) for label in (own if len(own) == width else (None,) * width)]
    return labels


def _told_apart(labels: Sequence[tuple[int, str | None] | None]) -> tuple[str, ...]:
    """Names for columns: their labels, or ``x0, x1, ...`` as in scikit-learn, unless all have different ones."""
    own = [label[1] for label in labels if label is not None and label[1] is not None]
    return tuple(own) if len(set(own)) == len(labels) else tuple(f"x{place}" for place in range(len(labels)))


def _beside(labels: Sequence[tuple[int, str | None] | None]) -> Rule:
    def rule(value: Value) -> Columns:
        deps = [[] if label is None else [Dep(label[0], label[1], subtype="IDENTITY")] for label in labels]
        return Columns(dict(zip(value.column_names(), deps, strict=True)))

    return rule


def _each(value: Value) -> Columns:
    """Rows below rows: each column comes from the columns at its position in all inputs."""
    places = range(len(value.inputs))
    names = value.column_names()
    if not names:
        return Columns({"*": [Dep(position, None, subtype="IDENTITY") for position in places]})
    fields: dict[str, list[Dep]] = {}
    for place, name in enumerate(names):
        known = [item.column_names() for item in value.inputs]
        columns = [own[place] if len(own) == len(names) else None for own in known]
        fields[name] = [Dep(position, columns[position], subtype="IDENTITY") for position in places]
    return Columns(fields)


def _file(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs.get("file")


def _saved(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    target, matrix = _file(args, kwargs), args[1] if len(args) > 1 else kwargs["matrix"]
    ref = located(target)
    if ref is None:
        return
    if not hasattr(target, "write") and not ref.name.endswith(".npz"):
        ref = ref._replace(name=ref.name + ".npz")  # as scipy does
    recorder.wrote(matrix, ref, is_anew=is_path(target))


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(_file(args, kwargs))
    if ref is not None:
        recorder.read(result, ref, "scipy.load_npz", rows=_rows(result))
