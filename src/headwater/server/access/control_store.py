"""The control store: tenants, keys, members, shares, and the audit log. Separate from the lineage, and shared by all
processes of the service."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import InvalidInput
from headwater.server.access.control_database import Database, Row, named_statements, text_of
from headwater.server.access.control_rows import Action, Key, Member, Quota, Share, Tenant
from headwater.server.permissions import Permission, Role

_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_NAME_LENGTH = 63


class Control:
    """Reads and changes the control store. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = named_statements("control.sql")
        database.create(text_of("schema.sql"))

    def close(self) -> None:
        """Close the database. Idempotent."""
        self._database.close()

    def _ask(self, statement: str, *values: Any) -> list[Row]:
        return self._database.execute(self._sql[statement], values)

    def _change(self, statement: str, *values: Any) -> int:
        return self._database.change(self._sql[statement], values)

    # -- tenants ---------------------------------------------------------------------------------------------------
    def tenants(self) -> list[Tenant]:
        """Every tenant, by name."""
        return [_tenant(row) for row in self._ask("tenants")]

    def tenant(self, name: str) -> Tenant | None:
        """One tenant, or None if there is none with that name."""
        return next((_tenant(row) for row in self._ask("tenant", name)), None)

    def add_tenant(self, tenant: Tenant) -> bool:
        """Add a tenant; returns False if the name is taken.

        Raises:
            InvalidInput: the name is not allowed.
        """
        check_tenant_name(tenant.name)
        return self._change("add_tenant", tenant.name, tenant.created_at, tenant.title, _json(tenant.quota)) > 0

    def change_tenant(self, tenant: Tenant) -> bool:
        """Update title and quota; returns False if there is no such tenant."""
        return self._change("change_tenant", tenant.title, _json(tenant.quota), tenant.name) > 0

    def drop_tenant(self, name: str) -> bool:
        """Delete a tenant with its keys, members, shares and documents, but not its audit log; returns False if there
        is no such tenant."""
        self._change("drop_tenant_keys", name)
        self._change("drop_tenant_members", name)
        self._change("drop_tenant_shares", name, name)
        self._change("drop_tenant_documents", name)
        return self._change("drop_tenant", name) > 0

    # -- keys ------------------------------------------------------------------------------------------------------
    def add_key(self, key: Key) -> None:
        """Add a key."""
        self._change(
            "add_key",
            key.id,
            key.digest,
            key.tenant,
            key.name,
            " ".join(sorted(key.permissions)),
            key.created_at,
            key.created_by,
            key.expires_at,
            key.revoked_at,
            key.used_at,
        )

    def key_of(self, digest: str) -> Key | None:
        """The key with that digest, valid or not."""
        return next((_key(row) for row in self._ask("key_of", digest)), None)

    def key(self, tenant: str, key_id: str) -> Key | None:
        """A key of a tenant, by its public id."""
        return next((key for key in self.keys(tenant) if key.id == key_id), None)

    def keys(self, tenant: str) -> list[Key]:
        """The keys of a tenant, oldest first, including expired ones."""
        return [_key(row) for row in self._ask("keys", tenant)]

    def end_key(self, tenant: str, key_id: str, at: int) -> bool:
        """Let a key expire at an instant, never later than before; returns False if the tenant has no such key."""
        return self._change("end_key", at, at, tenant, key_id) > 0

    def key_used(self, digest: str, at: int) -> None:
        """Record the use of a key."""
        self._change("key_used", at, digest)

    # -- members ---------------------------------------------------------------------------------------------------
    def put_member(self, member: Member) -> None:
        """Add or update a member."""
        self._change(
            "put_member",
            member.tenant,
            member.issuer,
            member.subject,
            member.role.value,
            member.name,
            member.added_at,
        )

    def members(self, tenant: str) -> list[Member]:
        """The members of a tenant, by subject."""
        return [_member(row) for row in self._ask("members", tenant)]

    def memberships(self, issuer: str, subject: str) -> list[Member]:
        """The memberships of a person, by tenant."""
        return [_member(row) for row in self._ask("memberships", issuer, subject)]

    def drop_member(self, tenant: str, issuer: str, subject: str) -> bool:
        """Remove a member; returns False if there is none."""
        return self._change("drop_member", tenant, issuer, subject) > 0

    # -- shares ----------------------------------------------------------------------------------------------------
    def add_share(self, share: Share) -> None:
        """Add a grant."""
        self._change(
            "add_share",
            share.id,
            share.tenant,
            share.grantee,
            share.select,
            share.created_at,
            share.created_by,
            share.expires_at,
            share.revoked_at,
        )

    def share(self, share_id: str) -> Share | None:
        """One grant, whoever gave it."""
        return next((_share(row) for row in self._ask("share", share_id)), None)

    def shares_given(self, tenant: str) -> list[Share]:
        """The grants that a tenant gave, oldest first, including ended ones."""
        return [_share(row) for row in self._ask("shares_given", tenant)]

    def shares_received(self, grantee: str) -> list[Share]:
        """The grants that a tenant received, oldest first, including ended ones."""
        return [_share(row) for row in self._ask("shares_received", grantee)]

    def end_share(self, tenant: str, share_id: str, at: int) -> bool:
        """End a grant of a tenant; returns False if it has no active grant with that id."""
        return self._change("end_share", at, tenant, share_id) > 0

    # -- audit log -------------------------------------------------------------------------------------------------
    def note(self, action: Action) -> None:
        """Add an entry to the audit log."""
        self._change("note", action.at, action.tenant, action.who, action.what, action.subject, action.detail)

    def actions(self, tenant: str, *, limit: int = 100) -> list[Action]:
        """The audit log of a tenant, latest first."""
        names = ("at", "tenant", "who", "what", "subject", "detail")
        return [Action(**dict(zip(names, row, strict=True))) for row in self._ask("actions", tenant, limit)]


def check_tenant_name(name: str) -> None:
    """Raise ``InvalidInput`` for a name that is not allowed: it becomes part of file names and URLs."""
    if not name or len(name) > _NAME_LENGTH or not set(name) <= _NAME_CHARS or name[0] in "-_":
        raise InvalidInput(
            field="tenant",
            value=repr(name[:80]),
            rule=f"must be 1 to {_NAME_LENGTH} of a-z, 0-9, '-' and '_', and start with a letter or digit",
        )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _tenant(row: Row) -> Tenant:
    name, created_at, title, quota = row
    return Tenant(name=name, created_at=created_at, title=title, quota=msgspec.json.decode(quota, type=Quota))


def _key(row: Row) -> Key:
    key_id, digest, tenant, name, permissions, created_at, created_by, expires_at, revoked_at, used_at = row
    return Key(
        id=key_id,
        digest=digest,
        tenant=tenant,
        name=name,
        permissions=frozenset(Permission(one) for one in permissions.split()),
        created_at=created_at,
        created_by=created_by,
        expires_at=expires_at,
        revoked_at=revoked_at,
        used_at=used_at,
    )


def _member(row: Row) -> Member:
    tenant, issuer, subject, role, name, added_at = row
    return Member(tenant=tenant, issuer=issuer, subject=subject, role=Role(role), name=name, added_at=added_at)


def _share(row: Row) -> Share:
    share_id, tenant, grantee, select, created_at, created_by, expires_at, revoked_at = row
    return Share(
        id=share_id,
        tenant=tenant,
        grantee=grantee,
        select=select,
        created_at=created_at,
        created_by=created_by,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )
