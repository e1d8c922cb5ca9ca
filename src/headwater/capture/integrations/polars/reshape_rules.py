"""Column rules of the polars methods that give a frame another shape."""

from __future__ import annotations

from headwater.capture.integrations.polars.expressions import roots
from headwater.capture.integrations.polars.lazy_schema import schema_of
from headwater.capture.integrations.polars.rules import Call, same
from headwater.capture.struct_parts import part_of
from headwater.capture.values import INFERRED, Columns, Dep, Rule, Value


def unpivoted(call: Call) -> Rule:
    """``unpivot``: the value column comes from all melted columns, the variable from their names; the index is kept."""

    def rule(value: Value) -> Columns:
        names, kwargs = value.inputs[0].column_names(), call[1]
        index = roots([kwargs["index"]], value.inputs[0]) if kwargs.get("index") is not None else []
        on = call[0][0] if call[0] else kwargs.get("on")
        melted = roots([on], value.inputs[0]) if on is not None else [name for name in names if name not in index]
        fields = {name: [Dep(0, name, subtype="IDENTITY")] for name in index}
        fields[kwargs.get("variable_name") or "variable"] = []
        fields[kwargs.get("value_name") or "value"] = [Dep(0, name, subtype="TRANSFORMATION") for name in melted]
        return Columns(fields)

    return rule


def pivoted(call: Call) -> Rule:
    """``pivot``: the new columns come from the values, chosen by the ``on`` columns; the index is kept. With several
    values, polars puts the name of the value in front."""

    def rule(value: Value) -> Columns:
        source, kwargs = value.inputs[0], call[1]
        on = roots([call[0][0] if call[0] else kwargs.get("on")], source)
        index = roots([kwargs["index"]], source) if kwargs.get("index") is not None else None
        values = roots([kwargs["values"]], source) if kwargs.get("values") is not None else None
        rest = [name for name in source.column_names() if name not in on]
        values = values if values is not None else [name for name in rest if name not in (index or [])]
        index = index if index is not None else [name for name in rest if name not in values]
        chosen = [Dep(0, name, "INDIRECT", "CONDITIONAL") for name in on]
        separator = kwargs.get("separator", "_")
        fields = {}
        for name in value.column_names():
            owners = [one for one in values if name.startswith(f"{one}{separator}")] if len(values) > 1 else []
            made = [Dep(0, one, subtype="AGGREGATION") for one in ([max(owners, key=len)] if owners else values)]
            fields[name] = [Dep(0, name, subtype="IDENTITY")] if name in index else made + chosen
        return Columns(fields, [Dep(0, name, "INDIRECT", "GROUP_BY") for name in index])

    return rule


def dummies(call: Call) -> Rule:
    """``to_dummies``: each new column comes from the one whose name it begins with."""
    del call

    def rule(value: Value) -> Columns:
        names = value.inputs[0].column_names()
        fields = {}
        for name in value.column_names():
            owners = (
                [name] if name in names else [max(found, key=len)] if (found := _starts(name, names)) else list(names)
            )
            subtype = "IDENTITY" if name in names else "TRANSFORMATION"
            fields[name] = [Dep(0, owner, subtype=subtype) for owner in owners]
        return Columns(fields)

    return rule


def mapped_columns(call: Call) -> Rule:
    """``map_columns``: each of the named columns from itself, by a function of the user; the others stay."""

    def rule(value: Value) -> Columns:
        given = call[0][:1] or (call[1].get("column_names"),)
        mapped = set(roots(given, value.inputs[0]))
        kept = same(value).fields
        return Columns({n: [Dep(0, n, description="opaque")] if n in mapped else deps for n, deps in kept.items()})

    return rule


def mixed(call: Call) -> Rule:
    """``corr``, ``hash_rows``, ``transpose``: each column from all; one of names alone from nothing."""
    kwargs = call[1]
    names_alone = kwargs.get("label") or (kwargs.get("header_name", "column") if kwargs.get("include_header") else None)
    named_by = kwargs.get("column_names") if isinstance(kwargs.get("column_names"), str) else None

    def rule(value: Value) -> Columns:
        deps = [Dep(0, name, subtype="TRANSFORMATION") for name in value.inputs[0].column_names() if name != named_by]
        return Columns({name: [] if name == names_alone else deps for name in value.column_names()})

    return rule


def in_struct(call: Call) -> Rule:
    """``to_struct``: one column from all, of which each is a field."""
    mix = mixed(call)

    def rule(value: Value) -> Columns:
        own = value.inputs[0].column_names()
        parts = {
            part_of(name, field): [Dep(0, field, subtype="IDENTITY")] for name in value.column_names() for field in own
        }
        return Columns(mix(value).fields | parts)

    return rule


def unnested(call: Call) -> Rule:
    """``unnest``: the fields of the named structs, each from its struct, in the place of that."""

    def rule(value: Value) -> Columns:
        source = value.inputs[0]
        structs = roots(call[0], source)
        made = {
            f"{struct}{call[1].get('separator')}{field.name}" if call[1].get("separator") else field.name: part_of(
                struct, field.name
            )
            for struct in structs
            for field in getattr(schema_of(source).get(struct), "fields", ())
        }
        own = set(source.column_names()).difference(structs)
        fields = {}
        for name in value.column_names():
            if name in own or name in made:
                fields[name] = [Dep(0, name if name in own else made[name], subtype="IDENTITY")]
            else:
                fields[name] = [Dep(0, one, subtype="TRANSFORMATION", description=INFERRED) for one in structs]
        return Columns(fields)

    return rule


def _starts(name: str, names: tuple[str, ...]) -> list[str]:
    return [item for item in names if name.startswith(item)]
