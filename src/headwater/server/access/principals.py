"""The principal: whoever makes a request."""

from __future__ import annotations

import msgspec

from headwater.server.permissions import ROLES, Permission, Role


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, for which tenant, and what they may do. The tenant comes from the credential and from nowhere else."""

    name: str
    """For people and logs: a key's prefix, a member's address, ``anonymous``."""
    tenant: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether this is allowed."""
        return permission is Permission.PUBLIC or permission in self.permissions


NOBODY = Principal(name="nobody", tenant="", permissions=frozenset())


def anonymous(role: Role | None) -> Principal | None:
    """Somebody without a credential, where the service was told to let them in."""
    return None if role is None else Principal(name="anonymous", tenant="default", permissions=ROLES[role])
