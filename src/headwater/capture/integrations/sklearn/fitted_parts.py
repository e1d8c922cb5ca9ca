"""Models that another estimator was given fitted, and that it uses as they are.

``CalibratedClassifierCV(FrozenEstimator(forest))`` learns how to correct what ``forest`` says; the forest is behind
what it predicts, though it is not fitted again. An estimator that fits a copy of what it was given has no such part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from headwater.capture.containers import is_estimator
from headwater.capture.recorder import Recorder
from headwater.capture.values import Value


def fitted_parts(recorder: Recorder, estimator: Any, given: Iterable[Any]) -> list[Value]:
    """The values of the models that are used as they are, by an estimator or by a part of it among its parameters."""
    parts = [estimator, *(item for item in given if is_estimator(item))]
    found = [recorder.values.seen(model) for part in parts for model in _used_by(part)]
    return list(dict.fromkeys(value for value in found if value is not None))


def _used_by(part: Any) -> Iterator[Any]:
    """The estimators that one uses without fitting them."""
    if type(part).__name__ == "FrozenEstimator" or getattr(part, "prefit", False) is True:
        yield part.estimator
    elif getattr(part, "cv", None) == "prefit":
        yield getattr(part, "estimator", None)
        for item in getattr(part, "estimators", None) or ():
            yield item[1] if isinstance(item, tuple) and len(item) == 2 else item
    elif type(part).__name__ == "FunctionTransformer":
        given = (part.kw_args, part.inv_kw_args)
        yield from (item for some in given if isinstance(some, dict) for item in some.values() if is_estimator(item))
