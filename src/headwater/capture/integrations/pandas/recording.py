"""Installs hooks on pandas, and records what its calls returned."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from pandas.core.generic import NDFrame

from headwater.capture.hooks import BUSY, After, Hooks, observe
from headwater.capture.integrations.pandas.indexes import index_value
from headwater.capture.integrations.pandas.labels import describe, described
from headwater.capture.recorder import SCALARS, Recorder, is_literal_here, looped_here
from headwater.capture.scalars import can_follow
from headwater.capture.source_analysis.array_items import index_read
from headwater.capture.source_analysis.array_origins import known_or_listed, known_or_read
from headwater.capture.source_analysis.row_list_syntax import MAKERS
from headwater.capture.source_analysis.supposed_values import GUESSED, SUPPOSED
from headwater.capture.values import NOTHING, UNKNOWN, Rule, Value
from headwater.capture.wrapper_frames import observe_caller, observe_io, unseen

Make = Callable[[str], After]
"""Creates the handler for the method of that name."""

_FOLLOWED = (NDFrame, np.ndarray)

_TAKEN = (int, float, str, np.generic, datetime.date)
"""Classes of numbers, texts and times that a loop over data may take out of it."""
_LOOKED_AT = 1_000
"""How many items of a list are searched for followed objects."""

DATA = (NDFrame, np.ndarray, pd.Index, pd.api.extensions.ExtensionArray)
"""Classes of arguments that can be inputs."""


def bind(
    recorder: Recorder,
    result: Any,
    op: str,
    inputs: Sequence[Any],
    rule: Rule,
    detail: dict[str, Any] | None = None,
    *,
    is_labelled: bool = False,
) -> None:
    """Record that ``op`` made ``result``, or each item of a list or dictionary. For numbers see ``bind_scalar``.

    ``is_labelled``: ``rule`` has the sources of the index even if that has no name.
    """
    if isinstance(result, _FOLLOWED) or hasattr(type(result), "__weakref__"):
        values, known, is_known = recorder.values, [], not inputs
        for item in inputs:
            value = item if type(item) is Value else known_or_read(values, item, 3)
            if value is None and isinstance(item, pd.Index):
                value = index_value(recorder, item)
            if value is None or value.op == GUESSED:
                value = NOTHING if is_literal_here() else value or UNKNOWN
            elif value is not UNKNOWN:
                is_known = True
            known.append(value)
        if is_known:
            columns, rows = described(result, inputs, known, is_labelled)
            recorder.derive(result, op, known, rule, columns, rows, detail, None, 4)
        elif values.get(result) is not None:
            values.bind(result, UNKNOWN)
    elif isinstance(result, list | tuple | dict):
        for item in result.values() if isinstance(result, dict) else result:
            bind(recorder, item, op, inputs, rule, detail)


def bind_scalar(recorder: Recorder, result: Any, op: str, owner: Any, rule: Rule) -> None:
    """Record that ``result`` was taken out of ``owner``. A number is followed while it is among the latest ones."""
    if isinstance(result, _FOLLOWED) or hasattr(type(result), "__weakref__"):
        bind(recorder, result, op, (owner,), rule)
    elif can_follow(result):
        known = recorder.values.get(owner)
        if known is not None:
            SCALARS.derive(result, op, (known,), rule, describe(owner)[0], None, frames=5)


def data_in(*candidates: Any) -> list[Any]:
    """The candidates that hold data, in order."""
    return [item for item in candidates if isinstance(item, DATA) or type(item) is Value]


def operands(*candidates: Any) -> list[Any]:
    """The candidates that hold data, or are numbers or strings taken out of data, in order."""
    return [
        item
        for item in candidates
        if isinstance(item, DATA) or type(item) is Value or SCALARS.value_of(item) is not None
    ]


def new_in(recorder: Recorder, new: Any, key: str = "") -> list[Any]:
    """The inputs of an assignment of ``new``: data, the value of a list made by iterating over columns, or what a loop
    over data took a number or text from, which becomes the column ``key``. Any other list is ``NOTHING`` if it is
    literal in the code, else ``UNKNOWN``."""
    is_data = isinstance(new, DATA) and not isinstance(new, pd.Index)
    found = operands(new if is_data else listed(recorder, new))
    if isinstance(new, list | tuple | dict) and not found:
        return [NOTHING if is_literal_here() else UNKNOWN]
    return found or operands(looped(new, key))


def looped(item: Any, key: str = "") -> Any:
    """What a loop over data took a number or text from; the object itself if that is not known, or it is something
    else."""
    value = looped_here(item, key) if isinstance(item, _TAKEN) and not isinstance(item, bool) else None
    return item if value is None else value


def is_literal(recorder: Recorder, data: Any) -> bool:
    """Whether ``data``, from which the running statement makes a frame or column, is literal in the code, and contains
    nothing that is followed."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else (data,)
    parts = [item for item in islice(items, _LOOKED_AT) if isinstance(item, DATA)]
    values = [recorder.values.get(item) for item in parts]
    if data is None or any(value is not None and value.op not in SUPPOSED for value in values):
        return False
    return not any(SCALARS.value_of(item) for item in islice(items, _LOOKED_AT)) and is_literal_here(MAKERS)


def listed(recorder: Recorder, new: Any) -> Any:
    """The value of a list that the code made by iterating over followed objects, or of an index that was made of such;
    otherwise the object itself."""
    if isinstance(new, pd.Index):
        return _indexed(recorder, new)
    value = known_or_listed(recorder.values, new) if isinstance(new, list | tuple) else None
    return new if value is None else value


def _indexed(recorder: Recorder, index: pd.Index[Any]) -> Any:
    if recorder.values.get(index) is not None or isinstance(index, pd.RangeIndex):
        return index
    value = index_value(recorder, index) or index_read(recorder.values, index, 4)
    return index if value is None else value


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str, default: Any = None) -> Any:
    """An argument, by position or name. ``position`` 0 is the object itself."""
    if len(args) > position:
        return args[position]
    return kwargs.get(name, default)


def made(op: str, rule: Rule) -> After:
    """A handler for methods whose result comes only from the object, or that change it in place."""

    def handler(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        owner = args[0]
        bind(recorder, owner if result is None else result, op, (owner,), rule)

    return handler


def hook(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    """Call ``handler`` after each outermost call of ``owner.name``. Warnings still point at the user's line."""
    site = f"pandas.{getattr(owner, '__name__', '')}.{name}"
    hooks.replace(owner, name, lambda original: unseen(observe(original, handler, site)))


def hook_callers(hooks: Hooks, owners: Iterable[type], names: Iterable[str], make: Make) -> None:
    """As ``hook_methods``, for methods that call a function of the user."""
    _hook_each(hooks, owners, names, make, observe_caller)


def hook_io(hooks: Hooks, owner: Any, name: str, handler: After) -> None:
    """As ``hook``, for functions that read or write."""
    site = f"pandas.{getattr(owner, '__name__', '')}.{name}"
    hooks.replace(owner, name, lambda original: observe_io(original, handler, site))


def hook_io_methods(hooks: Hooks, owners: Iterable[type], names: Iterable[str], make: Make) -> None:
    """As ``hook_methods``, for methods that read or write."""
    _hook_each(hooks, owners, names, make, observe_io)


def hook_methods(hooks: Hooks, owners: Iterable[type], names: Iterable[str], make: Make) -> None:
    """Hook each of ``names`` on each class that defines it; names that this version of pandas lacks are skipped."""
    _hook_each(hooks, owners, names, make, lambda *args, **facts: unseen(observe(*args, **facts)))


def _hook_each(
    hooks: Hooks, owners: Iterable[type], names: Iterable[str], make: Make, observer: Callable[..., Any]
) -> None:
    for owner in owners:
        own = vars(owner)
        for name in names:
            if callable(getattr(own.get(name), "__func__", own.get(name))):
                site, handler = f"pandas.{owner.__name__}.{name}", make(name)
                hooks.replace(owner, name, functools.partial(observer, after=handler, site=site))


class exposed:  # noqa: N801 - reads as a word: ``with exposed():``
    """A section of the user's own code inside an observed call, which is recorded."""

    def __enter__(self) -> None:
        self._depth = BUSY.depth
        BUSY.depth = 0

    def __exit__(self, *exc: object) -> None:
        BUSY.depth = self._depth
