"""``@step``: declares a function as a job. Each call is a run, whose parent is the run it was called from.

Arguments that are followed in memory are the inputs of the run, and followed return values are its outputs. They are
named ``{job}.{parameter}`` and ``{job}.return``, which connects the lineage of one run with that of the next.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headwater.capture import api, context
from headwater.capture.guard import GUARD
from headwater.capture.job_facts import JobFacts
from headwater.capture.recorder import Read, Recorder
from headwater.capture.runs import Run, checked_name, checked_operation, name_value, plain
from headwater.capture.values import DatasetRef, Value
from headwater.errors import InvalidInput

if TYPE_CHECKING:
    from headwater.capture.client import Client

P = ParamSpec("P")
T = TypeVar("T")

MAX_NAMED = 100
"""How many items of one argument or returned collection are examined, on each level."""


@overload
def step(function: Callable[P, T], /) -> Callable[P, T]: ...


@overload
def step(
    function: None = None, /, *, name: str | None = None, operation: str | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def step(function: Any = None, /, *, name: str | None = None, operation: str | None = None) -> Any:
    """Declare a function as a job: ``@step`` or ``@step(name="clean", operation="ETL")``.

    Works on functions, methods and generators, and their ``async`` forms. Plain arguments become parameters of the run.
    Results, exceptions and the signature of the function do not change.

    Raises:
        InvalidInput: ``operation`` is unknown, ``name`` is not a string, or what is declared is not callable.
    """
    if name is not None:
        checked_name("name", name)
    checked_operation(operation)

    def decorate(target: Any) -> Any:
        if not callable(target):
            hint = 'a name is given as @step(name="clean")' if isinstance(target, str) else None
            raise InvalidInput(field="step", value=repr(target)[:80], rule="must be a function", hint=hint)
        definition = _Step(target, name, operation)
        if inspect.isasyncgenfunction(target):
            return _async_generator(definition)
        if inspect.iscoroutinefunction(target):
            return _coroutine(definition)
        if inspect.isgeneratorfunction(target):
            return _generator(definition)
        return _plain_function(definition)

    return decorate if function is None else decorate(function)


class _Step:
    """A function declared as a job."""

    def __init__(self, function: Callable[..., Any], name: str | None, operation: str | None) -> None:
        self.function = function
        self.operation = operation
        self.name = name or getattr(function, "__qualname__", type(function).__name__).replace(".<locals>", "")
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self.signature = None

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        """Start the run of this call; None if nothing is being recorded."""
        client = api.ensure_client()
        if client is None:
            return None
        parent = context.current()
        prefix = f"{parent.job_name}." if parent is not None else ""
        run = client.open_run(prefix + self.name, operation=self.operation, facts=self._facts(client))
        call = _Call(self, run, parent)
        with GUARD.at("step.arguments"):
            call.take_arguments(self._bound(args, kwargs))
        return call

    def begin_guarded(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        """Like ``begin``, but an error in capture leaves the call unrecorded."""
        with GUARD.at("step.begin"):
            return self.begin(args, kwargs)
        return None

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if self.signature is None:
            return {str(i): value for i, value in enumerate(args)} | kwargs
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError:
            return {}  # the call itself will raise
        bound.apply_defaults()
        return dict(bound.arguments)

    def _facts(self, client: Client) -> JobFacts:
        return JobFacts(functools.partial(self._job_facets, with_text=client.config.settings.source_code))

    def _job_facets(self, *, with_text: bool) -> dict[str, Any]:
        from headwater.capture.code_fingerprints import code_fingerprint
        from headwater.capture.source_code import source_facet

        found = code_fingerprint(self.function, text=with_text)
        body = {
            "name": found.name,
            "bytecode_digest": found.bytecode,
            "source_digest": found.source,
            "sha256": found.source or found.bytecode,
            "path": found.path,
            "line": found.line,
        }
        facets: dict[str, Any] = {"headwater_code": {key: value for key, value in body.items() if value is not None}}
        if found.text:
            facets["sourceCode"] = source_facet(found.text, found.source or found.bytecode)
        text = inspect.getdoc(self.function)
        if text:
            facets["documentation"] = {"description": text[:2000]}
        return facets


class _Call:
    """One call of a step."""

    def __init__(self, definition: _Step, run: Run, parent: Recorder | None) -> None:
        self.definition = definition
        self.run = run
        self.parent = parent
        self._inputs: set[int] = set()

    def take_arguments(self, arguments: dict[str, Any]) -> None:
        """Record followed arguments as inputs and plain ones as parameters."""
        recorder = self.run.recorder
        for name, argument in arguments.items():
            followed = list(_followed(recorder, argument, name))
            for label, value in followed:
                self._inputs.add(id(value))
                if value.dataset is None:
                    name_value(self.parent or recorder, value, self._ref(label))
                if value.dataset is not None:
                    recorder.add(Read(value, value.dataset, None))
            if not followed and name not in ("self", "cls") and _is_plain(argument):
                recorder.parameter(name, plain(argument))

    def take_result(self, result: Any) -> None:
        """Record followed results as outputs of the step and inputs of the calling run."""
        recorder = self.run.recorder
        for label, value in _followed(recorder, result, "return"):
            if id(value) in self._inputs:
                continue
            name_value(recorder, value, self._ref(label))
            if self.parent is not None and value.dataset is not None:
                self.parent.add(Read(value, value.dataset, None))

    def _ref(self, label: str) -> DatasetRef:
        place = self.parent or self.run.recorder
        own = self.definition.name + "." if self.parent is not None else ""
        return place.memory_ref(own + label)

    def body(self, *, ending: type[Exception] | None = None) -> _Body:
        """A ``with`` section for the step's own code, which runs in the run of this call."""
        return _Body(self, ending)

    def end(self, error: BaseException | None, result: Any = None) -> None:
        """End the call."""
        with GUARD.at("step.result"):
            if error is None:
                self.take_result(result)
        self.run.close(error)


class _Body:
    """Where the code of a step runs: the run of its call is the current one, and is ended by an exception. With
    ``ending``, the exception by which a generator says that it has come to its end, it is completed."""

    __slots__ = ("_call", "_ending", "_entry")

    def __init__(self, call: _Call, ending: type[Exception] | None) -> None:
        self._call = call
        self._ending = ending
        self._entry: context.Entry | None = None

    def __enter__(self) -> None:
        self._entry = context.enter(self._call.run.recorder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entry is not None:
            context.leave(self._entry)
        if self._ending is not None and isinstance(error, self._ending):
            self._call.end(None, getattr(error, "value", None))
        elif error is not None:
            self._call.end(error)


def _followed(recorder: Recorder, item: Any, label: str, depth: int = 0) -> Iterator[tuple[str, Value]]:
    """The values of the followed objects in an argument or result, each with a label."""
    value = recorder.values.get(item)
    if value is not None:
        yield label, value
    elif depth < 2 and isinstance(item, tuple | list):
        for place, part in enumerate(item[:MAX_NAMED]):
            yield from _followed(recorder, part, f"{label}[{place}]", depth + 1)
    elif depth < 2 and isinstance(item, dict):
        for key, part in list(item.items())[:MAX_NAMED]:
            yield from _followed(recorder, part, f"{label}.{key}", depth + 1)


def _is_plain(item: Any) -> bool:
    if isinstance(item, tuple | list | set | frozenset):
        return len(item) <= 20 and all(_is_plain(part) for part in item)
    return item is None or isinstance(item, bool | int | float | str)


def _plain_function(definition: _Step) -> Callable[..., Any]:
    function = definition.function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        under = definition.begin_guarded(args, kwargs)
        if under is None:
            return function(*args, **kwargs)
        with under.body():
            result = function(*args, **kwargs)
        under.end(None, result)
        return result

    return call


def _coroutine(definition: _Step) -> Callable[..., Any]:
    function = definition.function

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        under = definition.begin_guarded(args, kwargs)
        if under is None:
            return await function(*args, **kwargs)
        with under.body():
            result = await function(*args, **kwargs)
        under.end(None, result)
        return result

    return call


def _generator(definition: _Step) -> Callable[..., Any]:
    function = definition.function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        under = definition.begin_guarded(args, kwargs)
        if under is None:
            return (yield from function(*args, **kwargs))
        body = under.body(ending=StopIteration)
        with body:
            inner = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, inner)
        while True:
            try:
                with body:
                    item = resume()
            except StopIteration as stop:
                return stop.value
            with GUARD.at("step.result"):
                under.take_result(item)
            try:
                sent = yield item
            except GeneratorExit:
                with body:
                    inner.close()
                under.end(None)
                raise
            except BaseException as thrown:  # noqa: BLE001 - passed on into the generator, as ``yield from`` does
                resume = functools.partial(inner.throw, thrown)
            else:
                resume = functools.partial(inner.send, sent)

    return call


def _async_generator(definition: _Step) -> Callable[..., Any]:
    function = definition.function

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        under = definition.begin_guarded(args, kwargs)
        body = under.body(ending=StopAsyncIteration) if under is not None else nullcontext()
        with body:
            inner = function(*args, **kwargs)
        resume: Callable[[], Any] = inner.__anext__
        while True:
            try:
                with body:
                    item = await resume()
            except StopAsyncIteration:
                return
            if under is not None:
                with GUARD.at("step.result"):
                    under.take_result(item)
            try:
                sent = yield item
            except GeneratorExit:
                with body:
                    await inner.aclose()
                if under is not None:
                    under.end(None)
                raise
            except BaseException as thrown:  # noqa: BLE001 - passed on into the generator
                resume = functools.partial(inner.athrow, thrown)
            else:
                resume = functools.partial(inner.asend, sent)

    return call
