"""Recognises a fitted model by what it has learned: a copy, or one that went through bytes and back, is the model.

``best = copy.deepcopy(model)`` in a training loop makes an object that nobody saw being fitted. Its arrays and trees
are those that the model had then, so each fit leaves a sketch of them, and an unknown estimator with the same sketch is
that model in that state. ``copy`` itself is left alone: it may call itself as deep as Python allows.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import numpy as np

from headwater.capture.containers import is_estimator
from headwater.capture.values import Value

_MOST: Final = 512
"""How many of the latest states are remembered."""
_SAMPLE: Final = 64
"""Bytes looked at in each of three places of an array."""
_DEEPEST: Final = 3
_MOST_ATTRIBUTES: Final = 60


class LearnedStates:
    """The latest states of models, by sketch."""

    def __init__(self) -> None:
        self._values: OrderedDict[int, Value] = OrderedDict()
        self._classes: set[type] = set()

    def remember(self, estimator: object, value: Value) -> None:
        """Remember what a model has learned just now; the last step of a pipeline is the model, too."""
        steps = getattr(estimator, "steps", None)
        if isinstance(steps, list) and steps:
            self.remember(steps[-1][1], value)
        found = sketch(estimator)
        if found is None:
            return
        self._values[found] = value
        self._values.move_to_end(found)
        self._classes.add(type(estimator))
        if len(self._values) > _MOST:
            self._values.popitem(last=False)

    def value_of(self, obj: object) -> Value | None:
        """The value of the model that has learned what an object has; None if there is none."""
        if type(obj) not in self._classes:
            return None
        found = sketch(obj)
        return None if found is None else self._values.get(found)

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
        self._classes.clear()


def sketch(estimator: object) -> int | None:
    """A hash of the arrays, trees and numbers that an estimator has learned. None if it has learned no arrays of
    decimal numbers and no trees, which tell one model from another: it is not fitted, or keeps them elsewhere."""
    sketcher = _Sketcher()
    marks = sketcher.of_estimator(estimator, 0)
    return hash(marks) if sketcher.has_content else None


class _Sketcher:
    """Collects what tells one fitted estimator from another."""

    def __init__(self) -> None:
        self.has_content = False

    def of_estimator(self, estimator: object, depth: int) -> tuple[Any, ...]:
        """Marks of the attributes that were learned, and of the estimators inside."""
        own = list(getattr(estimator, "__dict__", {}).items())[:_MOST_ATTRIBUTES]
        learned = [(name, self._of(item, depth)) for name, item in own if name.endswith("_") or name == "steps"]
        return type(estimator).__name__, tuple(learned)

    def _of(self, item: Any, depth: int) -> Any:
        if isinstance(item, np.ndarray):
            return self._of_array(item, depth)
        if item is None or isinstance(item, bool | int | float | str | np.generic):
            return item.item() if isinstance(item, np.generic) else item
        if isinstance(item, list | tuple):
            ends = (item[0], item[-1]) if item else ()
            return len(item), tuple([self._of(part, depth) for part in ends])
        if hasattr(item, "node_count") and hasattr(item, "threshold"):  # the tree of scikit-learn
            self.has_content = True
            return int(item.node_count), self._of_array(item.threshold, depth), self._of_array(item.value, depth)
        if is_estimator(item) and depth < _DEEPEST:
            return self.of_estimator(item, depth + 1)
        return type(item).__name__

    def _of_array(self, array: np.ndarray[Any, Any], depth: int) -> Any:
        if array.dtype == object:
            ends = (array.flat[0], array.flat[-1]) if array.size else ()
            return array.shape, tuple([self._of(part, depth) for part in ends])
        self.has_content = self.has_content or (array.dtype.kind == "f" and array.size > 0)
        each = max(1, _SAMPLE // max(1, array.itemsize))
        flat = array.ravel(order="K")
        middle = max(0, (flat.size - each) // 2)
        looks = (flat[:each], flat[middle : middle + each], flat[-each:])
        return array.shape, array.dtype.str, b"".join([part.tobytes() for part in looks])


LEARNED: Final = LearnedStates()
"""The states of this process."""
