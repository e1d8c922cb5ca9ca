"""Lineage of charts: collects the values drawn on axes, for the picture that is saved.

Axes are followed like frames: each drawing call derives a new value for them from the previous one and from what was
drawn. A picture comes from all axes of its figure. If a library draws arrays of its own (a tree, feature importances),
the chart comes from whatever the user's statement passed to that library, marked ``inferred``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from headwater.capture.caller_frame import variables
from headwater.capture.locations import is_path, located
from headwater.capture.notebook_cells import place_of
from headwater.capture.recorder import SCALARS, Recorder
from headwater.capture.source_analysis.array_origins import known_or_listed, known_or_read
from headwater.capture.source_analysis.bindings import step_at, steps_of
from headwater.capture.user_code import is_users, user_frame
from headwater.capture.values import INFERRED, NOTHING, UNKNOWN, Columns, Dep, Rule, Value, make_value

Drawn = tuple[Value, tuple[str | None, ...]]
"""A value that was drawn, and which of its columns; None stands for all of them."""

_MOST_ITEMS: Final = 1_000
_ALL: Final = (None,)
_INTERFACES: Final = frozenset(("matplotlib", "mpl_toolkits"))


def is_axes(item: Any) -> bool:
    """Whether an object is an ``Axes`` of matplotlib, found out without importing matplotlib."""
    return any(base.__name__ == "_AxesBase" for base in type(item).__mro__)


def axes_in(result: Any) -> Iterator[Any]:
    """The axes in the result of a drawing function: axes, arrays or lists of them, or an object with a figure."""
    if is_axes(result):
        yield result
    elif hasattr(result, "flat") and str(getattr(result, "dtype", "")) == "object":
        for item in result.flat:
            yield from axes_in(item)
    elif isinstance(result, dict | list | tuple):
        for item in result.values() if isinstance(result, dict) else result:
            yield from axes_in(item)
    elif hasattr(result, "savefig"):
        figure = getattr(result, "figure", None) or result  # a grid of seaborn has one, a figure is one
        yield from list(getattr(figure, "axes", None) or ())


def drawn(recorder: Recorder, axes: Iterable[Any], op: str, sources: Sequence[Drawn], *, frames: int = 3) -> None:
    """Record that ``sources`` were drawn on ``axes``, in addition to what they show already."""
    given = [item for item in sources if item[0] is not NOTHING and item[0] is not UNKNOWN]
    if not given:
        return
    for area in {id(area): area for area in axes}.values():  # not all of them can be hashed
        before = recorder.values.seen(area)
        shown = given if before is None else [(before, _ALL), *given]
        recorder.derive(area, op, tuple(value for value, _ in shown), _showing(shown), frames=frames + 1)


def cleared(recorder: Recorder, axes: Any) -> None:
    """Record that ``axes`` were cleared."""
    if recorder.values.seen(axes) is not None:
        recorder.values.bind(axes, NOTHING)


def picture_of(recorder: Recorder, figure: Any) -> Value | None:
    """The value of the picture of a figure. It has no source if everything drawn is literal in the code; None if no
    content of its axes is known."""
    found = [recorder.values.seen(area) for area in getattr(figure, "axes", None) or ()]
    return picture("matplotlib.savefig", found)


def picture(op: str, found: Sequence[Value | None]) -> Value | None:
    """The value of a picture of parts with these values; as in ``picture_of``."""
    if all(value is NOTHING for value in found):
        return make_value(op, (NOTHING,)) if found else None
    shown = [(value, _ALL) for value in dict.fromkeys(found) if value is not None and value is not NOTHING]
    return make_value(op, tuple(value for value, _ in shown), _showing(shown)) if shown else None


def _showing(shown: Sequence[Drawn]) -> Rule:
    deps = [Dep(place, column, subtype="IDENTITY") for place, (_, columns) in enumerate(shown) for column in columns]
    return lambda _: Columns({"*": deps})


def values_given(recorder: Recorder, items: Iterable[Any], site_depth: int = 3) -> list[Drawn]:
    """The followed values among arguments: data, lists made from data, numbers taken out of data."""
    found: dict[Value, None] = {}
    for item in items:
        if isinstance(item, list | tuple):
            inner = list(islice(item, _MOST_ITEMS))
            parts = [part for part in inner if hasattr(part, "shape") or SCALARS.value_of(part) is not None]
            known = [recorder.values.get(part) for part in parts] or [known_or_listed(recorder.values, item)]
        elif hasattr(item, "shape") or SCALARS.value_of(item) is not None:
            known = [known_or_read(recorder.values, item, site_depth)]
        else:
            continue
        found.update((value, None) for value in known if value is not None)
    return [(value, _ALL) for value in found]


def values_seen(recorder: Recorder, items: Iterable[Any]) -> list[Drawn]:
    """The followed values among arguments that a library created, so that the user's code need not be analysed."""
    known = [recorder.values.seen(item) for item in items if hasattr(item, "shape")]
    return [(value, _ALL) for value in dict.fromkeys(known) if value is not None]


def put_together(recorder: Recorder, whole: Any, op: str, parts: Iterable[Any]) -> None:
    """Record that a chart shows ``parts``, each of which was followed by itself, in addition to what it shows already.
    Of a part that was not, the running statement tells what it was made of."""
    values = [recorder.values.seen(part) for part in parts]
    sources: list[Drawn] = [(value, _ALL) for value in values if value is not None]
    if None in values:
        sources += values_at_line(recorder)
    if values and all(value is NOTHING for value in values) and recorder.values.seen(whole) is None:
        recorder.values.bind(whole, NOTHING)
    drawn(recorder, (whole,), op, sources)


def saved(recorder: Recorder, value: Value | None, target: Any) -> None:
    """Record that a chart with this value was written to a file; None if nothing of it is known."""
    ref = located(target)
    if ref is not None:
        recorder.wrote(value, ref, is_anew=is_path(target))


def columns_named(value: Value, given: Iterable[Any]) -> tuple[str | None, ...]:
    """The columns of ``value`` that the arguments name, singly or in lists; all of them if none is named."""
    names = frozenset(value.column_names())
    texts: dict[str | None, None] = {}
    for item in given:
        for part in item if isinstance(item, list | tuple) else (item,):
            if isinstance(part, str | int) and not isinstance(part, bool) and str(part) in names:
                texts[str(part)] = None
    return tuple(texts) or _ALL


def is_called_by_user(depth: int = 3) -> bool:
    """Whether the drawing call comes from the user's own code through matplotlib, not from another library."""
    frame: Any = sys._getframe(depth)
    while frame is not None and (frame.f_globals.get("__name__") or "").partition(".")[0] in _INTERFACES:
        frame = frame.f_back
    return frame is not None and is_users(frame.f_code)


def values_at_line(recorder: Recorder) -> list[Drawn]:
    """The followed values that the user's running statement passes on, restricted to the columns that it mentions."""
    frame = user_frame(sys._getframe(2))
    code, line = place_of(frame)
    at = step_at(steps_of(code), line) if is_users(code) else None
    if at is None:
        return []
    held = variables(frame, dict.fromkeys((*at.passed, *at.used)))
    objects = [held.get(name, frame.f_globals.get(name)) for name in dict.fromkeys((*at.passed, *at.used))]
    known = [recorder.values.seen(item) for item in objects if item is not None and not is_axes(item)]
    values = [value for value in dict.fromkeys(known) if value is not None and value is not NOTHING]
    return [(columns_of(value, columns_named(value, at.mentions), INFERRED), _ALL) for value in values]


def columns_of(value: Value, columns: tuple[str | None, ...], how: str = "") -> Value:
    """Some columns of a value, as a part of a chart."""
    deps = [Dep(0, column, subtype="IDENTITY", description=how) for column in columns]
    return make_value("drawn", (value,), lambda _: Columns({"*": deps}))
