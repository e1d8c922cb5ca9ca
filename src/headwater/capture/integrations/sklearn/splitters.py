"""The seeds of splitters (``KFold``, ``ShuffleSplit`` ...), which decide what each model of a cross-validation sees."""

from __future__ import annotations

from numbers import Integral
from types import CodeType, ModuleType
from typing import Any

from headwater.capture.hooks import Hooks
from headwater.capture.notebook_cells import user_place
from headwater.capture.recorder import Recorder


def hook(hooks: Hooks, module: ModuleType) -> None:
    """Hook ``split`` of every class of scikit-learn's that has its own and may draw rows."""
    for cls in list(vars(module).values()):
        if isinstance(cls, type) and cls.__module__ == module.__name__ and "split" in vars(cls):
            hooks.after(cls, "split", _after_split)


def _after_split(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result, kwargs
    record_seed(recorder, args[0], *user_place(3))


def record_seed(recorder: Recorder, splitter: Any, code: CodeType | None, line: int) -> None:
    """Record the seed of a splitter that shuffles. A number of folds, or None, is a splitter that does not."""
    if not hasattr(splitter, "split") or not hasattr(splitter, "random_state"):
        return
    seed = splitter.random_state
    if getattr(splitter, "shuffle", True) and (seed is None or isinstance(seed, Integral)):
        seed = None if seed is None else int(seed)
        recorder.seed("scikit-learn", f"{type(splitter).__name__}.random_state", seed, code, line)
