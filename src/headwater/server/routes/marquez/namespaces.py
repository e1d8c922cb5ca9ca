"""Namespaces: those with objects, and those created by hand."""

from __future__ import annotations

import msgspec

from headwater.formats.marquez.events import drop_dataset, drop_job
from headwater.formats.marquez.objects import Namespace
from headwater.formats.marquez.requests import NamespaceMeta
from headwater.formats.times import format_time
from headwater.model.graph import NodeKind
from headwater.server.access.tenant_documents import Document
from headwater.server.request import Call
from headwater.server.routes.marquez.errors import Missing
from headwater.server.routes.marquez.event_intake import emit, instant, turn
from headwater.server.routes.marquez.lookup import DEFAULT_NAMESPACE, NAMESPACE, normal_namespace
from headwater.server.routes.marquez.operations import Page, operation
from headwater.storage.base import Store
from headwater.storage.directory import NamespaceRow

_ANONYMOUS = "anonymous"
_BATCH = 500


class Namespaces(msgspec.Struct, frozen=True):
    """A page of namespaces."""

    namespaces: list[Namespace]


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The values put for a namespace."""

    name: str
    owner: str = _ANONYMOUS
    description: str | None = None
    is_hidden: bool = False


def list_namespaces(call: Call) -> Namespaces:
    """A page of the namespaces, by name."""
    page: Page = call.query
    found = _all(call)
    return Namespaces([found[name] for name in sorted(found)[page.offset : page.offset + page.limit]])


def get_namespace(call: Call) -> Namespace:
    """One namespace."""
    return _one(call, call.path["namespace"])


def put_namespace(call: Call) -> Namespace:
    """Create a namespace, or change its owner and description."""
    meta: NamespaceMeta = call.body
    name = call.path["namespace"]
    stored = _Stored(name=name, owner=meta.owner_name, description=meta.description)
    _keep(call, stored)
    return _one(call, name)


def delete_namespace(call: Call) -> Namespace:
    """Delete all datasets and jobs of a namespace, and hide it."""
    name = call.path["namespace"]
    _one(call, name)
    with turn(call):
        for kind, drop in ((NodeKind.DATASET, drop_dataset), (NodeKind.JOB, drop_job)):
            while True:
                with call.store() as store:
                    rows = store.list_nodes(kind, namespace=name, limit=_BATCH)
                if not rows:
                    break
                emit(call, [drop((row.namespace, row.name), instant(call, row)) for row in rows])
        found = call.service.documents.get(call.tenant, NAMESPACE, normal_namespace(name))
        stored = _Stored(name=name) if found is None else found.read(_Stored)
        _keep(call, msgspec.structs.replace(stored, is_hidden=True))
    return _one(call, name)


def _keep(call: Call, stored: _Stored) -> None:
    call.service.documents.put(call.tenant, NAMESPACE, normal_namespace(stored.name), stored, call.service.clock())


def _all(call: Call) -> dict[str, Namespace]:
    documents = {one.name: one for one in call.service.documents.all(call.tenant, NAMESPACE)}
    with call.store() as store:
        rows = {normal_namespace(row.name): row for row in store.namespaces()}
        # The default namespace always exists, and is listed if there is no other: the web pages open the first one.
        keys = {*rows, *documents} or {DEFAULT_NAMESPACE}
        found = [_shape(call, store, key, rows.get(key), documents.get(key)) for key in keys]
    return {one.name: one for one in found}


def _one(call: Call, name: str) -> Namespace:
    key = normal_namespace(name)
    with call.store() as store:
        row = store.namespace(name)
        document = call.service.documents.get(call.tenant, NAMESPACE, key)
        if row is None and document is None and key != DEFAULT_NAMESPACE:
            raise Missing("Namespace", name)
        return _shape(call, store, key, row, document)


def _shape(call: Call, store: Store, key: str, row: NamespaceRow | None, document: Document | None) -> Namespace:
    stored = _Stored(name=row.name if row is not None else key) if document is None else document.read(_Stored)
    tenant = call.service.control.tenant(call.tenant) if row is None and document is None else None
    times = [*([document.created_at] if document else []), *([row.created_at] if row else [])]
    times += [tenant.created_at] if tenant is not None else []
    latest = [*([document.updated_at] if document else []), *([row.updated_at] if row else [])]
    return Namespace(
        name=stored.name,
        created_at=format_time(min(times, default=0)),
        updated_at=format_time(max(latest, default=min(times, default=0))),
        owner_name=stored.owner,
        description=stored.description,
        is_hidden=stored.is_hidden and _is_empty(store, stored.name),
    )


def _is_empty(store: Store, namespace: str) -> bool:
    """Whether a hidden namespace is still empty; later objects make it visible again."""
    return not any(store.list_nodes(kind, namespace=namespace, limit=1) for kind in (NodeKind.DATASET, NodeKind.JOB))


OPERATIONS = (
    operation("GET", "/api/v1/namespaces", list_namespaces, "The namespaces.", query=Page, answer=Namespaces),
    operation("GET", "/api/v1/namespaces/{namespace}", get_namespace, "One namespace.", answer=Namespace),
    operation(
        "PUT",
        "/api/v1/namespaces/{namespace}",
        put_namespace,
        "Create or change a namespace.",
        body=NamespaceMeta,
        answer=Namespace,
    ),
    operation(
        "DELETE",
        "/api/v1/namespaces/{namespace}",
        delete_namespace,
        "Delete what is in a namespace and hide it.",
        answer=Namespace,
    ),
)
