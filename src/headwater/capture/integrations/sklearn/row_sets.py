"""Named sets of rows: the results of a split, and the data that a model is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.capture.axis_names import names_in
from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.caller_names import assigned_names, common_part
from headwater.capture.levels import Labels, field_in, field_of_level, levels_of, shown_level
from headwater.capture.recorder import Recorder, is_literal_object
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.values import INFERRED, NOTHING, Columns, DatasetRef, Dep, Value, make_value, same_columns

BY_KEY: Final = "sklearn.rows"
"""The operation of a value for rows given as dictionaries."""
_SEARCHED: Final = 5_000
"""How many values are searched for a set behind an object; beyond that there counts as none."""


def columns_of(obj: Any, value: Value | None) -> tuple[str, ...]:
    """The column names of a frame or matrix; without any, ``x0, x1, ...`` as in scikit-learn."""
    columns = _axis_of(obj)
    if columns is not None and not callable(columns):
        is_index = getattr(columns, "nlevels", 0) == 1 and columns.dtype != object
        return names_in(columns) if is_index else tuple(str(name) for name in columns)
    shape: Any = getattr(obj, "shape", ())
    known = value.column_names() if value is not None else ()
    if _are_dictionaries(obj):
        return known
    width = _width_of_rows(obj)
    if width:
        return known if len(known) == width else tuple(f"x{i}" for i in range(width))
    if len(shape) != 2:
        name = getattr(obj, "name", None)
        return (str(name),) if name is not None else known[:1]
    return known if len(known) == shape[1] else tuple(f"x{i}" for i in range(shape[1]))


def _width_of_rows(obj: Any) -> int:
    """How many numbers the rows in a list have; 0 for anything else."""
    first: Any = obj[0] if isinstance(obj, list | tuple) and obj else None
    return len(first) if isinstance(first, list | tuple) or getattr(first, "ndim", 0) == 1 else 0


def _axis_of(obj: Any) -> Any:
    """The columns of a frame. A series has none, but would look for a label of that name in its index."""
    return None if getattr(obj, "ndim", 0) == 1 else getattr(obj, "columns", None)


def _are_dictionaries(obj: Any) -> bool:
    return isinstance(obj, list | tuple) and bool(obj) and isinstance(obj[0], dict)


def rows_by_key(value: Value, obj: Any, keys: Sequence[str]) -> Value:
    """A value for rows given as dictionaries: each key comes from the column of that name of what was iterated over for
    them, or from all of it if it has none."""
    if not _are_dictionaries(obj) or not value.inputs:
        return value

    def rule(made: Value) -> Columns:
        named = {key: [i for i, item in enumerate(made.inputs) if key in item.column_names()] for key in keys}
        return Columns(
            {
                key: [Dep(i, key, description=INFERRED) for i in places]
                or [Dep(i, None, description=INFERRED) for i in range(len(made.inputs))]
                for key, places in named.items()
            }
        )

    code, line = value.code, value.line
    return make_value(BY_KEY, value.inputs, rule, columns=tuple(keys), rows=len(obj), code=code, line=line)


def rows_of(obj: Any) -> int | None:
    """The number of rows, if it is known without computation."""
    shape = getattr(obj, "shape", None)
    if shape:
        return int(shape[0])
    return len(obj) if isinstance(obj, list | tuple) else None


def known(recorder: Recorder, obj: Any, *, is_new: bool = False) -> Value:
    """The value of ``obj``, or a new one with its columns if it is unknown. A guess that it is the output of a model is
    ignored: in a loop of fits, each model would come from the previous one. So is, if ``is_new``, a guess that it is
    part of a set: in a loop of splits, each set would come from the previous one."""
    value = recorder.values.get(obj)
    if value is not None and value.op == GUESSED:
        is_far = any(map(_is_of_model, value.inputs)) or (is_new and any(map(has_set, value.inputs)))
        value = None if is_far else value
    is_doubtful = value is None or value.op == GUESSED
    behind = (NOTHING,) if is_doubtful and obj is not None and is_literal_object(obj) else ()
    if value is None or behind:
        rule = _spelled_out if behind else None
        value = make_value("memory.object", behind, rule, columns=columns_of(obj, None), rows=rows_of(obj))
        if obj is not None:
            recorder.values.bind(obj, value)
    return value


def _is_of_model(value: Value) -> bool:
    return any(item.dataset is not None and item.dataset.type == "MODEL" for item in value.inputs)


def _spelled_out(value: Value) -> Columns:
    return Columns({name: [] for name in value.column_names() or ("*",)})


def snapshot_of(objects: Sequence[Any], columns: Sequence[tuple[str, ...]] = ()) -> Any:
    """Snapshots for profiling a set whose columns are spread over several objects (X and y). ``columns`` are the names
    of each object's columns in the set, for objects without names."""
    from headwater.capture.profiling import can_profile, snapshot

    names = columns or ((),) * len(objects)
    taken = tuple(
        snapshot(obj, own if _axis_of(obj) is None else ())
        for obj, own in zip(objects, names, strict=True)
        if obj is not None and can_profile(obj)
    )
    if not taken:
        return None
    return taken[0] if len(taken) == 1 else taken


def name_set(
    recorder: Recorder, parts: Sequence[Any], name: str, op: str, facets: dict[str, Any], made: Value | None = None
) -> list[Value]:
    """Make the parts (X, y) one named set, and bind each to its part of the set. Returns the values of the parts,
    because lists, which cannot be followed, have no other way to get theirs."""
    values = [known(recorder, part) for part in parts]
    if made is not None and made.op == BY_KEY:
        values[0] = made
    columns = _apart([columns_of(part, value) for part, value in zip(parts, values, strict=True)], values)
    ref = recorder.memory_ref(name)
    of_set = name_values(
        recorder,
        values,
        columns,
        ref,
        op,
        rows=rows_of(parts[0]),
        facets=facets,
        snapshot=snapshot_of(parts, _named(columns)),
        made=made or values[0],
    )
    return [recorder.values.bind(part, value) for part, value in zip(parts, of_set, strict=True)]


def _apart(columns: Sequence[tuple[str, ...]], values: Sequence[Value]) -> list[tuple[str, ...]]:
    """The columns of each part. Labels in a matrix without names are not called like the data in one."""
    kept = [columns[0]]
    for names, value in zip(columns[1:], values[1:], strict=True):
        is_named = names == value.column_names() or names != tuple(f"x{i}" for i in range(len(names)))
        kept.append(names if is_named else () if len(names) == 1 else tuple(f"label{i}" for i in range(len(names))))
    return kept


def _named(columns: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The columns of each part of a set, with names for those of lists: data, then labels."""
    return [names or ("label" if place else "x0",) for place, names in enumerate(columns)]


def name_values(
    recorder: Recorder,
    values: Sequence[Value],
    columns: Sequence[tuple[str, ...]],
    ref: DatasetRef,
    op: str,
    *,
    rows: int | None,
    facets: dict[str, Any],
    snapshot: Any,
    made: Value,
) -> list[Value]:
    """Make the values (of X, y) with these columns one set ``ref``, created where ``made`` was. Returns a value for
    each as part of the set. Index levels of a part are columns of the set, too."""
    labels = _named(columns)
    fields = {
        name: [Dep(position, name if columns[position] else None, subtype="IDENTITY")]
        for position, names in enumerate(labels)
        for name in names
    }
    taken = set(fields)
    kept = [{level: _shown_beside(level, taken) for level in levels_of(value)} for value in values]
    for position, levels in enumerate(kept):
        for level, shown in levels.items():
            own = [Dep(position, field_in(values[position], level), subtype="IDENTITY")]
            fields.setdefault(shown, own)
    whole = make_value(
        op,
        tuple(values),
        lambda _: Columns(fields),
        columns=tuple(fields),
        rows=rows,
        code=made.code,
        line=made.line,
    )
    repeated_fits.name(recorder, whole, ref, snapshot=snapshot, facets=facets)
    return [_part(whole, names, levels, rows) for names, levels in zip(labels, kept, strict=True)]


def _shown_beside(level: str, taken: set[str]) -> str:
    """The name of an index level among the columns of a set, which may have one of that name: a label, say."""
    shown = shown_level(level)
    return shown if shown not in taken else f"index.{shown}"


def _part(whole: Value, names: tuple[str, ...], levels: dict[str, str], rows: int | None) -> Value:
    """X or y as a part of a set: its columns, and its index levels, which are columns of the set by other names."""
    if not levels:
        return make_value("sklearn.part", (whole,), same_columns, columns=names, rows=rows)
    fields = {name: [Dep(0, name, subtype="IDENTITY")] for name in names}
    fields |= {field_of_level(level): [Dep(0, shown, subtype="IDENTITY")] for level, shown in levels.items()}
    columns = Labels(names, tuple(levels))
    return make_value("sklearn.part", (whole,), lambda _: Columns(fields), columns=columns, rows=rows)


def has_set(value: Value) -> bool:
    """Whether a value comes from a named set in memory."""
    seen: set[int] = set()
    stack = [value]
    while stack and len(seen) < _SEARCHED:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if item.dataset is None:
            stack.extend(item.inputs)
        elif item.dataset.type == "IN_MEMORY":
            return True
    return False


def after_split(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``train_test_split``: each side is a set, named after the variables it is assigned to."""
    seed, fraction = kwargs.get("random_state"), kwargs.get("test_size", kwargs.get("train_size"))
    is_stratified = kwargs.get("stratify") is not None
    detail = {"seed": scalar_of(seed), "fraction": scalar_of(fraction), "stratified": is_stratified}
    made: list[Value] = []
    for position, part in enumerate(result):
        made.append(_some_rows(recorder, part, args[position // 2], "train_test_split", detail))
    site = made[0]
    shuffled = kwargs.get("shuffle", True)
    if shuffled:
        recorder.seed("scikit-learn", "train_test_split.random_state", scalar_of(seed), site.code, site.line)
    names = assigned_names(site.code, site.line, "train_test_split")
    for side, role in enumerate(("train", "test")):
        parts = list(result[side::2])
        wanted = common_part(names[side::2]) if len(names) == len(result) else ""
        name = recorder.unique_name(wanted or role, (site.code, site.line, side))
        facet = {"role": role, "rows": rows_of(parts[0]), **detail}
        name_set(recorder, parts, name, "sklearn.split_set", {"headwater_split": facet}, made[side])


def after_draw(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    """Record ``shuffle`` and ``resample``: the rows of each array in another order, or some of them."""
    seed = scalar_of(kwargs.get("random_state"))
    parts = [] if result is None else [result] if len(args) == 1 else result
    made = [_some_rows(recorder, part, source, name, {"seed": seed}) for part, source in zip(parts, args, strict=False)]
    if made:
        recorder.seed("scikit-learn", f"{name}.random_state", seed, made[0].code, made[0].line)


def _some_rows(recorder: Recorder, part: Any, source: Any, name: str, detail: dict[str, Any]) -> Value:
    """Bind what a function took of the rows of ``source``; its columns and index levels are the same."""
    value = known(recorder, source, is_new=True)
    columns = columns_of(part, value)
    levels = levels_of(value)
    return recorder.derive(
        part,
        f"sklearn.{name}",
        (value,),
        rule=same_columns if columns and not levels else _same,
        columns=Labels(columns, levels) if levels else columns,
        rows=rows_of(part),
        detail=detail,
    )


def _same(value: Value) -> Columns:
    """Each column and each index level is unchanged, and so is an array whose column has no name."""
    fields = same_columns(value).fields or {"*": [Dep(0, None, subtype="IDENTITY")]}
    for level in levels_of(value):
        fields[field_of_level(level)] = [Dep(0, field_in(value.inputs[0], level), subtype="IDENTITY")]
    return Columns(fields)


def scalar_of(value: Any) -> Any:
    """A number, text or None as it is; anything else (such as a RandomState, which shows no seed) by its class."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "ndim", 1) == 0 else type(value).__name__
