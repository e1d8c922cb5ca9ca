"""The name of a dataset at its data source, if its namespace is only a nickname of that source.

Two producers can call one table ``warehouse`` / ``public.orders`` and ``postgres://db:5432`` / ``shop.public.orders``.
The URI of the source shows that they are the same, if it is unambiguous: two tables of one server are never one.
"""

from __future__ import annotations

from functools import lru_cache

from headwater.errors import InvalidName
from headwater.model.names import LONGEST_CACHED, DatasetName, normalise, split_identifiers
from headwater.model.platforms import PLATFORMS, Platform, Shape, canonical_scheme
from headwater.model.uris import from_uri


def name_at_source(namespace: str, name: str, uri: str) -> DatasetName | None:
    """The normalised name of the table or object that is meant, or None if that is not certain.

    It is not where the namespace is an address itself, where the address is of a machine (``localhost``, a file: those
    of two machines look the same), where the URI names another database than the name does or none at all, where a
    schema would have to be guessed, and where a path does not end with the name.

    >>> name_at_source("warehouse", "public.orders", "jdbc:postgresql://me:secret@db/shop")
    DatasetName(namespace='postgres://db:5432', name='shop.public.orders')
    >>> name_at_source("warehouse", "orders", "jdbc:postgresql://db/shop") is None
    True
    """
    if len(namespace) + len(name) + len(uri) > LONGEST_CACHED:
        return _at_source(namespace, name, uri)
    return _cached_at_source(namespace, name, uri)


def _at_source(namespace: str, name: str, uri: str) -> DatasetName | None:
    if "://" in namespace or namespace.startswith("arn:") or canonical_scheme(namespace) in PLATFORMS:
        return None
    scheme = uri[5:] if uri[:5].lower() == "jdbc:" else uri
    platform = PLATFORMS.get(canonical_scheme(scheme.partition(":")[0]))
    if platform is None or platform.is_file or platform.scheme == "file" or not name.strip():
        return None
    try:
        if platform.shape is Shape.TABLE:
            found = _table(platform, name, uri)
        else:
            found = _object(name, uri) if platform.shape is Shape.PATH else None
    except InvalidName:
        return None
    return None if found is None or _is_local(found, platform) else found


_cached_at_source = lru_cache(maxsize=8_192)(_at_source)


def _table(platform: Platform, name: str, uri: str) -> DatasetName | None:
    given, whole = split_identifiers(name), len(platform.parts)
    if len(given) not in (whole - 1, whole):
        return None
    found = normalise(*from_uri(uri, table=name, cwd="/"))
    parts = split_identifiers(found.name)
    if len(parts) != whole:
        return None
    if len(given) == whole:  # the database is in both, or only in the name
        above = _database(uri)
        if above and above.casefold() != parts[0].casefold():
            return None
    return found


def _database(uri: str) -> str:
    try:
        return split_identifiers(from_uri(uri, cwd="/").name)[0]
    except InvalidName:
        return ""


def _object(name: str, uri: str) -> DatasetName | None:
    place, path = from_uri(uri, cwd="/"), name.strip("/")
    if place.name == "/":
        # A word may be anything, a table of some catalog included; a path is one below the bucket.
        return normalise(place.namespace, path) if "/" in path else None
    return normalise(*place) if f"/{place.name.strip('/')}".endswith(f"/{path}") else None


def _is_local(found: DatasetName, platform: Platform) -> bool:
    host = found.namespace.partition("://")[2].partition("/")[0]
    return platform.has_host and host.partition(":")[0] in ("", "localhost")
