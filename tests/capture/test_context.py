"""The current run, in generators and in contexts that are not the one it began in."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

import headwater
from headwater.capture import context
from headwater.capture.recorder import Recorder


def ends_of(events: list[dict], job: str) -> list[str]:
    """How the runs of a job ended."""
    return [e["eventType"] for e in events if e["job"]["name"] == job and e["eventType"] not in ("START", "RUNNING")]


@pytest.mark.parametrize("is_inherited", [True, False])
def test_a_run_may_end_in_another_context_than_it_began_in(in_process, is_inherited):
    """Web frameworks and test runners begin and end a generator in different contexts: nothing is raised into the
    program, the run ends, and what follows belongs to the run around it."""
    outer, events = in_process()
    run = headwater.run("around")
    first = contextvars.copy_context()
    first.run(run.__enter__)
    second = first.copy() if is_inherited else contextvars.copy_context()
    second.run(run.__exit__, None, None, None)
    assert ends_of(events(), "around") == ["COMPLETE"]
    assert second.run(context.current) is outer.recorder


def test_leaving_in_another_context_keeps_what_is_current_there():
    """An entry of one context is not undone in another that has a run of its own."""
    recorders = [Recorder(str(number), "tests", "job") for number in range(2)]
    entry = contextvars.copy_context().run(context.enter, recorders[0])
    own = context.enter(recorders[1])
    context.leave(entry)
    assert context.current() is recorders[1]
    context.leave(own)


def test_a_generator_step_that_is_closed_early_ends_in_its_own_run(in_process):
    """What a generator does when it is closed belongs to its run, and if that fails, the run has failed."""
    _, events = in_process()
    seen = []

    @headwater.step(name="gen")
    def gen():
        try:
            yield 1
        finally:
            seen.append(headwater.current_run().name)
            raise ValueError("cannot be closed")

    @headwater.step(name="agen")
    async def agen():
        try:
            yield 1
        finally:
            seen.append(headwater.current_run().name)
            raise ValueError("cannot be closed")

    async def close_early() -> None:
        running = agen()
        await anext(running)
        await running.aclose()

    generator = gen()
    next(generator)
    with pytest.raises(ValueError, match="cannot be closed"):
        generator.close()
    with pytest.raises(ValueError, match="cannot be closed"):
        asyncio.run(close_early())
    assert seen == ["test.job.gen", "test.job.agen"]
    assert ends_of(events(), "test.job.gen") == ends_of(events(), "test.job.agen") == ["FAIL"]


def test_a_generator_step_that_cannot_be_called_leaves_no_open_run(in_process):
    """A call with arguments that do not fit fails as it would without the decorator, and its run has failed."""
    _, events = in_process()

    @headwater.step(name="gen")
    def gen(one):
        yield one

    with pytest.raises(TypeError, match="one"):
        next(gen())
    assert ends_of(events(), "test.job.gen") == ["FAIL"]
