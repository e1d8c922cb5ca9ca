"""Keeps the search index in step with the search texts, for every backend that stores it.

A new or changed node is first recorded as loose; queries scan the loose nodes one by one. Once there are ``MOST_LOOSE``
of them, all are indexed together: they share most of their keys, so one row per key is written instead of one per node
and key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from headwater.storage.projection import node_sets
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.search_terms import NAME, TEXT, keys, pieces, terms

MOST_LOOSE = 1024
"""Number of nodes outside the index: scanning them takes a query some milliseconds."""
_COUNTER = "loose"

_NONE: frozenset[int] = frozenset()


class Counters(Protocol):
    """Counters stored with the commit."""

    def counter(self, name: str) -> int:
        """The current value of a counter."""

    def advance(self, counter: str, by: int) -> None:
        """Advance a counter."""


if TYPE_CHECKING:

    class _Base:
        """The backend's table of search texts."""

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
    """A table of search texts with an index of their keys. A backend implements access to the two tables of the index:
    loose nodes with the keys under which they are still indexed, and the parts of each key's set."""

    counters: Counters

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        #: the rows replaced by the pending ones
        self._before: dict[int, SearchText | None] = {}
        #: nodes that are recorded as loose for sure: what they are indexed under is recorded as well
        self._known_loose: set[int] = set()

    def put(self, row: SearchText) -> None:
        """Insert the row, or update it after a change."""
        if row.node not in self._before:
            self._before[row.node] = self.get(row.node)
        super().put(row)

    def drop(self, key: int) -> None:
        """Remove the row if it is there."""
        if key not in self._before:
            self._before[key] = self.get(key)
        super().drop(key)

    def clear(self) -> None:
        """Drop everything: the batch was rolled back, or another process wrote."""
        super().clear()
        self._before.clear()
        self._known_loose.clear()

    def flush(self) -> None:
        """Write pending rows, and record them as loose or index them."""
        if not self._pending:
            return
        before, self._before = self._before, {}
        rows = dict(self._pending)
        super().flush()
        new = rows.keys() - self._known_loose
        loose = self.counters.counter(_COUNTER)
        if loose + len(new) < MOST_LOOSE:
            if new:
                self._loosen([(node, "\n".join(_keys(before.get(node)))) for node in new])
                self._known_loose |= new
                self.counters.advance(_COUNTER, len(new))
            return
        had: dict[int, set[str]] = {}
        if loose:
            had = {node: set(text.split("\n")) if text else set() for node, text in self._tighten()}
            self._known_loose.clear()
            others = had.keys() - rows.keys()
            rows.update(dict.fromkeys(others))
            rows.update((row.node, row) for row in self.get_many(others))
            self.counters.advance(_COUNTER, -loose)
        had.update({node: _keys(before.get(node)) for node in rows.keys() - had.keys()})
        self._post(had, rows)

    def _post(self, had: dict[int, set[str]], rows: dict[int, SearchText | None]) -> None:
        """Index nodes, one part at a time; ``had`` has the keys under which they are indexed so far."""
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

    # -- implemented by a backend ----------------------------------------------------------------------------------
    def _loosen(self, nodes: Sequence[tuple[int, str]]) -> None:
        """Record nodes as loose, each with its indexed keys, one per line; nodes that are loose already are kept."""
        raise NotImplementedError

    def _tighten(self) -> list[tuple[int, str]]:
        """Return the loose nodes and clear the record of them."""
        raise NotImplementedError

    def _parts(self, part: int, wanted: Sequence[str]) -> dict[str, bytes]:
        """A part of the sets of some keys; keys without that part are left out."""
        raise NotImplementedError

    def _write_parts(self, part: int, sets: Sequence[tuple[str, bytes]]) -> None:
        """Write a part of some sets; empty ones are deleted."""
        raise NotImplementedError


def _added(rows: dict[int, SearchText]) -> dict[str, set[int]]:
    """The places of new nodes by key. Computed word by word, because nodes share words."""
    by_name: dict[str, set[int]] = defaultdict(set)
    by_text: dict[str, set[int]] = defaultdict(set)
    found: dict[str, set[int]] = defaultdict(set)
    for place, row in rows.items():
        in_name, in_text, whole = terms(row)
        for known, some in ((by_name, in_name), (by_text, in_text), (found, whole)):
            for key in some:
                known[key].add(place)
    for space, by_word in ((NAME, by_name), (TEXT, by_text)):
        for word, places in by_word.items():
            for piece in pieces(word):
                found[space + piece] |= places
    return found


def _keys(row: SearchText | None) -> set[str]:
    return set() if row is None else keys(row)
