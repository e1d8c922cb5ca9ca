"""Naming rules of data platforms, one record per platform, following OpenLineage.

``PLATFORMS`` is keyed by the scheme of the namespace. What a record says is used for two things: building the standard
name from an address (``headwater.model.uris``), and matching two spellings of one name (``headwater.model.names``).
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Shape(Enum):
    """What the name below a namespace looks like."""

    #: dotted identifiers: ``database.schema.table``
    TABLE = "table"
    #: a path of slashes in a bucket, a container or a file system
    PATH = "path"
    #: one opaque word: a topic, an in-memory frame
    WORD = "word"


class Fold(Enum):
    """What a platform does to the case of an identifier."""

    NONE = "none"
    LOWER = "lower"
    UPPER = "upper"


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's rules.

    ``parts`` are the identifiers of a full name from the outermost in; ``default_schema`` fills the part before the
    last when an address names none. ``port`` is written into every namespace when ``has_port`` (the naming rules ask
    for it), left out of it otherwise. ``has_host`` is false where what follows ``//`` is no network name.
    """

    scheme: str
    shape: Shape
    port: int | None = None
    has_port: bool = True
    has_host: bool = True
    parts: tuple[str, ...] = ()
    fold: Fold = Fold.NONE
    #: quoted names are not folded: ``"Orders"`` and ``orders`` are two tables
    keeps_quoted: bool = False
    default_schema: str = ""
    #: a local database file follows the scheme, not a host
    is_file: bool = False
    #: the leading part that means "here" and may be left out
    implied: tuple[str, ...] = ()


_DST = ("database", "schema", "table")
_DT = ("database", "table")
_CST = ("catalog", "schema", "table")

_TABLES = (
    Platform(
        scheme="postgres",
        shape=Shape.TABLE,
        port=5432,
        parts=_DST,
        fold=Fold.LOWER,
        keeps_quoted=True,
        default_schema="public",
    ),
    Platform(scheme="redshift", shape=Shape.TABLE, port=5439, parts=_DST, fold=Fold.LOWER, default_schema="public"),
    Platform(
        scheme="crate",
        shape=Shape.TABLE,
        port=5432,
        parts=_DST,
        fold=Fold.LOWER,
        keeps_quoted=True,
        default_schema="doc",
    ),
    Platform(scheme="mssql", shape=Shape.TABLE, port=1433, parts=_DST, fold=Fold.LOWER, default_schema="dbo"),
    Platform(scheme="fabric-warehouse", shape=Shape.TABLE, port=1433, has_port=False, parts=_DST, fold=Fold.LOWER),
    Platform(scheme="db2", shape=Shape.TABLE, port=50000, parts=_DST, fold=Fold.UPPER, keeps_quoted=True),
    Platform(
        scheme="oracle",
        shape=Shape.TABLE,
        port=1521,
        parts=("service", "schema", "table"),
        fold=Fold.UPPER,
        keeps_quoted=True,
    ),
    Platform(scheme="mysql", shape=Shape.TABLE, port=3306, parts=_DT),
    Platform(scheme="mariadb", shape=Shape.TABLE, port=3306, parts=_DT),
    Platform(scheme="oceanbase", shape=Shape.TABLE, port=2881, parts=_DT),
    Platform(scheme="clickhouse", shape=Shape.TABLE, port=9000, parts=_DT),
    Platform(scheme="teradata", shape=Shape.TABLE, port=1025, parts=_DT, fold=Fold.LOWER),
    Platform(
        scheme="cassandra",
        shape=Shape.TABLE,
        port=9042,
        parts=("keyspace", "table"),
        fold=Fold.LOWER,
        keeps_quoted=True,
    ),
    Platform(scheme="hive", shape=Shape.TABLE, parts=_DT, fold=Fold.LOWER, implied=("spark_catalog",)),
    Platform(scheme="trino", shape=Shape.TABLE, port=8080, parts=_CST, fold=Fold.LOWER),
    Platform(scheme="snowflake", shape=Shape.TABLE, has_port=False, parts=_DST, fold=Fold.UPPER, keeps_quoted=True),
    Platform(scheme="spanner", shape=Shape.TABLE, has_host=False, parts=_DST),
    Platform(scheme="unitycatalog", shape=Shape.TABLE, port=443, has_port=False, parts=_CST, fold=Fold.LOWER),
    Platform(scheme="milvus", shape=Shape.TABLE, port=19530, parts=("database", "collection")),
    Platform(scheme="bigquery", shape=Shape.TABLE, has_host=False, parts=("project", "dataset", "table")),
    Platform(
        scheme="awsathena", shape=Shape.TABLE, has_port=False, parts=("catalog", "database", "table"), fold=Fold.LOWER
    ),
    Platform(
        scheme="sqlite", shape=Shape.TABLE, is_file=True, parts=("table",), fold=Fold.LOWER, implied=("main", "temp")
    ),
    Platform(scheme="duckdb", shape=Shape.TABLE, is_file=True, parts=("table",), fold=Fold.LOWER, implied=("main",)),
)
_PATHS = (
    Platform(scheme="s3", shape=Shape.PATH, has_port=False, has_host=False),
    Platform(scheme="gs", shape=Shape.PATH, has_port=False, has_host=False),
    Platform(scheme="abfss", shape=Shape.PATH, has_port=False, has_host=False),
    Platform(scheme="wasbs", shape=Shape.PATH, has_port=False, has_host=False),
    Platform(scheme="dbfs", shape=Shape.PATH, has_port=False),
    Platform(scheme="hdfs", shape=Shape.PATH, port=8020, has_port=False),
    Platform(scheme="file", shape=Shape.PATH, has_port=False),
    Platform(scheme="sftp", shape=Shape.PATH, port=22, has_port=False),
    Platform(scheme="ftp", shape=Shape.PATH, port=21, has_port=False),
    Platform(scheme="http", shape=Shape.PATH, port=80, has_port=False),
    Platform(scheme="https", shape=Shape.PATH, port=443, has_port=False),
)
_WORDS = (
    Platform(scheme="kafka", shape=Shape.WORD, port=9092),
    Platform(scheme="pubsub", shape=Shape.WORD, has_host=False),
    Platform(scheme="inmemory", shape=Shape.WORD, has_host=False),
    Platform(scheme="azurecosmos", shape=Shape.WORD, port=443, has_port=False),
    Platform(scheme="azurekusto", shape=Shape.WORD, port=443, has_port=False),
    Platform(scheme="box", shape=Shape.WORD, has_port=False),
    Platform(scheme="filenet", shape=Shape.WORD, has_port=False),
    Platform(scheme="mssharepoint", shape=Shape.WORD, has_port=False),
)

PLATFORMS: dict[str, Platform] = {platform.scheme: platform for platform in (*_TABLES, *_PATHS, *_WORDS)}

SCHEME_ALIASES: dict[str, str] = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "abfs": "abfss",
    "wasb": "wasbs",
    "postgresql": "postgres",
    "sqlserver": "mssql",
    "thrift": "hive",
    "presto": "trino",
    "athena": "awsathena",
    "cratedb": "crate",
    "ibm_db_sa": "db2",
    "sqlite3": "sqlite",
    "webhdfs": "hdfs",
    "local": "file",
}
"""Other spellings of a scheme. ``postgresql+psycopg`` and the like lose their driver before they are looked up."""


def platform_of(scheme: str) -> Platform | None:
    """The platform of a scheme in any of its spellings; None if it is unknown."""
    return PLATFORMS.get(canonical_scheme(scheme))


def canonical_scheme(scheme: str) -> str:
    """A scheme in lower case, without its driver, by its standard name."""
    lowered = scheme.lower()
    if lowered not in PLATFORMS:
        lowered = lowered.partition("+")[0]
    return SCHEME_ALIASES.get(lowered, lowered)
