"""What the code says of one array among several that a statement makes a table of, and of an index.

``pd.DataFrame({"age": ages, "noise": rng.normal(size=9)})`` names ``ages``, but the noise does not come from it.
"""

from __future__ import annotations

import ast
from typing import Any

from headwater.capture.notebook_cells import user_place
from headwater.capture.source_analysis.array_origins import array_origin, read_at
from headwater.capture.source_analysis.bindings import Step, step_at, steps_of
from headwater.capture.source_analysis.literals import is_written
from headwater.capture.source_analysis.row_list_syntax import called_name, last_line, maker_at, pairs_of
from headwater.capture.source_analysis.running_call import expression_of
from headwater.capture.source_analysis.supposed_values import SUPPOSED
from headwater.capture.user_code import is_users
from headwater.capture.value_table import Values
from headwater.capture.values import NOTHING, UNKNOWN, Value


def item_read(
    values: Values, item: Any, key: str, site_depth: int = 2, among: tuple[int, int] | None = None
) -> Value | None:
    """As ``known_or_read``, for an array that stands under a key of a dictionary which the user's line makes a table
    of, or under a keyword of ``assign``: what that one expression says. None if there is no such expression, or the
    array is known. ``among`` is the place of the array in that dictionary, and how many items it has."""
    known = values.seen(item)
    is_index = type(item).__name__.endswith("Index") and type(item).__name__ != "RangeIndex"
    if (
        not (is_index or type(item).__name__ == "ndarray")
        or not item.ndim
        or (known is not None and known.op not in SUPPOSED)
    ):
        return None
    code, line = user_place(site_depth + 1)
    at = step_at(steps_of(code), line) if code is not None and is_users(code) else None
    found = _given_for(at, line, key, among) if at is not None else None
    if code is None or at is None or found is None or isinstance(found, ast.Name):
        return None
    if is_written(found, code, line):
        return values.bind(item, NOTHING)
    if known is not None:
        return None
    read = array_origin(values, code, line, len(item), within=found)
    return values.bind(item, read) if read is not None and read is not UNKNOWN else None


def index_read(values: Values, index: Any, site_depth: int = 2) -> Value | None:
    """What the code shows of an index whose origin is unknown: ``pd.DatetimeIndex([... for x in column]).hour``."""
    code, line = user_place(site_depth + 1)
    within = expression_of(index, code) if code is not None and is_users(code) else None
    if within is not None:
        found = array_origin(values, code, line, len(index), within=within)
    else:
        found = read_at(values, code, line, len(index), index)
    return values.bind(index, found) if found is not None and found is not UNKNOWN else None


def _given_for(at: Step, line: int, key: str, among: tuple[int, int] | None) -> ast.expr | None:
    """The one expression that a statement gives for a column at a line: by its place if that is known, since a key may
    be a name (``{TARGET: predicted}``)."""
    table = maker_at(at, line)
    if isinstance(table, ast.Dict) and among is not None and None not in table.keys and len(table.keys) == among[1]:
        return table.values[among[0]]
    pairs = [] if table is None else pairs_of(table) or []
    calls = [node for node in ast.walk(at.node) if isinstance(node, ast.Call) and called_name(node) == "assign"]
    for call in calls:
        if call.lineno <= line <= last_line(call):
            pairs += [(item.arg, item.value) for item in call.keywords]
    found = [given for name, given in pairs if name == key]
    return found[0] if len(found) == 1 else None
