"""Files, URLs and stages that a statement names as it names tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.sql.results import TableName
from headwater.sql.syntax_tree import function_name

if TYPE_CHECKING:
    from headwater.sql.context import Context

_READERS = re.compile(
    r"(?:read_\w+|\w*(?:parquet|csv|json|delta|iceberg|arrow|orc|avro)\w*_scan(?:_\w+)?|scan_arrow_ipc|sniff_csv|glob|st_read|"
    r"iceberg_scan|delta_scan|sqlite_scan|openrowset|file|s3|url|hdfs|gcs|azureblobstorage|read_files)",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"\.(?:parquet|pq|csv|tsv|txt|json|jsonl|ndjson|orc|avro|arrow|feather|ipc|xlsx|xls|duckdb|db|sqlite|shp|gpkg)"
    r"(?:\.(?:gz|zst|bz2|xz|snappy))?$",
    re.IGNORECASE,
)
_FORMATS = frozenset({"parquet", "csv", "json", "orc", "avro", "text", "delta", "iceberg", "binaryfile"})
_SCHEME = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^/@]*@)?(?P<rest>.*)$", re.DOTALL)


def file_name(path: str) -> TableName:
    """Name a file, URL or stage, without user, password, query string or fragment.

    >>> file_name("https://me:pw@host/x.csv?sig=abc").name
    'https://host/x.csv'
    """
    if path.startswith("@"):
        return TableName(path, kind="stage")
    found = _SCHEME.match(path)
    if found is not None and found["scheme"].lower() != "file://":
        path = found["scheme"] + re.split(r"[?#]", found["rest"], maxsplit=1)[0]
    return TableName(path, kind="file")


def looks_like_file(ctx: Context, node: exp.Expr) -> TableName | None:
    """Tell whether a table reference is a file: ``'x.parquet'``, ``parquet.`/data` ``, ``@stage/x``."""
    this = node.this
    if isinstance(this, exp.Var) or (isinstance(this, exp.Literal) and this.is_string):
        return file_name(this.name) if this.name.startswith("@") or isinstance(this, exp.Literal) else None
    if not isinstance(this, exp.Identifier) or not this.args.get("quoted"):
        return None
    name, db = this.name, node.args.get("db")
    if db is not None:
        is_path = db.name.lower() in _FORMATS and ("/" in name or _EXTENSION.search(name))
        return file_name(name) if is_path and ctx.dialect in ("spark", "databricks", "hive", "spark2", None) else None
    if ctx.dialect in ("duckdb", None) and ("/" in name or "://" in name or _EXTENSION.search(name)):
        return file_name(name)
    return None


def files_of_function(function: exp.Expr) -> list[TableName] | None:
    """Give the files that a table function reads, ``None`` when it reads no files by its name."""
    name = function_name(function)
    if not (isinstance(function, (exp.ReadCSV, exp.ReadParquet)) or _READERS.fullmatch(name)):
        return None
    return list(paths_in(first_argument(function)))


def first_argument(function: exp.Expr) -> exp.Expr | None:
    """Give the first operand of a function, whichever way the parser holds it."""
    if isinstance(function.this, exp.Expression):
        return function.this
    return function.expressions[0] if function.expressions else None


def paths_in(node: exp.Expr | None) -> Iterable[TableName]:
    """Yield the files named by a string or by a list of strings; duckdb takes a name in double quotes for one too."""
    if isinstance(node, exp.Literal) and node.is_string:
        yield file_name(node.name)
    elif isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier) and node.this.args.get("quoted"):
        if not node.table and ("/" in node.name or _EXTENSION.search(node.name)):
            yield file_name(node.name)
    elif isinstance(node, (exp.Array, exp.Tuple)):
        for item in node.expressions:
            yield from paths_in(item)
    elif isinstance(node, exp.Paren):
        yield from paths_in(node.this)
