"""What an expression takes out of followed objects: their data, numbers computed from all of it, or names and sizes."""

from __future__ import annotations

import ast
from types import CodeType
from typing import Final

from headwater.capture.source_analysis.known_items import Items
from headwater.capture.source_analysis.row_list_syntax import called_name
from headwater.capture.values import INFERRED, Dep, Value, make_value
from headwater.capture.values import Columns as ByColumn
from headwater.model.patterns import lazy_pattern

TAKEN: Final = "taken"
"""The operation of a value inferred from the names in an expression."""
Columns = dict[tuple[Value, str | None], None]
"""Values, each with the column that is used, or None for all of it."""
_SUMMARIES: Final = lazy_pattern(r"(nan)?(mean|median|std|var|sum|min|max|average|prod|ptp)|nunique|corr|corrcoef")
"""Functions and methods whose result is a number about all of their data, unless they work along an axis."""
_PARTS: Final = lazy_pattern(r"(nan)?(percentile|quantile)")
_METRICS: Final = lazy_pattern(r".*_(score|loss|error|deviance)")
"""Functions of ``sklearn.metrics``."""


class Taken:
    """The objects that an expression takes something from."""

    def __init__(self) -> None:
        self.data: Columns = {}
        self.summed: Columns = {}
        """Objects of which a number is used that was computed from all rows: no row of them is in the result."""
        self.told: Columns = {}
        """Objects of which only names or sizes are used."""

    def value(self, items: Items, code: CodeType, line: int) -> Value | None:
        """A value for what was taken at a line; None if it is nothing. What is known of the ``items`` of the result is
        no guess."""
        summed = {pair: None for pair in self.summed if pair not in self.data}
        inputs = tuple(dict.fromkeys(value for value, _ in (*self.data, *summed, *self.told)))
        if not inputs:
            return None
        place = {value: position for position, value in enumerate(inputs)}
        deps = [Dep(place[v], c, description="" if v in items.values else INFERRED) for v, c in self.data]
        deps += [Dep(place[v], c, subtype="AGGREGATION", description=INFERRED) for v, c in summed]
        indirect = [
            Dep(place[v], c, "INDIRECT", "CONDITIONAL", description="" if items.have_names_of(v) else INFERRED)
            for v, c in self.told
        ]
        return make_value(TAKEN, inputs, lambda _: ByColumn({"*": deps}, indirect), code=code, line=line)


def gives_a_number(node: ast.AST) -> bool:
    """Whether an expression calls something that computes a number from all of its data: ``prices.mean()``."""
    if not isinstance(node, ast.Call):
        return False
    name, owner = called_name(node), getattr(node.func, "value", None)
    is_along = any(item.arg == "axis" for item in node.keywords)
    is_at = any(isinstance(item, ast.Constant) and isinstance(item.value, int) for item in node.args)
    if _SUMMARIES.fullmatch(name):
        return not (is_along or is_at)
    is_metric = owner is None or getattr(owner, "id", getattr(owner, "attr", "")) == "metrics"
    return (_PARTS.fullmatch(name) is not None and not is_along) or (is_metric and _METRICS.fullmatch(name) is not None)
