"""The jobs that write or read a dataset, with the latest run of each."""

from __future__ import annotations

from typing import Literal

import msgspec

from headwater.query.names import node_id
from headwater.storage.base import Store


class JobBeside(msgspec.Struct, frozen=True, kw_only=True):
    """A job that reads or writes a dataset; ``how`` is the evidence, ``run_id`` its latest run, if any."""

    id: str
    name: str
    namespace: str
    how: tuple[str, ...]
    run_id: str = ""
    state: str = ""
    started_at: int | None = None


class JobsBeside(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs in the order of their names, and how many there are."""

    jobs: tuple[JobBeside, ...]
    total: int


def jobs_beside(
    store: Store, dataset_id: int, side: Literal["writers", "readers"], *, as_of: int | None = None, limit: int = 100
) -> JobsBeside:
    """Return the jobs that write or read a dataset at an instant; three questions, however many there are."""
    edges = store.edges_of([dataset_id], "target" if side == "writers" else "source", as_of=as_of)
    hows: dict[int, set[str]] = {}
    for edge in edges:
        if edge.job_id:
            hows.setdefault(edge.job_id, set()).add(edge.how.value)
    rows = sorted(store.nodes(sorted(hows)), key=lambda row: (row.name, row.namespace))[:limit]
    latest = store.latest_runs([row.id for row in rows], as_of=as_of)
    found = []
    for row in rows:
        run = latest.get(row.id)
        found.append(
            JobBeside(
                id=node_id(row),
                name=row.name,
                namespace=row.namespace,
                how=tuple(sorted(hows[row.id])),
                run_id=run.run_id if run else "",
                state=run.state.value if run else "",
                started_at=run.started_at if run else None,
            )
        )
    return JobsBeside(jobs=tuple(found), total=len(hows))
