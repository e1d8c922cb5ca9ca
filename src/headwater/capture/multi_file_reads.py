"""Objects read from several files, whose rows are those of the files one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.capture.recorder import Read, Recorder
from headwater.capture.values import Columns, DatasetRef, Dep, Value, make_value


def read_all(
    recorder: Recorder,
    obj: object,
    refs: Sequence[DatasetRef],
    op: str,
    *,
    columns: Any = None,
    rows: int | None = None,
    snapshot: Any = None,
) -> Value:
    """Record that ``obj`` was read from all of ``refs`` (at least one). ``snapshot`` describes a file only if there is
    just one."""
    if len(refs) == 1:
        return recorder.read(obj, refs[0], op, columns=columns, rows=rows, snapshot=snapshot)
    parts = tuple([make_value(op, columns=columns, dataset=ref) for ref in refs])
    for part, ref in zip(parts, refs, strict=True):
        recorder.add(Read(part, ref, None))
    return recorder.derive(obj, op, parts, rule=stacked, columns=columns, rows=rows)


def stacked(value: Value) -> Columns:
    """Each column comes from the columns of that name in all inputs."""
    known = [frozenset(item.column_names()) for item in value.inputs]
    return Columns(
        {
            name: [Dep(place, name, subtype="IDENTITY") for place, names in enumerate(known) if name in names]
            for name in value.column_names()
        }
    )
