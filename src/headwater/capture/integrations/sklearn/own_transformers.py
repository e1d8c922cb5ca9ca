"""Transformers whose ``transform`` is the user's own code, or calls a function of the user.

What that code does to the frame it is given is followed like any other code of the user, also while scikit-learn calls
it in the middle of a pipeline. So the features that such a transformer makes are known column by column.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, After
from headwater.capture.integrations.sklearn import seen_features
from headwater.capture.integrations.sklearn.chosen_places import places_kept
from headwater.capture.integrations.sklearn.features import MAX_FEATURES, Feature, names_out
from headwater.capture.integrations.sklearn.row_sets import columns_of, known
from headwater.capture.recorder import Recorder
from headwater.capture.source_analysis.supposed_values import GUESSED
from headwater.capture.trace import Trace, Trails, trace_from
from headwater.capture.user_code import is_users
from headwater.capture.values import INFERRED, Columns, Dep, Value
from headwater.capture.wrapper_frames import USERS_CODE, unseen

CALLS_A_FUNCTION: Final = ("FunctionTransformer", "_transform")
"""The class of scikit-learn whose method calls a function of the user, and this method."""


def is_own(method: Any) -> bool:
    """Whether a method that scikit-learn may have wrapped is the user's own code."""
    return is_users(getattr(inspect.unwrap(method), "__code__", None))


def follow(original: Callable[..., Any], after: After | None, site: str) -> Callable[..., Any]:
    """As ``hooks.observe``, for a method that is, or calls, the user's code: that is followed as if nothing were around
    it. ``after`` is called after an outermost call."""

    @functools.wraps(original)
    def followed(*args: Any, **kwargs: Any) -> Any:
        cell = BUSY.cell
        depth = cell[0]
        recorder = None if depth == USERS_CODE else current()
        if recorder is None:
            return original(*args, **kwargs)
        given: Value | None = None
        x = args[1] if len(args) > 1 else kwargs.get("X")
        cell[0] = 1
        try:
            with GUARD.at(site):
                given = known(recorder, x) if x is not None else None
                columns = columns_of(x, given)
            cell[0] = 0
            result = original(*args, **kwargs)
            cell[0] = 1
            with GUARD.at(site):
                if given is not None:
                    _by_places(recorder, original, args[0], columns, given, result)
                    _note(recorder, args[0], columns, given, result)
                if after is not None and depth == 0:
                    after(recorder, result, args, kwargs)
        finally:
            cell[0] = depth
        return result

    return unseen(followed)


def after_own_code(recorder: Recorder, transformer: Any, fitted: Value, columns: Sequence[str], result: Any) -> bool:
    """Whether the code of the transformer itself was followed, so that its result has a value. What the transformer
    learned influences that."""
    value = recorder.values.seen(result)
    features = seen_features.of(transformer, columns)
    if value is None or features is None:
        return False
    state = frozenset(fitted.column_names()) if _has_learned(transformer) else frozenset()
    inner = columns_of(result, value)
    if not state and inner == tuple(feature.name for feature in features):
        return True
    fields = {
        feature.name: [
            Dep(0, name, subtype="IDENTITY"),
            *(Dep(1, columns[i], "INDIRECT", "CONDITIONAL") for i in feature.inputs if columns[i] in state),
        ]
        for feature, name in zip(features, inner, strict=True)
    }
    recorder.derive(
        result,
        "sklearn.transform",
        (value, fitted),
        rule=lambda _: Columns(fields),
        columns=tuple(fields),
        rows=value.rows,
        detail={"class": type(transformer).__name__},
    )
    return True


def _has_learned(transformer: Any) -> bool:
    """Whether a transformer keeps more than the parameters that it was made with."""
    kept = getattr(transformer, "__dict__", {}).keys() - transformer.get_params(deep=False).keys()
    return any(not name.startswith("_sklearn") for name in kept)


def _by_places(
    recorder: Recorder,
    transform: Callable[..., Any],
    transformer: Any,
    columns: tuple[str, ...],
    given: Value,
    result: Any,
) -> None:
    """Give an array that consists of columns of what was given, taken by their places, its value."""
    shape: tuple[int, ...] = getattr(result, "shape", ())
    if len(shape) != 2 or not columns or getattr(result, "columns", None) is not None:
        return
    places = places_kept(transform, transformer, len(columns))
    if places is None or len(places) != shape[1] or len(set(places)) < len(places):
        return
    names = tuple(columns[place] for place in places)
    fields = {name: [Dep(0, name, subtype="IDENTITY")] for name in names}
    recorder.derive(result, "sklearn.take", (given,), rule=lambda _: Columns(fields), columns=names, rows=shape[0])


def _note(recorder: Recorder, transformer: Any, columns: tuple[str, ...], given: Value, result: Any) -> None:
    """Keep what the user's code made of the columns of ``given``, unless a part of that is of unknown origin."""
    seen_features.forget(transformer)
    value = recorder.values.seen(result)
    names = columns_of(result, value)
    if value is None or value.op == GUESSED or not names or len(names) > MAX_FEATURES:
        return
    found = trace_from(value, given)
    if found.has_unknown or found.is_coarse or not set(names) <= found.fields.keys():
        return
    place = {name: position for position, name in enumerate(columns)}
    features = [_feature(name, found, place) for name in names]
    if getattr(result, "columns", None) is None:  # an array: the transformer may name what is in it
        told = names_out(transformer, len(names), columns)
        features = [feature._replace(name=name) for feature, name in zip(features, told, strict=True)]
    seen_features.note(transformer, columns, features)


def _feature(name: str, found: Trace, place: dict[str, int]) -> Feature:
    trails: Trails = found.fields[name]
    inputs = sorted({place[source.column] for source in trails if source.column in place})
    if any(source.column is None for source in trails):
        inputs = list(place.values())
    subtypes = {trail.subtype if trail.type == "DIRECT" else "TRANSFORMATION" for trail in trails.values()}
    subtype = subtypes.pop() if len(subtypes) == 1 else "TRANSFORMATION"
    told = {trail.description for trail in trails.values()} - {""}
    return Feature(name, tuple(inputs), subtype, INFERRED if INFERRED in told else next(iter(told), ""))
