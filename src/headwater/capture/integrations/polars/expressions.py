"""The input columns of an expression, from polars' own metadata."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Final

from headwater.capture.guard import GUARD
from headwater.capture.hooks import unobserved
from headwater.capture.integrations.polars.lazy_schema import Frame, empty, polars
from headwater.capture.integrations.polars.struct_fields import StructFields, Unsure, mentions_structs
from headwater.capture.struct_parts import column_of_part, part_of
from headwater.capture.values import INFERRED, Dep, Value
from headwater.model.patterns import lazy_pattern

_AGGREGATES: Final = lazy_pattern(
    r"(?<!\bcs)\.(sum|mean|min|max|median|std|var|count|len|first|last|n_unique|approx_n_unique|quantile|product|any|all|"
    r"null_count|arg_min|arg_max|implode|skew|kurtosis|entropy|mode)\("
)
_NUMBER: Final = lazy_pattern(r"dyn (?:float|int): (-?\d+\.?\d*(?:e[-+]?\d+)?)")
_TEXT: Final = lazy_pattern(r'"([^"]*)"')
_KEYED: Final = ((".over(", "WINDOW"), (".sort_by(", "SORT"))
"""Methods whose arguments decide over rows, and what they do there."""
_OPAQUE: Final = lazy_pattern(r"python_udf|map_batches|map_elements")


def expressions(args: Iterable[Any], kwargs: dict[str, Any] | None = None) -> list[Any]:
    """The expressions of a call such as ``select("a", pl.col("b") * 2, c=pl.col("d"))``, flattened, names included."""
    pl = polars()
    found: list[Any] = []
    for item in args:
        if isinstance(item, str):
            found.append(pl.col(item))
        elif isinstance(item, pl.Expr | Frame):
            found.append(item)
        elif isinstance(item, Iterable) and not isinstance(item, pl.Series | dict):
            found.extend(expressions(item))
        else:
            found.append(pl.lit(0) if item is None or not hasattr(item, "meta") else item)
    for name, item in (kwargs or {}).items():
        if isinstance(item, Frame):
            found.append(Frame(item.position, is_column=True, name=name))
            continue
        expression = item if isinstance(item, pl.Expr) else pl.col(item) if isinstance(item, str) else pl.lit(0)
        found.append(expression.alias(name))
    return found


def literals(expression: Any) -> set[Any]:
    """The numbers and strings that an expression contains."""
    text = str(expression)
    return {float(item) for item in _NUMBER.findall(_TEXT.sub("", text))} | set(_TEXT.findall(text))


def outputs(expression: Any, value: Value) -> dict[str, list[Dep]]:
    """The dependencies of each output column of an expression on a frame like ``value``."""
    with GUARD.at("polars.expression"), unobserved():
        structs = _structs(expression, value)
        if not expression.meta.has_multiple_outputs():
            name = expression.meta.output_name()
            used = structs.used() if structs is not None else expression.meta.root_names()
            found = {name: _deps(expression, used, is_plain=structs is not None and structs.is_plain())}
        else:
            found = _many(expression, value)
            name = next(iter(found)) if len(found) == 1 else ""
        return found | (_parts(structs, name) if structs is not None and name else {})
    return {}


def _structs(expression: Any, value: Value) -> StructFields | None:
    """What is known about fields of structs in an expression, if it has any."""
    if not mentions_structs(str(expression)):
        return None
    found = StructFields(expression, value)
    return found if found.tree is not None else None


def _parts(structs: StructFields, name: str) -> dict[str, list[Dep]]:
    """The dependencies of each field of the struct that an expression makes under a name."""
    return {
        part_of(name, field): [
            Dep(
                0,
                str(column),
                subtype="IDENTITY" if is_same else "TRANSFORMATION",
                description=INFERRED if isinstance(column, Unsure) else "",
            )
            for column in columns
        ]
        for field, (columns, is_same) in structs.parts().items()
    }


def _many(expression: Any, value: Value) -> dict[str, list[Dep]]:
    """As ``outputs``, for several output columns, or for one that is made from several by a selector."""
    names = _expanded(expression, value)
    used = _used(expression, value)
    used = used if len(used) == len(names) else [list(dict.fromkeys(itertools.chain(*used)))] * len(names)
    return {name: _deps(expression, columns, is_one_of_many=True) for name, columns in zip(names, used, strict=True)}


def _used(expression: Any, value: Value) -> list[list[str]]:
    """The columns behind each output of an expression. polars expands the selectors in it; outputs in the same place
    belong together, and a part that several outputs share, or that makes one of many (``pl.struct(pl.all())``), counts
    as a whole."""
    structs = _structs(expression, value)
    if not expression.meta.has_multiple_outputs():
        return [structs.used() if structs is not None else expression.meta.root_names()]
    selected = structs.selected(_expanded(expression, value)) if structs is not None else None
    if selected is not None:
        return selected
    parts = expression.meta.pop()
    if not parts:
        return [[name] for name in _expanded(expression, value)]
    found = [_used(part, value) for part in reversed(parts)]
    with contextlib.suppress(polars().exceptions.PolarsError):  # a part may have no meaning outside of its expression
        count = len(_expanded(expression, value))
        return [
            list(dict.fromkeys(name for part in found for name in _at(part, place, count))) for place in range(count)
        ]
    return [list(dict.fromkeys(name for part in found for names in part for name in names))]


def _at(part: list[list[str]], place: int, count: int) -> list[str]:
    return part[place] if len(part) == count else list(itertools.chain(*part))


def _expanded(expression: Any, value: Value) -> list[str]:
    return list(empty(value).select(expression).collect_schema().names())


def _deps(expression: Any, roots: Sequence[str], *, is_plain: bool = False, is_one_of_many: bool = False) -> list[Dep]:
    """``is_plain``: the expression only takes a field out of a struct. ``is_one_of_many``: a selector in it stands for
    one column after the other, without a word of which."""
    text = str(expression)
    subtype = "IDENTITY" if is_plain else subtype_of(expression, text)
    description = "opaque" if _OPAQUE.search(text) else ""
    unique = dict.fromkeys(roots)
    deps = [
        Dep(0, str(name), subtype=subtype, description=INFERRED if isinstance(name, Unsure) else description)
        for name in unique
    ]
    for method, kind in _KEYED:
        inside, outside = _keys_apart(text, method)
        named = {name: f'"{column_of_part(name)}"' for name in unique} if inside else {}
        keys = {name for name, quoted in named.items() if quoted in inside and quoted not in outside}
        keys = set() if is_one_of_many and len(keys) == len(deps) else keys  # the one selected is a key itself
        deps = [Dep(0, d.column, "INDIRECT", kind) if d.column in keys else d for d in deps]
    return deps


def _keys_apart(text: str, method: str) -> tuple[str, str]:
    """The arguments of all calls of a method in the text of an expression, and the rest of that text."""
    inside, outside = "", ""
    before, called, after = text.partition(method)
    while called:
        end = _end_of_call(after)
        inside, outside = inside + after[:end], outside + before
        before, called, after = after[end:].partition(method)
    return inside, outside + before


def _end_of_call(text: str) -> int:
    """Where the arguments at the beginning of a text end: at the parenthesis that closes the call."""
    depth, is_quoted = 1, False
    for place, sign in enumerate(text):
        is_quoted = is_quoted != (sign == '"')
        depth += 0 if is_quoted else (sign == "(") - (sign == ")")
        if depth == 0:
            return place
    return len(text)


def subtype_of(expression: Any, text: str) -> str:
    """IDENTITY for a column, renamed or not; AGGREGATION for many rows; otherwise TRANSFORMATION."""
    if expression.meta.is_column_selection(allow_aliasing=True):
        return "IDENTITY"
    return "AGGREGATION" if _AGGREGATES.search(text) else "TRANSFORMATION"


def roots(items: Iterable[Any], value: Value) -> list[str]:
    """All columns that these expressions or names use."""
    found: dict[str, None] = {}
    for expression in expressions(items):
        if isinstance(expression, Frame):
            continue
        with GUARD.at("polars.roots"), unobserved():
            found.update(dict.fromkeys(itertools.chain(*_used(expression, value))))
    return list(found)
