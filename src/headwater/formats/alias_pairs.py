"""Which names an event says are one dataset: symlinks, renames and data-source URIs."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.errors import InvalidName
from headwater.formats.facets import DataSource, LifecycleStateChange, Symlinks, try_facet
from headwater.model.events import Dataset, DatasetEvent, Event
from headwater.model.names import DatasetName, normalise
from headwater.model.platforms import PLATFORMS, Shape, canonical_scheme
from headwater.model.uris import from_uri


def alias_pairs(event: Event) -> list[tuple[DatasetName, DatasetName]]:
    """Every pair of names, in normal form, that an event joins; each pair once, in order of appearance."""
    datasets: tuple[Dataset, ...]
    datasets = (event.dataset,) if isinstance(event, DatasetEvent) else (*event.inputs, *event.outputs)
    found: dict[tuple[DatasetName, DatasetName], None] = {}
    for dataset in datasets:
        if dataset.facets:
            name = normalise(dataset.namespace, dataset.name)
            for alias in _aliases(dataset):
                if alias != name:
                    found[(name, alias)] = None
    return list(found)


def _aliases(dataset: Dataset) -> Iterator[DatasetName]:
    if symlinks := try_facet(dataset.facets, Symlinks):
        for link in symlinks.identifiers or ():
            if link.namespace.strip() and link.name.strip():
                yield normalise(link.namespace, link.name)
    change = try_facet(dataset.facets, LifecycleStateChange)
    if change is not None and change.lifecycle_state_change.upper() == "RENAME" and change.previous_identifier:
        before = change.previous_identifier
        if before.namespace.strip() and before.name.strip():
            yield normalise(before.namespace, before.name)
    source = try_facet(dataset.facets, DataSource)
    if source is not None and source.uri and (name := _in_source(dataset, source.uri)):
        yield name


def _in_source(dataset: Dataset, uri: str) -> DatasetName | None:
    """The dataset's name at the address of its source, where its namespace is only the source's nickname."""
    scheme = canonical_scheme(uri.removeprefix("jdbc:").partition(":")[0])
    platform = PLATFORMS.get(scheme)
    if "://" in dataset.namespace or dataset.namespace.lower() in PLATFORMS or dataset.namespace.startswith("arn:"):
        return None
    try:
        if platform is not None and platform.shape is Shape.TABLE:
            return normalise(*from_uri(uri, table=dataset.name, cwd="/"))
        if platform is None or platform.shape is not Shape.PATH:
            return None
        place = from_uri(uri, cwd="/")  # what the server runs in says nothing about the emitter
    except InvalidName:
        return None
    if place.name == "/":
        return normalise(place.namespace, dataset.name)
    return normalise(*place) if place.name.endswith(dataset.name.strip("/")) else None
