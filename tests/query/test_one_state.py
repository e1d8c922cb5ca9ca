"""Every question is answered from one state of its store, whoever writes between its reads and whoever follows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headwater.errors import HeadwaterError, StoreError
from headwater.model.graph import Direction, NodeKind
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.walk_json import walk_json
from headwater.storage.base import Store
from headwater.storage.memory import MemoryStore
from headwater.storage.open import open_store
from headwater.storage.row_types import Level
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.table_store import TableStore
from headwater.testing.events import EPOCH_US, SECOND_US, History, at


def no_more() -> None:
    """Nothing comes about."""


Question = Callable[[Lineage], Any]
Open = Callable[..., Store]

BEGUN = 12
"""Events that a store has before the first question."""
MOST_BESIDE = 3
"""Commits that come about while one question is answered: the first before it is begun."""
LEVELS: tuple[Level, ...] = ("dataset", "run")
NOW_US = EPOCH_US + 3600 * SECOND_US


class Restless(TableStore):
    """A store in which something comes about before it is asked anything, and before each single read of a question.

    ``before`` is called whenever nothing of the store is being read; ``within`` while something is.
    """

    before: Callable[[], None] = staticmethod(no_more)
    within: Callable[[], None] = staticmethod(no_more)
    _reads = 0
    _is_acting = False

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._is_acting:
            self._is_acting = True
            try:
                (self.within if self._reads else self.before)()
            finally:
                self._is_acting = False
        with super()._reading():
            self._reads += 1
            try:
                yield
            finally:
                self._reads -= 1


class RestlessMemory(Restless, MemoryStore):
    """In memory."""


class RestlessSQLite(Restless, SQLiteStore):
    """In a folder."""


def questions(store: Store) -> dict[str, Question]:
    """One of everything that can be asked, about what a store holds now, by what it is called."""
    rows = store.scan_nodes(limit=1000)
    datasets = [node_id(row) for row in rows if row.kind is NodeKind.DATASET]
    jobs = [node_id(row) for row in rows if row.kind is NodeKind.JOB]
    first, last, job = datasets[0], datasets[-1], jobs[0]
    run = store.runs(limit=1)[0].run_id
    found: dict[str, Question] = {}
    for name in (first, last, job, f"{first}#1"):
        for direction in Direction:
            for options in ({}, {"columns": True}, {"as_of": at(40)}, {"level": "run"}, {"kinds": ["TABLE"]}):
                found[f"{direction.value} {name} {options}"] = _walk(direction, name, **options)
    found |= {
        f"column {last}": lambda lineage: lineage.upstream(f"{last}:a"),
        "limit": lambda lineage: lineage.downstream(first, limit=2),
        "path": lambda lineage: lineage.path(first, last, limit=3),
        "graph": lambda lineage: lineage.graph(f"+{last} | {job}+"),
        "select": lambda lineage: lineage.select(f"+{last}+"),
        "impact": lambda lineage: lineage.impact(first),
        "impact of a column": lambda lineage: lineage.impact(f"{first}:a"),
        "why": lambda lineage: lineage.why(last),
        "diff of a job": lambda lineage: lineage.diff(job),
        "diff of a dataset": lambda lineage: lineage.diff(last),
        "diff of instants": lambda lineage: lineage.diff(at(20), at(50)),
        "diff above": lambda lineage: lineage.diff(at(20), at(50), of=last),
        "show": lambda lineage: lineage.show(last),
        "show a job": lambda lineage: lineage.show(job),
        "show a run": lambda lineage: lineage.show(run),
        "claims": lambda lineage: lineage.claims(job),
        "search": lambda lineage: lineage.search("t"),
        "history": lambda lineage: lineage.history(last),
        "history of a job": lambda lineage: lineage.history(job),
        "runs": lambda lineage: lineage.runs(),
        "runs of a dataset": lambda lineage: lineage.runs(last),
        "record": lambda lineage: lineage.record(run),
        "coverage": lambda lineage: lineage.coverage(),
    }
    return found


def _walk(direction: Direction, name: str, **options: Any) -> Question:
    return lambda lineage: msgspec.json.decode(walk_json(lineage, name, direction, **options))


def answer(question: Question, store: Store) -> Any:
    """What is answered; what a question is refused for counts as an answer."""
    try:
        return question(Lineage(store, base="/", clock=lambda: NOW_US))
    except HeadwaterError as error:
        return type(error).__name__, str(error)


class Writer:
    """Appends one event of a history at a time, and knows the answers of a quiet store to which it did the same."""

    def __init__(self, store: Store, quiet: Store, events: Sequence[bytes]) -> None:
        self.store = store
        self._quiet = quiet
        self._left = iter(events)
        self._given: list[bytes] = []
        for _ in range(BEGUN):
            self.go_on()

    def go_on(self) -> None:
        """Append the next event, if any is left."""
        for event in self._left:
            self.store.append([event], received_at=0)
            self._given.append(event)
            return

    @property
    def count(self) -> int:
        """How many events were appended."""
        return len(self._given)

    def quiet(self, count: int) -> Store:
        """The quiet store, brought up to so many events; never asked for fewer than before."""
        have = self._quiet.statistics().events
        for event in self._given[have:count]:
            self._quiet.append([event], received_at=0)
        return self._quiet


def check(asked: Restless, writer: Writer) -> None:
    """Ask everything: what is shown is the state as of the one event that comes before the first read."""
    for name, question in questions(writer.quiet(writer.count)).items():
        count = writer.count
        asked.before = writer.go_on
        try:
            found = answer(question, asked)
        finally:
            asked.before = no_more
        assert found == answer(question, writer.quiet(count + 1)), f"{name}, as of event {count + 1}"


def check_beside(asked: Restless, writer: Writer) -> None:
    """The same with another handle that commits, and takes its graphs further, before each of the first reads."""
    for name, question in questions(writer.quiet(writer.count)).items():
        count = writer.count

        def go_on(until: int = count + MOST_BESIDE) -> None:
            if writer.count < until:
                writer.go_on()
                for level in LEVELS:
                    writer.store.index(level)

        asked.before = asked.within = go_on
        try:
            found = answer(question, asked)
        finally:
            asked.before = asked.within = no_more
        assert found == answer(question, writer.quiet(count + 1)), f"{name}, as of event {count + 1}"


@contextmanager
def beside(open_: Open, seed: int, *, is_shared: bool) -> Iterator[tuple[Restless, Writer]]:
    """A handle that is asked, and a writer through another one; they share their graphs or do not."""
    with ExitStack() as stack:
        store = stack.enter_context(open_())
        writer = Writer(store, stack.enter_context(MemoryStore.open()), events_of(seed))
        asked = stack.enter_context(open_(read_only=True, share_index_with=store if is_shared else None))
        assert isinstance(asked, Restless)
        yield asked, writer


def events_of(seed: int) -> list[bytes]:
    """Some hundred different events, in an order that the seed gives."""
    return list(dict.fromkeys(History(seed).events(250)))


seeds = st.integers(0, 10_000)
common = settings(
    deadline=None,
    max_examples=2,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller seed is no simpler history
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(seed=seeds)
@common
def test_on_one_handle_in_memory(seed: int) -> None:
    """A commit through the same handle, before every read that it lets another through for, is in no answer in part."""
    with RestlessMemory.open() as asked, MemoryStore.open() as quiet:
        check(asked, Writer(asked, quiet, events_of(seed)))


@given(seed=seeds)
@common
def test_on_one_handle_on_sqlite(seed: int) -> None:
    """The same in a folder."""
    with TemporaryDirectory() as folder, RestlessSQLite.open(Path(folder)) as asked, MemoryStore.open() as quiet:
        check(asked, Writer(asked, quiet, events_of(seed)))


@given(seed=seeds, is_shared=st.booleans())
@common
def test_beside_a_writer_on_sqlite(seed: int, is_shared: bool) -> None:
    """Another handle, of this process or of another, commits before every read, and its graphs are ahead."""
    with (
        TemporaryDirectory() as folder,
        beside(lambda **how: RestlessSQLite.open(Path(folder), **how), seed, is_shared=is_shared) as (asked, writer),
    ):
        check_beside(asked, writer)


def test_a_graph_that_is_made_while_the_first_question_is_answered_is_not_ahead_of_it(tmp_path: Path) -> None:
    """Nobody asked for a graph before the question began: what another handle makes of later events is not in the
    answer. In this history they bring an edge."""
    with beside(lambda **how: RestlessSQLite.open(tmp_path, **how), 10, is_shared=True) as (asked, writer):
        check_beside(asked, writer)


def test_on_postgres(postgres_url: str, tmp_path: Path) -> None:
    """The same on PostgreSQL."""
    postgres = pytest.importorskip("headwater.storage.postgres").PostgresStore

    class RestlessPostgres(Restless, postgres):  # type: ignore[misc,valid-type]
        """On a server."""

    with RestlessPostgres.open(postgres_url, tenant=f"{tmp_path.name}-one") as asked, MemoryStore.open() as quiet:
        check(asked, Writer(asked, quiet, events_of(1)))
    open_ = partial(RestlessPostgres.open, postgres_url, tenant=f"{tmp_path.name}-two")
    with beside(open_, 2, is_shared=True) as (reader, writer):
        check_beside(reader, writer)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind, for many threads."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    target = {"memory": "memory://", "sqlite": str(tmp_path / "store")}.get(request.param, url)
    with open_store(target, tenant=f"{tmp_path.name}-many") as store:
        yield store


def test_threads_that_ask_and_write_through_one_handle_all_end(shared: Store) -> None:
    """Each asks everything while another writes and others ask for the graphs: nobody waits for ever, and nobody is
    told of a node, a name or an edge that is not there."""
    events = iter(events_of(4))
    shared.append([next(events) for _ in range(BEGUN)])
    asked, begin = questions(shared), threading.Barrier(5, timeout=60)
    answers: list[object] = []
    done = threading.Event()

    def ask(first: int) -> None:
        begin.wait()
        names = list(asked)
        # An error that is no refusal ends the thread, and the test.
        answers.extend(answer(asked[name], shared) for name in names[first:] + names[:first])

    def write() -> None:
        begin.wait()
        while not done.is_set():
            shared.append([event for event, _ in zip(events, range(3), strict=False)])

    def follow() -> None:
        begin.wait()
        while not done.is_set():
            assert all(shared.index(level).node_count for level in LEVELS), "seen while it was made anew"

    asking = [threading.Thread(target=ask, args=(first,), daemon=True) for first in (0, 20, 40)]
    beside = [threading.Thread(target=one, daemon=True) for one in (write, follow)]
    for thread in (*asking, *beside):
        thread.start()
    for thread in asking:
        thread.join(120)
    done.set()
    for thread in beside:
        thread.join(30)
    assert not any(thread.is_alive() for thread in (*asking, *beside))
    assert len(answers) == len(asking) * len(asked)
    assert not [found for found in answers if isinstance(found, tuple) and "refresh()" in found[1]]


def test_a_view_within_a_view_is_the_same(shared: Store) -> None:
    """Its graphs are those of its state, however often they are asked for; nothing is written in it."""
    shared.append(events_of(5)[:BEGUN])
    with shared.view() as view:
        index = shared.index("dataset")
        with shared.view() as inner:
            assert inner is view
        assert shared.index("dataset") is index
        with pytest.raises(StoreError):
            shared.append(events_of(5))
    with shared.view() as later:
        assert later is not view
        assert later.state == view.state
