"""Runs with their merged documents, each decoded once and written once per batch."""

from __future__ import annotations

from headwater.storage.projection import run_documents
from headwater.storage.projection.records import Run
from headwater.storage.projection.run_documents import RUNNING, RunDoc
from headwater.storage.projection.tables import Tables
from headwater.storage.projection.weights import ENTRY

_CACHE_SIZE = 5_000
_MOST_IDS = 50_000
_ID = 200
"""Estimated bytes of a run's id in the cache."""


class Runs:
    """Finds runs, and creates new ones."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._docs: dict[int, RunDoc] = {}
        self._changed: dict[int, Run] = {}
        self._ids: dict[str, int] = {}
        #: estimated bytes of each document
        self._sizes: dict[int, int] = {}
        self._docs_weight = 0

    @property
    def weight(self) -> int:
        """The bytes that the cache takes, by estimate."""
        return self._docs_weight + _ID * len(self._ids)

    def clear(self) -> None:
        """Drop the cache: the batch that filled it was rolled back."""
        self._docs.clear()
        self._changed.clear()
        self._ids.clear()
        self._sizes.clear()
        self._docs_weight = 0

    def seen(self, run_id: str, job_name: int, job: int, at: int, key: bytes) -> tuple[Run, RunDoc]:
        """The run with that UUID and its document, created if new. The caller modifies both and calls ``changed``."""
        run = self.find(run_id)
        if run is not None:
            return run, self.doc(run)
        run = Run(
            id=self._tables.next_id("run"),
            run_id=run_id,
            job=job,
            state=0,
            operation="",
            started_at=at,
            ended_at=None,
            parent_run="",
            doc=b"",
        )
        doc = RunDoc(at, key, job_name, [], False, {}, {}, {}, {})
        self._docs[run.id] = doc
        self._ids[run_id] = run.id
        self._tables.runs.put(run)
        return run, doc

    def find(self, run_id: str) -> Run | None:
        """The run with that UUID, also if this batch has created it."""
        number = self._ids.get(run_id)
        return self._tables.runs.get(number) if number else self._tables.run(run_id)

    def doc(self, run: Run) -> RunDoc:
        """The document of a run; always the same object within a batch."""
        found = self._docs.get(run.id)
        if found is None:
            found = self._docs[run.id] = run_documents.decode(run.doc)
            self._weigh(run)
        return found

    def _weigh(self, run: Run) -> None:
        size = ENTRY + 2 * len(run.doc)
        self._docs_weight += size - self._sizes.get(run.id, 0)
        self._sizes[run.id] = size

    def belongs(self, run: Run, job: int) -> None:
        """Assign the run to a job. If that changes it, it is stored at once, for the flows of both jobs."""
        if run.job != job:
            self._tables.touched.add(run.job)
            run.job = job
            self._tables.runs.put(run)

    def changed(self, run: Run) -> None:
        """Mark the run and its document to be written at the end of the batch."""
        self._changed[run.id] = run

    def flush(self) -> None:
        """Write the changed runs."""
        for run_id, run in self._changed.items():
            run.doc = run_documents.encode(self._docs[run_id])
            self._tables.runs.put(run)
            if run.state > RUNNING:  # ended: few events will follow, and a document is many objects
                del self._docs[run_id]
                self._docs_weight -= self._sizes.pop(run_id, 0)
            else:
                self._weigh(run)
        self._changed.clear()
        if len(self._docs) > _CACHE_SIZE or len(self._ids) > _MOST_IDS:
            self.clear()
