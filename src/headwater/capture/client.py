"""The client, one per process: holds the configuration, opens and closes runs, and ends them with the process."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.capture import context, event_documents, own_threads
from headwater.capture.assembler import Assembler
from headwater.capture.child_reads import ChildReads, Relatives
from headwater.capture.config import Config
from headwater.capture.delivery import Delivery
from headwater.capture.guard import GUARD
from headwater.capture.job_facts import JobFacts
from headwater.capture.logs import guard_logs
from headwater.capture.recorder import VALUES, Recorder
from headwater.capture.redact import Redactor
from headwater.capture.registry import REGISTRY, State
from headwater.capture.run_outcomes import Outcome, outcome_of
from headwater.capture.runs import Run, new_run_id, plain
from headwater.capture.worker import Session, Worker

_MOST_SOURCES = 10_000


class Client:
    """Records lineage for one process. Created by ``headwater.init()``."""

    def __init__(self, config: Config, keywords: Mapping[str, Any] | None = None) -> None:
        settings = config.settings
        self.config = config
        self.keywords = dict(keywords or {})
        self.is_child = False
        """Whether this process was forked or spawned by one that is captured."""
        self.redactor = Redactor(
            keys=settings.redact_keys, patterns=settings.redact_patterns, mask_emails=settings.redact_emails
        )
        with GUARD.at("redact.learn"):
            self.redactor.learn_mapping(os.environ)
            self.redactor.learn_arguments(sys.argv[1:])
        guard_logs(self.redactor)
        self.delivery = Delivery(
            settings.transport,
            config.store,
            max_queue_bytes=settings.max_queue_bytes,
            spool_max_bytes=settings.spool_max_bytes,
        )
        self.worker = Worker(self.delivery, self.redactor, interval_s=settings.flush_interval_s)
        self.root: Run | None = None
        """The run of the whole process, for everything that happens in no other run."""
        self.last_run_id = ""
        """The run of the process, or the one opened last."""
        self._runs: dict[str, Run] = {}
        self._sent_sources: set[tuple[str, str, str]] = set()
        """Jobs, with the digest of the code, whose text was sent."""
        self._undo: list[Callable[[], None]] = []
        """What takes back what ``install`` changed outside of the integrations."""
        self._lock = threading.Lock()

    # -- runs ----------------------------------------------------------------------------------------------------------
    def open_run(
        self,
        name: str,
        *,
        namespace: str | None = None,
        operation: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        facts: JobFacts | None = None,
        parent: Recorder | None = None,
    ) -> Run:
        """Start a run. ``parent`` defaults to the current run of the caller."""
        recorder = Recorder(
            new_run_id(), namespace or self.config.namespace, name, max_items=self.config.settings.max_items
        )
        parent = parent or context.current()
        facts = facts or JobFacts()
        if parent is not None:
            facts = facts._replace(parent=(parent.job_namespace, parent.job_name, parent.run_id))
        session = Session(self._assembler(recorder, self._completed(recorder, facts, operation)))
        run = Run(self, recorder, session)
        with self._lock:
            self._runs[recorder.run_id] = run
        if self.root is None:
            self.last_run_id = run.id
        for key, value in (parameters or {}).items():
            recorder.parameter(str(key), plain(value))
        self.worker.open(session)
        return run

    def _assembler(self, recorder: Recorder, facts: JobFacts, *, is_child: bool = False) -> Assembler:
        settings = self.config.settings
        folder, clean = self.delivery.spool.folder, self.redactor.text
        told = ChildReads(folder, facts.parent[2], clean) if is_child and facts.parent else None
        return Assembler(
            recorder,
            facts,
            budget_s=settings.profile_budget_s,
            is_profiled=settings.profile,
            relatives=Relatives(ChildReads(folder, recorder.run_id, clean), told),
        )

    def _completed(self, recorder: Recorder, facts: JobFacts, operation: str | None) -> JobFacts:
        """The facts of a job, completed with what applies to every run: the job type and the configured tags."""
        tags = self.config.settings.tags

        def run_facets() -> dict[str, Any]:
            return {**facts.run_facets(), "tags": _tags(tags) if tags else {}}

        def job_facets() -> dict[str, Any]:
            kind = {"processingType": "STREAMING" if facts.is_session else "BATCH", "integration": "HEADWATER"}
            if operation:
                kind["jobType"] = operation
            return {"jobType": kind, **self._not_yet_sent(recorder, facts.job_facets())}

        return facts._replace(run_facets=run_facets, job_facets=job_facets)

    def _not_yet_sent(self, recorder: Recorder, facets: dict[str, Any]) -> dict[str, Any]:
        """Facets of a job, without the source code if this process has already sent it."""
        body = facets.get("sourceCode")
        if not body:
            return facets
        key = (recorder.job_namespace, recorder.job_name, body["sha256"])
        if key in self._sent_sources:
            return {name: facet for name, facet in facets.items() if name != "sourceCode"}
        if len(self._sent_sources) < _MOST_SOURCES:
            self._sent_sources.add(key)
        return facets

    def tag_event(self, recorder: Recorder, tags: Mapping[str, str]) -> bytes:
        """An event that adds tags to a run."""
        return event_documents.run_event(
            "RUNNING",
            time.time_ns(),
            {
                "runId": recorder.run_id,
                "facets": event_documents.facets({"tags": _tags({**self.config.settings.tags, **tags})}),
            },
            {"namespace": recorder.job_namespace, "name": recorder.job_name, "facets": {}},
            [],
            [],
        )

    def close_run(self, run: Run, error: BaseException | None = None, *, outcome: Outcome | None = None) -> None:
        """End a run, with an exception or with a known outcome."""
        with self._lock:
            self._runs.pop(run.id, None)
        outcome = outcome or outcome_of(error)
        measures = {**run.measures(), **outcome.measures, **self._losses()}
        session = run._session
        if session is not None:
            self.worker.close(session, outcome._replace(measures=measures, ended_ns=time.time_ns()))

    def _losses(self) -> dict[str, int]:
        """Counts of what was lost, by kind, without zeros."""
        delivery = self.delivery
        losses = {
            "dropped_events": delivery.dropped,
            "refused_events": delivery.refused,
            "events_lost_by_earlier_processes": delivery.gaps,
        }
        return {name: count for name, count in losses.items() if count}

    def run_of(self, recorder: Recorder) -> Run:
        """The run that a recorder belongs to."""
        return self._runs.get(recorder.run_id) or Run(self, recorder, None)

    def adopt(self, recorder: Recorder, facts: JobFacts) -> Run:
        """Start the run of an existing recorder, in the child of a fork."""
        session = Session(self._assembler(recorder, self._completed(recorder, facts, None), is_child=True))
        run = Run(self, recorder, session)
        with self._lock:
            self._runs[recorder.run_id] = run
        self.worker.open(session)
        return run

    def forget_runs(self) -> None:
        """Drop all open runs in the child of a fork: they belong to the parent process."""
        self._lock = threading.Lock()
        self._runs = {}
        self.root = None

    def open_root(self, name: str, **facts: Any) -> Run:
        """Start the run of the whole process, or return it if it is already open."""
        if self.root is None:
            self.root = self.open_run(name, **facts)
            context.PROCESS.root = self.root.recorder
        return self.root

    # -- sending -------------------------------------------------------------------------------------------------------
    def emit(self, events: Sequence[bytes]) -> None:
        """Send finished events. Never blocks and never raises."""
        self.worker.emit(events)

    def install(self) -> None:
        """Enable the integrations that the configuration allows."""
        settings = self.config.settings
        REGISTRY.install(only=settings.integrations, without=settings.without_integrations)
        with GUARD.at("multiprocessing"):
            from headwater.capture.child_processes import follow_children

            self._undo.append(follow_children())
        with GUARD.at("cloudpickle"):
            from headwater.capture.pickled_by_value import pickle_originals

            self._undo.append(pickle_originals())
        with GUARD.at("traceback"):
            from headwater.capture.traceback_frames import hide_ours

            self._undo.append(hide_ours())
        with GUARD.at("threading"):
            self._undo.append(own_threads.hide_ours())

    def uninstall(self) -> None:
        """Remove all hooks, and keep nothing of a library alive."""
        REGISTRY.remove()
        VALUES.forget_classes()
        while self._undo:
            self._undo.pop(0)()

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything recorded so far is delivered. False on timeout, or if some of it stays in the spool."""
        limit = self.config.settings.flush_timeout_s if timeout_s is None else timeout_s
        return self.worker.flush(limit) and not self.delivery.away

    def journal(self, outcome: Outcome | None, *, timeout_s: float) -> None:
        """Write what is known to disk at once, as the process is about to end. ``outcome`` ends every open run."""
        if outcome is not None:
            for run in list(self._runs.values()):
                self.close_run(run, outcome=outcome)
        self.worker.journal(outcome, timeout_s=timeout_s)

    def shutdown(self, outcome: Outcome | None = None, timeout_s: float | None = None) -> bool:
        """End all open runs and deliver what is pending, within a time limit. What could not be delivered is reported
        in one line on standard error."""
        limit = self.config.settings.flush_timeout_s if timeout_s is None else timeout_s
        context.PROCESS.root = None
        for run in list(self._runs.values()):
            with GUARD.at("shutdown"):
                self.close_run(run, outcome=outcome or Outcome("COMPLETE"))
        self.root = None
        with GUARD.at("shutdown"):
            if not self.worker.has_work:
                self.delivery.lease.release()
                self.delivery.close()
                return True
        self.delivery.hurry()
        is_done = self.worker.flush(limit, is_last=True)
        self._say(is_done, limit)
        if is_done or self.worker.stop(0.2):
            with GUARD.at("shutdown"):
                self.delivery.close()
        return is_done and not self.delivery.away

    def _say(self, is_done: bool, limit_s: float) -> None:
        """Report undelivered lineage in one line on standard error, with what to do about it."""
        delivery = self.delivery
        line = ""
        if not is_done and delivery.unkept:
            line = f"{delivery.unkept} lineage events are lost: {delivery.why_unkept}."
        elif not is_done:
            with GUARD.at("shutdown"):
                self._close_in_spool()
            line = (
                f"lineage was not delivered within {limit_s:g} s (flush_timeout_s); the rest is kept in "
                f"{delivery.spool.folder}, and the next headwater command delivers it."
            )
        elif delivery.away:
            line = (
                f"lineage is kept in {delivery.spool.folder}: {delivery.away}. "
                "The next run or headwater command delivers it."
            )
        elif self.config.settings.verbose:
            line = self._summary()
        if line and not (self.config.settings.quiet or self.is_child):
            print_line(self.redactor.text(line))

    def _summary(self) -> str:
        """The summary that ``--verbose`` prints at the end: the run, how to look at it, and what did not work."""
        run_id = self.last_run_id
        parts = [f"{self.delivery.delivered} lineage events of run {run_id} are delivered"]
        if not self.config.settings.transport or self.config.settings.transport.get("kind") == "embedded":
            parts.append(f"look at them with: headwater show {run_id}")
        broken = [status for status in REGISTRY.statuses.values() if status.state is State.BROKEN]
        parts += [f"integration {status.name} is off: {status.reason}" for status in broken]
        failures = sum(GUARD.failures.values())
        if failures:
            site, first = next(iter(GUARD.first.items()))
            parts.append(f"{failures} errors in capture, the first at {site}: {first}")
        return "; ".join(parts)

    def _close_in_spool(self) -> None:
        """The worker did not finish in time: write at least how each run ended to a separate segment of the spool."""
        from headwater.capture.spool import Spool

        events = []
        for session in self.worker.sessions:
            outcome = session.outcome
            if outcome is not None:
                recorder = session.assembler.recorder
                alone = self._assembler(
                    Recorder(recorder.run_id, recorder.job_namespace, recorder.job_name), JobFacts()
                )
                events += [self.redactor.event(event) for event in alone.finish(outcome)]
        spool = Spool(self.delivery.spool.folder, max_bytes=self.config.settings.spool_max_bytes)
        spool.append(events)
        spool.close()
        self.delivery.lease.release()


def _tags(tags: Mapping[str, str]) -> dict[str, Any]:
    return {"tags": [{"key": key, "value": value, "source": "USER"} for key, value in tags.items()]}


def print_line(line: str) -> None:
    """Write one line to standard error, if there is one."""
    stream = sys.__stderr__ if sys.stderr is None else sys.stderr
    if stream is not None:
        with GUARD.at("standard error"):
            stream.write(f"headwater: {line}\n")
