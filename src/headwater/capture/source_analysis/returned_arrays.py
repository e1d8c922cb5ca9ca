"""Arrays that a statement gets from the expressions of ``return`` statements, or of a comprehension that it unpacks.

``x = load(path)`` with ``return frame["price"].to_numpy() * 2`` there: the product has no hook, but the column has. Of
``a, b = (load(path) for path in paths)``, the first round made what the first name stands for.
"""

from __future__ import annotations

import ast
from types import CodeType
from typing import NamedTuple

from headwater.capture.source_analysis.bindings import Called, Step, names_in, own_names, steps_of
from headwater.capture.source_analysis.call_origins import Places, place_of
from headwater.capture.source_analysis.loop_rounds import arrays_of
from headwater.capture.source_analysis.meant_parts import names_beside
from headwater.capture.source_analysis.row_list_syntax import called_name
from headwater.capture.values import Value


class Given(NamedTuple):
    """The arrays that were made for a name, and the other names that it was computed with: each with the code and line
    where they stand."""

    values: list[Value]
    beside: list[tuple[CodeType, str, int]]


def given_to_name(places: Places, step: Step, name: str, called: Called) -> Given:
    """What a statement at ``called`` got for a name; without values if the arrays themselves were returned by name, or
    in a tuple or dictionary."""
    in_rounds = places.made_by_return(step, called)
    if in_rounds:
        return Given(in_rounds, [])
    node = step.node.value if isinstance(step.node, ast.Assign) else None
    place = place_of(step.node, name)
    if place is None:
        return _returned(places, node, called)
    targets = step.node.targets[0] if isinstance(step.node, ast.Assign) else None
    count = len(targets.elts) if isinstance(targets, ast.Tuple | ast.List) else 0
    rounds = _rounds_of(node)
    if isinstance(node, ast.Tuple) and len(node.elts) == count:  # x, y = load(a), load(b)
        rounds = node.elts[place]
        alike = [called_name(item) == called_name(rounds) for item in node.elts]
        place, count = sum(alike[:place]), sum(alike)
    if rounds is None or not count:
        return Given([], [])
    found = _returned(places, rounds, called._replace(is_each=True))
    if not found.values and isinstance(node, ast.ListComp | ast.GeneratorExp):
        made = arrays_of(places.values, called.code, step)
        own = own_names(node)
        found = Given(made, [(called.code, other, step.first) for other in _beside(made, rounds) if other not in own])
    by_instruction: dict[tuple[CodeType | None, int], list[Value]] = {}
    for value in dict.fromkeys(found.values):  # an array may have been looked at several times
        by_instruction.setdefault((value.code, value.offset), []).append(value)
    latest = [made[-count:] for made in by_instruction.values()]  # of the latest run, if there were several
    part = [value for made in latest for value in (made[place : place + 1] if len(made) == count else made)]
    return Given(part, found.beside)


def _rounds_of(node: ast.expr | None) -> ast.expr | None:
    """What each round of a comprehension, or each call of ``map``, gives."""
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return node.elt
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "map" and len(node.args) > 1:
        return ast.copy_location(ast.Call(node.args[0], node.args[1:], []), node)
    return None


def _returned(places: Places, call: ast.expr | None, called: Called) -> Given:
    found = Given([], [])
    for code in places.functions_called(call, called.code):
        for inner in steps_of(code):
            given = inner.node.value if isinstance(inner.node, ast.Return) else None
            if given is None:
                continue
            is_plain = isinstance(given, ast.Name | ast.Tuple | ast.List | ast.Dict)
            made = [] if is_plain else arrays_of(places.values, code, inner, called)
            found.values.extend(made)
            found.beside.extend((code, name, inner.first) for name in _beside(made, given))
    return found


def _beside(made: list[Value], node: ast.expr) -> list[str]:
    """The names in an expression beside those that some values were made of; all of them if the values do not tell."""
    is_told = bool(made) and all(value.offset < 0 for value in made)
    return sorted(names_beside(made, node)) if is_told else names_in(node)
