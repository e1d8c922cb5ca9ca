"""Assembles the OpenLineage events of a run from what was recorded.

An ``Assembler`` belongs to one recorder and runs on the worker's thread: ``start`` once, ``progress`` now and then,
``finish`` at the end. Each event carries only what is new; the receiver merges the events of a run. The events returned
here are not yet redacted: the worker does that before it sends them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from headwater.capture import event_documents, models
from headwater.capture.child_reads import Relatives
from headwater.capture.datasets import DATASET_BUDGET_S, Datasets, Touched
from headwater.capture.guard import GUARD
from headwater.capture.intermediate_files import through
from headwater.capture.job_facts import JobFacts
from headwater.capture.lineage_facet import job_entry, read_by
from headwater.capture.operations_facet import Steps
from headwater.capture.recorder import (
    Emptied,
    Metric,
    Named,
    Parameter,
    Read,
    Recorder,
    Seed,
    Statement,
    Unfollowed,
    Write,
)
from headwater.capture.run_outcomes import MOST_LISTED, Outcome, outcome_body
from headwater.capture.sql_tables import Tables
from headwater.capture.superseded import supersede
from headwater.capture.values import DatasetRef, Value, make_value, same_columns

_NEWS: Final = 1.25
"""Growth of the number of parameters, metrics and seeds after which they are sent again."""
_MOST_GUESSES: Final = 10_000
"""Pairs of an output of unknown origin and an input read before it that are told one by one."""
_NEWS_AFTER_S: Final = 5.0
"""Seconds after which they are sent again if there is any new one."""


class Assembler:
    """Turns the items of one recorder into events."""

    def __init__(
        self,
        recorder: Recorder,
        facts: JobFacts = JobFacts(),  # noqa: B008 - an immutable tuple
        *,
        budget_s: float = DATASET_BUDGET_S,
        is_profiled: bool = True,
        relatives: Relatives | None = None,
    ) -> None:
        self.recorder = recorder
        self._relatives = relatives or Relatives()
        self.started_ns = self._told_ns = time.time_ns()
        self._facts = facts
        self._datasets = Datasets(budget_s=budget_s, is_profiled=is_profiled)
        self._tables = Tables(recorder.job_namespace, recorder.job_name)
        self._position = 0
        self._reads: dict[DatasetRef, None] = {}
        """What the run read, in order; only added to, see ``Touched.read_before``."""
        self._passing: set[DatasetRef] = set()
        """Those that were passing files, as far as is known at the end."""
        self._steps = Steps()
        self._parameters: dict[str, Any] = {}
        self._metrics: list[dict[str, Any]] = []
        self._seeds: dict[str, dict[str, Any]] = {}
        self._statements: list[tuple[str, str]] = []
        self._unresolved: list[str] = []
        self._last_news = (0, 0.0)
        """The number of parameters, metrics and seeds in the last event that had them, and its time."""

    # -- events ----------------------------------------------------------------------------------------------------
    def start(self) -> list[bytes]:
        """The START event: the job, its parent, code and environment."""
        run_facets: dict[str, Any] = {}
        job_facets: dict[str, Any] = {}
        with GUARD.at("facts of the run"):
            run_facets = self._facts.run_facets()
        with GUARD.at("facts of the job"):
            job_facets = self._facts.job_facets()
        return [self._event("START", self.started_ns, run_facets, job_facets, [])]

    def progress(self, time_ns: int, *, is_last_word: bool = False) -> list[bytes]:
        """A RUNNING event with everything taken since the last call, or no event if there is nothing. All of it was
        recorded by ``time_ns``, and if the run has ended meanwhile, it has ended later.

        It does not say yet what feeds what is written: the claims of all events of a run count, and what was written
        may still be replaced. With ``is_last_word`` it does, since there may be no later event; and in a session, where
        the next question may be about it.
        """
        changed = [touched for touched in self._datasets if touched.is_changed and not self._is_passing(touched.ref)]
        for touched in changed:
            touched.origins.settle()
        run_facets = self._run_facets() if self._has_news() else {}
        told = self._datasets if is_last_word or self._facts.is_session else ()
        unreported = [
            item for item in told if item.is_output and not item.is_reported and not self._is_passing(item.ref)
        ]
        changed += self._flowed(unreported)
        if not changed and not run_facets and not unreported:
            return []
        time_ns = max(time_ns, self.started_ns)
        return [self._event("RUNNING", time_ns, run_facets, self._job_facets(unreported), changed)]

    def _has_news(self) -> bool:
        """Whether to send parameters, metrics and seeds again. They are always sent in full, so during an endless loop
        of measurements they are sent only after a quarter more of them, or after some seconds."""
        count = len(self._parameters) + len(self._metrics) + len(self._seeds)
        sent, sent_at_s = self._last_news
        now_s = time.monotonic()
        if count == sent or (count < _NEWS * sent and now_s < sent_at_s + _NEWS_AFTER_S):
            return False
        self._last_news = count, now_s
        return True

    def finish(self, outcome: Outcome) -> list[bytes]:
        """The last event of the run, with everything not sent before."""
        self.take()
        self._hear(time.time_ns())
        with GUARD.at("children"):
            self._relatives.end()
        with GUARD.at("files"):
            self._datasets.finish_files()
            for name in list(self.recorder.unclosed):  # written to until now: anything read so far may be in it
                self._datasets.written_until_now(name, len(self._reads))
            models.mark_checkpoints(self._datasets)
        self._passing = {ref for ref in self._reads if self._is_passing(ref)}
        everything = [touched for touched in self._datasets if not self._is_scratch(touched)]
        with GUARD.at("sources"):
            everything += self._flowed(everything)
        run_facets = self._run_facets()
        with GUARD.at("operations"):
            run_facets["headwater_operations"] = self._steps.body()
        ended_ns = self._end(outcome)
        run_facets["headwater_outcome"] = self._outcome(outcome, ended_ns)
        if outcome.error_message or outcome.error_type:
            run_facets["errorMessage"] = {
                "message": f"{outcome.error_type}: {outcome.error_message}".strip(": "),
                "programmingLanguage": "PYTHON",
                **({"stackTrace": outcome.stack} if outcome.stack else {}),
            }
        return [self._event(outcome.state, ended_ns, run_facets, self._job_facets(everything), everything)]

    def finish_bare(self, outcome: Outcome) -> list[bytes]:
        """The last event of the run with nothing but its outcome, for use if ``finish`` fails."""
        ended_ns = self._end(outcome)
        return [self._event(outcome.state, ended_ns, {"headwater_outcome": self._outcome(outcome, ended_ns)}, {}, [])]

    def _end(self, outcome: Outcome) -> int:
        """When the run ended, but after everything it has told: the last event has the last word."""
        return max(outcome.ended_ns or time.time_ns(), self._told_ns + 1_000)

    def _flowed(self, outputs: list[Touched]) -> list[Touched]:
        """Datasets that are in the outputs, though this run did not read them: other runs of the process did."""
        flows = {}
        for item in outputs:
            item.origins.settle()
            flows.update(item.origins.flows)
        new = [ref for ref in flows if not self._is_passing(ref) and self._datasets.flowed(ref, flows[ref])]
        return [touched for touched in self._datasets if touched.ref in new]

    def _is_scratch(self, touched: Touched) -> bool:
        """Whether a file is no dataset: this run renamed it, or it had no known content and is gone again."""
        if touched.is_input or not touched.is_output:
            return self._is_passing(touched.ref)
        if touched.ref[:2] in self.recorder.moved:
            return True
        return touched.origins.is_literal and self._is_gone(touched.ref)

    def _is_passing(self, ref: DatasetRef) -> bool:
        """Whether a file was in the temporary folder and is gone, like those that libraries write for themselves."""
        return ref.name.startswith(tempfile.gettempdir().rstrip("/") + "/") and self._is_gone(ref)

    def _is_gone(self, ref: DatasetRef) -> bool:
        """Whether there is no such file, though only hooks saw it: what the program itself names may lie anywhere."""
        is_observed = ref.namespace == "file" and ref[:2] not in self.recorder.declared
        return is_observed and not os.path.exists(ref.name)  # noqa: PTH110 - a name that may be anything

    def _event(
        self, kind: str, time_ns: int, run_facets: dict[str, Any], job_facets: dict[str, Any], touched: list[Touched]
    ) -> bytes:
        recorder = self.recorder
        if self._facts.parent is not None:
            namespace, name, run_id = self._facts.parent
            run_facets["parent"] = {"run": {"runId": run_id}, "job": {"namespace": namespace, "name": name}}
        for item in touched:
            item.is_changed = False
        self._told_ns = max(self._told_ns, time_ns)
        return event_documents.run_event(
            kind,
            time_ns,
            {"runId": recorder.run_id, "facets": event_documents.facets(run_facets)},
            {
                "namespace": recorder.job_namespace,
                "name": recorder.job_name,
                "facets": event_documents.facets(job_facets),
            },
            [
                event_documents.dataset(
                    t.ref, t.facets_as_input(is_last=kind != "RUNNING"), input_facets=t.input_facets
                )
                for t in touched
                if t.is_input
            ],
            [event_documents.dataset(t.ref, t.facets, output_facets=t.output_facets) for t in touched if t.is_output],
        )

    # -- facets ----------------------------------------------------------------------------------------------------
    def _run_facets(self) -> dict[str, Any]:
        return {
            "headwater_parameters": {"parameters": self._parameters} if self._parameters else {},
            "headwater_metrics": {"metrics": self._metrics} if self._metrics else {},
            "headwater_seeds": {"seeds": [*self._seeds.values()]} if self._seeds else {},
        }

    def _job_facets(self, touched: list[Touched]) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        entries = self._entries([item for item in touched if item.is_output])
        if entries:
            gone = [item for item in self._datasets if item.is_output and self._is_passing(item.ref)]
            entries = through(entries, [item.origins.entry(self._read_before(item), in_full=True) for item in gone])
        for item in touched:
            item.is_reported = True
        if entries:
            facets["lineage"] = {"entries": entries}
        if self._statements:
            facets["sql"] = {
                "query": ";\n".join(text for text, _ in self._statements[:MOST_LISTED]),
                "dialect": self._statements[0][1],
            }
        return facets

    def _entries(self, outputs: list[Touched]) -> list[dict[str, Any]]:
        """The lineage of what was written. Where very many outputs may each come from very many inputs, as nothing is
        known about them, they come from the job, and the job from its inputs: the pairs would be too many to store."""
        guesses = sum(item.read_before for item in outputs if item.origins.is_guess())
        if guesses <= _MOST_GUESSES:
            return [item.origins.entry(self._read_before(item)) for item in outputs]
        job = (self.recorder.job_namespace, self.recorder.job_name)
        found = [item.origins.entry((), read_by(job)) for item in outputs]
        return [*found, job_entry(job, dict.fromkeys(ref[:2] for ref in self._reads if ref not in self._passing))]

    def _read_before(self, touched: Touched) -> Iterator[DatasetRef]:
        """What the run had read before a dataset was written. A file that is still open may hold what was read from it
        only as far as that came from elsewhere."""
        for ref in islice(self._reads, touched.read_before):
            if ref not in self._passing and not (touched.is_open and ref[:2] == touched.ref[:2]):
                yield ref

    def _outcome(self, outcome: Outcome, ended_ns: int) -> dict[str, Any]:
        body = outcome_body(outcome, (ended_ns - self.started_ns) / 1e9)
        counts = {
            "dropped_operations": self.recorder.dropped + self.recorder.values.cut,
            "capture_errors": sum(GUARD.failures.values()),
            "unlisted_statements": len(self._statements) - MOST_LISTED,
            "unlisted_unresolved": len(self._unresolved) - MOST_LISTED,
        }
        body |= {name: count for name, count in counts.items() if count > 0}
        return {**body, "unresolved": self._unresolved[:MOST_LISTED]} if self._unresolved else body

    # -- items -----------------------------------------------------------------------------------------------------
    def take(self, end: int | None = None) -> None:
        """Process the items added since the last call, all or those before position ``end``, and drop them so that what
        they hold can be freed."""
        items = self.recorder.items
        with GUARD.at("children"):
            self._relatives.listen()
        with GUARD.at("supersede"):
            supersede(items, self._position, len(items) if end is None else end)
        while self._position < (len(items) if end is None else end):
            item = items[self._position]
            items[self._position] = None
            self._position += 1
            with GUARD.at(f"assemble {type(item).__name__}"):
                self._TAKERS[type(item)](self, item)
        with GUARD.at("parent"):
            self._relatives.tell(self._reads)

    def _hear(self, time_ns: int) -> None:
        """Count as read what child processes had read by an instant: it may be in what they handed over."""
        for told in self._relatives.until(time_ns):
            if told.ref not in self._reads:
                self._datasets.read(told.ref, None, None, told.time_ns)
                self._reads[told.ref] = None

    def _take_read(self, item: Read) -> None:
        self._datasets.read(item.ref, item.value, item.snapshot, item.time_ns)
        self._reads[item.ref] = None
        self._tables.learn(item.ref, item.value.column_names())

    def _take_write(self, item: Write) -> None:
        self._hear(item.time_ns)
        if item.value is not None and item.value.column_names():
            self._tables.learn(item.ref, item.value.column_names())
        self._result(item.value, item.ref, item.snapshot, is_added=item.is_added, is_anew=item.is_anew)

    def _take_emptied(self, item: Emptied) -> None:
        self._datasets.emptied(item.ref)

    def _take_named(self, item: Named) -> None:
        self._hear(time.time_ns())
        bodies = item.facets() if callable(item.facets) else item.facets
        touched = self._result(item.value, item.ref, item.snapshot, bodies)
        is_unseen = item.is_superseded and item.ref.type not in models.MODELS
        item.value.state = touched.state_as_named(self.recorder.run_id, is_unseen=is_unseen)

    def _result(
        self,
        value: Value | None,
        ref: DatasetRef,
        snapshot: Any,
        facets: dict[str, Any] | None = None,
        *,
        is_added: bool = False,
        is_anew: bool = False,
    ) -> Touched:
        """A dataset was written, or named, with this value."""
        saved = value.dataset if value is not None else None
        if value is not None and saved is not None and saved[:2] != ref[:2]:
            if saved.type in models.MODELS and ref.type == "FILE":
                ref = ref._replace(type=saved.type)
            value = make_value("headwater.write", (value,), same_columns, columns=value.columns, rows=value.rows)
        touched = self._datasets.wrote(ref, value, snapshot, len(self._reads), is_added=is_added, is_anew=is_anew)
        bodies = dict(facets or {})
        model = bodies.pop("headwater_model", None)
        touched.facets.update(bodies)
        if value is not None:
            self._steps.add(value)
            models.describe(touched, value, saved, model, self._datasets, self.recorder)
        return touched

    def _take_statement(self, item: Statement) -> None:
        from headwater.capture.sql_statements import analyse

        for done in analyse(item, self._tables):
            self._statements.append((done.masked_text, item.dialect))
            self._unresolved.extend(done.unresolved)
            for ref in done.reads:
                if ref in self._reads:
                    self._datasets.read_again(ref)
                elif ref.type != "IN_MEMORY":
                    self._datasets.read(ref, None, None, item.time_ns)
                    self._reads[ref] = None
            for ref in done.emptied:
                self._datasets.emptied(ref)
            for ref, value in done.writes:
                self._result(value, ref, None, is_added=done.is_added, is_anew=done.is_anew)

    def _take_parameter(self, item: Parameter) -> None:
        self._parameters[item.name] = item.value

    def _take_metric(self, item: Metric) -> None:
        body: dict[str, Any] = {"name": item.name, "value": item.value}
        if item.dataset is not None:
            body["dataset"] = {"namespace": item.dataset.namespace, "name": item.dataset.name}
        if item.step is not None:
            body["step"] = item.step
        self._metrics.append(body)

    def _take_seed(self, item: Seed) -> None:
        body: dict[str, Any] = {"library": item.library, "scope": item.scope, "value": item.value}
        if item.code is not None:
            body["where"] = f"{item.code.co_filename.rpartition('/')[2]}:{item.line}"
        self._seeds.setdefault(repr(body), body)

    def _take_unfollowed(self, item: Unfollowed) -> None:
        self._unresolved += [item.text] if item.text not in self._unresolved else []

    _TAKERS: dict[type, Any] = {
        Read: _take_read,
        Write: _take_write,
        Emptied: _take_emptied,
        Named: _take_named,
        Statement: _take_statement,
        Parameter: _take_parameter,
        Metric: _take_metric,
        Seed: _take_seed,
        Unfollowed: _take_unfollowed,
    }
