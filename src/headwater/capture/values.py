"""Values: what is known about objects in memory, such as the operation and the inputs that made them.

A ``Value`` is one state of one object (a frame, a series, an array, a fitted estimator). It refers to the values it was
made from, so the values that are alive form the lineage in memory; those that nothing refers to are freed soon after
their objects. Which object has which value is known to :mod:`headwater.capture.value_table`. On the caller's thread
only the ``Value`` is created; its columns are determined later, by :mod:`headwater.capture.trace`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from itertools import count
from types import CodeType
from typing import Any, Final, NamedTuple

import msgspec

from headwater.capture.axis_names import names_in
from headwater.capture.source_analysis.code_lines import line_of


class DatasetRef(NamedTuple):
    """The name of a dataset that a value was read from, written to, or is."""

    namespace: str
    name: str
    type: str = "FILE"
    """OpenLineage dataset type: FILE, TABLE, MODEL, CHECKPOINT, PREDICTIONS, IN_MEMORY ..."""


class Dep(NamedTuple):
    """One dependency of an output column on an input.

    ``input`` is a position in ``Value.inputs``; ``column`` is a column name there, or None for the whole input (an
    array, a scalar, or all columns). ``type``, ``subtype`` and ``masking`` are as in OpenLineage's columnLineage facet.
    """

    input: int
    column: str | None
    type: str = "DIRECT"
    subtype: str = "TRANSFORMATION"
    masking: bool = False
    description: str = ""


class Columns(NamedTuple):
    """The column lineage of one operation: for each output column, and for the whole output (filters, joins, sorts).
    Indirect sources of the inputs in ``beside`` apply only to the columns that come from those inputs."""

    fields: dict[str, list[Dep]]
    indirect: list[Dep] = []
    beside: tuple[int, ...] = ()


INFERRED: Final = "inferred"
"""The description of a dependency that is a guess. Everything made from it is marked so, too."""
FETCHED: Final = "sql.fetched"
"""The operation of the rows, as plain tuples, that a statement returned."""
GATHERED: Final = "rows"
"""The operation of a value inferred from what the code collected in a list."""

Rule = Callable[["Value"], Columns]
"""Determines the columns of a value from its inputs. Runs later, on the worker's thread, on immutable facts only."""


def same_columns(value: Value) -> Columns:
    """Each output column is the column of the same name of the first input, though perhaps with fewer rows."""
    return Columns({name: [Dep(0, name, subtype="IDENTITY")] for name in value.column_names()})


_same: Final[dict[str, list[Dep]]] = {}
_MOST_SAME: Final = 100_000


def same_column(name: str) -> list[Dep]:
    """The dependency of a column that is the same in the first input: one list for every column of that name, which
    ``is_same_column`` recognises and nobody may change."""
    found = _same.get(name)
    if found is None:
        if len(_same) >= _MOST_SAME:
            _same.clear()
        found = _same[name] = [Dep(0, name, subtype="IDENTITY")]
    return found


def same_fields(names: tuple[str, ...], known: Collection[str] | None = None) -> dict[str, list[Dep]]:
    """The dependencies of columns that are the same in the first input, by name; ``known`` are those that it has, if
    not all. The dictionary is new, the lists nobody may change. A wide frame that is changed column by column is asked
    for the same names a thousand times."""
    if known is None or known is names or known == names:
        return _same_fields(names).copy()
    return {name: same_column(name) if name in known else [] for name in names}


@lru_cache(maxsize=64)
def _same_fields(names: tuple[str, ...]) -> dict[str, list[Dep]]:
    return {name: same_column(name) for name in names}


def is_same_column(name: str, deps: list[Dep]) -> bool:
    """Whether these are what ``same_column`` returned for that name."""
    return _same.get(name) is deps


def opaque(value: Value) -> Columns:
    """Every output column comes from every column of every input: the last resort, and described as such."""
    deps = [Dep(i, None, description="opaque") for i in range(len(value.inputs))]
    names = value.column_names() or ("*",)
    return Columns(dict.fromkeys(names, deps))


class Value(msgspec.Struct, eq=False):
    """One state of an object in memory. Immutable, except for ``dataset``, ``traced`` (set by trace) and ``state``.

    ``columns`` is stored as the library returned it if that is immutable (a pandas Index, a tuple); use
    ``column_names()`` for the names. ``rows`` is a count or None. ``dataset`` is set if the value is a dataset of its
    own: one read from outside, or one that lineage should name (training set, model). Traces end at such values.
    ``state`` has the facets that tell which state of that dataset it is (fingerprint, version), and under
    ``inputFacets`` what was measured of it, as far as the run that read or made it has determined them; other runs of
    the process that use the object repeat them.
    ``detail`` holds small immutable facts for the operation's record, never data. ``number`` counts the values of the
    process, in the order of their creation. ``depth`` is the length of the longest chain behind the value.

    A struct, because its constructor is compiled: it runs for every operation of the user. ``make_value`` computes
    ``number`` and ``depth``.
    """

    op: str
    inputs: tuple[Value, ...]
    rule: Rule | None
    columns: Any
    rows: int | None
    detail: dict[str, Any] | None
    dataset: DatasetRef | None
    code: CodeType | None
    offset: int
    """The line of ``code``; or, if negative, ``-1 - offset`` is the instruction whose line is looked up later."""
    number: int
    depth: int
    traced: Any = None
    state: dict[str, Any] | None = None

    @property
    def line(self) -> int:
        """The line of ``code`` that made the value; 0 if it is not known."""
        if self.offset >= 0 or self.code is None:
            return int(max(0, self.offset))
        return line_of(self.code, -1 - self.offset)

    def column_names(self) -> tuple[str, ...]:
        """Column names as strings; empty if there are none (a scalar, an array, an opaque object)."""
        columns = self.columns
        if columns is None:
            return ()
        return (columns,) if isinstance(columns, str) else names_in(columns)

    def __repr__(self) -> str:
        name = f" {self.dataset.name!r}" if self.dataset else ""
        return f"<Value {self.op}{name} rows={self.rows} columns={len(self.column_names())}>"


next_number: Final = count(1).__next__
"""The number of the next value. It is a single compiled call, so two threads never get the same."""


def make_value(
    op: str,
    inputs: tuple[Value, ...] = (),
    rule: Rule | None = None,
    *,
    columns: Any = None,
    rows: int | None = None,
    dataset: DatasetRef | None = None,
    code: CodeType | None = None,
    line: int = 0,
) -> Value:
    """A new value that is bound to no object: of a statement, a view, a copy in a file."""
    depth = 1 + max((item.depth for item in inputs), default=-1)
    return Value(op, inputs, rule, columns, rows, None, dataset, code, line, next_number(), depth)


UNKNOWN: Final = make_value("unknown")
"""The value of an object whose origin is unknown."""

NOTHING: Final = make_value("spelled")
"""The value of an object that comes from no dataset because it is literal in the code."""
