"""Tags: their descriptions, and the datasets, columns and jobs that have them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.formats.dataset_facets import Tag as TagFact
from headwater.formats.marquez.events import tag_dataset, tag_job
from headwater.formats.marquez.objects import Dataset, Job, Tag
from headwater.formats.marquez.requests import TagMeta
from headwater.server.request import Call
from headwater.server.routes.marquez.datasets_shape import Datasets
from headwater.server.routes.marquez.errors import FieldMissing
from headwater.server.routes.marquez.event_intake import emit, instant, turn
from headwater.server.routes.marquez.facet_fields import dataset_tags, job_tags, tag_name
from headwater.server.routes.marquez.jobs_shape import job_shape
from headwater.server.routes.marquez.lookup import TAG, Finder
from headwater.server.routes.marquez.operations import Page, operation

_DATASET = "/api/v1/namespaces/{namespace}/datasets/{dataset}"


class Tags(msgspec.Struct, frozen=True):
    """A page of tags."""

    tags: list[Tag]


def list_tags(call: Call) -> Tags:
    """A page of the tags, by name."""
    page: Page = call.query
    known = call.service.documents.all(call.tenant, TAG)
    shown = known[page.offset : page.offset + page.limit]
    return Tags([Tag(name=one.name, description=one.read(TagMeta).description) for one in shown])


def put_tag(call: Call) -> Tag:
    """Describe a tag."""
    meta: TagMeta = call.body
    name = call.path["tag"]
    if meta.description is None:
        know_tags(call, [name])
    else:
        call.service.documents.put(call.tenant, TAG, name, meta, call.service.clock())
    found = call.service.documents.get(call.tenant, TAG, name)
    return Tag(name=name, description=found.read(TagMeta).description if found else None)


def know_tags(call: Call, names: Iterable[str]) -> None:
    """Add the tags that are not listed yet to the list."""
    documents = call.service.documents
    for name in dict.fromkeys(names):
        if documents.get(call.tenant, TAG, name) is None:
            documents.put(call.tenant, TAG, name, TagMeta(), call.service.clock())


def add_to_dataset(call: Call) -> Dataset:
    """Tag a dataset."""
    return _change_dataset(call, field=None, is_added=True)


def take_from_dataset(call: Call) -> Dataset:
    """Remove a tag from a dataset."""
    return _change_dataset(call, field=None, is_added=False)


def add_to_field(call: Call) -> Dataset:
    """Tag a column."""
    return _change_dataset(call, field=call.path["field"], is_added=True)


def take_from_field(call: Call) -> Dataset:
    """Remove a tag from a column."""
    return _change_dataset(call, field=call.path["field"], is_added=False)


def _change_dataset(call: Call, *, field: str | None, is_added: bool) -> Dataset:
    with turn(call):
        with call.store() as store:
            find = Finder(store, call.service.documents, call.tenant)
            row = find.dataset(call.path["namespace"], call.path["dataset"])
            if field is not None and field not in store.fields(row.id):
                raise FieldMissing(field, row.name)
            before = dataset_tags(store.facets(row.id))
        after = _changed(before, call.path["tag"], field, is_added=is_added)
        if after != before:
            emit(call, [tag_dataset((row.namespace, row.name), after, instant(call, row))])
        if is_added:
            know_tags(call, [call.path["tag"]])
    with call.store() as store:
        found = store.nodes([row.id])
        return Datasets(store, call.service.documents, call.tenant).one(found[0] if found else row)


def add_to_job(call: Call) -> Job:
    """Tag a job."""
    return _change_job(call, is_added=True)


def take_from_job(call: Call) -> Job:
    """Remove a tag from a job."""
    return _change_job(call, is_added=False)


def _change_job(call: Call, *, is_added: bool) -> Job:
    with turn(call):
        with call.store() as store:
            row = Finder(store, call.service.documents, call.tenant).job(call.path["namespace"], call.path["job"])
            before = job_tags(store.facets(row.id))
        after = _changed(before, call.path["tag"], None, is_added=is_added)
        if after != before:
            emit(call, [tag_job((row.namespace, row.name), after, instant(call, row))])
        if is_added:
            know_tags(call, [call.path["tag"]])
    with call.store() as store:
        found = store.nodes([row.id])
        return job_shape(store, found[0] if found else row)


def _changed(tags: list[TagFact], name: str, field: str | None, *, is_added: bool) -> list[TagFact]:
    """The tags with one added or removed. Tags are compared in the form in which they are shown."""
    has = [(tag.field or None) == field and tag_name(tag) == name for tag in tags]
    if not is_added:
        return [tag for tag, is_it in zip(tags, has, strict=True) if not is_it]
    return tags if any(has) else [*tags, TagFact(key=name, value="true", source="USER", field=field)]


OPERATIONS = (
    operation("GET", "/api/v1/tags", list_tags, "The tags.", query=Page, answer=Tags),
    operation("PUT", "/api/v1/tags/{tag}", put_tag, "Describe a tag.", body=TagMeta, answer=Tag),
    operation("POST", _DATASET + "/tags/{tag}", add_to_dataset, "Tag a dataset.", answer=Dataset),
    operation("DELETE", _DATASET + "/tags/{tag}", take_from_dataset, "Remove a tag from a dataset.", answer=Dataset),
    operation("POST", _DATASET + "/fields/{field}/tags/{tag}", add_to_field, "Tag a column.", answer=Dataset),
    operation(
        "DELETE",
        _DATASET + "/fields/{field}/tags/{tag}",
        take_from_field,
        "Remove a tag from a column.",
        answer=Dataset,
    ),
    operation("POST", "/api/v1/namespaces/{namespace}/jobs/{job}/tags/{tag}", add_to_job, "Tag a job.", answer=Job),
    operation(
        "DELETE",
        "/api/v1/namespaces/{namespace}/jobs/{job}/tags/{tag}",
        take_from_job,
        "Remove a tag from a job.",
        answer=Job,
    ),
)
