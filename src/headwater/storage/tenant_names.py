"""The names that a tenant can have, whatever the backend: each is the name of a file in one of them."""

from __future__ import annotations

from headwater.errors import InvalidInput

_BARRED = frozenset('/\\:"<>|?*')
_MOST_BYTES = 200
"""Of the name of a file, 255 in most file systems; what is set aside has a time and an ending behind it."""


def check_tenant(tenant: str) -> None:
    """Raise ``InvalidInput`` if a tenant is not a plain name."""
    is_plain = tenant.isprintable() and not _BARRED & set(tenant) and not tenant.startswith(".")
    if not tenant or not is_plain or len(tenant.encode()) > _MOST_BYTES:
        raise InvalidInput(
            field="tenant",
            value=repr(tenant[:_MOST_BYTES]),
            rule=f"must be a name of letters, digits, '-', '_' and '.', of at most {_MOST_BYTES} bytes",
        )
