"""Changes to tenants, keys, members and shares: validated, applied and audited, for the API and the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.server.access.control_rows import MOST_COUNT, Action, Key, Member, Quota, Share, Tenant
from headwater.server.access.control_store import Control
from headwater.server.access.keys import digest_of, id_of, new_secret
from headwater.server.errors import Conflict, NotPermitted
from headwater.server.permissions import ROLES, SCOPES, Permission, Role

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
LONGEST_SHARE_US = 366 * DAY_US
MOST_OVERLAP_S = 30 * 86_400
_LONGEST_TEXT = 200


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, with its secret, which is shown only once."""

    secret: str
    key: Key


class Administration:
    """The actions of a tenant's owners and of the service's operator. ``who`` is recorded in the audit log."""

    def __init__(self, control: Control, clock: Callable[[], int], forget: Callable[[str], None]) -> None:
        self.control = control
        self._clock = clock
        self._forget = forget

    def _note(self, tenant: str, who: str, what: str, subject: str, detail: str = "") -> None:
        self.control.note(Action(at=self._clock(), tenant=tenant, who=who, what=what, subject=subject, detail=detail))

    # -- tenants ---------------------------------------------------------------------------------------------------
    def create_tenant(self, name: str, *, who: str, title: str = "", quota: Quota | None = None) -> Tenant:
        """Create a tenant. Raises ``InvalidInput`` for an invalid value, and ``Conflict`` if the name is taken."""
        tenant = Tenant(
            name=name, created_at=self._clock(), title=_text("title", title), quota=_quota(quota or Quota())
        )
        if not self.control.add_tenant(tenant):
            raise Conflict(f"there is a tenant {name!r} already", hint="'headwater tenant set' changes it")
        self._note(name, who, "tenant.create", name)
        return tenant

    def change_tenant(self, name: str, *, who: str, title: str | None = None, quota: Quota | None = None) -> Tenant:
        """Change the title or quota of a tenant. Raises ``NotFound`` and ``InvalidInput``."""
        old = self.tenant(name)
        tenant = msgspec.structs.replace(
            old,
            title=old.title if title is None else _text("title", title),
            quota=old.quota if quota is None else _quota(quota),
        )
        self.control.change_tenant(tenant)
        self._note(name, who, "tenant.change", name, msgspec.json.encode(tenant.quota).decode())
        return tenant

    def drop_tenant(self, name: str, *, who: str) -> None:
        """Delete a tenant from the control store, which invalidates its keys. Raises ``NotFound``."""
        keys = self.control.keys(name)
        if not self.control.drop_tenant(name):
            raise _no_tenant(name)
        for key in keys:
            self._forget(key.digest)
        self._note(name, who, "tenant.drop", name)

    def tenant(self, name: str) -> Tenant:
        """One tenant. Raises ``NotFound``."""
        found = self.control.tenant(name)
        if found is None:
            raise _no_tenant(name)
        return found

    # -- keys ------------------------------------------------------------------------------------------------------
    def issue_key(
        self,
        tenant: str,
        *,
        who: str,
        name: str = "",
        scopes: Iterable[Permission] = (Permission.INGEST, Permission.READ),
        days: float | None = None,
    ) -> NewKey:
        """Create a key of a tenant that expires after some days, or never.

        Raises:
            NotFound: there is no such tenant.
            InvalidInput: no scope was given, a scope is not allowed for keys, or ``days`` is not positive.
        """
        self.tenant(tenant)
        permissions = frozenset(scopes)
        allowed = {*SCOPES, Permission.OPERATE}
        if not permissions or not permissions <= allowed:
            rule = f"must be some of {', '.join(SCOPES)}"
            raise InvalidInput(field="scopes", value=" ".join(sorted(permissions)), rule=rule)
        if days is not None and not 0 < days <= 36_500:
            raise InvalidInput(field="days", value=str(days), rule="must be more than 0 and at most 36500")
        made = self._new_key(tenant, who, _text("name", name), permissions, days)
        self._note(tenant, who, "key.issue", made.key.id, " ".join(sorted(permissions)))
        return made

    def _new_key(
        self, tenant: str, who: str, name: str, permissions: frozenset[Permission], days: float | None
    ) -> NewKey:
        secret, now = new_secret(), self._clock()
        key = Key(
            id=id_of(secret),
            digest=digest_of(secret),
            tenant=tenant,
            name=name,
            permissions=permissions,
            created_at=now,
            created_by=who,
            expires_at=None if days is None else now + round(days * DAY_US),
        )
        self.control.add_key(key)
        return NewKey(secret=secret, key=key)

    def rotate_key(self, tenant: str, key_id: str, *, who: str, overlap_s: float = 86_400) -> NewKey:
        """Create a key with the name, scopes and lifetime of an old one, which stays valid for ``overlap_s`` seconds.

        Raises:
            NotFound: the tenant has no such key.
            Conflict: the old key has expired already.
        """
        old = self._own_key(tenant, key_id)
        now = self._clock()
        if not old.is_valid(now):
            raise Conflict(f"the key {key_id} has ended", hint="make a new one")
        if not 0 <= overlap_s <= MOST_OVERLAP_S:
            raise InvalidInput(
                field="overlap_s", value=str(overlap_s), rule=f"must be from 0 to {MOST_OVERLAP_S} seconds"
            )
        days = None if old.expires_at is None else (old.expires_at - old.created_at) / DAY_US
        made = self._new_key(tenant, who, old.name, old.permissions, days)
        self.control.end_key(tenant, key_id, now + round(overlap_s * SECOND_US))
        self._forget(old.digest)
        self._note(tenant, who, "key.rotate", key_id, f"to {made.key.id}, overlap {overlap_s:g} s")
        return made

    def revoke_key(self, tenant: str, key_id: str, *, who: str) -> None:
        """Revoke a key at once. Raises ``NotFound`` if the tenant has no such key."""
        key = self._own_key(tenant, key_id)
        self.control.end_key(tenant, key_id, self._clock())
        self._forget(key.digest)
        self._note(tenant, who, "key.revoke", key_id)

    def _own_key(self, tenant: str, key_id: str) -> Key:
        key = self.control.key(tenant, key_id)
        if key is None:
            raise NotFound(key_id, hint="'headwater token list' lists the keys")
        return key

    # -- members ---------------------------------------------------------------------------------------------------
    def put_member(self, tenant: str, issuer: str, subject: str, role: Role, *, who: str, name: str = "") -> Member:
        """Add a member, or change the role of one. Raises ``NotFound`` if there is no such tenant."""
        self.tenant(tenant)
        for field, value in (("issuer", issuer), ("subject", subject)):
            if not _text(field, value):
                raise InvalidInput(field=field, value="''", rule="must not be empty")
        member = Member(
            tenant=tenant,
            issuer=issuer,
            subject=subject,
            role=role,
            name=_text("name", name),
            added_at=self._clock(),
        )
        self.control.put_member(member)
        self._note(tenant, who, "member.put", subject, f"{role.value}: {', '.join(sorted(ROLES[role]))}")
        return member

    def drop_member(self, tenant: str, issuer: str, subject: str, *, who: str) -> None:
        """Remove a member. Raises ``NotFound``."""
        if not self.control.drop_member(tenant, issuer, subject):
            raise NotFound(subject, hint="GET /api/v1/members lists them")
        self._note(tenant, who, "member.drop", subject)

    # -- shares ----------------------------------------------------------------------------------------------------
    def share(self, tenant: str, grantee: str, select: str, *, who: str, days: float) -> Share:
        """Let another tenant read the subgraph that a selector names, for some days.

        Raises:
            InvalidInput: the grantee is the tenant itself, or the time is not within a year.
        """
        if grantee == tenant:
            raise InvalidInput(field="to", value=grantee, rule="must be another tenant")
        if not 0 < days * DAY_US <= LONGEST_SHARE_US:
            raise InvalidInput(field="days", value=str(days), rule="must be more than 0 and at most 366")
        now = self._clock()
        share = Share(
            id=secrets.token_hex(16),
            tenant=tenant,
            grantee=_text("to", grantee),
            select=select,
            created_at=now,
            created_by=who,
            expires_at=now + round(days * DAY_US),
        )
        # Do not reveal whether the grantee exists: the names of other tenants are confidential.
        self.control.add_share(share)
        self._note(tenant, who, "share.create", share.id, f"to {grantee}: {select}")
        return share

    def end_share(self, tenant: str, share_id: str, *, who: str) -> None:
        """End a grant now. Raises ``NotFound`` if the tenant has no active grant with that id."""
        if not self.control.end_share(tenant, share_id, self._clock()):
            raise NotFound(share_id, hint="'headwater share list' and GET /api/v1/shares list them")
        self._note(tenant, who, "share.end", share_id)

    def received(self, grantee: str, share_id: str, *, who: str) -> Share:
        """An active grant that a tenant received; its use is recorded in the audit log of the giver.

        Raises:
            NotFound: the grant does not exist, is for another tenant, or has ended, without telling which.
        """
        found = self.control.share(share_id)
        if found is None or found.grantee != grantee or not found.is_valid(self._clock()):
            raise NotFound(share_id, hint="GET /api/v1/shares lists what was shared with you")
        self._note(found.tenant, f"{grantee}/{who}", "share.use", share_id)
        return found


def _no_tenant(name: str) -> NotFound:
    make = (
        "'headwater serve' makes it when it first starts" if name == "default" else "'headwater tenant create' makes it"
    )
    return NotFound(name, message=f"there is no tenant {name!r}", hint=f"{make}; 'headwater tenant list' lists them")


def may_grant(permissions: frozenset[Permission], scopes: frozenset[Permission]) -> None:
    """Raise ``NotPermitted`` if somebody would grant a permission that they do not have themselves."""
    beyond = scopes - permissions
    if beyond:
        raise NotPermitted(f"a key with {', '.join(sorted(beyond))} can only be made by somebody who has that")


def _text(field: str, value: str) -> str:
    if len(value) > _LONGEST_TEXT or any(ord(char) < 32 for char in value):
        raise InvalidInput(
            field=field, value=repr(value[:80]), rule=f"must be at most {_LONGEST_TEXT} printable characters"
        )
    return value


def _quota(quota: Quota) -> Quota:
    for field, value in msgspec.structs.asdict(quota).items():
        if value is not None and not 1 <= value <= MOST_COUNT:
            rule = f"must be a whole number from 1 to {MOST_COUNT:,}"
            raise InvalidInput(field=field, value=repr(value)[:80], rule=rule)
    return quota
