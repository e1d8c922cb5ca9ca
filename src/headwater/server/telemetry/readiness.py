"""Whether the service can do its work."""

from __future__ import annotations

from headwater.errors import StoreError
from headwater.model.graph import NodeKind
from headwater.server.access.control import Control
from headwater.server.readiness import Check
from headwater.server.tenants.stores import TenantStores


def control_answers(control: Control) -> Check:
    """Whether the control store can be asked."""
    try:
        control.tenants()
    except StoreError as error:
        return Check(name="control", is_good=False, says=error.message)
    return Check(name="control", is_good=True)


def store_answers(stores: TenantStores, tenant: str) -> Check:
    """Whether a store can be asked."""
    try:
        with stores.reading(tenant) as store:
            store.find(NodeKind.DATASET, "", "")
    except StoreError as error:
        return Check(name="store", is_good=False, says=error.message)
    return Check(name="store", is_good=True)


def views_are_current(stores: TenantStores) -> Check:
    """Whether no store's views are being made anew: until then its tenant is not served."""
    percent = stores.renewing()
    if not percent:
        return Check(name="views", is_good=True)
    says = f"views that an earlier version made are made anew for {len(percent)} of the tenants: {min(percent)} %"
    return Check(name="views", is_good=False, says=says)
