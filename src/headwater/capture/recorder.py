"""The recorder: what a run does, appended as it happens and read by the worker.

Integrations call the recorder of the current run and nothing else. Each call appends one immutable item, or binds one
value; profiles, fingerprints, column lineage and events are made from these on the worker's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.capture.context import current
from headwater.capture.scalars import Scalars
from headwater.capture.source_analysis.budget import BUDGET, unless_too_deep
from headwater.capture.source_analysis.inferred_values import InferredValues
from headwater.capture.value_table import Values
from headwater.capture.values import DatasetRef, Value
from headwater.model.names import IN_MEMORY

VALUES = Values()
"""The values of this process, shared by its runs because objects pass from one run to another."""

_derive = VALUES.fast_derive()

SCALARS = Scalars(VALUES)
"""The numbers and texts of this process that were taken out of data."""
VALUES.resolvers.append(SCALARS.value_of)

_guesses = InferredValues(VALUES, SCALARS)
VALUES.watch("ndarray", _guesses.saw)
VALUES.guess = unless_too_deep(_guesses.value_of, otherwise=None)
_put_in_file = unless_too_deep(_guesses.put_in_file, otherwise=None)
is_literal_here = unless_too_deep(_guesses.is_literal_here, otherwise=False)
"""``is_literal_here(makers)``: whether what the running statement creates is literal in the code; see
``InferredValues``."""
saved_here = unless_too_deep(_guesses.saved_here, otherwise=None)
"""``saved_here(savers, target)``: what the running statement saves, according to the code; likewise."""
text_read_here = unless_too_deep(_guesses.text_read_here, otherwise=None)
"""``text_read_here(reader, names, text)``: what a text or buffer was made of that the running statement reads."""
turned_to_text = unless_too_deep(_guesses.turned_to_text, otherwise=None)
"""``turned_to_text(obj)``: the running statement turns an object into text; likewise."""
looked_up_here = unless_too_deep(_guesses.looked_up_here, otherwise=None)
"""``looked_up_here(method, obj)``: what a dictionary in the running statement was made from; likewise."""
masked_here = unless_too_deep(_guesses.masked_here, otherwise=None)
"""``masked_here(method)``: what chose the rows whose index the running statement gives to a method; likewise."""
conditions_here = unless_too_deep(_guesses.conditions_here, otherwise=None)
"""``conditions_here()``: what the conditions were computed from under which the running statement runs; likewise."""
named_here = unless_too_deep(_guesses.named_here, otherwise=None)
"""``named_here(name, obj)``: what an object was made from that the running code has under a name; likewise."""
looped_here = unless_too_deep(_guesses.looped_here, otherwise=None)
"""``looped_here(item, key)``: what a loop over data took a number or text from that the running statement uses."""
is_literal_object = unless_too_deep(_guesses.is_literal_object, otherwise=False)
"""``is_literal_object(obj)``: whether an object that has a name is literal in the code; likewise."""
is_given_literally = unless_too_deep(_guesses.is_given_literally, otherwise=False)
"""``is_given_literally(maker)``: whether what a call in the running statement takes is literal; likewise."""
table_of = unless_too_deep(_guesses.table_of, otherwise=None)
"""``table_of(names, rows)``: the sources of a table that the running statement makes from a list; likewise."""


class Read(msgspec.Struct, frozen=True):
    """The run read a dataset. ``snapshot`` is what the worker may profile, or None."""

    value: Value
    ref: DatasetRef
    snapshot: Any
    time_ns: int = msgspec.field(default_factory=time.time_ns)


class Write(msgspec.Struct, frozen=True):
    """The run wrote a dataset from ``value``; None if that could not be followed."""

    value: Value | None
    ref: DatasetRef
    snapshot: Any
    time_ns: int
    #: whether ``value`` was added to what the dataset held, which is still in it
    is_added: bool = False
    #: whether nothing of what the dataset held is in it any more: a file that was opened to write it from the beginning
    is_anew: bool = False


class Emptied(msgspec.Struct, frozen=True):
    """A dataset holds nothing now: its table was dropped, its file is new. What is added later is all that it holds."""

    ref: DatasetRef


class Named(msgspec.Struct, frozen=True):
    """A value became a dataset of its own: a training set, a model. ``facets`` are facet bodies by name, or a function
    that creates them on the worker's thread."""

    value: Value
    ref: DatasetRef
    snapshot: Any
    facets: dict[str, Any] | Callable[[], dict[str, Any]]
    is_superseded: bool = False  #: whether another gets its name before anybody sees what is in it


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the run."""

    name: str
    value: Any


class Metric(msgspec.Struct, frozen=True):
    """A measured result, such as the ``accuracy`` of a model on a dataset."""

    name: str
    value: float
    dataset: DatasetRef | None
    step: int | None


class Seed(msgspec.Struct, frozen=True):
    """A source of randomness and its seed; ``value`` None if none was set, which is a fact too."""

    library: str
    scope: str
    value: Any
    code: Any
    line: int


class Statement(msgspec.Struct, frozen=True):
    """An SQL statement that ran (text not yet masked) on a connection known as ``namespace``."""

    text: str
    dialect: str
    namespace: str
    frames: dict[str, Value]
    """In-memory frames that the statement names (duckdb's replacement scans), by name."""
    result: Value | None
    default_schema: str
    files: dict[str, list[str]]
    """The files behind the patterns that the statement names as tables, by pattern."""
    time_ns: int = msgspec.field(default_factory=time.time_ns)


class Unfollowed(msgspec.Struct, frozen=True):
    """Something that capture could not follow. The run reports each text once."""

    text: str


MAX_WAITING: Final = 64
"""How many open files are looked at again."""
MAX_SAME_NAME: Final = 100
"""How many sets of a run with the same base name get names of their own; any more share the last one."""


class Recorder:
    """What one run does. ``items`` only grows; the worker processes it from the beginning and clears what it has
    taken."""

    __slots__ = (
        "_names",
        "_unfollowed",
        "begun",
        "binaries",
        "declared",
        "derive",
        "dropped",
        "items",
        "job_name",
        "job_namespace",
        "max_items",
        "moved",
        "run_id",
        "shown",
        "unclosed",
        "values",
        "waiting",
        "written",
    )

    def __init__(self, run_id: str, job_namespace: str, job_name: str, *, max_items: int = 1_000_000) -> None:
        self.run_id = run_id
        self.job_namespace = job_namespace
        self.job_name = job_name
        self.values = VALUES
        self.derive = _derive
        """``derive(obj, op, inputs, ...)``: ``obj`` was made by ``op`` from ``inputs``; see ``Values.derive``."""
        self.items: list[Any] = []
        self.max_items = max_items
        self.dropped = 0
        self._names: dict[str, list[Any]] = {}
        self._unfollowed: set[str] = set()
        self.written: dict[tuple[str, str], Value] = {}
        """The value that each dataset was last written from, by (namespace, name), if known."""
        self.begun: dict[tuple[str, str], int] = {}
        """How often each dataset was begun anew."""
        self.binaries: dict[int, DatasetRef] = {}
        """The latest files opened to read bytes, which may be unpickled later, by their size."""
        self.unclosed: dict[tuple[str, str], int] = {}
        """Files opened for writing and not closed yet, with the number of their open handles."""
        self.waiting: dict[int, tuple[Any, int, DatasetRef, int | None]] = {}
        """Files open for writing of which the code has not shown what goes into them: by the ``id()`` of the handle,
        the code and the line that opened them, their name, and how often they had been begun anew."""
        self.shown: dict[tuple[str, str], Value | None] = {}
        """For files that the program opened for writing: what the code shows that goes into them, as a whole."""
        self.moved: dict[tuple[str, str], DatasetRef] = {}
        """Files that this run renamed, with their new names, unless the old name was written again."""
        self.declared: set[tuple[str, str]] = set()  # what the program itself named: it is told, on the disk or not

    def add(self, item: Any) -> None:
        """Append one item, or count it as dropped if the limit is reached."""
        if len(self.items) < self.max_items:
            self.items.append(item)
        else:
            self.dropped += 1

    # -- data ------------------------------------------------------------------------------------------------------
    def read(
        self,
        obj: object,
        ref: DatasetRef,
        op: str,
        *,
        columns: Any = None,
        rows: int | None = None,
        detail: dict[str, Any] | None = None,
        snapshot: Any = None,
    ) -> Value:
        """``obj`` was read from ``ref``."""
        value = self.values.derive(obj, op, rule=None, columns=columns, rows=rows, detail=detail, dataset=ref)
        self.add(Read(value, ref, snapshot))
        return value

    def wrote(
        self,
        obj: object,
        ref: DatasetRef,
        *,
        snapshot: Any = None,
        is_added: bool = False,
        is_anew: bool = False,
    ) -> None:
        """``obj`` (or a value) was written to ``ref``. Call it after the write succeeded.

        ``is_added``: to what ``ref`` held before. Then a ``snapshot`` of ``obj`` is none of the whole; give None.
        ``is_anew``: in place of all that ``ref`` held before. If neither is given, it may be a part of what is written,
        or be told a second time.
        """
        value = obj if isinstance(obj, Value) else self.values.get(obj)
        if value is not None:
            self.written[ref[:2]] = value
        self.moved.pop(ref[:2], None)
        if is_anew:
            self.begun[ref[:2]] = self.begun.get(ref[:2], 0) + 1
        self.add(Write(value, ref, snapshot, time.time_ns(), is_added, is_anew))

    def closed(self, ref: DatasetRef) -> None:
        """A handle of a file in ``unclosed`` is gone."""
        left = self.unclosed.pop(ref[:2], 1) - 1
        if left:
            self.unclosed[ref[:2]] = left

    def went_through(self, value: Value, code: Any, line: int) -> None:
        """A line of the user's code iterates over ``value``. (For wrappers of built-in functions: they outlive our
        modules, and must not keep the values of the user's objects alive.)"""
        went_through(value, code, line)

    def put_in_file(self, code: Any, line: int) -> Value | None:
        """What goes into the file opened at a line, according to the code; see ``InferredValues``."""
        return _put_in_file(code, line)

    def wait_for(self, key: int, code: Any, line: int, ref: DatasetRef) -> None:
        """A file was opened at a line, and the code did not show what goes into it: look again whenever the code has
        read something."""
        if len(self.waiting) < MAX_WAITING:
            self.waiting[key] = code, line, ref, self.begun.get(ref[:2])

    def look_again(self, code: Any) -> None:
        """The code has read something: perhaps it shows now what goes into the files that it has opened."""
        for key, (own, line, ref, begun) in list(self.waiting.items()):
            value = self.put_in_file(code, line) if own is code else None
            if value is not None:
                self.waiting.pop(key, None)
                self.shown[ref[:2]] = value
                if self.begun.get(ref[:2]) == begun:
                    self.wrote(value, ref)

    def name(
        self,
        value: Value,
        ref: DatasetRef,
        *,
        snapshot: Any = None,
        facets: dict[str, Any] | Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        """``value`` is a dataset of its own from now on: a training set, a test set, a model."""
        value.dataset = ref
        self.add(Named(value, ref, snapshot, facets or {}))

    def has_read_enough(self, code: Any, line: int) -> bool:
        """Whether ``put_in_file`` finds nothing because that line was analysed too often."""
        return _guesses.has_read_enough(code, line)

    # -- facts of the run ------------------------------------------------------------------------------------------
    def parameter(self, name: str, value: Any) -> None:
        """A parameter of the run. Redacted by name and content before it is kept."""
        self.add(Parameter(name, value))

    def metric(self, name: str, value: float, *, dataset: DatasetRef | None = None, step: int | None = None) -> None:
        """A measured result."""
        self.add(Metric(name, value, dataset, step))

    def seed(self, library: str, scope: str, value: Any, code: Any = None, line: int = 0) -> None:
        """A seed that was set, or None if randomness ran unseeded."""
        self.add(Seed(library, scope, value, code, line))

    def statement(
        self,
        text: str,
        dialect: str,
        namespace: str,
        *,
        frames: dict[str, Value] | None = None,
        files: dict[str, list[str]] | None = None,
        result: Value | None = None,
        default_schema: str = "",
    ) -> None:
        """An SQL statement ran."""
        if namespace.startswith(IN_MEMORY):
            namespace = IN_MEMORY + self.memory_database(dialect, namespace)
        self.add(Statement(text, dialect, namespace, frames or {}, result, default_schema, files or {}))

    def unfollowed(self, text: str) -> None:
        """Record something that capture cannot follow, in one line. The run reports each text once."""
        if text not in self._unfollowed:
            self._unfollowed.add(text)
            self.add(Unfollowed(text))

    def memory_ref(self, name: str, type: str = "IN_MEMORY") -> DatasetRef:
        """The name of a dataset that exists only in this run's memory; the same in every run of the job."""
        return DatasetRef(IN_MEMORY + self.job_namespace, f"{self.job_name}/{name}", type)

    def memory_database(self, engine: str, namespace: str) -> str:
        """The name of a database in memory (``databases.memory_of``) in this run: that of its engine for the first,
        with a number for any other. It is the same in every run that connects in the same order."""
        return self.unique_name(engine, namespace)

    def unique_name(self, base: str, site: Any) -> str:
        """``base``, or ``base_2``, ``base_3`` ... if another site of this run has that name already.

        The same site (compared by equality; None never equals another) gets the same name again, so that a loop does
        not create a thousand sets; after ``MAX_SAME_NAME`` the last name is shared.
        """
        sites = self._names.setdefault(base, [])
        if site is not None and site in sites:
            position = sites.index(site)
        else:
            if len(sites) < MAX_SAME_NAME:
                sites.append(site)
            position = len(sites) - 1
        return base if position == 0 else f"{base}_{position + 1}"


class _Passes:
    """How often the code began to iterate over something else than before."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


PASSES: Final = _Passes()


def went_through(value: Value, code: Any, line: int) -> None:
    """The code at that line iterates over a column, or has read something; see ``InferredValues``."""
    if _guesses.went_through(value, code, line):
        PASSES.count += 1
        recorder = current()
        if recorder is not None and recorder.waiting:
            recorder.look_again(code)


def _record_unread(text: str) -> None:
    recorder = current()
    if recorder is not None:
        recorder.unfollowed(text)


BUDGET.on_limit = _record_unread
