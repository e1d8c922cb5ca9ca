"""Lists of nodes and runs, in pages."""

from __future__ import annotations

from functools import partial

import msgspec

from headwater.errors import NotFound
from headwater.model.graph import NodeKind, RunState
from headwater.query.api import AsOf
from headwater.query.history import RunSummary, summary
from headwater.query.lineage import Lineage
from headwater.query.names import node_id
from headwater.query.selectors import Selector
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow


class NodeSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node in one line; ``field`` is the column where a word matched. Times are microseconds since the epoch."""

    id: str
    kind: str
    namespace: str
    name: str
    type: str = ""
    updated_at: int = 0
    field: str = ""
    score: float = 0.0


def list_nodes(
    lineage: Lineage,
    *,
    text: str = "",
    selector: str = "",
    kind: NodeKind | None = None,
    type: str = "",
    namespace: str | None = None,
    as_of: AsOf = None,
    after: str = "",
    limit: int = 100,
) -> tuple[list[NodeSummary], str | None]:
    """A page of nodes and the id after which the next one begins, None at the end.

    With ``text`` the best hits of a search, which has one page; with ``selector`` the nodes that it names, else all,
    in the order in which they were first heard of.

    Raises:
        InvalidInput: the selector cannot be read.
        NotFound: it names nothing, or ``after`` is no node.
    """
    store = lineage.store
    if text:
        return _hits(store, text, kind, type, namespace, limit), None
    if selector:
        instant = lineage.instant(as_of)
        chosen = Selector(store, lineage.resolver, instant)
        fits = partial(_fits, kind=kind, type=type, namespace=namespace, with_deleted=instant is not None)
        found = [
            node_summary(row) for row in chosen.page(selector, fits, after=_place(lineage, after), limit=limit + 1)
        ]
        return found[:limit], found[limit - 1].id if len(found) > limit else None
    return _scanned(store, kind, type, namespace, _place(lineage, after), limit)


def _hits(
    store: Store, text: str, kind: NodeKind | None, type: str, namespace: str | None, limit: int
) -> list[NodeSummary]:
    hits = store.search(text, kind=kind, type=type, namespace=namespace, with_deleted=False, limit=limit)
    return [msgspec.structs.replace(node_summary(hit.node), field=hit.field, score=round(hit.score, 4)) for hit in hits]


def _scanned(
    store: Store, kind: NodeKind | None, type: str, namespace: str | None, after: int, limit: int
) -> tuple[list[NodeSummary], str | None]:
    found: list[NodeRow] = []
    while len(found) <= limit:
        page = store.scan_nodes(kind=kind, namespace=namespace, after=after, limit=max(1000, limit + 1))
        if not page:
            break
        after = page[-1].id
        found.extend(row for row in page if _fits(row, kind, type, namespace))
    has_more = len(found) > limit
    summaries = [node_summary(row) for row in found[:limit]]
    return summaries, summaries[-1].id if has_more else None


def _place(lineage: Lineage, after: str) -> int:
    if not after:
        return 0
    rows = lineage.resolver.rows(after)
    if not rows:
        raise NotFound(after, hint="the list has changed since; start again without a cursor")
    return rows[0].id


def _fits(row: NodeRow, kind: NodeKind | None, type: str, namespace: str | None, *, with_deleted: bool = False) -> bool:
    if (row.is_deleted and not with_deleted) or (kind is not None and row.kind is not kind):
        return False
    return (not type or row.type.upper() == type.upper()) and namespace in (None, row.namespace)


def node_summary(row: NodeRow) -> NodeSummary:
    """A node in one line."""
    return NodeSummary(
        id=node_id(row),
        kind=row.kind.value,
        namespace=row.namespace,
        name=row.name,
        type=row.type,
        updated_at=row.updated_at,
    )


def run_page(
    store: Store,
    *,
    state: RunState | None = None,
    parent: str | None = None,
    after: tuple[int, str] | None = None,
    limit: int = 20,
) -> tuple[list[RunSummary], tuple[int, str] | None]:
    """A page of runs, latest start first, and the (start, id) after which the next one begins, None at the end."""
    before = None if after is None else after[0] + 1
    asked = limit + 1
    while True:
        rows = store.runs(state=state, parent_run=parent, before=before, limit=asked)
        # Runs that started in the same microsecond as the last one of the page before come again.
        rest = [row for row in rows if after is None or _order(row) < after]
        if len(rest) > limit or len(rows) < asked:
            break
        asked *= 2
    page = rest[:limit]
    jobs = {row.id: row for row in store.nodes(sorted({run.job_id for run in page}))}
    return [summary(run, jobs) for run in page], _order(page[-1]) if len(rest) > limit else None


def _order(run: RunRow) -> tuple[int, str]:
    return (run.started_at or 0, run.run_id)
