"""Datasets and their versions."""

from __future__ import annotations

import msgspec

from headwater.formats.dataset_facets import Tag
from headwater.formats.marquez.events import drop_dataset, put_dataset, run_event
from headwater.formats.marquez.objects import Dataset, DatasetVersion
from headwater.formats.marquez.requests import DatasetMeta, NameMeta
from headwater.model.graph import NodeKind
from headwater.model.source_names import name_at_source
from headwater.server.request import Call
from headwater.server.routes.marquez.datasets_shape import Datasets, Extra
from headwater.server.routes.marquez.errors import Missing
from headwater.server.routes.marquez.event_intake import emit, instant, turn
from headwater.server.routes.marquez.facet_fields import dataset_tags
from headwater.server.routes.marquez.lookup import DATASET, Finder, dataset_key
from headwater.server.routes.marquez.operations import Page, operation
from headwater.server.routes.marquez.runs_shape import version_uuid
from headwater.server.routes.marquez.sources import one_source
from headwater.server.routes.marquez.tags import know_tags
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, VersionRow

_PATH = "/api/v1/namespaces/{namespace}/datasets"
_PAGE = 500


class DatasetPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of datasets, and their total number."""

    datasets: list[Dataset]
    total_count: int


class VersionPage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of versions, and their total number."""

    versions: list[DatasetVersion]
    total_count: int


def describing(call: Call, store: Store) -> Datasets:
    """The ``Datasets`` of the caller's tenant."""
    return Datasets(store, call.service.documents, call.tenant)


def finder(call: Call, store: Store) -> Finder:
    """The ``Finder`` of the caller's tenant."""
    return Finder(store, call.service.documents, call.tenant)


def list_datasets(call: Call) -> DatasetPage:
    """A page of the datasets of a namespace, by name."""
    page: Page = call.query
    namespace = call.path["namespace"]
    with call.store() as store:
        finder(call, store).namespace(namespace)
        rows = store.list_nodes(NodeKind.DATASET, namespace=namespace, limit=page.limit, offset=page.offset)
        total = store.count_nodes(NodeKind.DATASET, namespace=namespace)
        return DatasetPage(datasets=describing(call, store).all(rows), total_count=total)


def get_dataset(call: Call) -> Dataset:
    """One dataset."""
    with call.store() as store:
        row = finder(call, store).dataset(call.path["namespace"], call.path["dataset"])
        return describing(call, store).one(row)


def put(call: Call) -> Dataset:
    """Create or change a dataset; with a run, as an output of that run."""
    meta: DatasetMeta = call.body
    namespace, name = call.path["namespace"], call.path["dataset"]
    source = one_source(call, meta.source_name)
    with turn(call):
        with call.store() as store:
            find = finder(call, store)
            find.namespace(namespace)
            run = find.run(meta.run_id) if meta.run_id is not None else None
            job = find.job_of(run) if run is not None else None
            rows = _known(store, namespace, name, source.connection_url)
            facets = {key: facet for row in rows for key, facet in store.facets(row.id).items()}
        at = instant(call, *rows, job)
        event = put_dataset(
            (namespace, name),
            meta,
            uri=source.connection_url,
            tags=_tags(meta, dataset_tags(facets)),
            previous=facets,
            is_revived=any(row.is_deleted for row in rows),
            at=at,
        )
        events = [event]
        if run is not None and job is not None:
            outputs = [NameMeta(namespace=namespace, name=name)]
            events.append(run_event((job.namespace, job.name), run.run_id, "OTHER", at, outputs=outputs))
        emit(call, events)
        know_tags(call, [*(meta.tags or ()), *(tag for field in meta.fields or () for tag in field.tags or ())])
        extra = Extra(physical_name=meta.physical_name, schema_location=meta.schema_location or "")
        call.service.documents.put(call.tenant, DATASET, dataset_key(namespace, name), extra, call.service.clock())
    return get_dataset(call)


def _known(store: Store, namespace: str, name: str, uri: str) -> list[NodeRow]:
    """The known rows of a dataset, first the one under its name at its source, with which it will be merged."""
    there = name_at_source(namespace, name, uri)
    names = [(there.namespace, there.name)] if there is not None else []
    found = [store.find(NodeKind.DATASET, *one) for one in (*names, (namespace, name))]
    return list({row.id: row for row in found if row is not None}.values())


def _tags(meta: DatasetMeta, before: list[Tag]) -> list[Tag]:
    """The tags of a dataset after a put: the given ones, or the former ones of each object without any."""
    given = [Tag(key=key, value="true", source="USER") for key in meta.tags or ()]
    found = given if meta.tags is not None else [tag for tag in before if not tag.field]
    for field in meta.fields or ():
        if field.tags is None:
            found += [tag for tag in before if tag.field == field.name]
        else:
            found += [Tag(key=key, value="true", source="USER", field=field.name) for key in field.tags]
    return found


def delete(call: Call) -> Dataset:
    """Delete a dataset, by an event that drops it."""
    with turn(call):
        with call.store() as store:
            row = finder(call, store).dataset(call.path["namespace"], call.path["dataset"])
            shown = describing(call, store).one(row)
        emit(call, [drop_dataset((row.namespace, row.name), instant(call, row))])
    return msgspec.structs.replace(shown, deleted=True)


def list_versions(call: Call) -> VersionPage:
    """A page of the versions of a dataset, latest first."""
    page: Page = call.query
    with call.store() as store:
        row = finder(call, store).dataset(call.path["namespace"], call.path["dataset"])
        rows = store.versions(row.id, limit=max(1, page.offset + page.limit))
        shown = rows[page.offset : page.offset + page.limit]
        total = rows[0].ordinal if rows else 0
        return VersionPage(versions=describing(call, store).versions(row, shown), total_count=total)


def get_version(call: Call) -> DatasetVersion:
    """One version of a dataset, by its UUID or by its producer's name for it."""
    with call.store() as store:
        row = finder(call, store).dataset(call.path["namespace"], call.path["dataset"])
        found = find_version(store, row, call.path["version"])
        if found is None:
            raise Missing("Dataset version", call.path["version"])
        return describing(call, store).versions(row, [found])[0]


def find_version(store: Store, row: NodeRow, version: str) -> VersionRow | None:
    """The version of a dataset with that UUID or name, searched backwards from the latest."""
    as_of: int | None = None
    seen = 0
    while True:
        page = store.versions(row.id, as_of=as_of, limit=_PAGE + seen)
        for one in page[seen:]:
            if version in (version_uuid(row, one), one.version):
                return one
        if len(page) < _PAGE + seen:
            return None
        # The next page begins at the last instant of this one; skip the versions of that instant already seen.
        as_of = page[-1].created_at
        seen = sum(one.created_at == as_of for one in page)


OPERATIONS = (
    operation("GET", _PATH, list_datasets, "The datasets of a namespace.", query=Page, answer=DatasetPage),
    operation("GET", _PATH + "/{dataset}", get_dataset, "One dataset.", answer=Dataset),
    operation("PUT", _PATH + "/{dataset}", put, "Create or change a dataset.", body=DatasetMeta, answer=Dataset),
    operation("DELETE", _PATH + "/{dataset}", delete, "Delete a dataset.", answer=Dataset),
    operation(
        "GET",
        _PATH + "/{dataset}/versions",
        list_versions,
        "The versions of a dataset.",
        query=Page,
        answer=VersionPage,
    ),
    operation("GET", _PATH + "/{dataset}/versions/{version}", get_version, "One version.", answer=DatasetVersion),
)
