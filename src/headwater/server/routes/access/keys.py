"""The API keys of a tenant."""

from __future__ import annotations

from typing import Annotated

import msgspec

from headwater.server.access.administration import MOST_OVERLAP_S, NewKey, may_grant
from headwater.server.access.control_rows import Key, Line
from headwater.server.permissions import Permission
from headwater.server.request import Call
from headwater.server.routing import Operation


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The public part of a key. Times are microseconds since the epoch, UTC."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None
    revoked_at: int | None
    used_at: int | None


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys, oldest first."""

    keys: list[KeyView]


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key; ``secret`` is shown only once."""

    secret: str
    key: KeyView


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key to create. Without ``days`` it does not expire."""

    name: Line = ""
    scopes: Annotated[tuple[Permission, ...], msgspec.Meta(min_length=1)] = (Permission.INGEST, Permission.READ)
    days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old key stays valid."""

    overlap_s: Annotated[float, msgspec.Meta(ge=0, le=MOST_OVERLAP_S)] = 86_400


def view(key: Key) -> KeyView:
    """The public part of a key."""
    return KeyView(
        id=key.id,
        name=key.name,
        scopes=tuple(sorted(key.permissions)),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        used_at=key.used_at,
    )


def made(new: NewKey) -> MadeKey:
    """The response to the creation of a key."""
    return MadeKey(secret=new.secret, key=view(new.key))


def list_keys(call: Call) -> Keys:
    """The keys of the caller's tenant, including expired ones."""
    return Keys(keys=[view(key) for key in call.service.control.keys(call.tenant)])


def create_key(call: Call) -> MadeKey:
    """Create a key of the caller's tenant, with no more permissions than the caller has."""
    wanted: KeyRequest = call.body
    may_grant(call.principal.permissions, frozenset(wanted.scopes))
    return made(
        call.service.administration.issue_key(
            call.tenant, who=call.principal.name, name=wanted.name, scopes=wanted.scopes, days=wanted.days
        )
    )


def rotate_key(call: Call) -> MadeKey:
    """Replace a key with a new one; the old one stays valid for a while."""
    key_id, administration = call.path["id"], call.service.administration
    old = call.service.control.key(call.tenant, key_id)
    if old is not None:
        may_grant(call.principal.permissions, old.permissions)
    return made(administration.rotate_key(call.tenant, key_id, who=call.principal.name, overlap_s=call.body.overlap_s))


def revoke_key(call: Call) -> None:
    """Revoke a key at once."""
    call.service.administration.revoke_key(call.tenant, call.path["id"], who=call.principal.name)


OPERATIONS = (
    Operation(
        method="GET",
        path="/api/v1/keys",
        handler=list_keys,
        permission=Permission.ADMIN,
        summary="The keys of the tenant.",
        group="Access",
        answer=Keys,
    ),
    Operation(
        method="POST",
        path="/api/v1/keys",
        handler=create_key,
        permission=Permission.ADMIN,
        summary="Create a key. Its secret is shown only once.",
        group="Access",
        body=KeyRequest,
        answer=MadeKey,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/v1/keys/{id}/rotate",
        handler=rotate_key,
        permission=Permission.ADMIN,
        summary="Replace a key with a new one. The old key stays valid for a while.",
        group="Access",
        body=Rotation,
        answer=MadeKey,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/keys/{id}",
        handler=revoke_key,
        permission=Permission.ADMIN,
        summary="Revoke a key at once.",
        group="Access",
        status=204,
    ),
)
