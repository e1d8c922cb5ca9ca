"""Column rules of polars operations, created from the arguments of a call and applied later to the names of its
inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from headwater.capture.integrations.polars.expressions import expressions, literals, outputs, roots
from headwater.capture.integrations.polars.lazy_schema import Frame
from headwater.capture.struct_parts import is_part
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value, same_fields

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Spelled(tuple[Any, ...]):
    """A call with a third part: the literals in its expressions that are numbers taken out of data, or columns, each
    with the position of its value among the inputs."""

    __slots__ = ()


class Literal(str):
    """The text of a literal that is a column or a list."""

    __slots__ = ()


RuleOf = Callable[[Call], Rule]
"""From the arguments of a call (frames replaced by ``Frame``) to the rule of its result."""

_OPTIONS: Final = ("maintain_order", "by", "strict", "nulls_equal", "validate", "coalesce")


def same(value: Value, subtype: str = "IDENTITY", indirect: list[Dep] | None = None) -> Columns:
    """Each column from the one of the same name; one that is new from nothing."""
    now, before = value.column_names(), value.inputs[0].column_names()
    own = before if now == before else frozenset(before)
    if subtype == "IDENTITY":
        return Columns(same_fields(now, own), indirect or [])
    return Columns({name: [Dep(0, name, subtype=subtype)] if name in own else [] for name in now}, indirect or [])


def made_by(expression: Any, value: Value, call: Call) -> dict[str, list[Dep]]:
    """The dependencies of each column that an expression, or a column given as it is, adds to a frame."""
    if isinstance(expression, Frame):
        names = value.inputs[expression.position].column_names()
        name = expression.name or (names[0] if names else "")
        return {name: [Dep(expression.position, None, subtype="IDENTITY")]}
    found = outputs(expression, value.inputs[0])
    more = _spelled_in(expression, call)
    return {name: [*deps, *more] for name, deps in found.items()} if more else found


def _spelled_in(expression: Any, call: Call) -> list[Dep]:
    """The dependencies on the columns, lists and numbers in an expression."""
    places = call[2] if isinstance(call, Spelled) else ()
    if not places:
        return []
    written, text = literals(expression), str(expression)
    columns = [Dep(place, None) for item, place in places if isinstance(item, Literal) and item in text]
    numbers = [(item, place) for item, place in places if not isinstance(item, Literal)]
    return columns + [Dep(place, None, description=INFERRED) for item, place in numbers if item in written]


def _deciding(call: Call, subtype: str) -> list[Dep]:
    """Indirect dependencies on columns given as they are, and on what the expressions contain."""
    given = expressions(call[0])
    deps = [Dep(item.position, None, "INDIRECT", subtype) for item in given if isinstance(item, Frame)]
    inside = [dep for item in given if not isinstance(item, Frame) for dep in _spelled_in(item, call)]
    return deps + [dep._replace(type="INDIRECT", subtype=subtype) for dep in dict.fromkeys(inside)]


def select(call: Call) -> Rule:
    """``select``: only the outputs of the expressions."""

    def rule(value: Value) -> Columns:
        fields: dict[str, list[Dep]] = {}
        for expression in expressions(call[0], call[1]):
            fields.update(made_by(expression, value, call))
        parts = {name: deps for name, deps in fields.items() if is_part(name)}
        names = value.column_names() or tuple(name for name in fields if name not in parts)
        return Columns({name: fields.get(name, []) for name in names} | parts)

    return rule


def with_columns(call: Call) -> Rule:
    """``with_columns``: the existing columns, and the outputs of the expressions."""

    def rule(value: Value) -> Columns:
        fields = same_fields(value.inputs[0].column_names())
        for expression in expressions(call[0], call[1]):
            fields.update(made_by(expression, value, call))
        return Columns(fields)

    return rule


def filtered(call: Call) -> Rule:
    """``filter``, ``remove``: the same columns; the predicates choose the rows."""

    def rule(value: Value) -> Columns:
        names = [*roots(call[0], value.inputs[0]), *call[1]]
        deps = [Dep(0, name, "INDIRECT", "FILTER") for name in names]
        return same(value, indirect=deps + _deciding(call, "FILTER"))

    return rule


def subset_filtered(call: Call) -> Rule:
    """``drop_nulls``, ``unique``: the named columns, or all, choose the rows."""

    def rule(value: Value) -> Columns:
        subset = call[0][0] if call[0] else call[1].get("subset")
        names = value.inputs[0].column_names() if subset is None else roots([subset], value.inputs[0])
        return same(value, indirect=[Dep(0, name, "INDIRECT", "FILTER") for name in names])

    return rule


def sorted_by(call: Call) -> Rule:
    """``sort``, ``top_k``, ``bottom_k``: the same columns; the keys determine the order."""

    def rule(value: Value) -> Columns:
        items = [
            item for item in (*call[0], call[1].get("by")) if item is not None and not isinstance(item, int | bool)
        ]
        names = roots(items, value.inputs[0])
        return same(value, indirect=[Dep(0, name, "INDIRECT", "SORT") for name in names])

    return rule


def kept(call: Call) -> Rule:
    """The same columns and values, but perhaps fewer rows or another order."""
    del call
    return same


def changed(call: Call) -> Rule:
    """``fill_null``, ``cast``, ``shift``, ``interpolate``: the same columns, each made from itself."""
    del call
    return lambda value: same(value, "TRANSFORMATION")


def aggregated(call: Call) -> Rule:
    """An aggregate of a whole frame (``sum``, ``mean``): each column made from itself."""
    del call
    return lambda value: same(value, "AGGREGATION")


def renamed(call: Call) -> Rule:
    """``rename``: the same columns under other names, in the same order."""
    del call

    def rule(value: Value) -> Columns:
        pairs = zip(value.column_names(), value.inputs[0].column_names(), strict=True)
        return Columns({new: [Dep(0, old, subtype="IDENTITY")] for new, old in pairs})

    return rule


def joined(call: Call) -> Rule:
    """``join`` and similar methods: left columns, then right ones (with a suffix if the name exists already); the keys
    choose the rows."""

    def rule(value: Value) -> Columns:
        args, kwargs = call
        left, right = (item.column_names() for item in value.inputs[:2])
        suffix = kwargs.get("suffix", "_right")
        on = kwargs.get("on", args[1] if len(args) > 1 else None)
        left_on, right_on = kwargs.get("left_on", on), kwargs.get("right_on", on)
        keys = [
            roots([k], side) if k is not None else []
            for k, side in zip((left_on, right_on), value.inputs, strict=False)
        ]
        fields: dict[str, list[Dep]] = {}
        for name in value.column_names():
            plain = name.removesuffix(suffix) if name not in left else name
            if name in left:
                fields[name] = [Dep(0, name, subtype="IDENTITY")]
                if kwargs.get("how") == "full" and kwargs.get("coalesce") and name in right:
                    fields[name].append(Dep(1, name, subtype="IDENTITY"))
            elif plain in right or name in right:
                fields[name] = [Dep(1, name if name in right else plain, subtype="IDENTITY")]
            else:
                fields[name] = []
        if kwargs.get("how") == "right":
            fields.update({name: [Dep(1, name, subtype="IDENTITY")] for name in keys[1] if name in fields})
        by = [names_of_keys(kwargs.get(key, kwargs.get("by"))) for key in ("by_left", "by_right")]  # of join_asof
        indirect = [Dep(side, name, "INDIRECT", "JOIN") for side in (0, 1) for name in (*keys[side], *by[side])]
        return Columns(fields, indirect)

    return rule


def updated(call: Call) -> Rule:
    """``update``: the columns that the other frame has, too, come from both, row by row of the same key."""

    def rule(value: Value) -> Columns:
        args, kwargs = call
        other = value.inputs[1].column_names() if len(value.inputs) > 1 else ()
        on = kwargs.get("on", args[1] if len(args) > 1 and not isinstance(args[1], Frame) else None)
        sides = (kwargs.get("left_on", on), kwargs.get("right_on", on))
        keys = [roots([k], item) if k is not None else [] for k, item in zip(sides, value.inputs, strict=False)]
        fields = {name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()}
        for name, deps in fields.items():
            if name in other and name not in keys[-1]:
                deps.append(Dep(1, name, subtype="IDENTITY"))
        return Columns(fields, [Dep(side, name, "INDIRECT", "JOIN") for side, own in enumerate(keys) for name in own])

    return rule


def parted(call: Call) -> Rule:
    """``partition_by``: the same columns, of the rows that some columns chose."""

    def rule(value: Value) -> Columns:
        args, kwargs = call
        given = [*args, kwargs["by"]] if "by" in kwargs else list(args)
        keys = roots(given, value.inputs[0]) if given else []
        return same(value, indirect=[Dep(0, name, "INDIRECT", "FILTER") for name in keys])

    return rule


def names_of_keys(keys: Any) -> list[str]:
    """The names in an argument that is one name, several, or None."""
    return [keys] if isinstance(keys, str) else [key for key in keys or () if isinstance(key, str)]


def grouped(call: Call, keys: Call, having: tuple[Any, ...] = ()) -> Rule:
    """``group_by(keys).agg(...)``: the keys, and the aggregated expressions; the keys influence all of them."""

    def rule(value: Value) -> Columns:
        source = value.inputs[0]
        fields: dict[str, list[Dep]] = {}
        for expression in expressions(keys[0], named_only(keys[1])):
            fields.update(outputs(expression, source))
        looked_at = [dep.column for deps in fields.values() for dep in deps if dep.column]
        for expression in expressions(call[0], call[1]):
            for name, deps in made_by(expression, value, call).items():
                fields[name] = [d._replace(subtype="AGGREGATION") if d.type == "DIRECT" else d for d in deps]
        return Columns(fields, [*_grouped_by(dict.fromkeys(looked_at)), *_chosen_by(having, source)])

    return rule


def grouped_all(keys: Call, having: tuple[Any, ...] = ()) -> Rule:
    """``group_by(keys).mean()`` and similar methods: all other columns, aggregated."""

    def rule(value: Value) -> Columns:
        source = value.inputs[0]
        made: dict[str, list[Dep]] = {}
        for expression in expressions(keys[0], named_only(keys[1])):
            made.update(outputs(expression, source))
        own = set(source.column_names())
        fields = {
            name: made.get(name) or ([Dep(0, name, subtype="AGGREGATION")] if name in own else [])
            for name in value.column_names()
        }
        key_names = dict.fromkeys(dep.column for deps in made.values() for dep in deps if dep.column)
        return Columns(fields, [*_grouped_by(key_names), *_chosen_by(having, source)])

    return rule


def windowed(call: Call, window: Call, having: tuple[Any, ...], *, is_moved: bool) -> Rule:
    """``group_by_dynamic(index).agg(...)`` and ``rolling``: as for keys, one of which is a time that may be moved to
    the boundary of its window. The boundary columns, if requested, come from it, too."""
    index = window[0][0] if window[0] else window[1]["index_column"]
    within = window[1].get("group_by")
    keys = () if within is None else tuple(within) if isinstance(within, list | tuple) else (within,)
    by_keys = grouped(call, ((*keys, index), {}), having)

    def rule(value: Value) -> Columns:
        columns = by_keys(value)
        fields = dict(columns.fields)
        made = outputs(expressions([index])[0], value.inputs[0]) if is_moved else {}
        for name, deps in made.items():
            moved = [dep._replace(subtype="TRANSFORMATION") for dep in deps]
            edges = [edge for edge in ("_lower_boundary", "_upper_boundary") if edge in value.column_names()]
            fields.update(dict.fromkeys([name, *edges], moved))
        return Columns({name: fields[name] for name in value.column_names() if name in fields}, columns.indirect)

    return rule


def _grouped_by(names: Iterable[str]) -> list[Dep]:
    return [Dep(0, name, "INDIRECT", "GROUP_BY") for name in names]


def _chosen_by(having: tuple[Any, ...], source: Value) -> list[Dep]:
    return [Dep(0, name, "INDIRECT", "FILTER") for name in roots(having, source)]


def named_only(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The named expressions among the keywords of a grouping."""
    return {name: item for name, item in kwargs.items() if name not in _OPTIONS}
