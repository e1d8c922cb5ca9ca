"""Keeps the search index in step with the search texts, for every backend that stores it.

A node that is new or changed is first noted as loose: a question goes through the few of those one by one. Once there
are ``MOST_LOOSE`` of them, all are put into the index together: most of them share most of their keys, and what is
written is a row for each key instead of one for each node and key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from headwater.storage.projection import node_sets
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.search_terms import NAME, TEXT, keys, pieces, terms

MOST_LOOSE = 1024
"""Nodes beside the index: to go through them costs a question some milliseconds."""
_COUNTER = "loose"

_NONE: frozenset[int] = frozenset()


class Counters(Protocol):
    """Numbers that are stored with the commit."""

    def counter(self, name: str) -> int:
        """The present value of a counter."""

    def advance(self, counter: str, by: int) -> None:
        """Count on."""


if TYPE_CHECKING:

    class _Base:
        """The table of a backend that search texts are kept in."""

        _pending: dict[int, SearchText | None]

        def get(self, key: int) -> SearchText | None: ...
        def put(self, row: SearchText) -> None: ...
        def drop(self, key: int) -> None: ...
        def flush(self) -> None: ...
        def clear(self) -> None: ...
        def get_many(self, keys: Iterable[int]) -> list[SearchText]: ...

else:
    _Base = object


class Posting(_Base):
    """Beside the rows of a table the index of their keys. A backend says how the two tables of it are read and written:
    that of loose nodes with the keys under which the index still has them, and that of the parts of each key's set."""

    counters: Counters

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        #: the rows that the pending ones replace
        self._before: dict[int, SearchText | None] = {}

    def put(self, row: SearchText) -> None:
        """Insert the row, or write it again after a change."""
        if row.node not in self._before:
            self._before[row.node] = self.get(row.node)
        super().put(row)

    def drop(self, key: int) -> None:
        """Remove the row if it is there."""
        if key not in self._before:
            self._before[key] = self.get(key)
        super().drop(key)

    def clear(self) -> None:
        """Forget everything: the batch was rolled back, or another process wrote."""
        super().clear()
        self._before.clear()

    def flush(self) -> None:
        """Write what is pending, and note it as loose or put it into the index."""
        if not self._pending:
            return
        before, self._before = self._before, {}
        rows = dict(self._pending)
        super().flush()
        loose = self.counters.counter(_COUNTER)
        if loose + len(rows) < MOST_LOOSE:
            self._loosen([(node, "\n".join(_keys(before.get(node)))) for node in rows])
            self.counters.advance(_COUNTER, len(rows))
            return
        had = {node: _keys(before.get(node)) for node in rows}
        if loose:
            held = {node: set(text.split("\n")) if text else set() for node, text in self._tighten()}
            had.update(held)
            others = held.keys() - rows.keys()
            rows.update(dict.fromkeys(others))
            rows.update((row.node, row) for row in self.get_many(others))
            self.counters.advance(_COUNTER, -loose)
        self._post(had, rows)

    def _post(self, had: dict[int, set[str]], rows: dict[int, SearchText | None]) -> None:
        """Put nodes into the index, a part at a time; ``had`` are the keys that it has them under."""
        by_part: dict[int, list[int]] = {}
        for node in rows:
            by_part.setdefault(node // node_sets.PART, []).append(node)
        for part, nodes in sorted(by_part.items()):
            first = part * node_sets.PART
            added = _added({node - first: row for node in nodes if not had[node] and (row := rows[node]) is not None})
            removed: dict[str, set[int]] = {}
            for node in nodes:
                if has := had[node]:
                    wants = _keys(rows[node])
                    for key in wants - has:
                        added.setdefault(key, set()).add(node - first)
                    for key in has - wants:
                        removed.setdefault(key, set()).add(node - first)
            changes = list({*added, *removed})
            stored = self._parts(part, changes)
            self._write_parts(
                part,
                [
                    (key, node_sets.changed(stored.get(key, b""), added.get(key, _NONE), removed.get(key, _NONE)))
                    for key in changes
                ],
            )

    # -- what a backend does ---------------------------------------------------------------------------------------
    def _loosen(self, nodes: Sequence[tuple[int, str]]) -> None:
        """Note nodes as loose, each with its keys in the index a line; one that is loose already stays as it is."""
        raise NotImplementedError

    def _tighten(self) -> list[tuple[int, str]]:
        """What is noted, which is noted no more."""
        raise NotImplementedError

    def _parts(self, part: int, wanted: Sequence[str]) -> dict[str, bytes]:
        """One part of the sets of some keys, of those that have it."""
        raise NotImplementedError

    def _write_parts(self, part: int, sets: Sequence[tuple[str, bytes]]) -> None:
        """Write a part of some sets; an empty one is removed."""
        raise NotImplementedError


def _added(rows: dict[int, SearchText]) -> dict[str, set[int]]:
    """The places of new nodes by key. Words repeat more than nodes do, so their pieces are gone through a word."""
    by_name: dict[str, set[int]] = defaultdict(set)
    by_text: dict[str, set[int]] = defaultdict(set)
    found: dict[str, set[int]] = defaultdict(set)
    for place, row in rows.items():
        in_name, in_text, whole = terms(row)
        for known, some in ((by_name, in_name), (by_text, in_text), (found, whole)):
            for one in some:
                known[one].add(place)
    for space, by_word in ((NAME, by_name), (TEXT, by_text)):
        for word, places in by_word.items():
            for piece in pieces(word):
                found[space + piece] |= places
    return found


def _keys(row: SearchText | None) -> set[str]:
    return set() if row is None else keys(row)
