"""Series: results of methods and operators of ``pl.Series``, and the numbers taken out of one.

All public methods share one handler: a column made from one column can come from nothing else, so the name of the
method only determines the subtype.
"""

from __future__ import annotations

import functools
import sys
from types import FunctionType
from typing import Any, Final

from headwater.capture.hooks import Hooks
from headwater.capture.integrations.polars.lazy_schema import polars
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.struct_parts import part_of
from headwater.capture.values import Columns, Dep, Rule

_OPERATORS: Final = (
    *("_arithmetic", "_comp", "__and__", "__or__", "__xor__", "__rand__", "__ror__", "__rxor__", "__invert__"),
    *("__neg__", "__pos__", "__abs__", "__pow__", "__rpow__", "__matmul__", "__getitem__", "__array_ufunc__"),
)
_IDENTITY: Final = frozenset((
    *("alias", "rename", "clone", "head", "tail", "limit", "slice", "filter", "sort", "unique", "sample", "to_frame"),
    *("reverse", "drop_nulls", "drop_nans", "gather", "gather_every", "rechunk", "shrink_to_fit", "__getitem__"),
    *("explode", "top_k", "bottom_k", "set_sorted", "extend", "append", "zip_with", "new_from_index"),
))  # fmt: skip
_REDUCED: Final = frozenset((
    *("sum", "mean", "median", "min", "max", "std", "var", "quantile", "product", "mode", "first", "last", "item"),
    *("n_unique", "count", "len", "null_count", "any", "all", "skew", "kurtosis", "nan_max", "nan_min"),
    *("approx_n_unique", "value_counts", "unique_counts", "describe", "entropy"),
))  # fmt: skip
_IN_PLACE: Final = frozenset(("append", "extend", "scatter"))
_SHORT: Final = ("polars.Series.mode", "polars.Series.value_counts", "polars.Series.unique", "polars.Series.quantile")
"""Operations that summarise: a single item of their result depends on all of the data."""
_ELSEWHERE: Final = frozenset(("to_numpy", "to_arrow", "to_pandas", "to_list", "to_init_repr", "to_physical_repr"))
_SPACES: Final = ("string", "datetime", "list", "array", "binary", "categorical", "struct")
_FILTER: Final = ("INDIRECT", "FILTER")


def hook(hooks: Hooks) -> None:
    """Hook the methods and operators of a column, and those of its namespaces (``.str``, ``.dt``)."""
    series = polars().Series
    for name, method in list(vars(series).items()):
        is_public = not name.startswith("_") and name not in _ELSEWHERE
        if isinstance(method, FunctionType) and (is_public or name in _OPERATORS):
            hooks.after(series, name, functools.partial(after_method, method=name))
    for name in _SPACES:
        module = sys.modules.get(f"polars.series.{name}")
        held = vars(module).values() if module is not None else ()
        spaces = [item for item in held if isinstance(item, type) and hasattr(item, "_accessor")]
        for space in spaces:
            hooks.after(space, "__init__", _after_space)
            for method_name, method in list(vars(space).items()):
                if isinstance(method, FunctionType) and not method_name.startswith("_"):
                    hooks.after(space, method_name, functools.partial(after_method, method=method_name))


def _after_space(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Bind a namespace such as ``column.str`` to the value of the column."""
    del result
    value = recorder.values.get(args[1] if len(args) > 1 else kwargs.get("series"))
    if value is not None:
        recorder.values.bind(args[0], value)


def after_method(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str) -> None:
    """Record a method of a column that returned another column, a frame, or a number."""
    owner = args[0]
    known = recorder.values.get(owner)
    if known is None:
        return
    pl = polars()
    others = [item for item in (*args[1:], *kwargs.values()) if _is_operand(item)]
    if method in _IN_PLACE:
        result = owner
    elif isinstance(result, pl.DataFrame):
        own = known.column_names()
        is_struct = method == "unnest" and len(own) == 1
        rule = (
            _fields_of(own[0], result.columns)
            if is_struct
            else _columns_of_frame(result.columns, own, _subtype(method))
        )
        columns, rows = tuple(result.columns), result.height
        recorder.derive(result, f"polars.Series.{method}", (known,), rule=rule, columns=columns, rows=rows)
        return
    if isinstance(result, pl.Series):
        own = known.column_names()
        is_field = method == "field" and len(own) == 1
        rule = _fields_of(own[0], [result.name]) if is_field else _column(result.name, method, len(others))
        op = f"polars.Series.{method}"
        recorder.derive(result, op, (known, *others), rule=rule, columns=(result.name,), rows=len(result))
    elif (method in _REDUCED or (method == "__getitem__" and known.op in _SHORT)) and can_follow(result):
        name = next(iter(known.column_names()), "")
        SCALARS.derive(result, f"polars.Series.{method}", (known,), _column(name, method, 0), (name,), None, frames=4)


def _is_operand(item: Any) -> bool:
    return isinstance(item, polars().Series) or type(item).__name__ == "ndarray" or SCALARS.value_of(item) is not None


def _subtype(method: str) -> str:
    if method in _IDENTITY:
        return "IDENTITY"
    return "AGGREGATION" if method in _REDUCED else "TRANSFORMATION"


def _column(name: str, method: str, others: int) -> Rule:
    """A column comes from its owner and all other operands; the operand of ``filter`` chooses the rows."""
    deps = [Dep(position, None, subtype=_subtype(method)) for position in range(1 + others)]
    if method == "filter":
        return lambda _: Columns({name: deps[:1]}, [Dep(i, None, *_FILTER) for i in range(1, 1 + others)])
    if method == "zip_with" and others:
        deps[1] = Dep(1, None, "INDIRECT", "CONDITIONAL")
    return lambda _: Columns({name: deps})


def _fields_of(column: str, fields: list[str]) -> Rule:
    """Each column is the field of that name of a struct."""
    deps = {name: [Dep(0, part_of(column, name), subtype="IDENTITY")] for name in fields}
    return lambda _: Columns(deps)


def _columns_of_frame(columns: list[str], own: tuple[str, ...], subtype: str) -> Rule:
    """A frame made from one column: the column of that name is unchanged, all others summarise it."""
    deps = {
        name: [Dep(0, None, subtype="IDENTITY" if name in own or len(columns) == 1 else subtype)] for name in columns
    }
    return lambda _: Columns(deps)
