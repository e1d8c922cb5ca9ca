"""The principal: whoever makes a request."""

from __future__ import annotations

import msgspec

from headwater.server.permissions import ROLES, Permission, Role


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller, its tenant, and its permissions. The tenant is determined by the credential alone."""

    name: str
    """For display and logs: a key's prefix, a member's address, or ``anonymous``."""
    tenant: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether the principal has a permission."""
        return permission is Permission.PUBLIC or permission in self.permissions


NOBODY = Principal(name="nobody", tenant="", permissions=frozenset())


def anonymous(role: Role | None) -> Principal | None:
    """The principal of a request without a credential, if the service admits them."""
    return None if role is None else Principal(name="anonymous", tenant="default", permissions=ROLES[role])
