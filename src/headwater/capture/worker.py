"""The worker: one daemon thread per process that turns recorded facts into events, redacts and delivers them.

The user's threads only append to recorders, which the worker examines twice a second. It stops before a fork and starts
again afterwards, so that no thread of ours runs during a fork; in the child it starts when the child records something.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from headwater.capture.delivery import Delivery
from headwater.capture.frame_stack import with_room_below
from headwater.capture.guard import GUARD
from headwater.capture.hooks import BUSY
from headwater.capture.own_threads import OwnThread
from headwater.capture.redact import Redactor

if TYPE_CHECKING:
    from headwater.capture.assembler import Assembler
    from headwater.capture.run_outcomes import Outcome

_WAKE_EVENTS = 1000
FORK_WAIT_S = 5.0
"""How long a fork waits for the worker to finish its current cycle."""


class _Request:
    """A caller that waits for the end of the next cycle."""

    __slots__ = ("done", "is_last")

    def __init__(self, is_last: bool) -> None:
        self.done = threading.Event()
        self.is_last = is_last


class Session:
    """One open run, for the worker."""

    __slots__ = ("assembler", "is_started", "late_facets", "outcome")

    def __init__(self, assembler: Assembler) -> None:
        self.assembler = assembler
        self.is_started = False
        self.outcome: Outcome | None = None
        self.late_facets: list[bytes] = []
        """Events with run facets that do not come from the assembler: tags set during the run."""


class _Cut(NamedTuple):
    """Everything that had been recorded at ``time_ns``: the open runs, each with its outcome, None if it went on, and
    the number of its items."""

    time_ns: int
    due: list[tuple[Session, Outcome | None, int]]


class Worker:
    """Processes sessions and loose events. ``lock`` is held while it does."""

    def __init__(self, delivery: Delivery, redactor: Redactor, *, interval_s: float) -> None:
        self.delivery = delivery
        self.redactor = redactor
        self.lock = threading.RLock()
        self._interval_s = interval_s
        self._sessions: list[Session] = []
        self._ended: dict[str, Outcome] = {}
        """Runs whose last events are in memory only, and which the lease therefore still has."""
        self._loose: list[bytes] = []
        self._wake = threading.Event()
        self._requests: list[_Request] = []
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    # -- from the user's threads ---------------------------------------------------------------------------------------
    def open(self, session: Session, *, wakes: bool = True) -> None:
        """Start processing a run. Unless ``wakes`` is false, its START event is sent at once."""
        self._sessions.append(session)
        if wakes:
            self.start()
            self._wake.set()

    def close(self, session: Session, outcome: Outcome) -> None:
        """End a run; the next cycle sends its last event."""
        session.outcome = outcome

    def emit(self, events: Sequence[bytes]) -> None:
        """Queue finished events, to be redacted and sent by the worker. Never blocks."""
        self._loose.extend(events)
        if self._thread is None:
            self.start()
        if len(self._loose) >= _WAKE_EVENTS and not self._wake.is_set():
            self._wake.set()

    # -- the thread ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the thread if it is not running."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            return
        with self.lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._is_stopping = False
            self._thread = OwnThread(self._work, "headwater-capture")
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is ending, or no thread can be started: the last flush does the work
                self._thread = None

    @with_room_below
    def _work(self) -> None:
        BUSY.depth = 1  # nothing that this thread does is recorded
        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            if self._must_stop():
                break
            requests, self._requests = self._requests, []
            with self.lock:
                self.cycle(is_urgent=bool(requests), is_last=any(request.is_last for request in requests))
            for request in requests:
                request.done.set()

    def _must_stop(self) -> bool:
        return self._is_stopping

    def cycle(self, *, is_urgent: bool = False, is_last: bool = False) -> None:
        """Process everything once, and send the resulting events. The caller holds ``lock``."""
        with GUARD.at("worker"):
            self.delivery.lease.touch()
            events, ended = self._collect()
            self._ended |= ended
            self.delivery.send(events, is_urgent=is_urgent, is_last=is_last)
            self._close_leases(ended)

    def _close_leases(self, ended: dict[str, Outcome]) -> None:
        """Take the runs that have ended out of the lease, now that their last events are delivered or on disk. While
        events are in memory only, which may be lost, it says how those ended that did just now."""
        lease = self.delivery.lease
        if self.delivery.unkept:
            for run_id, outcome in ended.items():
                lease.ended(run_id, outcome.state, outcome.exit_code)
            return
        done, self._ended = self._ended, {}
        for run_id in done:
            lease.closed(run_id)

    def _collect(self, *, is_last_word: bool = False) -> tuple[list[bytes], dict[str, Outcome]]:
        """The events that are due, redacted, and how the runs ended that end with them, by id. ``is_last_word``: the
        process may end before it can say more."""
        loose, self._loose = self._loose, []
        events = [event for raw in loose for event in self._redacted(raw)]
        ended = {}
        cut = self._cut()
        for session, _, end in cut.due:  # first, because what one run made may be what another has read
            with GUARD.at("assembler.take"):
                session.assembler.take(end)
        for session, outcome, _ in cut.due:
            for raw in self._events_of(session, outcome, cut.time_ns, is_last_word=is_last_word):
                events.extend(self._redacted(raw))
            if outcome is not None:
                self._sessions.remove(session)
                ended[session.assembler.recorder.run_id] = outcome
        return events, ended

    def _cut(self) -> _Cut:
        """What each run had recorded by one instant. The program goes on meanwhile, so the order matters: a run that
        had ended by then used only what is in the cut, and one that had not will end later than ``time_ns``."""
        time_ns = time.time_ns()
        outcomes = [(session, session.outcome) for session in self._sessions]
        return _Cut(
            time_ns, [(session, outcome, len(session.assembler.recorder.items)) for session, outcome in outcomes]
        )

    def _events_of(self, session: Session, outcome: Outcome | None, time_ns: int, *, is_last_word: bool) -> list[bytes]:
        events: list[bytes] = []
        assembler = session.assembler
        if not session.is_started:
            session.is_started = True
            recorder = assembler.recorder
            with GUARD.at("lease"):
                names = (self.redactor.text(recorder.job_namespace), self.redactor.text(recorder.job_name))
                self.delivery.lease.opened(recorder.run_id, *names)
            with GUARD.at("assembler.start"):
                events += assembler.start()
        with GUARD.at("assembler"):
            events += self._news_of(assembler, outcome, time_ns, is_last_word=is_last_word)
        if session.late_facets:
            late, session.late_facets = session.late_facets, []
            events = [*events[:-1], *late, *events[-1:]] if outcome is not None else events + late
        return events

    def _news_of(
        self, assembler: Assembler, outcome: Outcome | None, time_ns: int, *, is_last_word: bool
    ) -> list[bytes]:
        """The events of a run that are due. If ``finish`` fails, its outcome is still sent: otherwise the run would
        seem to go on for ever, and none of its lineage would count."""
        if outcome is None:
            return assembler.progress(time_ns, is_last_word=is_last_word)
        with GUARD.at("assembler"):
            return assembler.finish(outcome)
        return assembler.finish_bare(outcome)

    def _redacted(self, event: bytes) -> list[bytes]:
        """The event without its secrets. An event that cannot be redacted is not sent, but counted as dropped."""
        with GUARD.at("redact"):
            return [self.redactor.event(event)]
        self.delivery.dropped += 1
        return []

    # -- flushing, ending, forking -------------------------------------------------------------------------------------
    def flush(self, timeout_s: float, *, is_last: bool = False) -> bool:
        """Send everything that is due, and wait for it. False if it took longer, or if events are in memory only."""
        self.start()
        if self._thread is None or self._thread is threading.current_thread():
            return self._flush_here(timeout_s, is_last=is_last)
        request = _Request(is_last)
        self._requests.append(request)
        self._wake.set()
        return request.done.wait(timeout_s) and not self.delivery.unkept

    def _flush_here(self, timeout_s: float, *, is_last: bool) -> bool:
        if not self.lock.acquire(timeout=max(0.0, timeout_s)):
            return False
        previous, BUSY.depth = BUSY.depth, 1
        try:
            self.cycle(is_urgent=True, is_last=is_last)
        finally:
            BUSY.depth = previous
            self.lock.release()
        return not self.delivery.unkept

    def journal(self, outcome: Outcome | None, *, timeout_s: float) -> bool:
        """Write what is known to disk at once, without sending, because the process ends or becomes another program.
        An ``outcome`` ends every open run."""
        if not self.lock.acquire(timeout=timeout_s):
            return False
        previous, BUSY.depth = BUSY.depth, 1
        try:
            with GUARD.at("journal"):
                if outcome is not None:
                    outcome = outcome._replace(ended_ns=outcome.ended_ns or time.time_ns())
                for session in self._sessions:
                    session.outcome = session.outcome or outcome
                events, ended = self._collect(is_last_word=True)
                self._ended |= ended
                self.delivery.keep(events)
                self._close_leases(ended)
        finally:
            BUSY.depth = previous
            self.lock.release()
        return True

    def stop(self, timeout_s: float) -> bool:
        """Stop the thread. False if it did not stop in time."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        self._is_stopping = True
        self._wake.set()
        thread.join(timeout_s)
        if thread.is_alive():
            self._is_stopping = False
            return False
        self._thread = None
        return True

    def before_fork(self) -> None:
        """Stop the thread and take the lock, so that the child inherits neither in the middle of a cycle."""
        self._is_restarted = self._thread is not None and self.stop(FORK_WAIT_S)
        self._is_locked = self.lock.acquire(timeout=FORK_WAIT_S)
        if self._is_locked:
            with GUARD.at("fork"):
                self.delivery.release_transport()

    def after_fork_in_parent(self, *, starts: bool = True) -> bool:
        """Release the lock, and restart the thread if ``starts``. Returns whether it ran before the fork."""
        if self._is_locked:
            self.lock.release()
        if self._is_restarted and starts:
            self.start()
        return self._is_restarted

    def after_fork_in_child(self) -> None:
        """Forget the parent's runs and events, which the parent sends itself."""
        self.lock = threading.RLock()
        self._wake = threading.Event()
        self._sessions = []
        self._ended = {}
        self._loose = []
        self._requests = []
        self._thread = None
        self._is_stopping = False
        self.delivery.after_fork()

    _is_restarted = False
    _is_locked = False

    @property
    def has_work(self) -> bool:
        """Whether there is anything left to process or send."""
        return bool(self._sessions or self._loose or self.delivery.unkept)

    @property
    def sessions(self) -> list[Session]:
        """The runs that are open."""
        return list(self._sessions)
