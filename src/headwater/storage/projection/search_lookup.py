"""Finds nodes through the search index: by words, name, pattern or property.

The index has for every key the set of nodes with that key (see ``search_terms`` and ``node_sets``). Sets computed from
pieces of words can be too large, never too small, so every hit is checked. Nodes that are not indexed yet are scanned;
in memory, without an index, these are all nodes.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import translate
from itertools import islice

import msgspec

from headwater.storage.projection import node_sets, search_terms
from headwater.storage.projection.records import SearchText
from headwater.storage.projection.search_terms import BEGINNING, ELSEWHERE, EXACT, INSIDE, NEAR, WHOLE, Place, Query
from headwater.storage.projection.tables import SearchTable

_FEWEST, _MOST = 32, 512
"""Limits for the number of rows checked at a time."""


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """Filters for hits; empty values do not filter. A tag is a key, a value or ``key=value``."""

    kind: int = 0
    namespace: str | None = None
    type: str = ""
    tag: str = ""
    owner: str = ""
    is_alive: bool = False

    def keys(self) -> list[str]:
        """The keys that hits must have."""
        found = [f"{search_terms.KIND}{self.kind}"] if self.kind else []
        if self.namespace is not None:
            found.append(search_terms.key(search_terms.NAMESPACE, self.namespace))
        if self.type:
            found.append(search_terms.type_key(self.type))
        if self.tag:
            found.append(search_terms.key(search_terms.TAG, self.tag))
        if self.owner:
            found.append(search_terms.key(search_terms.OWNER, self.owner))
        return found


class Finder:
    """Queries on the current state of an index."""

    def __init__(self, table: SearchTable) -> None:
        self._table = table
        self._sets: dict[str, int] = {}
        #: nodes whose current text is not indexed, and these texts
        self._loose, self._rows = table.loose()
        self._all: int | None = None

    # -- sets ------------------------------------------------------------------------------------------------------
    def load(self, keys: Iterable[str]) -> None:
        """Prefetch sets that will be needed."""
        unknown = {key for key in keys if key not in self._sets}
        if unknown:
            found = self._table.sets(unknown)
            self._sets.update((key, found.get(key, 0) & ~self._loose) for key in unknown)

    def has(self, keys: Collection[str], among: int | None = None) -> int:
        """Indexed nodes that have all of these keys."""
        self.load(keys)
        found = self.everything() if among is None else among
        for key in keys:
            found &= self._sets[key]
        return found

    def everything(self) -> int:
        """All indexed nodes."""
        if self._all is None:
            self.load([search_terms.ALL])
            self._all = self._sets[search_terms.ALL]
        return self._all

    def _among(self, narrowing: Narrowing) -> tuple[int, list[SearchText]]:
        """(indexed nodes, loose nodes) that pass the filters."""
        keys = narrowing.keys()
        allowed = self.has(keys)
        if narrowing.is_alive:
            self.load([search_terms.DELETED])
            allowed &= ~self._sets[search_terms.DELETED]
        rows = self._rows
        if keys or narrowing.is_alive:
            wanted = set(keys)
            rows = [
                row
                for row in rows
                if not (narrowing.is_alive and row.is_deleted) and wanted <= search_terms.plain_keys(row)
            ]
        return allowed, rows

    # -- words -----------------------------------------------------------------------------------------------------
    def search(self, query: Query, limit: int, narrowing: Narrowing) -> list[tuple[Place, SearchText]]:
        """The best hits, in order."""
        if not query.words or limit <= 0:
            return []
        allowed, rows = self._among(narrowing)
        found = search_terms.in_order(query, rows)
        if allowed:
            found += islice(_Ranked(self, query, allowed).hits(limit), limit)
        return search_terms.best(found)[:limit]

    # -- names -----------------------------------------------------------------------------------------------------
    def named(self, text: str, limit: int, narrowing: Narrowing) -> list[SearchText]:
        """Nodes whose name may end with a text, ignoring case, with or without a file extension; short names first, so
        that a full name is among them."""
        allowed, rows = self._among(narrowing)
        ends = {search_terms.last_key(text, space) for space in (search_terms.LAST, search_terms.STEM)}
        pieces = {
            search_terms.NAME + piece for word in search_terms.words(text) for piece in search_terms.whole_pieces(word)
        }
        found = [row for row in rows if ends & (known := search_terms.keys(row)) and pieces <= known]
        self.load(ends)
        indexed = self.has(pieces, allowed & functools.reduce(operator.or_, [self._sets[key] for key in ends]))
        for nodes in self.ordered(indexed, limit):
            if len(found) >= limit:
                break
            found += self.rows(nodes)
        return sorted(found, key=lambda row: search_terms.place_at(0, 0, row))[:limit]

    def ordered(self, among: int, first: int = _FEWEST) -> Iterator[list[int]]:
        """The nodes of a set by their order, in batches; nodes of the same order come together."""
        digits = [self.has([key]) for key in search_terms.ORDER_KEYS] if among else []
        count = first
        while among:
            some = node_sets.lowest(among, digits, count)
            among &= ~some
            yield list(node_sets.members(some))
            count = min(_MOST, count * 2)

    def like(self, pattern: str, among: int) -> int:
        """Indexed nodes whose name, or its last part, may match a pattern."""
        found = among
        if not any(mark in pattern for mark in "*[") and len(pattern) < search_terms.LONGEST:
            found = self._as_long(len(pattern), among)
        for text, is_first, is_last in _literals(pattern):
            found = self._literal(text, found, is_first=is_first, is_last=is_last)
        return found

    def _as_long(self, length: int, among: int) -> int:
        """The nodes whose name, or its last part, has this length."""
        whole = among
        for key, has_it in search_terms.length_digits(length):
            digit = self.has([key])
            whole &= digit if has_it else ~digit
        return whole | self.has([search_terms.length_key(length)], among)

    def _literal(self, text: str, among: int, *, is_first: bool, is_last: bool) -> int:
        folded = text.casefold()
        wanted = {search_terms.NAME + joint for joint in search_terms.joints(text)}
        pairs = []
        for match in re.finditer(r"[^\W_]+", folded):
            begins = is_first or match.start() > 0
            ends = is_last or match.end() < len(folded)
            some = f"{'^' if begins else ''}{match[0]}{'$' if ends else ''}"
            if len(some) > 2:
                wanted.update(search_terms.NAME + piece for piece in search_terms.trigrams(some))
            elif some.startswith("^"):
                wanted.add(search_terms.NAME + some)
            elif len(some) == 2 and not ends:
                pairs.append(some)
        found = self.has(wanted, among)
        for pair in pairs:
            keys = self._table.keys_between(search_terms.NAME + pair, search_terms.NAME + pair + "\U0010ffff")
            self.load(keys)
            holding = 0
            for key in keys:
                holding |= self._sets[key]
            found &= holding
        return found

    # -- properties ------------------------------------------------------------------------------------------------
    def valued(self, space: str, value: str) -> int:
        """Nodes, loose ones included, with a value in a space of keys, or with a value that matches a pattern."""
        if not is_pattern(value):
            wanted = search_terms.key(space, value)
            loose = [row.node for row in self._rows if wanted in search_terms.plain_keys(row)]
            return self.has([wanted]) | node_sets.of(loose)
        fits = re.compile(translate(value)).match
        start = space + value[: re.search(r"[*?\[]", value).start()]  # type: ignore[union-attr]  # it is a pattern
        keys = [key for key in self._table.keys_between(start, start + "\U0010ffff") if fits(key[1:])]
        self.load(keys)
        found = node_sets.of(row.node for row in self._rows if any(fits(term[1:]) for term in _in_space(space, row)))
        for matched in keys:
            found |= self._sets[matched]
        return found

    def alive(self) -> int:
        """Nodes that are not deleted, loose ones included."""
        self.load([search_terms.DELETED])
        loose = node_sets.of(row.node for row in self._rows if not row.is_deleted)
        return self.everything() & ~self._sets[search_terms.DELETED] | loose

    def loose(self) -> list[SearchText]:
        """The texts that are not indexed."""
        return self._rows

    def rows(self, nodes: list[int]) -> list[SearchText]:
        """The rows of nodes, in order."""
        found = {row.node: row for row in self._table.get_many(nodes)}
        return [found[node] for node in nodes if node in found]


class _Ranked:
    """The hits of one query among indexed nodes, best first."""

    def __init__(self, finder: Finder, query: Query, allowed: int) -> None:
        self._finder = finder
        self._query = query
        #: possible hits that were not returned yet
        self._open = allowed
        self._places: dict[int, Place | None] = {}
        self._texts: dict[int, SearchText] = {}
        pieces = {piece for word in query.words for piece in (*search_terms.whole_pieces(word), *_parts(word))}
        finder.load({search_terms.NAME + part for part in pieces})
        self._words = [self._levels(word) for word in query.words]

    def _holding(self, space: str, pieces: set[str]) -> int:
        return self._finder.has([space + piece for piece in pieces], self._open)

    def _levels(self, word: str) -> dict[int, int]:
        """The nodes whose name may match a word, by level."""
        exact = self._holding(search_terms.NAME, search_terms.whole_pieces(word))
        beginning = exact | self._holding(search_terms.NAME, search_terms.beginning_pieces(word))
        inside = beginning | self._holding(search_terms.NAME, search_terms.inside_pieces(word))
        return {EXACT: exact, BEGINNING: beginning, INSIDE: inside}

    def _look_elsewhere(self) -> None:
        """Include matches outside the name: the names alone are often enough."""
        wanted = [search_terms.inside_pieces(word) for word in self._query.words]
        self._finder.load({search_terms.TEXT + piece for pieces in wanted for piece in pieces})
        for pieces, levels in zip(wanted, self._words, strict=True):
            levels[ELSEWHERE] = levels[INSIDE] | self._holding(search_terms.TEXT, pieces)

    def hits(self, limit: int) -> Iterator[tuple[Place, SearchText]]:
        """All hits in order, or else the near ones; ``limit`` is how many will be taken."""
        before = self._open
        whole = self._finder.has([search_terms.last_key(self._query.whole)], self._all_at(EXACT))
        yield from self._checked(WHOLE, whole)
        for level in (EXACT, BEGINNING, INSIDE):
            yield from self._checked(level, self._all_at(level))
        self._look_elsewhere()
        yield from self._checked(ELSEWHERE, self._all_at(ELSEWHERE))
        if self._open == before:
            yield from self._near(limit)

    def _all_at(self, level: int) -> int:
        found = self._open
        for levels in self._words:
            found &= levels[level]
        return found

    def _checked(self, level: int, candidates: int) -> Iterator[tuple[Place, SearchText]]:
        """The candidates that belong to a level, in order."""
        for nodes in self._finder.ordered(candidates & self._open):
            self._look_at(nodes)
            places = [(found, self._texts[node]) for node in nodes if (found := self._places[node]) is not None]
            for found, row in sorted([hit for hit in places if hit[0].level == level], key=_place):
                self._open &= ~(1 << row.node)
                yield found, row

    def _look_at(self, nodes: list[int]) -> None:
        unknown = [node for node in nodes if node not in self._places]
        self._places.update(dict.fromkeys(unknown))
        for row in self._finder.rows(unknown):
            self._texts[row.node] = row
            self._places[row.node] = search_terms.place(self._query, row)

    def _near(self, limit: int) -> Iterator[tuple[Place, SearchText]]:
        """Near hits, with misspelt words. Missing pieces are counted exactly, so that only hits are read."""
        tally, among, most = self._tally()
        for missing in range(most + 1):
            if not among:
                return
            level = tally.equal(missing, among)
            among &= ~level
            for nodes in self._finder.ordered(level, limit):
                places = [(search_terms.place_at(NEAR, missing, row), row) for row in self._finder.rows(nodes)]
                yield from sorted(places, key=_place)

    def _tally(self) -> tuple[node_sets.Tally, int, int]:
        """(missing pieces per node, nodes that are near, the most pieces that a node may lack)."""
        total, among, most = node_sets.Tally(), self._open, 0
        for word, levels in zip(self._query.words, self._words, strict=True):
            pieces, allowed = self._query.near.get(word, (frozenset(), -1))
            fitting = levels[ELSEWHERE] & among
            if allowed < 0:
                among = fitting
                continue
            others, lacking = among & ~fitting, node_sets.Tally()
            for piece in pieces:
                lacking.add(others & ~self._finder.has([search_terms.NAME + piece], others))
            among = fitting | lacking.at_most(allowed, others)
            total.add_all(lacking)
            most += allowed
        return total, among, most


def _place(one: tuple[Place, SearchText]) -> Place:
    return one[0]


def _parts(word: str) -> set[str]:
    return search_terms.beginning_pieces(word) | search_terms.inside_pieces(word)


def is_pattern(text: str) -> bool:
    """Whether a text contains ``*``, ``?`` or ``[``."""
    return any(mark in text for mark in "*?[")


def _literals(pattern: str) -> Iterator[tuple[str, bool, bool]]:
    """(text, whether it is at the beginning, or at the end) of the literal parts of a pattern. Nothing after a ``[`` is
    used."""
    plain, bracket, _ = pattern.partition("[")
    parts = re.split(r"[*?]", plain)
    for at, text in enumerate(parts):
        if text:
            yield text, at == 0, at == len(parts) - 1 and not bracket


def _in_space(space: str, row: SearchText) -> list[str]:
    return [key for key in search_terms.plain_keys(row) if key[0] == space]
