"""Coverage: counts that show how complete the lineage is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from headwater.model.graph import How, NodeKind
from headwater.query.content_comparison import contents
from headwater.query.names import is_in_memory
from headwater.query.resolve import scan
from headwater.query.result import Answer
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """The two main shares over persistent datasets: those with a known producer, and edges with column lineage.

    ``is_all`` is false if only the first datasets were counted.
    """

    datasets: int
    with_producer: int
    edges: int
    edges_with_columns: int
    is_all: bool


class Coverage(Answer, frozen=True, kw_only=True):
    """Counts over everything that is valid now. ``sources`` are datasets with no known writer (raw data, blind spots).

    ``edges`` counts dataset-to-dataset edges by their evidence (declared, column, product, inferred);
    ``edges_with_columns`` those that carry column lineage.
    """

    datasets: int
    with_producer: int
    with_consumer: int
    sources: int
    with_schema: int
    with_fingerprint: int
    jobs: int
    runs: int
    edges: dict[str, int]
    edges_with_columns: int
    refused_events: int

    @property
    def column_share(self) -> float:
        """The share of edges that carry column lineage, from 0 to 1."""
        total = sum(self.edges.values())
        return self.edges_with_columns / total if total else 0.0

    def to_text(self, *, cells: int | None = None) -> str:
        """Return the counts as text, at most ``cells`` wide."""
        from headwater.query.object_text import coverage_lines
        from headwater.query.terminal_text import plain

        return plain(coverage_lines(self, cells=cells))


def measure(store: Store) -> Coverage:
    """Return the counts of a store. Reads every dataset once."""
    counts = dict.fromkeys((how.value for how in How), 0)
    datasets = with_producer = with_consumer = with_schema = with_fingerprint = mapped = 0
    rows = (row for row in scan(store, kind=NodeKind.DATASET) if not is_in_memory(row.namespace))
    while page := list(islice(rows, _PAGE)):
        ids = [row.id for row in page]
        into = store.edges_of(ids, "target")
        datasets += len(page)
        with_producer += len({edge.target_id for edge in into})
        out = store.edges_of(ids, "source")
        with_consumer += len({edge.source_id for edge in out if edge.source_id != edge.target_id})
        with_schema += sum(bool(store.fields(row.id)) for row in page)
        with_fingerprint += _count_marked(store, ids)
        for edge in into:
            if edge.source_id != edge.job_id:
                counts[edge.how.value] += 1
                mapped += bool(edge.mapping)
    tally = store.tally()
    return Coverage(
        datasets=datasets,
        with_producer=with_producer,
        with_consumer=with_consumer,
        sources=datasets - with_producer,
        with_schema=with_schema,
        with_fingerprint=with_fingerprint,
        jobs=tally.jobs,
        runs=tally.runs,
        edges=counts,
        edges_with_columns=mapped,
        refused_events=tally.quarantined,
    )


def _count_marked(store: Store, dataset_ids: Sequence[int]) -> int:
    """Of how many datasets the content of the latest version is known, by its values or its file; raw data included."""
    latest = store.latest_versions(dataset_ids).values()
    return sum(
        bool(content.exact or content.file or content.version.fingerprint) for content in contents(store, latest)
    )


_PAGE = 1000


def first_datasets(store: Store, *, limit: int) -> tuple[list[NodeRow], bool]:
    """Return persistent datasets in order of arrival, ``limit`` or a few more, and whether these are all."""
    found: list[NodeRow] = []
    after = seen = 0
    while seen < limit:
        page = store.scan_nodes(kind=NodeKind.DATASET, after=after, limit=_PAGE)
        seen += len(page)
        found.extend(row for row in page if not row.is_deleted and not is_in_memory(row.namespace))
        if len(page) < _PAGE:
            return found, True
        after = page[-1].id
    return found, False


def shares(store: Store, rows: Sequence[NodeRow], *, is_all: bool) -> Shares:
    """Return the shares over these datasets, with one query per thousand."""
    with_producer = edges = mapped = 0
    for start in range(0, len(rows), _PAGE):
        into = store.edges_of([row.id for row in rows[start : start + _PAGE]], "target")
        with_producer += len({edge.target_id for edge in into})
        known = [edge for edge in into if edge.source_id != edge.job_id]
        edges += len(known)
        mapped += sum(bool(edge.mapping) for edge in known)
    return Shares(
        datasets=len(rows), with_producer=with_producer, edges=edges, edges_with_columns=mapped, is_all=is_all
    )
