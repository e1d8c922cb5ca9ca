"""Sources of datasets."""

from __future__ import annotations

import msgspec

from headwater.formats.marquez.objects import Source
from headwater.formats.marquez.requests import SourceMeta
from headwater.formats.times import format_time
from headwater.server.access.tenant_documents import Document
from headwater.server.request import Call
from headwater.server.routes.marquez.errors import Missing
from headwater.server.routes.marquez.lookup import SOURCE
from headwater.server.routes.marquez.operations import Page, operation
from headwater.storage.directory import SourceRow


class Sources(msgspec.Struct, frozen=True):
    """A page of sources."""

    sources: list[Source]


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The values put for a source."""

    type: str
    connection_url: str
    description: str | None = None


def list_sources(call: Call) -> Sources:
    """A page of the sources, by name."""
    page: Page = call.query
    found = all_sources(call)
    return Sources([found[name] for name in sorted(found)[page.offset : page.offset + page.limit]])


def get_source(call: Call) -> Source:
    """One source."""
    return one_source(call, call.path["source"])


def put_source(call: Call) -> Source:
    """Create or change a source."""
    meta: SourceMeta = call.body
    name = call.path["source"]
    stored = _Stored(type=meta.type.upper(), connection_url=meta.connection_url, description=meta.description)
    call.service.documents.put(call.tenant, SOURCE, name, stored, call.service.clock())
    return one_source(call, name)


def all_sources(call: Call) -> dict[str, Source]:
    """All sources by name: those that were put, and those named by datasets."""
    with call.store() as store:
        rows = {row.name: row for row in store.sources()}
    documents = {one.name: one for one in call.service.documents.all(call.tenant, SOURCE)}
    return {name: _shape(name, rows.get(name), documents.get(name)) for name in {*rows, *documents}}


def one_source(call: Call, name: str) -> Source:
    """A source by name. Raises ``Missing``."""
    document = call.service.documents.get(call.tenant, SOURCE, name)
    with call.store() as store:
        row = store.source(name)
    if row is None and document is None:
        raise Missing("Source", name)
    return _shape(name, row, document)


def _shape(name: str, row: SourceRow | None, document: Document | None) -> Source:
    stored = document.read(_Stored) if document else _Stored(type="", connection_url=(row.uri if row else "") or name)
    created = [*([document.created_at] if document else []), *([row.created_at] if row else [])]
    updated = [*([document.updated_at] if document else []), *([row.updated_at] if row else [])]
    return Source(
        type=stored.type or stored.connection_url.partition(":")[0].upper(),
        name=name,
        created_at=format_time(min(created)),
        updated_at=format_time(max(updated)),
        connection_url=stored.connection_url,
        description=stored.description,
    )


OPERATIONS = (
    operation("GET", "/api/v1/sources", list_sources, "The sources.", query=Page, answer=Sources),
    operation("GET", "/api/v1/sources/{source}", get_source, "One source.", answer=Source),
    operation(
        "PUT", "/api/v1/sources/{source}", put_source, "Create or change a source.", body=SourceMeta, answer=Source
    ),
)
