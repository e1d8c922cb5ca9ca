"""Readiness of the service."""

from __future__ import annotations

from headwater.errors import StoreError, StoreUnavailable
from headwater.model.graph import NodeKind
from headwater.server.access.control_store import Control
from headwater.server.health_document import Check
from headwater.server.telemetry.logs import SERVICE
from headwater.server.tenants.stores import TenantStores


def control_answers(control: Control) -> Check:
    """Check that the control store answers."""
    try:
        control.tenants()
    except StoreError as error:
        return Check(name="control", is_good=False, message=_reason(error))
    return Check(name="control", is_good=True)


def store_answers(stores: TenantStores, tenant: str) -> Check:
    """Check that a store answers."""
    try:
        with stores.reading(tenant) as store:
            store.find(NodeKind.DATASET, "", "")
    except StoreError as error:
        return Check(name="store", is_good=False, message=_reason(error))
    return Check(name="store", is_good=True)


def _reason(error: StoreError) -> str:
    """The public message of an error: those of database drivers contain host and user, and are only logged."""
    if not isinstance(error, StoreUnavailable):
        return error.message
    SERVICE.warning("the database cannot be asked", extra={"facts": {"reason": error.message}})
    return f"the database cannot be asked: {error.hint}"


def views_are_current(stores: TenantStores) -> Check:
    """Check that no store's projections are being rebuilt, during which its tenant is not served."""
    percent = stores.renewing()
    if not percent:
        return Check(name="views", is_good=True)
    message = f"views of an earlier version are being rebuilt for {len(percent)} of the tenants: {min(percent)} % done"
    return Check(name="views", is_good=False, message=message)
