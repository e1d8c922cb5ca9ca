"""Buffers in memory (``StringIO``, ``BytesIO``) that one call writes to and another reads.

A buffer that a followed object was written to has the value of what is in it. What else is read from a buffer comes
from what the code made the buffer of, ``inferred``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.capture.recorder import Recorder, text_read_here
from headwater.capture.values import INFERRED, UNKNOWN, Columns, Dep, Rule, Value, make_value, opaque

_ADDED: Final = "buffer.add"
"""The operation of a value that was written to a buffer that held another."""


def put_in(recorder: Recorder, buffer: object, value: Value, *, is_kept: bool = False) -> None:
    """Record that ``value`` was written to a buffer. What was written to it before may be replaced, unless it
    ``is_kept``, as the other sheets of a workbook are."""
    before = recorder.values.get(buffer)
    if before is not None:
        names = dict.fromkeys((*before.column_names(), *value.column_names()))
        rule = _both if is_kept else _rather_the_latter
        value = make_value(_ADDED, (before, value), rule, columns=tuple(names), code=value.code, line=value.line)
    recorder.values.bind(buffer, value)


def text_read(text: object, reader: str, names: tuple[str, ...]) -> tuple[Sequence[Value], Rule]:
    """The values of what the code made a text of, or a buffer that is not followed, and the rule for the columns of
    what was read from it. A call of ``reader`` reads it, as its first argument or under one of the ``names``."""
    found = text_read_here(reader, names, text)
    if found is None or found.rule is None:
        return [found or UNKNOWN], opaque
    told = found.rule(found)
    return found.inputs, lambda value: _by_name(value, told)


def _by_name(value: Value, told: Columns) -> Columns:
    """Each column comes from the columns of its name in what the text was made of, else from all of that."""
    deps = told.fields.get("*", [])
    places = dict.fromkeys(dep.input for dep in deps)
    fields = {
        name: [dep for place in places for dep in _of_name(value, [one for one in deps if one.input == place], name)]
        for name in value.column_names() or ("*",)
    }
    return Columns(fields, told.indirect)


def _of_name(value: Value, deps: list[Dep], name: str) -> list[Dep]:
    """Those of the dependencies on one input that are on its column of that name; all of them if none is."""
    if not any(name in value.inputs[dep.input].column_names() for dep in deps):
        return deps
    return [dep._replace(column=name) for dep in deps if dep.column in (None, name)] or deps


def _both(value: Value, before: str = "") -> Columns:
    fields = {
        name: [
            Dep(place, name if part.column_names() else None, subtype="IDENTITY", description="" if place else before)
            for place, part in enumerate(value.inputs)
            if name in part.column_names() or not part.column_names()
        ]
        for name in value.column_names()
    }
    return Columns(fields)


def _rather_the_latter(value: Value) -> Columns:
    return _both(value, INFERRED)
