"""Computes the differences behind ``diff`` between two runs, two versions or two instants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from headwater.model import node_ids
from headwater.model.graph import NodeKind
from headwater.query.code_diff import CodeDiff, diff_code
from headwater.query.content_comparison import Content, contents, is_same, state_facts
from headwater.query.diff import ChangeKind, Diff, Difference, What, compare, joined
from headwater.query.facet_values import RunFacts, body, run_facts, schema_fields
from headwater.query.instants import iso_utc
from headwater.query.names import node_id, version_id
from headwater.query.resolve import scan
from headwater.query.walk import Edges, is_valid, walk
from headwater.storage.base import Store
from headwater.storage.row_types import EdgeRow, NodeRow, RunRow, VersionRow

Compared = tuple[list[Difference], list[Difference]]


def diff_runs(store: Store, before: RunRow, after: RunRow) -> Diff:
    """Return how two runs differ: parameters, seeds, code (line by line too), environment, inputs, columns, metrics,
    outputs."""
    return msgspec.structs.replace(_diff_facts(store, before, after), code=_diff_code(store, before, after))


def _diff_code(store: Store, before: RunRow, after: RunRow) -> CodeDiff | None:
    left, right = run_facts(store, before), run_facts(store, after)
    return diff_code(store, (before, left.code), (after, right.code))


def _diff_facts(store: Store, before: RunRow, after: RunRow) -> Diff:
    left, right = run_facts(store, before), run_facts(store, after)
    left_in, left_out = store.run_io(before.run_id)
    right_in, right_out = store.run_io(after.run_id)
    parts = [
        compare("run", _run_facts(left), _run_facts(right)),
        compare("parameter", left.parameters, right.parameters),
        _models(store, left_out, right_out, left.parameters, right.parameters),
        compare("seed", _seeds(left), _seeds(right)),
        compare("code", _code(left), _code(right)),
        compare("environment", _environment(left), _environment(right)),
        _states(store, "input", left_in, right_in),
        _columns(store, left_out, right_out),
        compare("metric", _metrics(left), _metrics(right)),
        _states(store, "output", left_out, right_out),
    ]
    is_same_job = left.job == right.job
    return Diff(
        of="run",
        before=node_ids.run_id(before.run_id),
        after=node_ids.run_id(after.run_id),
        before_at=before.started_at,
        after_at=after.started_at,
        subject=left.job if is_same_job else "",
        **joined(parts),
    )


def diff_versions(store: Store, before: tuple[NodeRow, VersionRow], after: tuple[NodeRow, VersionRow]) -> Diff:
    """Return how two dataset versions differ: content, columns, and how the runs that wrote them differ."""
    (left_row, left), (right_row, right) = before, after
    parts: list[Compared] = [
        _content(store, left, right),
        compare("column", _schema(store, left), _schema(store, right)),
    ]
    parts.extend(_causes(store, left, right))
    names = version_id(left_row, left.version), version_id(right_row, right.version)
    old, new = (store.run(version.run_id) if version.run_id else None for version in (left, right))
    return Diff(
        of="version",
        before=names[0],
        after=names[1],
        before_at=left.created_at,
        after_at=right.created_at,
        subject=node_id(left_row) if left_row.id == right_row.id else "",
        code=_diff_code(store, old, new) if old and new and old.run_id != new.run_id else None,
        **joined(parts),
    )


_MOST_RUNS = 50
_CAUSES: tuple[What, ...] = ("parameter", "seed", "metric", "code", "environment", "input")


def _causes(store: Store, left: VersionRow, right: VersionRow) -> list[Compared]:
    """Compare the runs that wrote two versions, then those that wrote the inputs that differ, and so on back.

    What differs in an earlier run is named with its job, so that the change that started it all is in the answer.
    """
    parts: list[Compared] = []
    pending, seen = [(left, right)], set[tuple[str, str]]()
    while pending and len(seen) < _MOST_RUNS:
        old, new = pending.pop(0)
        pair = (old.run_id, new.run_id)
        if not all(pair) or old.run_id == new.run_id or pair in seen:
            continue
        runs = store.run(old.run_id), store.run(new.run_id)
        if runs[0] is None or runs[1] is None:
            continue
        is_first = not seen
        seen.add(pair)
        found = _diff_facts(store, runs[0], runs[1])
        job = "" if is_first else f"{run_facts(store, runs[1]).job_name}: "
        differences = [item for item in found.differences if item.what in _CAUSES]
        if not is_first:
            differences = [_of_job(item, job) for item in differences if item.what not in {"environment", "input"}]
        parts.append((differences, [item for item in found.same if is_first and item.what in _CAUSES]))
        pending.extend(_changed_inputs(store, runs[0], runs[1]))
    return parts


def _of_job(item: Difference, job: str) -> Difference:
    return msgspec.structs.replace(item, name=job + item.name)


def _changed_inputs(store: Store, before: RunRow, after: RunRow) -> list[tuple[VersionRow, VersionRow]]:
    """The inputs of two runs that are the same dataset in another state."""
    old = {version.dataset_id: version for version in store.run_io(before.run_id)[0]}
    new = {version.dataset_id: version for version in store.run_io(after.run_id)[0]}
    both = sorted(old.keys() & new.keys())
    pairs = zip(contents(store, [old[key] for key in both]), contents(store, [new[key] for key in both]), strict=True)
    return [(one.version, other.version) for one, other in pairs if not is_same(one, other)]


def diff_instants(store: Store, before: int, after: int, root: NodeRow | None = None) -> Diff:
    """Return which nodes and edges came and went between two instants, upstream of a node or in the whole graph."""
    left, right = _edges_at(store, before, root), _edges_at(store, after, root)
    rows = _rows(store, [*left.values(), *right.values()])
    names = {key: node_id(row) for key, row in rows.items()}
    labels = {node_id(row): row.name for row in rows.values()}
    nodes, same_nodes = compare("node", _ends(left, names), _ends(right, names))
    nodes = [msgspec.structs.replace(item, label=labels[item.name]) for item in nodes]
    parts = [(nodes, same_nodes), compare("edge", _edge_names(left, names), _edge_names(right, names))]
    return Diff(
        of="graph",
        before=str(iso_utc(before)),
        after=str(iso_utc(after)),
        before_at=before,
        after_at=after,
        subject=node_id(root) if root else "",
        **joined(parts),
    )


# -- runs --------------------------------------------------------------------------------------------------------------
def _run_facts(run: RunFacts) -> dict[str, Any]:
    facts: dict[str, Any] = {"job": run.job, "state": run.state}
    if run.command:
        facts["command"] = run.command
    if run.error:
        facts["error"] = run.error
    return facts


def _seeds(run: RunFacts) -> dict[str, Any]:
    return {f"{seed.library} {seed.scope}".strip() + (f" ({seed.where})" if seed.where else ""): seed.value
            for seed in run.seeds}  # fmt: skip


def _metrics(run: RunFacts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in run.metrics:
        step = "" if metric.step is None else f" at step {metric.step}"
        found[metric.name + step] = metric.value
    return found


def _code(run: RunFacts) -> dict[str, Any]:
    code = run.code
    pairs = {"digest": code.sha256, "commit": code.commit, "branch": code.branch, "path": code.path}
    found: dict[str, Any] = {key: value for key, value in pairs.items() if value}
    if code.is_dirty is not None:
        found["uncommitted changes"] = code.is_dirty
    return found


def _environment(run: RunFacts) -> dict[str, Any]:
    environment = run.environment
    found: dict[str, Any] = dict(environment.packages)
    pairs = {"python": environment.python, "platform": environment.platform, "host": environment.host}
    found.update({key: value for key, value in pairs.items() if value})
    if not environment.packages and environment.sha256:
        found["digest"] = environment.sha256
    return found


# -- datasets ----------------------------------------------------------------------------------------------------------
def _states(store: Store, what: What, left: list[VersionRow], right: list[VersionRow]) -> Compared:
    """Compare datasets by content, as far as fingerprints or version names from their producers allow."""
    rows = {row.id: row for row in store.nodes(sorted({version.dataset_id for version in (*left, *right)}))}
    labels = {node_id(row): row.name for row in rows.values()}
    before, after = (
        {
            node_id(rows[content.version.dataset_id]): content
            for content in contents(store, side)
            if content.version.dataset_id in rows
        }
        for side in (left, right)
    )
    differences: list[Difference] = []
    same: list[Difference] = []
    for name in sorted({*before, *after}):
        item = _state(what, name, labels[name], before.get(name), after.get(name))
        (same if item.kind == "same" else differences).append(item)
    return differences, same


def _state(what: What, name: str, label: str, old: Content | None, new: Content | None) -> Difference:
    is_equal = is_same(old, new) if old and new else False
    kind: ChangeKind = "added" if old is None else "removed" if new is None else "same" if is_equal else "changed"
    return Difference(
        what=what,
        name=name,
        label=label,
        kind=kind,
        before=state_facts(old, new) if old else None,
        after=state_facts(new, old) if new else None,
        note=_WRITTEN_ANEW if is_equal is None else "",
    )


_WRITTEN_ANEW = "rewritten; without a fingerprint it is unknown whether the content differs"


def _content(store: Store, left: VersionRow, right: VersionRow) -> Compared:
    """Compare two versions by content; of the same content, what both sides are known to have."""
    old, new = contents(store, [left, right])
    before, after = state_facts(old, new), state_facts(new, old)
    if not is_same(old, new):
        return compare("version", before, after)
    both = before.keys() & after.keys() & {"rows"}
    differences, same = compare("version", {key: before[key] for key in both}, {key: after[key] for key in both})
    return differences, [Difference(what="version", name="content", kind="same", before=before, after=after), *same]


def _schema(store: Store, version: VersionRow) -> dict[str, str]:
    return dict(schema_fields(store.version_facets(version.id)))


def _models(
    store: Store,
    left: list[VersionRow],
    right: list[VersionRow],
    told_before: Mapping[str, Any],
    told_after: Mapping[str, Any],
) -> Compared:
    """Compare the hyper-parameters of the models that both runs made; a model saved under two names counts once.

    Differences already shown by the parameters of the runs are omitted.
    """
    before = {version.dataset_id: _settings(store, version) for version in left}
    after = {version.dataset_id: _settings(store, version) for version in right}
    names = {row.id: row.name.rpartition("/")[2] for row in store.nodes(sorted(before.keys() & after.keys()))}
    differences: dict[tuple[str, str], Difference] = {}
    same: dict[tuple[str, str], Difference] = {}
    for key, name in sorted(names.items()):
        found, equal = compare("parameter", before[key], after[key])
        for kept, items in ((differences, found), (same, equal)):
            for item in items:
                if told_before.get(item.name) == item.before and told_after.get(item.name) == item.after:
                    continue
                kept.setdefault((item.name, f"{item.before} {item.after}"), _of_job(item, f"{name}: "))
    return _told_once(list(differences.values())), list(same.values())


def _told_once(items: list[Difference]) -> list[Difference]:
    """Omit ``pipeline: step__alpha`` if ``step: alpha`` says the same."""
    plain = {(item.name.rpartition(": ")[2], str(item.before), str(item.after)) for item in items}
    return [
        item
        for item in items
        if "__" not in item.name or (item.name.rpartition("__")[2], str(item.before), str(item.after)) not in plain
    ]


def _settings(store: Store, version: VersionRow) -> dict[str, Any]:
    found = body(store.version_facets(version.id), "headwater_model").get("hyper_parameters")
    return found if isinstance(found, dict) else {}


def _columns(store: Store, left: list[VersionRow], right: list[VersionRow]) -> Compared:
    """Compare the columns of the outputs that both runs wrote."""
    before = {version.dataset_id: version for version in left}
    after = {version.dataset_id: version for version in right}
    both = sorted(before.keys() & after.keys())
    names = {row.id: row.name for row in store.nodes(both)}
    old: dict[str, str] = {}
    new: dict[str, str] = {}
    for key in both:
        columns = _schema(store, before[key]), _schema(store, after[key])
        if columns[0] and columns[1]:
            old.update({f"{names[key]}:{column}": type_ for column, type_ in columns[0].items()})
            new.update({f"{names[key]}:{column}": type_ for column, type_ in columns[1].items()})
    return compare("column", old, new)


# -- graphs ------------------------------------------------------------------------------------------------------------
_Keyed = dict[tuple[int, int, int], EdgeRow]


def _edges_at(store: Store, instant: int, root: NodeRow | None) -> _Keyed:
    from headwater.model.graph import Direction

    if root is not None:
        found = walk(Edges(store, instant), [root], Direction.UPSTREAM).edges
    else:
        found = [
            edge
            for row in scan(store, kind=NodeKind.JOB)
            for edge in store.edges(job_id=row.id)
            if is_valid(edge, instant)
        ]
    return {(edge.source_id, edge.target_id, edge.job_id): edge for edge in found}


def _rows(store: Store, edges: list[EdgeRow]) -> dict[int, NodeRow]:
    wanted = {key for edge in edges for key in (edge.source_id, edge.target_id, edge.job_id)}
    return {row.id: row for row in store.nodes(sorted(wanted))}


def _ends(edges: _Keyed, names: dict[int, str]) -> dict[str, str]:
    return {names[key]: "" for edge in edges.values() for key in (edge.source_id, edge.target_id) if key in names}


def _edge_names(edges: _Keyed, names: dict[int, str]) -> dict[str, str]:
    return {
        f"{names.get(edge.source_id, '?')} -> {names.get(edge.target_id, '?')} by {names.get(edge.job_id, '?')}": ""
        for edge in edges.values()
    }
