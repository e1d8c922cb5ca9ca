"""statsmodels: models from matrices or formulas, what they learned, and what they predict.

A fitted model is the results object that ``fit`` returns. Its attributes (``params``, ``pvalues``, ``resid``) are read
through a wrapper, and are bound there. The origin of tables that its methods return is inferred from the user's code,
as for all frames that a library creates internally.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any, ClassVar, Final, cast

from headwater.capture.containers import HELD
from headwater.capture.guard import GUARD
from headwater.capture.hooks import After, Hooks, Integration, observe
from headwater.capture.integrations.sklearn import repeated_fits
from headwater.capture.integrations.sklearn.caller_names import assigned_names, receiver_name
from headwater.capture.integrations.sklearn.feature_rules import feature_rule
from headwater.capture.integrations.sklearn.features import MAX_FEATURES, Feature
from headwater.capture.integrations.sklearn.fitted_attributes import of_all
from headwater.capture.integrations.sklearn.named_models import plain
from headwater.capture.integrations.sklearn.row_sets import (
    columns_of,
    has_set,
    known,
    name_values,
    rows_of,
    snapshot_of,
)
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.scalars import can_follow
from headwater.capture.values import Columns, Dep, Value, make_value, same_columns
from headwater.capture.wrapper_frames import unseen
from headwater.model.patterns import lazy_pattern

_MODEL: Final = "statsmodels.base.model"
_WRAPPER: Final = "statsmodels.base.wrapper"
_TOOLS: Final = "statsmodels.tools.tools"
_FITS: Final = ("fit", "fit_regularized", "fit_constrained")
_WORDS: Final = lazy_pattern(r"[^\W\d]\w*|Q\(['\"]([^'\"]+)['\"]\)")
_OF_ROWS: Final = ("fittedvalues", "resid", "wresid", "resid_pearson", "resid_response", "resid_deviance", "mu")
_PLAIN: Final = ("method", "cov_type", "maxiter", "alpha", "L1_wt", "order", "seasonal_order", "trend", "family")


class StatsmodelsIntegration(Integration):
    """Follows statsmodels."""

    identifier: ClassVar[str] = "statsmodels"
    submodules: ClassVar[tuple[str, ...]] = (_MODEL, _WRAPPER, _TOOLS)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing: all hooks are in submodules."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook all classes of models and results, existing and future, and the wrapper of results."""
        if module.__name__ == _WRAPPER:
            reads = functools.partial(_observed, after=_read, site="statsmodels.results")
            hooks.replace(module.ResultsWrapper, "__getattribute__", reads)
            return
        if module.__name__ == _TOOLS:
            hooks.after(module, "add_constant", _with_constant)
            return
        for base, names, after in (
            (module.Model, ("__init__",), _given),
            (module.Model, _FITS, _fitted),
            (module.Results, ("predict",), _predicted),
        ):
            for cls in (base, *_below(base)):
                _hook(hooks, cls, names, after)
        to_models = ((("__init__",), _given), (_FITS, _fitted))
        hooks.put(module.Model, "__init_subclass__", classmethod(_then(hooks, module.Model, to_models)))
        to_results = ((("predict",), _predicted),)
        hooks.put(module.Results, "__init_subclass__", classmethod(_then(hooks, module.Results, to_results)))


def _below(base: type) -> list[type]:
    children: list[type] = base.__subclasses__()
    return children + [cls for child in children for cls in _below(child)]


def _hook(hooks: Hooks, cls: type, names: Sequence[str], after: After) -> None:
    for name in names:
        if callable(vars(cls).get(name)):
            site = f"statsmodels.{name}"
            hooks.replace(cls, name, functools.partial(_observed, after=after, site=site))


def _observed(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    return unseen(observe(original, after, site))


def _then(hooks: Hooks, base: type, given: Sequence[tuple[Sequence[str], After]]) -> Callable[..., None]:
    def init_subclass(cls: Any, **kwargs: Any) -> None:
        super(cast("Any", base), cls).__init_subclass__(**kwargs)
        with GUARD.at(f"{cls.__qualname__}.__init_subclass__"):
            for names, after in given:
                _hook(hooks, cls, names, after)

    return unseen(init_subclass)


def _with_constant(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``add_constant(X)``: the columns unchanged, and one without a source."""
    data = args[0] if args else kwargs.get("data")
    value = known(recorder, data)
    before, names = columns_of(data, value), columns_of(result, None)
    if not hasattr(result, "columns") and len(names) == len(before) + 1:
        names = ("const", *before) if kwargs.get("prepend", True) else (*before, "const")
    fields = {name: [Dep(0, name, subtype="IDENTITY")] if name in before else [] for name in names}
    recorder.derive(result, "statsmodels.add_constant", (value,), lambda _: Columns(fields), names, rows_of(result))


def _given(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Give values to the matrices of a new model here, where the user's code shows their origin, which it may not do
    where the model is fitted."""
    del result
    if not _is_own(sys._getframe(1)):
        for item in (*args[1:3], kwargs.get("endog"), kwargs.get("exog")):
            if hasattr(item, "shape"):
                known(recorder, item)


def _fitted(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``fit``: the results come from the matrices of the model, or from the frame of its formula."""
    model = args[0]
    data = getattr(model, "data", None)
    if data is None or not hasattr(result, "model") or _is_own(sys._getframe(1)):
        return
    value = recorder.derive(result, "statsmodels.fit", (), rule=None, detail={"class": type(model).__name__})
    base = (assigned_names(value.code, value.line, "fit") or [""])[0] or receiver_name(value.code, value.line, "fit")
    name = repeated_fits.name_of_model(recorder, base or "results", value.code, value.line)
    features, columns, sides = _learned_from(recorder, data, name, value)
    value.inputs = tuple(sides)
    value.depth = 1 + max(item.depth for item in sides)
    value.columns = tuple(feature.name for feature in features) if len(features) <= MAX_FEATURES else None
    value.rule = feature_rule(features, columns, len(sides))
    inner = getattr(result, "__dict__", {}).get("_results")
    if inner is not None:
        recorder.values.hold(inner, make_value(HELD, (value,), same_columns, columns=value.columns))
    facet = _facet(model, features, kwargs)
    repeated_fits.name(recorder, value, recorder.memory_ref(name, "MODEL"), facets={"headwater_model": facet})


def _learned_from(
    recorder: Recorder, data: Any, name: str, made: Value
) -> tuple[list[Feature], tuple[str, ...], list[Value]]:
    """The features, the columns that they are made from, and the sides (rows, labels) of the training data. Rows that
    belong to no named set yet become the model's training data.

    Reading statsmodels' own names would store them in the model, and so change its pickle. The names are therefore
    taken from the matrices.
    """
    frame, exog, endog = getattr(data, "frame", None), data.orig_exog, data.orig_endog
    if frame is None:
        x, y = known(recorder, exog if exog is not None else endog), known(recorder, endog)
        columns, labels = columns_of(exog, x) if exog is not None else (), columns_of(endog, y)
        features = [Feature(column, (i,)) for i, column in enumerate(columns)]
        parts = [part for part in (exog, endog) if part is not None]
        is_set = has_set(x)
    else:
        x = known(recorder, frame)
        everything = columns_of(frame, x)
        terms, columns = _terms(exog, everything)
        labels = _terms(endog, everything)[1]
        features = [Feature(t, tuple(i for i, c in enumerate(columns) if c in _words(t))) for t in terms]
        x, y = (make_value("statsmodels.part", (x,), same_columns, columns=own) for own in (columns, labels))
        parts, is_set = [frame[[*columns, *labels]]], x.inputs[0].op == "sklearn.part"
    if is_set:
        return features, columns, [x, y]
    sides = name_values(
        recorder,
        [x, y],
        [columns or ("row",), labels],
        recorder.memory_ref(f"{name}.training_data"),
        "statsmodels.training_data",
        rows=rows_of(parts[0]),
        facets={},
        snapshot=snapshot_of(parts),
        made=made,
    )
    return features, columns, sides


def _terms(matrix: Any, columns: tuple[str, ...]) -> tuple[list[str], tuple[str, ...]]:
    """The terms of the formula behind a matrix, and the columns that occur in any of them."""
    terms = list(columns_of(matrix, None)) if matrix is not None else []
    return terms, tuple(column for column in columns if any(column in _words(term) for term in terms))


def _words(term: str) -> set[str]:
    """The names in a term of a formula: ``np.log(income)``, ``C(region)[T.b]``, ``Q("total debt")``."""
    return {found.group(1) or found.group(0) for found in _WORDS.finditer(term)}


def _is_own(frame: FrameType) -> bool:
    """Whether statsmodels makes the call itself, for example to fit a model for comparison."""
    above: FrameType | None = frame
    while above is not None and "/headwater/capture/" in above.f_code.co_filename:
        above = above.f_back
    return above is not None and str(above.f_globals.get("__name__")).startswith("statsmodels.")


def _facet(model: Any, features: list[Feature], kwargs: dict[str, Any]) -> dict[str, Any]:
    own = getattr(model, "__dict__", {})
    given = {name: plain(item) for name, item in {**own, **kwargs}.items() if name in _PLAIN}
    formula = own.get("formula")
    return {
        "framework": "statsmodels",
        "framework_version": getattr(sys.modules.get("statsmodels"), "__version__", ""),
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "hyper_parameters": {**given, **({"formula": formula} if isinstance(formula, str) else {})},
        "features": [feature.name for feature in features[:MAX_FEATURES]],
        "feature_count": len(features),
        "preprocessing": [],
    }


def _read(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record an attribute of results, which comes from the model, and from the rows too if it has one entry for
    each."""
    shape = getattr(result, "shape", None)
    if not (isinstance(shape, tuple) and shape) and type(result) is not float:
        return
    value = recorder.values.seen(args[0])
    if value is None:
        return
    name = str(args[1])
    if not shape:
        if can_follow(result):
            SCALARS.derive(result, f"statsmodels.{name}", (value,), of_all, (name,))
        return
    own = getattr(result, "columns", None)
    columns = tuple(map(str, own)) if own is not None else (str(getattr(result, "name", None) or "0"),)
    is_of_rows = name in _OF_ROWS and bool(value.inputs)
    inputs = (value, value.inputs[0]) if is_of_rows else (value,)
    rule = _of_rows if is_of_rows else of_all
    recorder.derive(result, f"statsmodels.{name}", inputs, rule, columns, shape[0])


def _of_rows(value: Value) -> Columns:
    deps = [Dep(0, None), *(Dep(1, name) for name in value.inputs[1].column_names())]
    return Columns(dict.fromkeys(value.column_names(), deps))


def _predicted(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record ``results.predict(rows)``: it comes from the model and from those columns of the rows that it uses."""
    model = recorder.values.seen(args[0])
    shape = getattr(result, "shape", None)
    if model is None or not isinstance(shape, tuple) or not shape:
        return
    rows = args[1] if len(args) > 1 else kwargs.get("exog")
    if rows is None or not hasattr(rows, "shape"):
        rows_value = model.inputs[0].inputs[0] if model.op == HELD and model.inputs[0].inputs else None
    else:
        rows_value = known(recorder, rows)
    fitted = model.inputs[0] if model.op == HELD else model
    wanted = {word for name in fitted.column_names() for word in _words(name)} | set(fitted.column_names())
    deps = [Dep(0, None)]
    if rows_value is not None:
        own = rows_value.column_names()
        deps += [Dep(1, name) for name in own if name in wanted] or [Dep(1, None)]
    inputs = (fitted,) if rows_value is None else (fitted, rows_value)
    name = str(getattr(result, "name", None) or "0") if hasattr(result, "index") else "prediction"
    fields = {name: deps}
    recorder.derive(result, "statsmodels.predict", inputs, lambda _: Columns(fields), (name,), shape[0])
