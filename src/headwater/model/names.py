"""Names of datasets, and when two spellings refer to the same dataset.

``normalise`` gives the form under which names are compared; names are shown as they arrived. It knows, per platform,
what its users cannot see a difference in: the scheme of one store under three names, a default port, slashes, quotes
around identifiers, case where the platform folds it, the partition below a table's directory. It is idempotent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from headwater.model.file_paths import normal_file, normal_key, partitions_start
from headwater.model.patterns import lazy_pattern
from headwater.model.platforms import PLATFORMS, Fold, Platform, Shape, canonical_scheme

IN_MEMORY = "inmemory://"
"""The namespace of datasets that are never stored."""
LOCAL_FILES = "file"
"""The namespace of the local file system."""

LONGEST_CACHED = 400
"""Characters of a name of which the normal form is remembered: long ones would fill the memory."""

_SCHEME = lazy_pattern(r"([A-Za-z][A-Za-z0-9+._-]*):(?://)?(.*)", re.DOTALL)
#: file systems of which there is one, whose host is left out: ``dbfs:/mnt/orders``
_ONE_HOST = frozenset({"hdfs", "dbfs"})
_BARE = frozenset({"file", "bigquery", "pubsub", *_ONE_HOST})
#: ``sqlite:/data/shop.db`` is what is left of an address of JDBC
_WITHOUT_SLASHES = frozenset(
    {"file", "inmemory", *_ONE_HOST, *(name for name, one in PLATFORMS.items() if one.is_file)}
)
_LOCALHOSTS = frozenset({"127.0.0.1", "::1", "[::1]", "0.0.0.0", "localhost.localdomain"})  # noqa: S104 - names, no bind
_HOST_PORT = lazy_pattern(r"(\[[^\]]*\]|[^:\[\]]*)(?::(\d*))?").fullmatch
_BARE_IPV6 = lazy_pattern(r"[0-9a-f:.]+").fullmatch
_QUOTED = lazy_pattern(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^."`\[\]]+')
_PLAIN = lazy_pattern(r"[^.\"`\[\]\s](?:[^.\"`\[\]]*[^.\"`\[\]\s])?").fullmatch
_GLUE = lazy_pattern(r"(arn:[a-z0-9-]+:glue:[a-z0-9-]*:\d*)", re.IGNORECASE)
_is_word = lazy_pattern(r"\w").match


class DatasetName(NamedTuple):
    """A dataset's two-part name."""

    namespace: str
    name: str


def normalise(namespace: str, name: str, cwd: str | None = None) -> DatasetName:
    """The form of a name under which it is compared with others.

    ``cwd`` makes relative file names absolute where they are known to belong to this machine.

    >>> normalise("s3a://lake/", "/raw//orders/dt=2026-01-01/part-0.parquet")
    DatasetName(namespace='s3://lake', name='raw/orders')
    >>> normalise("postgresql://db", '"shop"."public"."Orders"')
    DatasetName(namespace='postgres://db:5432', name='shop.public."Orders"')
    """
    if len(namespace) + len(name) > LONGEST_CACHED:
        return _settle(namespace, name, cwd, keep=False)
    return _normalised(namespace, name, cwd)


@lru_cache(maxsize=16_384)
def _normalised(namespace: str, name: str, cwd: str | None) -> DatasetName:
    return _settle(namespace, name, cwd, keep=False)


def standard(namespace: str, name: str, cwd: str | None = None) -> DatasetName:
    """The name as the naming rules write it: as ``normalise``, but with the case and the partitions it came with."""
    return _settle(namespace, name, cwd, keep=True)


def _settle(namespace: str, name: str, cwd: str | None, *, keep: bool) -> DatasetName:
    """Spell until nothing changes: a name can hide a second oddity behind the first, as in ``file:file:///a``."""
    before = DatasetName(namespace, name)
    for _ in range(8):
        after = _spell(before.namespace.strip(), before.name.strip(), cwd, keep=keep)
        if after == before:
            break
        before = after
    return before


def _spell(namespace: str, name: str, cwd: str | None, *, keep: bool) -> DatasetName:
    if glue := _GLUE.match(namespace):
        return DatasetName(glue[1].lower(), _glue_name(name, namespace[glue.end() :], keep=keep))
    match = _SCHEME.fullmatch(namespace)
    if match is None:
        if namespace.lower() not in _BARE:
            return DatasetName(namespace, _identifiers(name, Fold.NONE))
        scheme, rest = namespace.lower(), ""
    else:
        scheme, rest = canonical_scheme(match[1]), match[2]
        if "://" not in namespace and scheme not in _WITHOUT_SLASHES:
            return DatasetName(namespace, _identifiers(name, Fold.NONE))
    platform = PLATFORMS.get(scheme)
    if platform is None:
        return DatasetName(f"{scheme}://{rest.rstrip('/')}", _identifiers(name, Fold.NONE))
    if platform.shape is Shape.PATH:
        return _path(platform, rest, name, cwd, keep=keep)
    if platform.shape is Shape.TABLE:
        return _table(platform, rest, name, cwd, keep=keep)
    if scheme == "inmemory":  # the rest says whose memory: jobs of two projects may have one name
        return DatasetName(IN_MEMORY + rest.strip("/"), name)
    if scheme == "pubsub":
        return DatasetName("pubsub", name)
    return DatasetName(f"{scheme}://{_hosts(rest, platform)}", name)


def _path(platform: Platform, rest: str, name: str, cwd: str | None, *, keep: bool) -> DatasetName:
    if platform.scheme == "file":
        host, slash, above = rest.partition("/")
        host = _host(host, platform) if host else ""
        if above:  # a path that strayed into the namespace
            name = f"{slash}{above}/{name.lstrip('/')}"
        namespace = LOCAL_FILES if host in ("", "localhost") else f"file://{host}"
        return DatasetName(namespace, normal_file(name, cwd, keep_parts=keep))
    authority, _, above = rest.partition("/")
    if platform.has_host:
        authority = _host(authority, platform)
    elif platform.scheme in ("abfss", "wasbs"):
        container, at, service = authority.partition("@")
        authority = container + at + service.lower()
    if above.strip("/"):
        name = f"{above}/{name}"
    namespace = (
        platform.scheme if not authority and platform.scheme in _ONE_HOST else f"{platform.scheme}://{authority}"
    )
    return DatasetName(namespace, normal_key(name, keep_parts=keep))


def _table(platform: Platform, rest: str, name: str, cwd: str | None, *, keep: bool) -> DatasetName:
    fold = Fold.NONE if keep else platform.fold
    if platform.is_file:
        return _database_file(platform, rest, name, cwd, fold)
    authority, _, database = rest.partition("/")
    database = database.strip("/").partition("?")[0]
    exact = platform.fold if platform.keeps_quoted else Fold.NONE
    name = _identifiers(_without_partitions(name), fold, exact)
    parts = split_identifiers(name)
    if len(parts) > 1 and parts[0].lower() in platform.implied:
        parts = parts[1:]
    if platform.scheme == "bigquery":
        outer = [part for above in (authority, database) if above for part in split_identifiers(above)]
        return DatasetName("bigquery", ".".join([*outer[: max(0, len(platform.parts) - len(parts))], *parts]))
    if database:
        database = _identifiers(database, fold, exact)
        if len(parts) == len(platform.parts) - 1:
            parts, database = [*split_identifiers(database), *parts], ""
        elif parts[0] == database:
            database = ""
    elif len(parts) == len(platform.parts) - 1 and platform.default_schema not in ("", parts[0]):
        parts.insert(1, platform.default_schema)  # the first part is the database: Spark names no schema over JDBC
    namespace = f"{platform.scheme}://{_authority(authority, platform)}"
    return DatasetName(namespace + (f"/{database}" if database else ""), ".".join(parts))


def _database_file(platform: Platform, rest: str, name: str, cwd: str | None, fold: Fold) -> DatasetName:
    path = re.sub(r"^/+(?=[A-Za-z]:)", "", rest.partition("?")[0])
    absolute = path.startswith("/") or path[1:2] == ":"
    path = normal_file(path if absolute or cwd else f"./{path}", cwd, keep_parts=True).removeprefix("./")
    if path.strip("/.") in ("", ":memory:"):  # no file is meant, or a folder, which holds no tables
        return DatasetName(IN_MEMORY, name)
    namespace = f"{platform.scheme}://{path}"
    parts = split_identifiers(_identifiers(name, fold))
    stem = re.split(r"[/\\]", path)[-1].partition(".")[0].lower()
    if platform.scheme == "duckdb" and len(parts) == 3 and parts[0].lower() == stem:
        parts = parts[1:]
    if len(parts) == 2 and parts[0].lower() in platform.implied:
        parts = parts[1:]
    return DatasetName(namespace, ".".join(parts))


def _authority(authority: str, platform: Platform) -> str:
    if not platform.has_host:
        return authority
    if platform.scheme == "snowflake":
        account = authority.rpartition("@")[2].lower().partition(":")[0]
        return account.removesuffix(".snowflakecomputing.com").replace("_", "-")
    return _host(authority, platform)


def _hosts(rest: str, platform: Platform) -> str:
    """Bootstrap servers in one order; a path behind them (a database, a site) is kept."""
    authority, slash, path = rest.partition("/")
    hosts = sorted({_host(host.strip(), platform) for host in authority.split(",")})
    path = path.strip("/")
    return ",".join(hosts) + (slash + path if path else "")


def _host(authority: str, platform: Platform) -> str:
    """``user:secret@HOST:port`` as ``host`` or ``host:port``: without credentials, in lower case, the default port as
    the platform's rules want it."""
    authority = authority.rpartition("@")[2].lower()
    if authority.count(":") > 1 and _BARE_IPV6(authority):
        authority = f"[{authority}]"
    match = _HOST_PORT(authority)
    if match is None:
        return authority
    host, port = match[1], match[2] or ""
    if host in _LOCALHOSTS:
        host = "localhost"
    if platform.has_port:
        port = port or (str(platform.port) if platform.port and host else "")
    elif port == str(platform.port):
        port = ""
    return f"{host}:{port}" if port else host


def _glue_name(name: str, rest: str, *, keep: bool) -> str:
    """``table/db/t`` for every form in which Glue tables are written."""
    name = rest.lstrip(":/") + "/" + name if rest.strip(":/") else name
    name = _without_partitions("/" + name.strip("/")).strip("/")
    parts = [part for part in name.split("/") if part]
    if parts and parts[0] == "table":
        parts = parts[1:]
    if len(parts) == 1:
        parts = split_identifiers(_identifiers(parts[0], Fold.NONE))
    name = "/".join(["table", *parts])
    return name if keep else name.lower()


def _without_partitions(name: str) -> str:
    """The name of a table without the partitions that some emitters put behind it as folders."""
    folders = name.removesuffix("/")
    start = partitions_start(folders, _is_word)
    return name if start == len(folders) else name[:start]


def split_identifiers(name: str) -> list[str]:
    """The parts of a dotted name, at dots outside quotes; a name that is no sequence of identifiers is one part."""
    parts, position = [], 0
    while position <= len(name):
        match = _QUOTED.match(name, position)
        if match is None:
            return [name]
        parts.append(match[0])
        position = match.end()
        if position == len(name):
            return parts
        if name[position] != ".":
            return [name]
        position += 1
    return [name]


def _identifiers(name: str, fold: Fold, exact: Fold = Fold.NONE) -> str:
    """A dotted name without the quotes it does not need, folded as the platform does.

    ``exact`` is how a platform folds what is not in quotes, where it leaves alone what is: quotes that keep an
    identifier from being folded are needed.
    """
    if '"' in name or "`" in name or "[" in name:
        parts = split_identifiers(name)
        if len(parts) > 1 or _is_quoted(name):
            return ".".join(_identifier(part, fold, exact) for part in parts)
    return _folded(name, fold)


def _identifier(part: str, fold: Fold, exact: Fold) -> str:
    plain = _unquoted(part)
    if _is_quoted(part) and _folded(plain, exact) != plain:
        return plain if _is_quoted(plain) else f'"{plain}"'
    return _folded(plain, fold)


def _folded(name: str, fold: Fold) -> str:
    if fold is Fold.LOWER:
        return name.lower()
    return name.upper() if fold is Fold.UPPER else name


def _is_quoted(part: str) -> bool:
    return len(part) > 1 and (part[0], part[-1]) in (('"', '"'), ("`", "`"), ("[", "]"))


def _unquoted(part: str) -> str:
    """An identifier without quotes where it can stand without, else in double quotes."""
    if not _is_quoted(part):
        return part
    inner = part[1:-1]
    if part[0] in '"`':
        inner = inner.replace(part[0] * 2, part[0])
    return inner if _PLAIN(inner) else '"' + inner.replace('"', '""') + '"'
