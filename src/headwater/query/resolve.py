"""Resolves names, as people type them, to nodes of a store.

Accepted, in this order: a full node id; a type in front of a name (``model:churn``); a run id or a unique start of
one; a file, relative to the working directory; a full name; any unique end of a name that starts at ``/``, ``.`` or
``:``; the same without its file extension; the same ignoring case. ``#`` adds a version or a row, ``.`` or ``:`` a
column. Names are looked up and never split by a rule, because they can contain any separator.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

import msgspec

from headwater.errors import InvalidInput, NotFound
from headwater.model.graph import NodeKind
from headwater.query.names import is_in_memory, node_id
from headwater.query.runs import find_run
from headwater.query.versions import find_version
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow, VersionRow

_MOST_COMPARED = 1000
"""Names that a misspelt one is compared with, where a search finds none that is near."""
_MOST_CHARS = 4000
_MOST_LIKE = 200
"""Characters of a name that another may be a misspelling of."""
_TABLES = frozenset({"TABLE", "VIEW"})
_MOST_SEPARATORS = 32
"""Of a column's name: each costs a look-up of what stands before it."""
_KINDS = {"dataset": NodeKind.DATASET, "job": NodeKind.JOB}
_TYPE_ALIASES = {"prediction": "PREDICTIONS", "feature": "FEATURE_VIEW"}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a name refers to: a node and a part of it. ``row`` counts from 0; ``run`` is set if the name is that
    of a run."""

    text: str
    node: NodeRow
    field: str = ""
    version: VersionRow | None = None
    row: int | None = None
    run: RunRow | None = None


class Resolver:
    """Looks up names in one store. Relative paths start from ``base``, by default the working directory."""

    def __init__(self, store: Store, *, base: str | None = None) -> None:
        self.store = store
        self.base = base if base is not None else os.getcwd()  # noqa: PTH109 - joined as text

    def target(self, text: str, *, kind: NodeKind | None = None, prefer_row: bool = False) -> Target:
        """Return what the text refers to. Raises ``NotFound`` with similar names, ``InvalidInput`` if it is ambiguous.

        ``prefer_row`` reads ``#17`` as a row even if there is a version named ``17``.
        """
        text = text.strip()
        if not text:
            raise InvalidInput(field="name", value="''", rule="must not be empty")
        if len(text) > _MOST_CHARS:
            raise InvalidInput(field="name", value=text[:80], rule=f"must have at most {_MOST_CHARS:,} characters")
        if kind is None and (found := self._part_of_id(text, prefer_row=prefer_row)):
            return found
        if rows := self.rows(text, kind=kind):
            return Target(text=text, node=self._only(text, rows))
        found = self._run(text) or self._hashed(text, prefer_row=prefer_row) or self._field(text)
        if found:
            return found
        if tables := self._tables_in(text):
            raise NotFound(text, message=f"{text} is a database: name a table in it", near=tables)
        near = self.near(text)
        raise NotFound(text, near=near, hint=None if near else "'search WORDS' looks in names and columns")

    def node(self, text: str, *, kind: NodeKind | None = None) -> NodeRow:
        """Return the dataset or job that the text refers to, ignoring a version or column in it."""
        return self.target(text, kind=kind).node

    def run(self, text: str) -> RunRow | None:
        """Return the run with that id, ``run:`` id or unique start of an id, or None if there is none."""
        return find_run(self.store, text.removeprefix("run:"))

    # -- one name, no suffix ---------------------------------------------------------------------------------------
    def rows(self, text: str, *, kind: NodeKind | None = None) -> list[NodeRow]:
        """Return the nodes that a name without suffix refers to: several if it is ambiguous, none if it is unknown."""
        if found := self._by_id(text):
            return [row for row in [found] if kind in {None, row.kind}]
        head, _, rest = text.partition(":")
        if rest and head.lower() in _KINDS:
            return self._by_name(rest, kind=_KINDS[head.lower()])
        if rest and (found_typed := self._by_type(head, rest)):
            return found_typed
        return self._by_name(text, kind=kind)

    def _by_id(self, text: str) -> NodeRow | None:
        head, _, rest = text.partition(":")
        if head not in _KINDS:
            return None
        for at, char in enumerate(rest):
            if char == ":" and (found := self.store.find(_KINDS[head], rest[:at], rest[at + 1 :])):
                return found
        return None

    def _by_type(self, type_name: str, name: str) -> list[NodeRow]:
        wanted = _TYPE_ALIASES.get(type_name.lower(), type_name.upper())
        if not wanted.replace("_", "").isalnum():
            return []
        return self._tiers(name, self.store.named(name, type=wanted))

    def _by_name(self, name: str, *, kind: NodeKind | None = None) -> list[NodeRow]:
        if found := self._file(name, kind):
            return [found]
        return self._tiers(name, self.store.named(name, kind=kind))

    def _file(self, name: str, kind: NodeKind | None) -> NodeRow | None:
        if kind is NodeKind.JOB:
            return None
        path = os.path.normpath(os.path.join(self.base, os.path.expanduser(name)))  # noqa: PTH111, PTH118 - as text: no look at the disk
        found = self.store.find(NodeKind.DATASET, "file", path)
        return found if found and not found.is_deleted else None

    def _tiers(self, name: str, rows: list[NodeRow]) -> list[NodeRow]:
        """Return the matches of the first rule that has any: full names, then persistent data, then the rest."""
        alive = [row for row in rows if not row.is_deleted]
        lasting = [row for row in alive if not is_in_memory(row.namespace)]
        if matches := [row for row in alive if name in _names(row)]:
            return _data_first([row for row in matches if not is_in_memory(row.namespace)] or matches)
        for candidates in (lasting, alive, rows):
            for rule in _RULES:
                if matches := [row for row in candidates if any(rule(name, known) for known in _names(row))]:
                    return _data_first(matches)
        return []

    def _only(self, text: str, rows: list[NodeRow]) -> NodeRow:
        if len(rows) == 1:
            return rows[0]
        ids = sorted(node_id(row) for row in rows)
        shown = "\n  ".join(ids[:8]) + (f"\n  and {len(ids) - 8} more" if len(ids) > 8 else "")
        raise InvalidInput(
            f"{text!r} is the end of {len(ids)} names:\n  {shown}",
            field="name",
            value=text,
            rule="must name one node",
            hint="write more of the name, or one of these ids",
        )

    def _part_of_id(self, text: str, *, prefer_row: bool) -> Target | None:
        """Resolve a column or version after a full id, without searching all names."""
        plain = text.removeprefix("datasetField:")
        whole = text if plain == text else f"dataset:{plain}"
        if not whole.startswith("dataset:") or self._by_id(whole):
            return None
        name, _, version = whole.rpartition("#")
        if name and not (prefer_row and version.isdigit()) and (node := self._by_id(name)):
            found = find_version(self.store, node, version)
            return Target(text=text, node=node, version=found) if found else None
        name, _, column = whole.rpartition(":")
        if (node := self._by_id(name)) and (field := match_field(self.store.fields(node.id), column)):
            return Target(text=text, node=node, field=field)
        return None

    # -- suffixes --------------------------------------------------------------------------------------------------
    def _run(self, text: str) -> Target | None:
        run = self.run(text)
        if run is None:
            return None
        jobs = self.store.nodes([run.job_id])
        return Target(text=text, node=jobs[0], run=run) if jobs else None

    def _hashed(self, text: str, *, prefer_row: bool = False, is_inner: bool = False) -> Target | None:
        """``name#version``, ``name#row``, ``name#version#row``."""
        name, _, suffix = text.rpartition("#")
        if not name or not suffix:
            return None
        rows = self.rows(name, kind=NodeKind.DATASET)
        if not rows:
            inner = None if is_inner else self._hashed(name, is_inner=True)
            return msgspec.structs.replace(inner, text=text, row=read_row(suffix)) if inner else None
        node = self._only(name, rows)
        is_row = prefer_row and suffix.isdigit()
        if not is_row and (version := find_version(self.store, node, suffix)):
            return Target(text=text, node=node, version=version)
        return Target(text=text, node=node, row=read_row(suffix))

    def _field(self, text: str) -> Target | None:
        """``table.column``, ``file.csv:column``, ``datasetField:namespace:name:column``."""
        plain = text.removeprefix("datasetField:")
        prefix = "dataset:" if plain != text else ""
        separators = [at for at in range(len(plain) - 2, 0, -1) if plain[at] in ".:"]
        for at in separators[:_MOST_SEPARATORS]:
            field = plain[at + 1 :]
            rows = self.rows(prefix + plain[:at], kind=NodeKind.DATASET)
            holders = [(row, name) for row in rows if (name := match_field(self.store.fields(row.id), field))]
            if holders:
                node = self._only(text, [row for row, _ in holders])
                return Target(text=text, node=node, field=holders[0][1])
            if len(rows) == 1 and plain[at] == ":":
                fields = self.store.fields(rows[0].id)
                near = _like(field, fields, 5, 0.5)
                there = f"has the columns {', '.join(fields[:10])}" if fields else "has no columns that are known"
                hint = None if near else f"{rows[0].name} {there}"
                raise NotFound(text, near=near, hint=hint)
        return None

    def _tables_in(self, text: str, limit: int = 5) -> list[str]:
        """Tables of the database that the text names, by the end of its path: ``shop.db``."""
        end = "/" + text.removeprefix("./").strip("/")
        found = [namespace.name for namespace in self.store.namespaces() if namespace.name.endswith(end)]
        rows = [row for name in found for row in self.store.list_nodes(NodeKind.DATASET, namespace=name, limit=limit)]
        return list(dict.fromkeys(short_name(row) for row in rows if row.type in _TABLES))[:limit]

    def near(self, text: str, limit: int = 5) -> list[str]:
        """Return names similar to the text, best first."""
        head = text.partition("#")[0]
        hits = _distinct(hit.node for hit in self.store.search(head, limit=limit))
        names = [short_name(row) for row in hits]
        if len(names) < limit:
            known = {short_name(row): None for row in scan(self.store, limit=_MOST_COMPARED)}
            names.extend(_like(PurePosixPath(head).name or head, known, limit, 0.6))
        return list(dict.fromkeys(names))[:limit]


def _like(word: str, known: Iterable[str], limit: int, least: float) -> list[str]:
    """Names similar to a word. The cost is the product of the lengths, so very long words have no similar names."""
    if len(word) > _MOST_LIKE:
        return []
    return difflib.get_close_matches(word, [name for name in known if len(name) <= _MOST_LIKE], limit, least)


def _data_first(rows: list[NodeRow]) -> list[NodeRow]:
    """Jobs are often named after the data they write. A bare name then means the data, and ``job:NAME`` the job."""
    return [row for row in rows if row.kind is NodeKind.DATASET] or rows


def read_row(text: str) -> int:
    """Return a row number, counted from 0. Raises ``InvalidInput`` if the text is not one."""
    if not text.isascii() or not text.isdigit():
        raise InvalidInput(
            field="version or row",
            value=text,
            rule="must be a version of the dataset or the number of a row",
            hint="rows are counted from 0; 'history NAME' lists versions",
        )
    return int(text)


def match_field(fields: Iterable[str], text: str) -> str:
    """Return the field with that name, ignoring case if there is no exact match; empty if there is none."""
    known = list(fields)
    if text in known:
        return text
    folded = [name for name in known if name.casefold() == text.casefold()]
    return folded[0] if len(folded) == 1 else ""


def scan(
    store: Store,
    *,
    kind: NodeKind | None = None,
    type: str | None = None,
    limit: int | None = None,
) -> Iterator[NodeRow]:
    """Yield every node of a kind or type that is not deleted, page by page."""
    after, count = 0, 0
    while page := store.scan_nodes(kind=kind, type=type, after=after, limit=1000):
        for row in page:
            after = row.id
            if not row.is_deleted:
                count += 1
                yield row
            if limit is not None and count >= limit:
                return


def short_name(row: NodeRow) -> str:
    """Return the part of a name that a person would type."""
    return PurePosixPath(row.name).name if "/" in row.name else row.name


def _names(row: NodeRow) -> list[str]:
    return [row.name, *(name for _, name in row.aliases)]


def _distinct(rows: Iterable[NodeRow]) -> list[NodeRow]:
    return list({row.id: row for row in rows}.values())


def _is_exact(text: str, name: str) -> bool:
    return text == name


def _is_end(text: str, name: str) -> bool:
    """Whether the text is the end of the name and starts at a boundary."""
    tail = text.lstrip("./") if text.startswith("./") else text
    if not tail or not name.endswith(tail) or len(name) == len(tail):
        return False
    return tail[0] in "/.:" or name[-len(tail) - 1] in "/.:#"


def _is_stem(text: str, name: str) -> bool:
    stem, dot, extension = name.rpartition(".")
    return bool(dot) and "/" not in extension and (text == stem or _is_end(text, stem))


def _is_folded(text: str, name: str) -> bool:
    left, right = text.casefold(), name.casefold()
    return left == right or _is_end(left, right) or _is_stem(left, right)


_RULES: tuple[Callable[[str, str], bool], ...] = (_is_exact, _is_end, _is_stem, _is_folded)
