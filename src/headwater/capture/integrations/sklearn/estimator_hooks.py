"""Hooks on the methods of estimators, for existing classes and those defined later.

scikit-learn wraps ``transform`` when a class is defined (for ``set_output``), so the hooks are added after that.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any, Final, cast

from headwater.capture.context import current
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY, Hooks, observe
from headwater.capture.integrations.sklearn import metrics, models, own_transformers, resampling
from headwater.capture.integrations.sklearn.fitted_attributes import properties_of, reader
from headwater.capture.wrapper_frames import observe_users, unseen

Handler = Callable[..., None]

_RESAMPLE: Final = "fit_resample"
METHODS: Final[dict[str, Handler]] = {
    "fit": models.after_fit,
    "partial_fit": models.after_fit,
    "fit_transform": models.after_fit_transform,
    "fit_predict": models.after_fit_predict,
    "transform": models.after_transform,
    "inverse_transform": models.after_transform,
    "predict": models.after_predict,
    "predict_proba": models.after_predict,
    "predict_log_proba": models.after_predict,
    "decision_function": models.after_predict,
    "score_samples": models.after_predict,
    "kneighbors": models.after_neighbours,
    "score": metrics.after_score,
    _RESAMPLE: resampling.after_resampling,
}
"""The handler that runs after each method."""
_NO_MIXINS: Final = frozenset(("sklearn", "builtins", "abc", "typing", "collections", "pandas", "numpy", "torch"))
"""Libraries with bases of estimators that are no part of them: of frames, containers, networks."""
_STAGED: Final = ("staged_predict", "staged_predict_proba", "staged_decision_function")
"""Methods that hand out the predictions of a boosted model round by round."""


def _of_an_estimator(handler: Handler, method: str) -> Handler:
    """The handler, for estimators alone: a mixin may be a base of other classes, too."""

    def after(recorder: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if hasattr(args[0], "get_params"):
            handler(recorder, result, args, kwargs, method=method)

    return after


_AFTER: Final = {name: _of_an_estimator(handler, name) for name, handler in METHODS.items()}


def hook_class(hooks: Hooks, cls: type) -> None:
    """Hook the methods that ``cls`` itself defines, and the properties that return what it learned, unless they are
    hooked already."""
    for name, after in _AFTER.items():
        found = vars(cls).get(name)
        is_plain = not isinstance(found, staticmethod | classmethod)
        if name == _RESAMPLE and found is not None and own_transformers.is_own(found):
            continue  # the user's own code is followed
        if found is None or not is_plain or getattr(found, "_headwater_hook", False):
            continue
        site = f"{cls.__qualname__}.{name}"
        if hasattr(found, "fn") and hasattr(found, "check"):
            # ``available_if``: a descriptor that hides the method if the inner estimator lacks it.
            stand_in: Any = copy.copy(found)
            stand_in.fn = unseen(observe(found.fn, after, site))
        elif name == "transform" and own_transformers.is_own(found):
            stand_in = own_transformers.follow(found, after, site)
        elif callable(found):
            is_own = own_transformers.is_own(found)
            stand_in = observe_users(found, after, site) if is_own else unseen(observe(found, after, site))
        else:
            continue
        stand_in._headwater_hook = True
        hooks.put(cls, name, stand_in)
    kind, calling = own_transformers.CALLS_A_FUNCTION
    found = vars(cls).get(calling)
    if cls.__name__ == kind and callable(found) and not getattr(found, "_headwater_hook", False):
        stand_in = own_transformers.follow(found, None, f"{kind}.{calling}")
        stand_in._headwater_hook = True
        hooks.put(cls, calling, stand_in)
    for name in _STAGED:
        found = vars(cls).get(name)
        if callable(found) and not getattr(found, "_headwater_hook", False):
            hooks.put(cls, name, _staging(found, name))
    for name in list(properties_of(cls)):
        if getattr(vars(cls)[name].fget, "_headwater_hook", False):
            continue
        hooks.after_property(cls, name, reader(name))
        vars(cls)[name].fget._headwater_hook = True


def _staging(original: Callable[..., Any], method: str) -> Callable[..., Any]:
    """A method that gives a generator; one of ours stands in, and follows each prediction as it passes."""

    @functools.wraps(original)
    def staged(self: Any, X: Any) -> Any:  # noqa: N803 - may be given by this name
        rounds = original(self, X)
        is_followed = current() is not None and not BUSY.depth and isinstance(rounds, GeneratorType)
        return _passing(self, X, rounds, method) if is_followed else rounds

    staged._headwater_hook = True  # type: ignore[attr-defined]
    return unseen(staged)


def _passing(model: Any, rows: Any, rounds: Iterator[Any], method: str) -> Iterator[Any]:
    """In the place of a wrapper: what calls this is the user."""
    for made in rounds:
        recorder = current()
        if recorder is not None:
            with GUARD.at(f"{type(model).__qualname__}.{method}"):
                models.after_predict(recorder, made, (model, rows), {}, method)
        yield made


def _hook_family(hooks: Hooks, cls: type, done: set[type]) -> None:
    """Hook a class and its bases, such as mixins, which are not estimators themselves. ``done`` are the classes of
    scikit-learn that are hooked already."""
    for part in cls.__mro__:
        library = part.__module__.partition(".")[0]
        if library == "sklearn" and part not in done:
            done.add(part)
            hook_class(hooks, part)
        elif library not in _NO_MIXINS:
            hook_class(hooks, part)


def hook_existing(hooks: Hooks, base: type) -> set[type]:
    """Hook all existing subclasses of the base, and their mixins. Returns those classes that are scikit-learn's."""
    seen: set[type] = set()
    done: set[type] = set()
    stack = [base]
    while stack:
        cls = stack.pop()
        if cls in seen:
            continue
        seen.add(cls)
        _hook_family(hooks, cls, done)
        stack.extend(cls.__subclasses__())
    return done


def hook_future(hooks: Hooks, base: type, set_output: type, done: set[type]) -> None:
    """Hook every class when it is defined, after scikit-learn has wrapped its methods. ``done`` is as in
    ``_hook_family``."""

    def after_base(cls: type) -> None:
        if not issubclass(cls, set_output):
            _hook_family(hooks, cls, done)

    def after_set_output(cls: type) -> None:
        if issubclass(cls, base):
            _hook_family(hooks, cls, done)

    for owner, then in ((base, after_base), (set_output, after_set_output)):
        hooks.put(owner, "__init_subclass__", classmethod(_then(owner, then)))


def _then(owner: type, then: Callable[[type], None]) -> Callable[..., None]:
    own = vars(owner).get("__init_subclass__")
    inner = own.__func__ if isinstance(own, classmethod) else None

    def init_subclass(cls: Any, **kwargs: Any) -> None:
        if inner is not None:
            inner(cls, **kwargs)
        else:
            super(cast("Any", owner), cls).__init_subclass__(**kwargs)
        with GUARD.at(f"{cls.__qualname__}.__init_subclass__"):
            then(cls)

    return unseen(init_subclass)
