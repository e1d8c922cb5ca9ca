"""The search behind ``why``: from a version, through runs and their inputs, to raw data."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.model.graph import WHOLE, Direction, NodeKind
from headwater.query.facet_values import RunFacts, Version, as_seen, body, run_facts, version_facts
from headwater.query.history import uncounted
from headwater.query.importances import read_importances
from headwater.query.resolve import Target
from headwater.query.version_graph import VersionGraph
from headwater.query.version_graph_builder import versions_graph
from headwater.query.versions import version_at
from headwater.query.why import Made, ModelFacts, TrailStep, Why
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

_MODEL_TYPES = {"MODEL", "CHECKPOINT"}
_MOST_VERSIONS = 2000


def find_why(store: Store, target: Target, *, as_of: int | None = None) -> Why:
    """Return the way back from a dataset, a version of it, or one of its rows.

    Raises ``NotFound`` when nothing was written yet, ``InvalidInput`` when the row is not in the version.
    """
    version = _subject(store, target, as_of)
    _check_row(target, version)
    search = _Search(store, version)
    columns = _asked_columns(target, search)
    trail = search.trail(version, columns)
    gaps = list(search.gaps)
    if target.row is not None and version.row_count is None:
        gaps.insert(0, f"the number of rows is not known, so row {target.row} could not be checked")
    if columns and not trail:
        gaps.append("no column lineage is known for " + search.label(version))
    return Why(
        question=target.text,
        subject=search.made[version.id],
        row=target.row,
        columns=columns,
        models=tuple(search.model(key) for key in search.made if search.is_model(key)),
        history=tuple(search.made.values()),
        sources=tuple(made.version for made in search.made.values() if made.run is None),
        trail=trail,
        gaps=tuple(gaps),
        graph=versions_graph(store, [version], Direction.UPSTREAM, limit=_MOST_VERSIONS),
    )


def _subject(store: Store, target: Target, as_of: int | None) -> VersionRow:
    if target.node.kind is NodeKind.JOB:
        raise InvalidInput(
            field="name",
            value=target.text,
            rule="must be data, not a job",
            hint="name what it wrote; 'downstream' lists that",
        )
    version = target.version or version_at(store, target.node.id, as_of)
    if version is None:
        when = "" if as_of is None else " by that time"
        raise NotFound(
            target.text,
            message=f"no version of {target.text} was written{when}",
            hint=next(iter(uncounted(store, target.node)), "'history' lists versions"),
        )
    return version


def _check_row(target: Target, version: VersionRow) -> None:
    if target.row is not None and version.row_count is not None and target.row >= version.row_count:
        held = f"its rows are 0 to {version.row_count - 1:,}" if version.row_count else "it has no rows"
        raise InvalidInput(
            f"row {target.row:,} is not in {target.node.name}: {held}",
            field="row",
            value=str(target.row),
            rule=f"must be less than {version.row_count}",
        )


class _Search:
    """Everything upstream of one version, each version once, nearest first."""

    def __init__(self, store: Store, start: VersionRow) -> None:
        self.store = store
        self.graph = VersionGraph(store)
        self.gaps: list[str] = []
        hops, walked, is_cut = self.graph.walk([start], Direction.UPSTREAM, limit=_MOST_VERSIONS)
        self.versions = {version.id: version for version in as_seen(store, walked.values())}
        if is_cut:
            self.gaps.append(f"more than {_MOST_VERSIONS:,} versions lie upstream; the farthest are left out")
        ids = sorted({version.dataset_id for version in self.versions.values()})
        self.rows: dict[int, NodeRow] = {row.id: row for row in store.nodes(ids)}
        self._runs: dict[str, RunFacts | None] = {}
        made = {key: self._made(self.versions[key], hop) for key, hop in hops.items()}
        #: nearest first, then by name: the order in which versions became known says nothing
        self.made = dict(sorted(made.items(), key=lambda one: _order(one[1])))

    def _made(self, version: VersionRow, hop: int) -> Made:
        steps = self.graph.step(version.id, Direction.UPSTREAM)
        inputs = {
            far.id: self._facts(far).id for derived in steps for far in derived.versions if far.id in self.versions
        }
        run_id = version.run_id or next((derived.run_id for derived in steps), "")
        return Made(
            version=self._facts(version), run=self._run(run_id), inputs=tuple(sorted(inputs.values())), distance=hop
        )

    def _facts(self, version: VersionRow) -> Version:
        return version_facts(self.rows[version.dataset_id], version)

    def _run(self, run_id: str) -> RunFacts | None:
        if not run_id:
            return None
        if run_id not in self._runs:
            row = self.store.run(run_id)
            self._runs[run_id] = run_facts(self.store, row) if row else None
        return self._runs[run_id]

    def label(self, version: VersionRow) -> str:
        """Return the name of the version's dataset."""
        return self.rows[version.dataset_id].name

    def is_model(self, key: int) -> bool:
        """Tell whether the version is one of a model or checkpoint."""
        return self.rows[self.versions[key].dataset_id].type.upper() in _MODEL_TYPES

    def model(self, key: int) -> ModelFacts:
        """Return what is known of a model version from its facets and from the run that made it."""
        made = self.made[key]
        facets = self.store.version_facets(key)
        own = body(facets, "headwater_model")
        features = own.get("features") or own.get("feature_names") or []
        parameters = own.get("hyper_parameters") or own.get("parameters") or {}
        steps = own.get("preprocessing") or []
        return ModelFacts(
            made=made,
            class_name=str(own.get("class") or own.get("class_name") or own.get("estimator") or ""),
            features=tuple(_name(item) for item in features) if isinstance(features, list) else (),
            importances=read_importances(own),
            parameters=parameters if isinstance(parameters, dict) else {},
            metrics=_model_metrics(own, made),
            steps=tuple(_name(item) for item in steps) if isinstance(steps, list) else (),
            saved_as=self._saved_as(key),
        )

    def _saved_as(self, key: int) -> tuple[str, ...]:
        """Return the other models that were made from this version and from nothing that learned more."""
        mine = body(self.store.version_facets(key), "headwater_model").get("version")
        found: dict[str, None] = {}
        for derived in self.graph.step(key, Direction.DOWNSTREAM) if mine else ():
            for far in derived.versions:
                if body(self.store.version_facets(far.id), "headwater_model").get("version") == mine:
                    found.update(dict.fromkeys(row.name for row in self.store.nodes([far.dataset_id])))
        return tuple(sorted(found))

    def trail(self, start: VersionRow, columns: tuple[str, ...]) -> tuple[TrailStep, ...]:
        """Return the column edges back from these columns, nearest first, each once."""
        found: dict[TrailStep, None] = {}
        seen = {(start.id, column) for column in columns}
        frontier = sorted(seen)
        while frontier:
            steps: list[TrailStep] = []
            reached: set[tuple[int, str]] = set()
            for key, column in frontier:
                for source, step in self._column_steps(key, column):
                    steps.append(step)
                    place = (source, step.source_field)
                    if place not in seen and step.type != "INDIRECT":
                        reached.add(place)
            found.update(dict.fromkeys(sorted(steps, key=msgspec.structs.astuple)))
            seen |= reached
            frontier = sorted(reached)
        return tuple(found)

    def _column_steps(self, key: int, column: str) -> list[tuple[int, TrailStep]]:
        steps: list[tuple[int, TrailStep]] = []
        for derived in self.graph.step(key, Direction.UPSTREAM):
            for source, field in self.graph.fields(derived.derivation, key):
                if source in self.made and field.target_field in (column, WHOLE):
                    step = TrailStep(
                        target=self.made[key].version.id,
                        target_field=column,
                        source=self.made[source].version.id,
                        source_field=field.source_field,
                        type=field.type,
                        subtype=field.subtype,
                    )
                    steps.append((source, step))
        return steps


def _order(made: Made) -> tuple[int, str, int, str]:
    """Sort key of versions; two of one dataset can go by one name."""
    return made.distance, made.version.id, made.version.created_at, made.run.run_id if made.run else ""


def _asked_columns(target: Target, search: _Search) -> tuple[str, ...]:
    """The column that was asked about; else the columns that a model filled in; else every column with a history."""
    if target.field:
        return (target.field,)
    start = next(iter(search.versions))
    by_model: set[str] = set()
    every: set[str] = set()
    for derived in search.graph.step(start, Direction.UPSTREAM):
        for source, field in search.graph.fields(derived.derivation, start):
            every.add(field.target_field)
            if source in search.versions and search.is_model(source) and field.type != "INDIRECT":
                by_model.add(field.target_field)
    return tuple(sorted(by_model or every))


def _name(item: Any) -> str:
    return str(item.get("name", item.get("class", ""))) if isinstance(item, dict) else str(item)


def _model_metrics(own: dict[str, Any], made: Made) -> dict[str, Any]:
    found = own.get("metrics")
    if isinstance(found, dict) and found:
        return found
    return {metric.name: metric.value for metric in made.run.metrics} if made.run else {}
