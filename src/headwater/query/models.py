"""Details of a model version: recipe, features, related checkpoints, and the predictions it made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec

from headwater.model.graph import Direction, NodeKind
from headwater.query.facet_values import Facets, Version, body, version_facts
from headwater.query.importances import Importances, read_importances
from headwater.query.names import node_id
from headwater.query.version_graph import VersionGraph
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

MODEL_TYPES = ("MODEL", "CHECKPOINT")
_MOST_FAMILY = 200
_MOST_LINKS = 20_000
_MOST_PREDICTIONS = 100


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature in the order that the model takes them; ``importance`` None if its producer gave none."""

    name: str
    importance: float | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step before the model, with the steps that it is made of."""

    name: str
    class_name: str = ""
    parts: tuple[Step, ...] = ()


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """A model version with those that were continued or saved from it, oldest first."""

    version: Version
    step: int | None = None
    is_subject: bool = False
    children: tuple[Relative, ...] = ()


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A model version. ``family`` holds the versions that nothing else was continued into this family from, each with
    its children; ``training`` names the dataset that it learned from; ``left_out`` says what is not in the answer."""

    name: str = ""
    class_name: str = ""
    framework: str = ""
    recipe: str = ""
    features: tuple[Feature, ...] = ()
    feature_count: int | None = None
    importances: Importances | None = None
    steps: tuple[Step, ...] = ()
    parameters: dict[str, Any] = {}
    best_parameters: dict[str, Any] = {}
    training: str = ""
    training_name: str = ""
    family: tuple[Relative, ...] = ()
    predictions: tuple[Version, ...] = ()
    left_out: tuple[str, ...] = ()


def read_model(store: Store, node: NodeRow, version: VersionRow) -> ModelVersion:
    """Return what is known of a version of a model or checkpoint."""
    own = body(store.version_facets(version.id), "headwater_model")
    training = _mapping(own.get("training"))
    learned_from = _dataset(store, training)
    importances = read_importances(own)
    family = _Family(store, version, str(own.get("version") or ""))
    return ModelVersion(
        name=str(own.get("name") or node.name),
        class_name=str(own.get("class") or ""),
        framework=f"{own.get('framework') or ''} {own.get('framework_version') or ''}".strip(),
        recipe=str(own.get("version") or ""),
        features=_features(own, importances),
        importances=importances,
        feature_count=own.get("feature_count") if isinstance(own.get("feature_count"), int) else None,
        steps=_steps(own.get("preprocessing")),
        parameters=_mapping(own.get("hyper_parameters")),
        best_parameters=_mapping(own.get("best_parameters")),
        training=node_id(learned_from) if learned_from else "",
        training_name=learned_from.name if learned_from else str(training.get("name") or ""),
        family=family.trees(),
        predictions=family.predictions(),
        left_out=tuple(family.left_out),
    )


def _dataset(store: Store, named: dict[str, Any]) -> NodeRow | None:
    namespace, name = named.get("namespace"), named.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        return None
    return store.find(NodeKind.DATASET, namespace, name)


def _features(own: dict[str, Any], importances: Importances | None) -> tuple[Feature, ...]:
    listed = own.get("features")
    weights = importances.features if importances else {}
    names = [
        str(item.get("name", "")) if isinstance(item, dict) else str(item)
        for item in (listed if isinstance(listed, list) else [])
    ]
    return tuple(Feature(name=name, importance=weights.get(name)) for name in names)


def _steps(given: Any) -> tuple[Step, ...]:
    return tuple(
        Step(
            name=str(item.get("name") or item.get("step") or ""),
            class_name=str(item.get("class") or ""),
            parts=_steps(item.get("parts")),
        )
        if isinstance(item, dict)
        else Step(name=str(item))
        for item in (given if isinstance(given, list) else [])
    )


def _mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


class _Family:
    """All versions of models that are joined to one by derivations among models alone."""

    def __init__(self, store: Store, subject: VersionRow, recipe: str) -> None:
        self._store = store
        self._graph = VersionGraph(store)
        self._subject = subject
        self._recipe = recipe
        self._members: dict[int, VersionRow] = {subject.id: subject}
        self._facets: dict[int, Facets] = {}
        self._rows: dict[int, NodeRow] = {row.id: row for row in store.nodes([subject.dataset_id])}
        self._parents: dict[int, set[int]] = {}
        self._made: dict[int, VersionRow] = {}
        self.left_out: list[str] = []
        self._grow()

    def _grow(self) -> None:
        frontier = [self._subject.id]
        while frontier:
            fresh: dict[int, VersionRow] = {}
            for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM):
                links = list(islice(self._graph.links(frontier, direction), _MOST_LINKS))
                if len(links) == _MOST_LINKS:
                    self._leave_out(f"more than {_MOST_LINKS:,} versions are made from these; the rest is left out")
                far = self._read({link.far for link in links})
                for link in links:
                    self._take(link.near, far.get(link.far), direction, fresh)
            frontier = list(fresh)
            if len(self._members) > _MOST_FAMILY:
                self._leave_out(f"more than {_MOST_FAMILY} versions belong to this family; the farthest are left out")
                frontier = []

    def _read(self, keys: Iterable[int]) -> dict[int, VersionRow]:
        found = self._graph.rows(sorted(keys))
        missing = {version.dataset_id for version in found.values()} - self._rows.keys()
        self._rows.update({row.id: row for row in self._store.nodes(sorted(missing))} if missing else {})
        return found

    def _take(self, near: int, far: VersionRow | None, direction: Direction, fresh: dict[int, VersionRow]) -> None:
        row = None if far is None else self._rows.get(far.dataset_id)
        if far is None or row is None:
            return
        if row.type in MODEL_TYPES:
            child, parent = (near, far.id) if direction is Direction.UPSTREAM else (far.id, near)
            self._parents.setdefault(child, set()).add(parent)
            if far.id not in self._members:
                self._members[far.id] = fresh[far.id] = far
        elif row.type == "PREDICTIONS" and direction is Direction.DOWNSTREAM and self._is_same(near):
            self._made[far.id] = far

    def _leave_out(self, words: str) -> None:
        if words not in self.left_out:
            self.left_out.append(words)

    def _own(self, key: int) -> dict[str, Any]:
        if key not in self._facets:
            self._facets[key] = self._store.version_facets(key)
        return body(self._facets[key], "headwater_model")

    def _is_same(self, key: int) -> bool:
        """Whether a version is the subject, or the same model kept elsewhere."""
        return key == self._subject.id or (bool(self._recipe) and self._own(key).get("version") == self._recipe)

    def trees(self) -> tuple[Relative, ...]:
        """Return the family as trees: each version below the latest of those that it comes from, oldest first."""
        children: dict[int, list[int]] = {}
        roots: list[int] = []
        above: dict[int, int] = {}
        for key in sorted(self._members, key=self._age):
            parents = sorted(self._parents.get(key, set()) & self._members.keys(), key=self._age, reverse=True)
            parent = next((candidate for candidate in parents if not _is_above(key, candidate, above)), None)
            if parent is None:
                roots.append(key)
            else:
                above[key] = parent
                children.setdefault(parent, []).append(key)
        return tuple(self._relative(key, children) for key in roots)

    def _age(self, key: int) -> tuple[int, str, str, str]:
        """Sort key of members: ids are in the order of arrival, which says nothing."""
        version = self._members[key]
        row = self._rows[version.dataset_id]
        return version.created_at, row.namespace, row.name, version.version

    def _relative(self, key: int, children: dict[int, list[int]]) -> Relative:
        version = self._members[key]
        own = self._own(key)
        step = _mapping(own.get("checkpoint")).get("step", own.get("step"))
        return Relative(
            version=version_facts(self._rows[version.dataset_id], version),
            step=step if isinstance(step, int) else None,
            is_subject=key == self._subject.id,
            children=tuple(self._relative(child, children) for child in children.get(key, ())),
        )

    def predictions(self) -> tuple[Version, ...]:
        """Return the predictions that this model made, under whichever name it was kept; latest first."""
        latest = sorted(self._made.values(), key=lambda one: (-one.created_at, self._rows[one.dataset_id].name))
        if len(latest) > _MOST_PREDICTIONS:
            self._leave_out(f"{len(latest) - _MOST_PREDICTIONS:,} earlier predictions are left out")
        return tuple(version_facts(self._rows[version.dataset_id], version) for version in latest[:_MOST_PREDICTIONS])


def _is_above(key: int, one: int, above: Mapping[int, int]) -> bool:
    """Whether a version stands above another, or is it; ``above`` holds the parents that are chosen so far."""
    at: int | None = one
    while at is not None and at != key:
        at = above.get(at)
    return at == key
