"""``Run``, the object that user code gets for a run: inputs, outputs, parameters, metrics and tags."""

from __future__ import annotations

import operator
import os
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from headwater.capture import context
from headwater.capture.guard import GUARD
from headwater.capture.recorder import Named, Read, Recorder, Write
from headwater.capture.values import DatasetRef, Value, make_value
from headwater.errors import InvalidInput

if TYPE_CHECKING:
    from headwater.capture.client import Client
    from headwater.capture.worker import Session

Dataset = str | os.PathLike[str] | tuple[str, str] | DatasetRef
"""A path or URI, or the namespace and name of a dataset."""

OPERATIONS = ("ETL", "FEATURE_COMPUTATION", "MODEL_TRAINING", "INFERENCE")


def new_run_id() -> str:
    """A UUID of version 7: ids of later runs sort after those of earlier runs."""
    random = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds & (1 << 48) - 1) << 80
    number |= 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(uuid.UUID(int=number))


def dataset_ref(dataset: Dataset, type: str | None = None) -> DatasetRef:
    """The dataset that a user's argument refers to.

    Raises:
        InvalidInput: it is not a path, a URI, or a pair of namespace and name.
    """
    if type is not None:
        checked_name("type", type)
    if isinstance(dataset, DatasetRef):
        return dataset if type is None else dataset._replace(type=type)
    if isinstance(dataset, str | os.PathLike):
        from headwater.model.uris import from_uri

        named = from_uri(dataset)
        return DatasetRef(named.namespace, named.name, type or "FILE")
    if isinstance(dataset, tuple) and len(dataset) == 2 and all(isinstance(part, str) and part for part in dataset):
        return DatasetRef(dataset[0], dataset[1], type or "TABLE")
    raise InvalidInput(
        field="dataset",
        value=repr(dataset)[:80],
        rule="must be a path, a URI or a (namespace, name) pair",
    )


def checked_name(field: str, name: object) -> str:
    """Check a name that the user gave.

    Raises:
        InvalidInput: it is empty or not a string.
    """
    if isinstance(name, str) and name:
        return name
    raise InvalidInput(field=field, value=_shown(name), rule="must be a text that is not empty")


def checked_operation(operation: str | None) -> None:
    """Check what kind of work the user says a job does; None is any.

    Raises:
        InvalidInput: it is none of ``OPERATIONS``.
    """
    if operation is not None and operation not in OPERATIONS:
        raise InvalidInput(field="operation", value=_shown(operation), rule="must be one of " + ", ".join(OPERATIONS))


def checked_parameters(parameters: object) -> None:
    """Check parameters that the user gave; None is none.

    Raises:
        InvalidInput: they are no mapping, or one has no name.
    """
    for name in _checked_mapping(parameters):
        checked_name("parameters", name)


def _checked_mapping(parameters: object) -> Mapping[Any, Any]:
    if isinstance(parameters, Mapping):
        return parameters
    if parameters is None:
        return {}
    raise InvalidInput(field="parameters", value=_shown(parameters), rule="must be a mapping from names to values")


def _checked_number(value: Any) -> float:
    """A metric value that the user gave, as a float: any type that holds one number (numpy scalar, tensor of one
    element)."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last is torch's, of many elements
        raise InvalidInput(
            field="value", value=_shown(value), rule="must be a number", hint="record other values as parameters"
        ) from error


def _checked_step(step: Any) -> int | None:
    """The step at which something was measured."""
    try:
        number = None if step is None else operator.index(step)
    except TypeError:
        number = -1
    if number is not None and not 0 <= number < 1 << 63:
        raise InvalidInput(
            field="step", value=_shown(step), rule="must be a whole number, 0 or more", hint="count steps from 0"
        )
    return number


def _shown(value: object) -> str:
    """A value for an error message. Values that may be data are shown only by their type."""
    if value is None or isinstance(value, str | bytes | int | float):
        return repr(value)[:80]
    return f"a value of the type {type(value).__name__}"


class Run:
    """One execution of a job, created by ``headwater.run(...)``. As a context manager, its body belongs to the run."""

    def __init__(self, client: Client | None, recorder: Recorder, session: Session | None) -> None:
        self._client = client
        self._session = session
        self.recorder = recorder
        self._cpu_start_s = time.process_time()
        self._entry: context.Entry | None = None
        self._tags: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The id of the run, a UUID."""
        return self.recorder.run_id

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.recorder.job_name

    @property
    def namespace(self) -> str:
        """The namespace of the job."""
        return self.recorder.job_namespace

    # -- data ----------------------------------------------------------------------------------------------------------
    def read(self, dataset: Dataset, obj: object = None, *, type: str | None = None) -> None:
        """Record that the run read ``dataset``. Whatever is later made from ``obj``, if given, comes from that dataset.

        ``type`` is the type of the dataset (MODEL, TOPIC ...); it defaults to FILE for a path or URI, TABLE for a pair.

        Raises:
            InvalidInput: ``dataset`` is not a path, a URI, or a pair of namespace and name.
        """
        ref = dataset_ref(dataset, type)
        with GUARD.at("run.read"):
            self.recorder.declared.add(ref[:2])
            columns, rows = _shape(obj)
            if obj is not None:
                self.recorder.read(obj, ref, "headwater.read", columns=columns, rows=rows)
            else:
                value = make_value("headwater.read", dataset=ref)
                self.recorder.add(Read(value, ref, None))

    def write(self, dataset: Dataset, obj: object = None, *, type: str | None = None) -> None:
        """Record that the run wrote ``dataset``, from ``obj`` if given, otherwise from everything it read before.

        ``type`` is as for ``read``.

        Raises:
            InvalidInput: ``dataset`` is not a path, a URI, or a pair of namespace and name.
        """
        ref = dataset_ref(dataset, type)
        with GUARD.at("run.write"):
            self.recorder.declared.add(ref[:2])
            value = self.recorder.values.get(obj) if obj is not None else None
            self.recorder.add(Write(value, ref, None, time.time_ns()))

    # -- facts ---------------------------------------------------------------------------------------------------------
    def parameter(self, name: str, value: Any) -> None:
        """Record one parameter. Values with secret names are masked before they are stored.

        Raises:
            InvalidInput: ``name`` is empty or not a string.
        """
        checked_name("name", name)
        with GUARD.at("run.parameter"):
            self.recorder.parameter(name, plain(value))

    def parameters(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Record several parameters.

        Raises:
            InvalidInput: ``values`` is no mapping, or a name is empty or not a string.
        """
        for name, value in {**_checked_mapping(values), **more}.items():
            self.parameter(name, value)

    def metric(self, name: str, value: float, *, dataset: Dataset | None = None, step: int | None = None) -> None:
        """Record a metric, measured on ``dataset`` if given.

        Raises:
            InvalidInput: ``name`` is not a string, ``value`` not a number, ``step`` not an integer of 0 or more, or
                ``dataset`` not something that ``read`` accepts.
        """
        checked_name("name", name)
        value, step = _checked_number(value), _checked_step(step)
        ref = None if dataset is None else dataset_ref(dataset)
        with GUARD.at("run.metric"):
            self.recorder.metric(name, value, dataset=ref, step=step)

    def tag(self, key: str, value: str = "true") -> None:
        """Tag the run.

        Raises:
            InvalidInput: ``key`` is empty or not a string.
        """
        self._tags[checked_name("key", key)] = str(value)
        if self._client is not None and self._session is not None:
            with GUARD.at("run.tag"):
                self._session.late_facets.append(self._client.tag_event(self.recorder, self._tags))

    # -- life ----------------------------------------------------------------------------------------------------------
    def __enter__(self) -> Run:
        self._entry = context.enter(self.recorder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entry is not None:
            context.leave(self._entry)
            self._entry = None
        self.close(error)

    def close(self, error: BaseException | None = None) -> None:
        """End the run: COMPLETE, FAIL if there is an exception, ABORT if it was interrupted."""
        if self._client is not None and self._session is not None and self._session.outcome is None:
            with GUARD.at("run.close"):
                self._client.close_run(self, error)

    def measures(self) -> dict[str, Any]:
        """Processor time of the process since the run began, and its peak memory so far."""
        measures: dict[str, Any] = {"cpu_s": round(time.process_time() - self._cpu_start_s, 6)}
        peak = peak_memory_bytes()
        if peak:
            measures["peak_memory_bytes"] = peak
        return measures

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.namespace}/{self.name}>"


def peak_memory_bytes() -> int:
    """The peak memory of the process in bytes, or 0 if the system does not report it."""
    try:
        import resource
    except ImportError:
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def plain(value: Any, depth: int = 0) -> Any:
    """A parameter as a small JSON value, never data. Long texts and collections are shortened."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= 2000 else value[:2000] + "..."
    if depth < 3 and isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in list(value.items())[:100]}
    if depth < 3 and isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        return [plain(item, depth + 1) for item in items[:100]]
    item = getattr(value, "item", None)
    if depth < 3 and item is not None and getattr(value, "ndim", None) == 0:
        return plain(item(), depth + 1)
    shape = getattr(value, "shape", None)
    if shape is not None:
        return f"{type(value).__name__}{tuple(shape)}"
    text = str(value)
    return text if len(text) <= 500 else text[:500] + "..."


def _shape(obj: object) -> tuple[Any, int | None]:
    """Column names and row count of an object, if it has them."""
    columns = getattr(obj, "columns", None)
    if columns is not None and not isinstance(columns, tuple):
        columns = tuple(str(name) for name in columns) if hasattr(columns, "__iter__") else None
    shape = getattr(obj, "shape", None)
    rows = shape[0] if isinstance(shape, tuple) and shape and isinstance(shape[0], int) else None
    return columns, rows


def name_value(recorder: Recorder, value: Value, ref: DatasetRef) -> None:
    """Make ``value`` a dataset, unless it already is one."""
    if value.dataset is None:
        value.dataset = ref
        recorder.add(Named(value, ref, None, {}))
