"""Infers from the user's source which values an unknown array was computed from.

``pred = (score > 0.5).astype(int)`` runs inside numpy, where no hook can be installed, so ``pred`` has no known origin.
But the statement names ``score``. When such an array reaches a frame or a file, the statements that produced it are
searched backwards from the line being executed, until they reach live values known to have been made on one of those
lines. The result is marked ``inferred``, since a name may have been rebound in between.

Only the source text, our own records and the names bound to the array in the running frame are read; nothing is
changed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.code_numbers import number_of
from headwater.capture.notebook_cells import user_place
from headwater.capture.source_analysis.bindings import (
    Called,
    Step,
    last_binding,
    mentions_in,
    names_in,
    part_of,
    places_of_a_loop,
    step_at,
    steps_of,
)
from headwater.capture.source_analysis.budget import BUDGET
from headwater.capture.source_analysis.call_origins import Places, called_now
from headwater.capture.source_analysis.kept_columns import keeps_columns, keeps_columns_of, returns_unchanged
from headwater.capture.source_analysis.loop_rounds import arrays_of, gathering_loop, keeps_what_was
from headwater.capture.source_analysis.made_values import ends_of
from headwater.capture.source_analysis.meant_parts import (
    at_place,
    behind,
    by_position,
    from_mentioned,
    given_there,
    made_within,
    names_beside,
    of_parts,
    places_chosen,
    without_those_beside,
)
from headwater.capture.source_analysis.returned_arrays import given_to_name
from headwater.capture.source_analysis.row_selection import selected_rows
from headwater.capture.source_analysis.running_call import expression_of, expressions_given
from headwater.capture.source_analysis.running_names import names_of
from headwater.capture.source_analysis.supposed_values import FROM_CODE, GUESSED
from headwater.capture.source_analysis.wanted_names import Wanted
from headwater.capture.user_code import is_users, user_frame
from headwater.capture.value_table import Values
from headwater.capture.values import UNKNOWN, Value, make_value

MAX_STEPS: Final = 200


def known_or_read(values: Values, item: Any, site_depth: int = 2) -> Value | None:
    """The value of an object. For an array of unknown origin, it is inferred from the code, else guessed by length."""
    value = values.get(item)
    if value is not None and value.op != GUESSED:
        return value
    if type(item).__name__ != "ndarray" or not item.ndim:
        return value
    found = read_at(values, *user_place(site_depth + 1), len(item), item)
    if found is None or found is UNKNOWN:
        return value if found is None else None
    return values.bind(item, found)


def read_at(values: Values, code: CodeType | None, line: int, rows: int, item: Any = None) -> Value | None:
    """As ``array_origin``, for an existing array; also None if the line is in a library, or was analysed too often."""
    if code is None or not is_users(code) or not BUDGET.may_read(code, line):
        return None
    return read_of(values, item, code, line, rows)


def read_of(values: Values, item: Any, code: CodeType | None, line: int, rows: int) -> Value | None:
    """As ``array_origin``, for an existing array under the names it has; but first, the array that its rows were
    selected from."""
    return read_as(values, item, code, line, rows, names_of(item, code, line))


def read_as(
    values: Values, item: Any, code: CodeType | None, line: int, rows: int, names: Sequence[str]
) -> Value | None:
    """As ``read_of``, for an array that has these names."""

    def read(name: str, before: int, array: Any) -> Value | None:
        rows = len(array) if hasattr(array, "__len__") else None
        found = array_origin(values, code, before, rows, (name,))
        return None if found is UNKNOWN else found

    chosen = selected_rows(values, FROM_CODE, item, code, line, names, read)
    if chosen is not None:
        return chosen
    width = item.shape[1] if getattr(item, "ndim", 0) == 2 else 0
    within = None
    if code is not None and not names and len(expressions_given(code)) != 1:
        within = expression_of(item, code)
    return array_origin(values, code, line, rows, names, within, width)


def owner_read(values: Values, owner: Any, site_depth: int = 2) -> Value | None:
    """The value of an array that owns the memory of another. If it is unknown, it is inferred from the code, but only
    under a name that it has there: without one, the line would show the origin of another array."""
    value = values.seen(owner)
    if value is not None or type(owner).__name__ != "ndarray" or not owner.ndim:
        return value
    code, line = user_place(site_depth + 1)
    if not is_users(code) or not names_of(owner, code, line):
        return None
    found = read_at(values, code, line, len(owner), owner)
    return None if found is UNKNOWN else found


def known_or_listed(values: Values, item: Any) -> Value | None:
    """The value of an object. For a list, only what the code shows, never a guess by length."""
    value = values.get(item)
    return None if isinstance(item, list | tuple) and value is not None and value.op != FROM_CODE else value


def array_origin(
    values: Values,
    code: CodeType | None,
    line: int,
    rows: int | None,
    names: Sequence[str] = (),
    within: ast.expr | None = None,
    width: int = 0,
) -> Value | None:
    """A value for an unknown array used at ``line`` of ``code`` under one of ``names``, if it has any there, or as the
    result of the expression ``within``, if given. ``width`` is the number of its columns, if they are to be told apart.

    ``UNKNOWN`` if the code shows that it was made from nothing that is followed. None if the code does not show its
    origin: there is no source, or the array was passed in by code that cannot be analysed.
    """
    steps = steps_of(code) if code is not None else ()
    at = step_at(steps, line)
    if code is None or at is None:
        return None
    walk = _Walk(values, code, line)
    own = [] if names else [item for item in ends_of(walk.places.made(code), at) if item.rows == rows]
    if within is not None:
        at = part_of(at, within)
        others = [item for item in own if item.op == FROM_CODE]  # inferred for other expressions in the statement
        meant = [item for item in own if at.mentions.intersection(item.column_names() or at.mentions)]
        own = made_within(own, within) or [item for item in meant if item not in others]
    computed = expressions_given(code) if not names and within is None else []
    given = computed[0] if len(computed) == 1 else None
    if computed:  # what the statement made beside the call is another's: id in {"id": t.id, "d": f(x > 1)}
        own = without_those_beside(own, computed)
    chosen: frozenset[str] = at.mentions if within is not None else frozenset()
    walk.found.update((id(value), (value, chosen)) for value in own)
    if computed and not own:  # the names beside it belong to other arguments: y in f(y, g(x))
        at = part_of(at, given or ast.copy_location(ast.Tuple(computed, ast.Load()), computed[0]))
    if given is not None and width and keeps_columns_of(given):
        walk.kept = frozenset(names_in(given))
        walk.alike.update(made_within(own, given))
    walk.before_own = behind(own)
    walk.direct_names = names_beside(own, within if within is not None else at.node)
    # an array that is passed on has a name; if none is, it is the result of a larger expression
    passed = () if own else names or at.passed
    is_bare = bool(names) and set(names) <= set(at.passed)
    told: frozenset[str] = frozenset() if is_bare else at.mentions  # the texts beside a bare name belong to others
    walk.queue += [Wanted(code, name, False, at.first, line, told) for name in passed]
    walk.run()
    if not passed or not (names or walk.found):  # in preds.astype(bool) or x.reshape(n), what is passed on is no data
        walk.queue += walk.operands(at, line)
        walk.run()
    if not walk.found:
        walk.take_fitted()
    if not walk.found:
        return UNKNOWN if walk.is_certain else None
    return walk.value(rows, width)


class _Walk:
    """Searches backwards from name to name through statements, to values made in one of them."""

    def __init__(self, values: Values, code: CodeType, line: int) -> None:
        self.code = code
        self.bound_at = line
        self.is_certain = True
        self.places = Places(values)
        self.found: dict[int, tuple[Value, frozenset[str]]] = {}
        self.alike: set[Value] = set()
        """Those found whose columns are those of the matrix, according to all statements between."""
        self.kept: frozenset[str] = frozenset()
        """Names in the running statement whose columns are those of the matrix, as far as the statement shows."""
        self.before_own: set[int] = set()
        self.direct_names: set[str] = set()
        """Names that the running statement computes with, also beside what it makes of them."""
        self.passed_by: dict[str, frozenset[str]] = {}
        """Names in the running code whose bindings showed nothing, with what was mentioned beside them."""
        self.queue: list[Wanted] = []
        self.places_in: list[Wanted] = []
        """Names that only select items: followed if what they select from has no known origin."""

    def run(self) -> None:
        """Process the queue until it is empty, or ``MAX_STEPS`` names were examined."""
        seen: set[tuple[object, ...]] = set()
        for _ in range(MAX_STEPS):
            if not self.queue and not self.found:
                self.queue, self.places_in = self.places_in, []
            if not self.queue:
                return
            wanted = self.queue.pop()
            called = wanted.called
            by = called and (number_of(called.code), called.first, called.last, called.is_each)
            key = (number_of(wanted.code), wanted.name, wanted.before, by)
            if key in seen:
                continue
            seen.add(key)
            step = last_binding(steps_of(wanted.code), wanted.name, wanted.before)
            if step is None:
                self._into_caller(wanted)
            else:
                self._through(step, wanted)
                if keeps_what_was(wanted.code, step, wanted.name):
                    self.queue.append(wanted._replace(before=step.first))

    def operands(self, at: Step, line: int) -> list[Wanted]:
        """The names in the running statement to search for. A name whose current object is known needs no search: its
        value is found."""
        frame = user_frame(sys._getframe(2))
        held = variables(frame, at.used) if frame.f_code.co_name == self.code.co_name else {}
        wanted = []
        for name in at.used:
            obj = held.get(name, frame.f_globals.get(name))
            value = self.places.values.seen(obj)
            keeps = not self.kept or name in self.kept
            if value is not None and name in at.binds and type(obj).__name__ != "ndarray":
                continue  # what is added to a column of a frame does not come from that frame
            if value is None or name in at.binds:
                wanted.append(Wanted(self.code, name, True, at.first, line, at.mentions, keeps_columns=keeps))
            else:
                if name in self.direct_names:
                    self.before_own.discard(id(value))
                self._take(of_parts([value], at.mentions), at.mentions, keeps_columns=name in self.kept)
        return wanted

    def take_fitted(self) -> None:
        """Take objects that got their state after they were bound: of a model that ``fitted = model.fit_transform(X)``
        has fitted since, the code shows no more than its class."""
        frame = user_frame(sys._getframe(2))
        if frame.f_code.co_name == self.code.co_name:
            own = variables(frame, self.passed_by)
            for name, mentions in self.passed_by.items():
                value = self.places.values.seen(own.get(name, frame.f_globals.get(name)))
                self._take([value] if value is not None else [], mentions)

    def value(self, rows: int | None, width: int = 0) -> Value:
        """A value that combines everything found; column by column, if the code says so of as many columns."""
        inputs = tuple(value for value, _ in self.found.values())
        alike = [value for value in inputs if value in self.alike and len(value.column_names()) == width > 1]
        if alike:
            columns = alike[0].column_names()
            rule = by_position(columns, alike)
        else:
            rule, columns = from_mentioned([mentions for _, mentions in self.found.values()]), None
        return make_value(FROM_CODE, inputs, rule, columns=columns, rows=rows, code=self.code, line=self.bound_at)

    def _called(self, wanted: Wanted) -> Called | None:
        """The place from which the function was called in which something is wanted; None in a module."""
        return wanted.called or (called_now(wanted.code) if wanted.code.co_name != "<module>" else None)

    def _take(self, values: Sequence[Value], mentions: frozenset[str], *, keeps_columns: bool = False) -> None:
        self.alike.update(values if keeps_columns else ())
        self.found.update((id(value), (value, mentions)) for value in values if id(value) not in self.before_own)

    def _into_caller(self, wanted: Wanted) -> None:
        frame = user_frame(user_frame(sys._getframe(2)))  # far out, if the array is asked for by the index of another
        if wanted.is_operand and frame.f_code is self.code is wanted.code:  # still what the caller gave
            value = self.places.values.seen(variables(frame, (wanted.name,)).get(wanted.name))
            if value is not None:
                self._take([value], wanted.mentions, keeps_columns=wanted.keeps_columns)
                return
        passed = self.places.argument(wanted.code, wanted.name, wanted.called)
        self.is_certain = self.is_certain and not passed.is_parameter
        self._take(passed.values, wanted.mentions)
        keeps = wanted.keeps_columns and not passed.values and len(passed.names) == 1
        again = wanted._replace(
            code=passed.code, is_operand=True, before=passed.first, called=None, loop=None, keeps_columns=keeps
        )
        self.queue += [again._replace(name=name) for name in passed.names]

    def _through(self, step: Step, wanted: Wanted) -> None:
        is_kept = keeps_what_was(wanted.code, step, wanted.name)
        is_collected = wanted.is_collected or is_kept
        loop = wanted.loop or (gathering_loop(wanted.code, step, wanted.name) if is_kept else None)
        given = given_to_name(self.places, step, wanted.name, Called(wanted.code, step.first, step.last, is_collected))
        if given.values:
            self._take(of_parts(given.values, wanted.mentions), wanted.mentions)
            self.bound_at = wanted.origin
            if given.beside:
                self._go_on(step, wanted, given.beside, is_collected=is_collected, loop=loop)
            return
        direct = ends_of(self.places.made(wanted.code), step)
        returned = self.places.returned(step, wanted.name, wanted.mentions, wanted.code)
        if not direct and wanted.is_operand and wanted.code is self.code:
            self.passed_by.setdefault(wanted.name, wanted.mentions)
        keeps = wanted.keeps_columns and (
            all(returns_unchanged(code, line, step, wanted.name) for code, _, line in returned)
            if returned
            else keeps_columns(step, wanted.name)
        )
        if is_collected:
            more = arrays_of(self.places.values, wanted.code, step, self._called(wanted), loop)
            direct = list(dict.fromkeys((*direct, *more))) if wanted.code.co_name == "<module>" else more or direct
        elif direct and wanted.called is not None:  # a later call, from elsewhere, made others
            direct = arrays_of(self.places.values, wanted.code, step, wanted.called) or direct
        if direct and (wanted.is_operand or len(step.binds) == 1):
            taken = direct if is_collected else at_place(step, wanted.name, direct)
            self._take(of_parts(taken, wanted.mentions), wanted.mentions, keeps_columns=keeps)
            self._take_beside(step, direct, keeps_columns=keeps)
            self.bound_at = wanted.origin
            return
        if returned or not direct:
            self._go_on(step, wanted._replace(keeps_columns=keeps), returned, is_collected=is_collected, loop=loop)

    def _go_on(
        self,
        step: Step,
        wanted: Wanted,
        returned: list[tuple[CodeType, str, int]],
        *,
        is_collected: bool,
        loop: ast.stmt | None,
    ) -> None:
        """Want what a statement computed with, or what the functions that it called returned."""
        is_own = not wanted.is_operand and wanted.code is self.code
        origin = step.first if is_own else wanted.origin
        self.is_certain = self.is_certain and step.is_closed
        wider = wanted._replace(name="", is_operand=True, before=step.first, origin=origin)
        given = given_there(step.node, wanted.name)
        if given is not None and not returned:  # X, y = data.values, data.label
            wider = wider._replace(mentions=wanted.mentions | mentions_in(given))
            self._want(wider, names_in(given), given)
            return
        mentions = wanted.mentions | step.mentions | places_chosen(step.node)
        wider = wider._replace(mentions=mentions, is_collected=is_collected, loop=loop)
        if returned:
            called = Called(wanted.code, step.first, step.last, is_collected)
            self.queue += [
                wider._replace(code=code, name=name, before=last, called=called, loop=None)
                for code, name, last in returned
            ]
        else:
            self._want(wider, [*step.used, *step.passed], step.node)

    def _take_beside(self, step: Step, direct: list[Value], *, keeps_columns: bool) -> None:
        """Take the arrays that a statement computes with beside the values that it made: ``X`` in ``X - X[:, :1]``."""
        frame = user_frame(sys._getframe(2))
        names = names_beside(direct, step.node) - step.binds if frame.f_code is self.code else set()
        own = variables(frame, names) if names else {}
        for name in names:
            held = own.get(name, frame.f_globals.get(name))
            value = self.places.values.seen(held) if type(held).__name__ == "ndarray" else None
            if value is not None:
                self.before_own.discard(id(value))
                self._take([value], step.mentions, keeps_columns=keeps_columns)

    def _want(self, wider: Wanted, names: Sequence[str], node: ast.AST) -> None:
        """Queue the names in an expression; ``X[train]`` is followed to ``X`` if a loop binds ``train``."""
        by_loop = places_of_a_loop(node, steps_of(wider.code), wider.before)
        self.queue += [wider._replace(name=name) for name in names if name not in by_loop]
        self.places_in += [wider._replace(name=name) for name in names if name in by_loop]


def list_read(
    values: Values, code: CodeType, line: int, rows: int, names: Sequence[str], within: ast.expr | None = None
) -> Value | None:
    """A value for a list used at ``line`` of ``code`` under these names, from the statements that bound them, or for
    the result of the expression ``within`` there; None if they show nothing that is followed."""
    at = step_at(steps_of(code), line)
    if at is None:
        return None
    walk = _Walk(values, code, line)
    if within is not None:
        at = part_of(at, within)
        own = made_within(ends_of(walk.places.made(code), at), within)
        walk.found.update((id(value), (value, at.mentions)) for value in own)
        walk.queue += walk.operands(at, line) if not own else []
    walk.queue += [Wanted(code, name, False, at.first, line, at.mentions) for name in names]
    walk.run()
    return walk.value(rows) if walk.found else None
