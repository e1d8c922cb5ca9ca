"""Models whose fit nobody saw: in another process, within a cross-validation, or put together by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from headwater.capture.containers import HELD, parts
from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import MAX_FEATURES, are_inseparable, model_features
from headwater.capture.integrations.sklearn.fitted_attributes import bind_learned
from headwater.capture.integrations.sklearn.named_models import name_model
from headwater.capture.integrations.sklearn.row_sets import known
from headwater.capture.models import UNSEEN_FIT
from headwater.capture.recorder import Recorder
from headwater.capture.values import UNKNOWN, Value, make_value, opaque, same_columns

MAX_MODELS: Final = 100
"""How many models of one cross-validation have names."""
_MOST_LOOKS: Final = 16
"""How often the models of one run are searched for an estimator that may be a part of one."""
_MOST_PARTS: Final = 1_000
"""How many parts of one model are looked at."""
_HANDED_OVER: Final = "joblib.Parallel"
"""The operation of what came from another process, where it was made of these inputs."""


def model_used(recorder: Recorder, estimator: Any) -> Value:
    """The value of an estimator that predicts. If nobody saw its fit, it becomes a model: it comes from what was handed
    to the process that made it, or, as a guess, from all that the run has read."""
    value = recorder.values.get(estimator)
    if value is not None and value.op != _HANDED_OVER:
        return known(recorder, estimator)
    whole = _whole_of(recorder, estimator) if value is None and _LOOKS.may_look(recorder) else None
    if whole is not None:
        return recorder.values.bind(estimator, make_value(HELD, (whole,), same_columns, columns=whole.columns))
    return name_unseen(recorder, estimator, (UNKNOWN,) if value is None else value.inputs)


class _Looks:
    """How often the models of a run were searched for a part. In a loop that loads model after model, they are not."""

    def __init__(self) -> None:
        self._run_id = ""
        self._left = 0

    def may_look(self, recorder: Recorder) -> bool:
        """Whether the models are to be searched once more."""
        if recorder.run_id != self._run_id:
            self._run_id, self._left = recorder.run_id, _MOST_LOOKS
        self._left -= 1
        return self._left >= 0


_LOOKS: Final = _Looks()


def _whole_of(recorder: Recorder, estimator: Any) -> Value | None:
    """The value of the model that an estimator is a part of, wherever it keeps it."""
    for model, value in recorder.values.objects():
        is_model = value.dataset is not None and value.dataset.type == "MODEL"
        if is_model and any(part is estimator for part in islice(parts(model), _MOST_PARTS)):
            return value
    return None


def name_unseen(recorder: Recorder, estimator: Any, sources: Sequence[Value], *, is_fit: bool = False) -> Value:
    """Make an estimator a model with a name of its own, that of its class, and return its value. With ``is_fit`` the
    sources are the rows that it was fitted on, and the labels, if there are any; else how it came from them is not
    known."""
    columns = tuple(str(name) for name in getattr(estimator, "feature_names_in_", ()))
    features = model_features(estimator, columns) if columns else []
    is_named = 0 < len(features) <= MAX_FEATURES and not are_inseparable(features)
    names = tuple(feature.name for feature in features) if is_named else None
    kind = type(estimator).__name__
    rule = feature_rule(features, columns, len(sources)) if is_fit and columns else opaque
    made = recorder.derive(estimator, "sklearn.unseen_fit", sources, rule, columns=names, detail={"class": kind})
    bind_learned(recorder, estimator, made, sources[0] if sources else made)
    ref = recorder.memory_ref(repeated_fits.name_of_model(recorder, kind, made.code, made.line), "MODEL")
    given = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    apart = {UNSEEN_FIT: f"{recorder.run_id}/{made.number}"}
    name_model(recorder, made, ref, estimator, features, columns, given, **apart)
    return made
