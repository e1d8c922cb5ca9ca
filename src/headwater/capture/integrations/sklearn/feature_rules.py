"""Which columns of the training data the features of a model come from."""

from __future__ import annotations

from headwater.capture.integrations.sklearn.features import MAX_FEATURES, Feature, are_inseparable
from headwater.capture.values import Columns, Dep, Rule, Value


def feature_rule(features: list[Feature], columns: tuple[str, ...], sides: int) -> Rule:
    """Each feature comes from its columns of X; the label influences all of them."""

    def label(value: Value) -> list[Dep]:
        names = value.inputs[1].column_names() if sides == 2 else ()
        deps = [Dep(1, name, "INDIRECT", "CONDITIONAL", description="label") for name in names or (None,)]
        return deps if sides == 2 else []

    if not features:  # of a list, whose items have no names
        return lambda value: Columns({"*": [Dep(0, None)]}, label(value))
    is_inseparable = are_inseparable(features)
    if len(features) > MAX_FEATURES or is_inseparable:  # all together come from all columns used
        used = sorted({i for feature in features for i in feature.inputs})
        how = "opaque" if is_inseparable else ""
        unnamed = [Dep(0, columns[i], description=how) for i in used] if len(used) <= MAX_FEATURES else [Dep(0, None)]
        return lambda value: Columns({"*": unnamed}, label(value))

    def rule(value: Value) -> Columns:
        made: dict[tuple[object, ...], list[Dep]] = {}  # features that come from the same have one list, traced once
        fields: dict[str, list[Dep]] = {}
        for name, inputs, subtype, how in features[:MAX_FEATURES]:
            deps = made.get((inputs, subtype, how))
            if deps is None:
                deps = made[inputs, subtype, how] = [
                    Dep(0, columns[i], subtype=subtype, description=how) for i in inputs
                ]
            fields[name] = deps
        known_fields = {name: fields.get(name, []) for name in value.column_names()}
        return Columns(known_fields, label(value))

    return rule
