"""Determines from which input columns each output feature of a fitted transformer is made.

This uses public attributes of the fitted objects (``output_indices_``, ``categories_``, ``get_support``, ``powers_``,
``get_feature_names_out``). If a transformer mixes its inputs inseparably (PCA, a Python function), every output depends
on every input, and is marked opaque.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from headwater.capture.integrations.sklearn import seen_features
from headwater.capture.integrations.sklearn.feature_names import may_be_asked
from headwater.capture.values import INFERRED


class Feature(NamedTuple):
    """One output feature: its name, the positions of the input columns it is made from, and how."""

    name: str
    inputs: tuple[int, ...]
    subtype: str = "TRANSFORMATION"
    description: str = ""


Features = list[Feature]
MAX_FEATURES: Final = 5_000
"""A wider result (of a text vectoriser) is described by the number of features, not by their names."""


MAX_PAIRS: Final = 5_000
"""More pairs of features and columns than this are not named if they are opaque: the model comes from the columns."""


def identity(columns: Sequence[str]) -> Features:
    """The columns themselves as features; nobody may change the list. A loop of fits has the same columns each time."""
    names = tuple(columns)
    known = _identities.get(names)
    if known is None:
        if len(_identities) >= _MOST_IDENTITIES:
            _identities.clear()
        known = _identities[names] = [Feature(name, (i,), "IDENTITY") for i, name in enumerate(names)]
    return known


_identities: Final[dict[tuple[str, ...], Features]] = {}
_MOST_IDENTITIES: Final = 16


def features_of(transformer: Any, columns: Sequence[str]) -> Features:
    """The features that a fitted transformer makes from columns with these names."""
    if transformer in ("passthrough", None):
        return identity(columns)
    if transformer == "drop":
        return []
    for knows in _KNOWN:
        found = knows(transformer, columns)
        if found is not None:
            return found
    return _mixed(transformer, columns)


def model_features(model: Any, columns: Sequence[str]) -> Features:
    """The features that the last step of a model learns from: those that a pipeline's transformers make from the
    columns."""
    inner = inner_model(model)
    if inner is not None:
        return model_features(inner, columns)
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        found = identity(columns)
        for _, step in steps[:-1]:
            found = _through(found, step, columns)
        return _as_named(found, steps[-1][1], columns)
    return identity(columns)


def are_inseparable(features: Features) -> bool:
    """Whether all features are opaque, and so many that naming each pair of feature and column costs much."""
    is_opaque = all(feature.description == "opaque" for feature in features)
    return is_opaque and sum(len(feature.inputs) for feature in features) > MAX_PAIRS


def columns_used(model: Any, columns: Sequence[str]) -> list[str]:
    """Those columns that reach a model: a ColumnTransformer at the beginning of a pipeline may drop some."""
    inner = inner_model(model)
    if inner is not None:
        return columns_used(inner, columns)
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and any(hasattr(step, "get_support") for _, step in steps[:-1]):
        reach = {place for feature in model_features(model, columns) for place in feature.inputs}
        return [name for place, name in enumerate(columns) if place in reach]
    parts = getattr(steps[0][1], "transformers_", None) if isinstance(steps, list) and steps else None
    if not isinstance(parts, list) or not columns:
        return list(columns)
    taken = [selected for _, made, selected in parts if not (isinstance(made, str) and made == "drop")]
    places = {place for selected in taken for place in _positions(selected, columns)}
    return [name for place, name in enumerate(columns) if place in places]


def inner_model(model: Any) -> Any:
    """The model that a search selected, or the regressor of a transformed target; None for other models."""
    for name in ("best_estimator_", "regressor_"):
        inner = getattr(model, name, None)
        if inner is not None:
            return inner
    return None


def preprocessing(model: Any) -> list[dict[str, Any]]:
    """The steps before the last one of a pipeline, in order, by name and class."""
    inner = inner_model(model)
    steps = getattr(model if inner is None else inner, "steps", None)
    if not isinstance(steps, list):
        return []
    return [{"name": name, "class": type(step).__name__, **_parts(step)} for name, step in steps[:-1]]


def _parts(step: Any) -> dict[str, Any]:
    parts = getattr(step, "transformers_", None) or getattr(step, "transformer_list", None)
    if not isinstance(parts, list):
        return {}
    return {"parts": [{"name": part[0], "class": _class_name(part[1])} for part in parts]}


def _class_name(item: Any) -> str:
    return item if isinstance(item, str) else type(item).__name__


def _after(first: Features, second: Features) -> Features:
    """``second`` applied to the output of ``first``, in terms of the inputs of ``first``."""
    made: dict[tuple[int, ...], tuple[int, ...]] = {}  # many features may be made from the same ones
    for feature in second:
        if feature.inputs not in made:
            made[feature.inputs] = tuple(sorted({i for position in feature.inputs for i in first[position].inputs}))
    return [
        Feature(
            feature.name,
            made[feature.inputs],
            _stronger(feature.subtype, *(first[position].subtype for position in feature.inputs)),
            _vaguest(feature.description, *(first[position].description for position in feature.inputs)),
        )
        for feature in second
    ]


def _vaguest(*descriptions: str) -> str:
    """The weakest description: anything made from a guess is a guess, and from something opaque opaque."""
    found = [description for description in descriptions if description]
    return INFERRED if INFERRED in found else found[0] if found else ""


def _stronger(*subtypes: str) -> str:
    return "TRANSFORMATION" if any(subtype != "IDENTITY" for subtype in subtypes) else "IDENTITY"


def _steps(transformer: Any, columns: Sequence[str]) -> Features | None:
    steps = getattr(transformer, "steps", None)
    if not isinstance(steps, list):
        return None
    found = identity(columns)
    for _, step in steps:
        found = _through(found, step, columns)
    return found


def _through(found: Features, step: Any, columns: Sequence[str]) -> Features:
    """The features that a step makes from ``found``, in terms of the columns of the first step."""
    named = _as_named(found, step, columns)
    return _after(named, features_of(step, [feature.name for feature in named]))


def _as_named(found: Features, step: Any, columns: Sequence[str]) -> Features:
    """The input features of a step under the names that the step itself saw, because the step before may be the user's
    own class that returns frames but does not provide names. An unknown feature with the name of a column is guessed to
    come from that column; any other comes from all columns."""
    names = getattr(step, "feature_names_in_", None)
    own = [str(name) for name in names] if names is not None else []
    if not own or own == [feature.name for feature in found]:
        return found
    known = {feature.name: feature for feature in found}
    place = {name: position for position, name in enumerate(columns)}
    guessed = {name: Feature(name, (place[name],), description=INFERRED) for name in own if name in place}
    return [known.get(name) or guessed.get(name) or _all_of([name], len(columns))[0] for name in own]


def _column_transformer(transformer: Any, columns: Sequence[str]) -> Features | None:
    parts = getattr(transformer, "transformers_", None)
    slices = getattr(transformer, "output_indices_", None)
    if parts is None or slices is None:
        return None
    width = max((part.stop for part in slices.values()), default=0)
    names = names_out(transformer, width)
    found = [Feature(name, ()) for name in names]
    for name, inner, selected in parts:
        span = slices.get(name)
        if span is None or span.stop == span.start:
            continue
        positions = _positions(selected, columns)
        made = features_of(inner, [columns[i] for i in positions])
        if len(made) != span.stop - span.start:
            made = _all_of(names[span], len(positions))
        for offset, feature in enumerate(made):
            inputs = tuple(positions[i] for i in feature.inputs)
            found[span.start + offset] = Feature(
                names[span.start + offset], inputs, feature.subtype, feature.description
            )
    return found


def _positions(selected: Any, columns: Sequence[str]) -> list[int]:
    """The positions of the columns that a ColumnTransformer selects by name, position, slice or mask."""
    if isinstance(selected, slice):
        start = columns.index(selected.start) if isinstance(selected.start, str) else selected.start
        if isinstance(selected.stop, str):
            return list(range(start or 0, columns.index(selected.stop) + 1))
        return list(range(len(columns)))[slice(start, selected.stop, selected.step)]
    items = [selected] if isinstance(selected, str | int) else list(selected)
    if items and len(items) == len(columns) and all(type(item).__name__ in ("bool", "bool_") for item in items):
        return [i for i, is_selected in enumerate(items) if is_selected]
    place = {name: i for i, name in enumerate(columns)}
    return [place[item] if isinstance(item, str) else int(item) % len(columns) for item in items]


def _union(transformer: Any, columns: Sequence[str]) -> Features | None:
    parts = getattr(transformer, "transformer_list", None)
    if not isinstance(parts, list):
        return None
    found = [feature for _, inner in parts for feature in features_of(inner, columns)]
    names = names_out(transformer, len(found))
    return [feature._replace(name=name) for feature, name in zip(found, names, strict=True)]


def _selector(transformer: Any, columns: Sequence[str]) -> Features | None:
    if not hasattr(transformer, "get_support"):
        return None
    return [Feature(columns[i], (i,), "IDENTITY") for i in transformer.get_support(indices=True).tolist()]


def _by_key(transformer: Any, columns: Sequence[str]) -> Features | None:
    """A vectorizer of dictionaries: a number under its key, a text as one feature for each value (``city=Rome``)."""
    place = {name: i for i, name in enumerate(columns)}
    if not columns or not makes_features_of_keys(transformer):
        return None
    names = names_out(transformer, None)
    keys = [name if name in place else name.partition(transformer.separator)[0] for name in names]
    return [Feature(name, (place[key],) if key in place else ()) for name, key in zip(names, keys, strict=True)]


def makes_features_of_keys(transformer: Any) -> bool:
    """Whether a fitted transformer takes rows as dictionaries, as ``DictVectorizer`` does."""
    separator, found = getattr(transformer, "separator", None), getattr(transformer, "feature_names_", None)
    return isinstance(separator, str) and isinstance(found, list)


def _one_hot(transformer: Any, columns: Sequence[str]) -> Features | None:
    """Encoders and binners with several outputs for each input, in the order of the inputs."""
    counts = getattr(transformer, "_n_features_outs", None)
    if counts is None and getattr(transformer, "encode", "").startswith("onehot"):
        counts = getattr(transformer, "n_bins_", None)
    if counts is None or len(counts) != len(columns):
        return None
    names = names_out(transformer, int(sum(counts)), columns)
    owners = [i for i, count in enumerate(counts) for _ in range(int(count))]
    return [Feature(name, (owner,)) for name, owner in zip(names, owners, strict=True)]


def _polynomial(transformer: Any, columns: Sequence[str]) -> Features | None:
    powers = getattr(transformer, "powers_", None)
    if powers is None:
        return None
    names = names_out(transformer, len(powers), columns)
    return [
        Feature(name, tuple(row.nonzero()[0].tolist()), "IDENTITY" if row.sum() == 1 else "TRANSFORMATION")
        for name, row in zip(names, powers, strict=True)
    ]


def _filled(transformer: Any, columns: Sequence[str]) -> Features | None:
    """An imputer that fills each column by a number of its own, leaves out those that are empty, and may add marks of
    what was missing."""
    statistics = getattr(transformer, "statistics_", None)
    if statistics is None or len(statistics) != len(columns):
        return None
    names = names_out(transformer, None, columns)
    indicator = getattr(transformer, "indicator_", None)
    marked = [int(i) for i in indicator.features_] if indicator is not None else []
    filled = [i for i, number in enumerate(statistics) if number == number]  # noqa: PLR0124 - not a number
    owners = [*(range(len(columns)) if len(names) == len(columns) + len(marked) else filled), *marked]
    if len(owners) != len(names):
        return None
    return [Feature(name, (owner,)) for name, owner in zip(names, owners, strict=True)]


def _one_to_one(transformer: Any, columns: Sequence[str]) -> Features | None:
    bases = {base.__name__ for base in type(transformer).__mro__}
    is_simple = "OneToOneFeatureMixin" in bases or getattr(transformer, "feature_names_out", None) == "one-to-one"
    is_simple = is_simple or ("KBinsDiscretizer" in bases and getattr(transformer, "encode", "") == "ordinal")
    if not is_simple and not ("SimpleImputer" in bases and not getattr(transformer, "add_indicator", False)):
        return None
    return [Feature(name, (i,)) for i, name in enumerate(columns)]


def _encoded(transformer: Any, columns: Sequence[str]) -> Features | None:
    """Transformers of category_encoders and feature_engine that work on some columns, each by itself, and leave the
    others as they are. A new column begins with the name of the one that it was made of."""
    module = type(transformer).__module__
    listed = next((name for start, name in _WORKED_ON.items() if module.startswith(start)), "")
    own = [str(name) for name in getattr(transformer, listed, None) or ()] if listed else []
    place = {name: position for position, name in enumerate(columns)}
    if not own or not all(name in place for name in own):
        return None
    found = []
    for name in names_out(transformer, None, columns):
        begun = max((column for column in own if name.startswith(f"{column}_")), key=len, default=None)
        source = name if name in place else begun
        if source is not None:
            found.append(Feature(name, (place[source],), "TRANSFORMATION" if source in own else "IDENTITY"))
        else:
            found.append(Feature(name, tuple(place[column] for column in own), description="opaque"))
    return found


_WORKED_ON: Final = {
    "category_encoders.": "cols",
    **dict.fromkeys(
        (
            f"feature_engine.{part}"
            for part in ("imputation", "encoding", "outliers", "transformation", "discretisation", "scaling")
        ),
        "variables_",
    ),
}
"""For modules of transformers that encode columns: the attribute that lists these."""
_KNOWN: Final = (
    *(
        seen_features.of,
        _steps,
        _column_transformer,
        _union,
        _selector,
        _by_key,
        _one_hot,
        _polynomial,
        _filled,
        _one_to_one,
        _encoded,
    ),
)


def _mixed(transformer: Any, columns: Sequence[str]) -> Features:
    return _all_of(names_out(transformer, None, columns), len(columns))


def _all_of(names: Sequence[str], width: int) -> Features:
    """Every output comes from every input, which is opaque unless there is only one."""
    everything = tuple(range(width))
    return [Feature(name, everything, description="opaque" if width > 1 else "") for name in names]


def unnamed_features(transformer: Any, columns: Sequence[str], result: Any) -> Features:
    """The features of a transformer that does not name them, by the shape of its result: one column stays one
    column."""
    shape: Any = getattr(result, "shape", ())
    if len(shape) == 1 and len(columns) == 1:
        return [Feature(columns[0], (0,))]
    width = shape[1] if len(shape) == 2 else 0
    if not 0 < width <= MAX_FEATURES:
        return []
    return _all_of(names_out(transformer, width, columns), len(columns))


def _takes_names(method: Any) -> bool:
    """Whether ``get_feature_names_out`` takes the names of inputs, as in scikit-learn's own classes."""
    code = getattr(getattr(method, "__func__", None), "__code__", None)
    return code is None or code.co_argcount > 1 or bool(code.co_flags & inspect.CO_VARARGS)


def names_out(transformer: Any, width: int | None, columns: Sequence[str] | None = None) -> list[str]:
    """The transformer's names for its outputs, or numbered names. ``columns`` are the names of its inputs, if it was
    fitted on an array."""
    names = getattr(transformer, "get_feature_names_out", None)
    if names is not None and may_be_asked(transformer):
        own = columns is None or hasattr(transformer, "feature_names_in_") or not _takes_names(names)
        try:
            given = names() if own else names(list(columns or ()))
            found = [str(name) for name in given] if given is not None else []  # the user's own may return nothing
        except (ValueError, AttributeError, TypeError, LookupError, NotImplementedError):
            found = []
        if found and width in (None, len(found)):
            return found
    width = width if width is not None else int(getattr(transformer, "n_components_", 0) or 0)
    prefix = type(transformer).__name__.lower()
    return [f"{prefix}{i}" for i in range(width)]
