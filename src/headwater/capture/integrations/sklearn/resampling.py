"""Samplers, as imbalanced-learn has them: ``fit_resample`` leaves rows out, repeats them, or makes new ones."""

from __future__ import annotations

from typing import Any

from headwater.capture.integrations.sklearn.row_sets import columns_of, known, rows_of, scalar_of
from headwater.capture.recorder import Recorder
from headwater.capture.values import INFERRED, Columns, Dep, Value


def after_resampling(
    recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], method: str
) -> None:
    """Record both parts of the result. What is between two rows is so in each column by itself; the labels decide where
    rows are missing, and the neighbours of a row, perhaps, about what is between them."""
    if not isinstance(result, tuple) or len(result) < 2:
        return
    given = [item for item in (*args[1:3], kwargs.get("X"), kwargs.get("y")) if item is not None]
    if len(given) < 2:
        return
    sampler = args[0]
    features, labels = known(recorder, given[0]), known(recorder, given[1])
    detail = {"class": type(sampler).__name__}
    columns = columns_of(given[0], features)
    own = set(features.column_names())

    def rows(_value: Value) -> Columns:
        fields = {name: [Dep(0, name if name in own else None)] for name in columns}
        return Columns(
            fields,
            [Dep(1, None, "INDIRECT", "FILTER"), Dep(0, None, "INDIRECT", "FILTER", description=INFERRED)],
        )

    def classes(value: Value) -> Columns:
        return Columns({name: [Dep(0, None, subtype="IDENTITY")] for name in value.column_names()})

    made = recorder.derive(
        result[0],
        f"sampler.{method}",
        (features, labels),
        rule=rows,
        columns=columns,
        rows=rows_of(result[0]),
        detail=detail,
    )
    names = columns_of(result[1], labels) or ("y",)
    recorder.derive(
        result[1],
        f"sampler.{method}",
        (labels,),
        rule=classes,
        columns=names,
        rows=rows_of(result[1]),
        detail=detail,
    )
    if hasattr(sampler, "random_state"):
        scope = f"{type(sampler).__name__}.random_state"
        recorder.seed("scikit-learn", scope, scalar_of(sampler.random_state), made.code, made.line)
