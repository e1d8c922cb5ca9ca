"""Converts addresses to dataset names and back: paths, object stores, web resources and database URLs.

``from_uri`` gives the standard name of what an address points at. Credentials, queries and fragments never become part
of a name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from headwater.errors import InvalidName
from headwater.model.file_paths import normal_file
from headwater.model.names import IN_MEMORY, LOCAL_FILES, DatasetName, split_identifiers, standard
from headwater.model.patterns import lazy_pattern
from headwater.model.platforms import PLATFORMS, Platform, Shape, canonical_scheme

_URI = lazy_pattern(r"([A-Za-z][A-Za-z0-9+._-]+):(//)?(.*)", re.DOTALL)
_CHAIN = lazy_pattern(r"(?:[a-z0-9+-]+(?:://[^:]*)?::)+((?:[a-z][a-z0-9+.-]*://|/).*)", re.DOTALL)
_S3_HOST = lazy_pattern(
    r"(?:(?P<bucket>.+?)\.)?s3(?:[.-][a-z0-9-]+)?(?:\.dualstack)?(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
)
_GS_HOST = lazy_pattern(r"(?:(?P<bucket>.+)\.)?storage\.(?:googleapis|cloud\.google)\.com")
_AZURE_HOST = lazy_pattern(r"[a-z0-9-]+\.(?P<kind>blob|dfs)\.core\.windows\.net")
_S3_ARN = lazy_pattern(r"arn:aws[a-z-]*:s3:[^:]*:[^:]*:([^/]+)/?(.*)", re.DOTALL)
_GLUE_ARN = lazy_pattern(r"(arn:aws[a-z-]*:glue:[^:]*:\d*):(.+)", re.DOTALL)


def without_password(address: str) -> str:
    """An address as it may be printed; what is no address, a folder say, stays as it is.

    >>> without_password("postgresql://me:secret@db/lineage")
    'postgresql://me:***@db/lineage'
    """
    scheme, separator, rest = address.partition("://")
    user, at, place = rest.rpartition("@")
    if not separator or not at or ":" not in user:
        return address
    return f"{scheme}://{user.partition(':')[0]}:***@{place}"


def from_uri(uri: str | os.PathLike[str], *, table: str = "", cwd: str | None = None) -> DatasetName:
    """The standard name of what a path or URI points at.

    A database URL (SQLAlchemy's or JDBC's spelling) needs ``table`` to name a table, ``schema.table`` included; without
    it, the name is that of the database. ``cwd`` makes relative paths absolute; it defaults to the current folder.

    >>> from_uri("s3a://lake/raw/orders.parquet")
    DatasetName(namespace='s3://lake', name='raw/orders.parquet')
    >>> from_uri("postgresql+psycopg://me:secret@db/shop", table="orders")
    DatasetName(namespace='postgres://db:5432', name='shop.public.orders')

    Raises:
        InvalidName: the address is empty or names nothing.
    """
    text = os.fspath(uri).strip() if not isinstance(uri, str) else uri.strip()
    if not text:
        raise InvalidName(field="uri", rule="must not be empty", hint="give a path or a URI")
    if chained := _CHAIN.fullmatch(text):  # fsspec: what is cached or unpacked lies at the last address
        text = chained[1]
    if arn := _S3_ARN.fullmatch(text):
        return standard(f"s3://{arn[1]}", arn[2])
    if arn := _GLUE_ARN.fullmatch(text):
        return standard(arn[1], arn[2])
    text = re.sub(r"^jdbc:", "", text, flags=re.IGNORECASE)
    match = _URI.fullmatch(text)
    if match is None or (not match[2] and canonical_scheme(match[1]) not in PLATFORMS):
        return _file(text, cwd)
    scheme, rest = canonical_scheme(match[1]), match[3]
    if scheme == "file":
        return _file_uri(rest, bool(match[2]), cwd)
    if scheme in ("http", "https"):
        return _web(scheme, rest)
    platform = PLATFORMS.get(scheme)
    if platform is None:
        authority, _, path = _without_query(rest).partition("/")
        return DatasetName(f"{scheme}://{authority.rpartition('@')[2]}", path.strip("/") or "/")
    if platform.is_file:
        return _database_file(platform, rest, table, cwd)
    if platform.shape is Shape.TABLE:
        return _table(platform, rest, table)
    return _object(platform, rest, text)


def to_uri(name: DatasetName) -> str:
    """An address for a name: the inverse of ``from_uri`` for files, objects and web resources."""
    if name.namespace == LOCAL_FILES:
        return "file://" + (name.name if name.name.startswith("/") else f"/{name.name}")
    if name.namespace == IN_MEMORY:
        return IN_MEMORY + name.name
    glue = ":" if name.namespace.startswith("arn:") else "/"
    if "://" not in name.namespace and glue == "/":
        platform = PLATFORMS.get(name.namespace)
        is_path = platform is not None and platform.shape is Shape.PATH
        return f"{name.namespace}://{'/' if is_path else ''}{name.name}"
    return f"{name.namespace}{glue}{name.name.lstrip('/')}"


def _file(path: str, cwd: str | None) -> DatasetName:
    if path.startswith("~"):
        path = os.path.expanduser(path)  # noqa: PTH111 - pathlib raises where no home is known
    return DatasetName(LOCAL_FILES, normal_file(path, cwd if cwd is not None else str(Path.cwd()), keep_parts=True))


def _file_uri(rest: str, has_authority: bool, cwd: str | None) -> DatasetName:
    rest = _percent_decoded(rest.partition("?")[0].partition("#")[0])
    host, slash, path = rest.partition("/")
    if has_authority and host and host.lower() != "localhost" and slash and ":" not in host:
        return standard(f"file://{host}", f"/{path}")
    if has_authority:
        return _file(f"/{path}" if ":" not in host else rest, cwd)
    return _file(rest, cwd)


def _web(scheme: str, rest: str) -> DatasetName:
    rest = _without_query(rest)
    authority, _, path = rest.partition("/")
    host = authority.rpartition("@")[2].lower()
    bare = host.partition(":")[0]
    for pattern, store in ((_S3_HOST, "s3"), (_GS_HOST, "gs")):
        if found := pattern.fullmatch(bare):
            bucket, key = (found["bucket"], path) if found["bucket"] else path.partition("/")[::2]
            return standard(f"{store}://{bucket}", _percent_decoded(key))
    if azure := _AZURE_HOST.fullmatch(bare):
        container, _, key = path.partition("/")
        kind = "wasbs" if azure["kind"] == "blob" else "abfss"
        return standard(f"{kind}://{container}@{bare}", _percent_decoded(key))
    name = standard(f"{scheme}://{authority}", path)
    return name if name.name else DatasetName(name.namespace, "/")


def _object(platform: Platform, rest: str, text: str) -> DatasetName:
    authority, _, path = rest.partition("/")
    if platform.scheme == "inmemory":
        return DatasetName(IN_MEMORY, rest.strip("/") or "data")
    if platform.scheme == "pubsub":
        return DatasetName("pubsub", rest.replace("/", ":"))
    if platform.has_host or platform.shape is not Shape.PATH:
        path = _without_query(path)
    name = standard(f"{platform.scheme}://{authority}", path)
    if name.namespace == f"{platform.scheme}://" or (name.namespace == platform.scheme and not path.strip("/")):
        raise InvalidName(field="uri", value=repr(text)[:80], rule="must name a bucket or a host")
    return name if name.name else DatasetName(name.namespace, "/")


def _database_file(platform: Platform, rest: str, table: str, cwd: str | None) -> DatasetName:
    path = _percent_decoded(rest.partition("?")[0])
    if path.strip("/") in ("", ":memory:"):
        return DatasetName(IN_MEMORY, table or platform.scheme)
    # SQLAlchemy's rule: three slashes are a relative path, four an absolute one.
    return in_database_file(platform.scheme, path.removeprefix("/"), table, cwd=cwd)


def in_database_file(engine: str, path: str, table: str = "", *, cwd: str | None = None) -> DatasetName:
    """The name of a table in a local database file; of the file itself when no ``table`` is given.

    ``engine`` is ``sqlite`` or ``duckdb``. What ``:memory:`` holds is an in-memory dataset.

    >>> in_database_file("sqlite", "/data/shop.db", "orders")
    DatasetName(namespace='sqlite:///data/shop.db', name='orders')
    """
    if path in ("", ":memory:"):
        return DatasetName(IN_MEMORY, table or engine)
    file = _file(path, cwd)
    return standard(f"{engine}://{file.name}", table) if table else file


def _table(platform: Platform, rest: str, table: str) -> DatasetName:
    rest = re.sub(r"^(?:thin:|oci:)?@(?://)?", "", rest)
    main, _, options = rest.partition(";")
    main = main.partition("?")[0].partition("#")[0]
    authority, _, path = main.partition("/")
    above = _percent_decoded(path.strip("/")).replace("/", ".")
    if named := re.search(r"(?:^|;)\s*database(?:name)?=([^;]+)", options, re.IGNORECASE):
        above = named[1].strip()
    parts = split_identifiers(table) if table else []
    if table and above:
        missing = len(platform.parts) - len(parts)
        outer = split_identifiers(above)
        if missing > len(outer) and platform.default_schema:
            outer = [*outer, platform.default_schema]
        parts = [*outer[: max(missing, 0)], *parts]
    name = ".".join(parts) or above
    if not name:
        raise InvalidName(field="uri", value=f"{platform.scheme} URL", rule="must name a database", hint="give table=")
    return standard(_namespace(platform, authority), name)


def _namespace(platform: Platform, authority: str) -> str:
    if platform.scheme == "bigquery":
        return f"bigquery://{authority}" if authority else "bigquery"
    return f"{platform.scheme}://{authority or 'localhost'}"


def _without_query(text: str) -> str:
    return text.partition("?")[0].partition("#")[0]


def _percent_decoded(text: str) -> str:
    if "%" not in text:
        return text
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    return raw.decode(errors="replace").replace("\0", "%00")
