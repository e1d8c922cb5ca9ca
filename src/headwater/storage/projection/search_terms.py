"""Search terms: the index keys of a node, and how well a node matches some words. Shared by all backends.

Words are separated by anything other than letters and digits. The level of a node is that of its worst word, best
first: the query is the whole name; the word is a word of the name; begins one; is inside one; is found elsewhere
(namespace, columns, description, tags, owners). If no node matches, near ones do, the fewer pieces missing the better.
Within a level, short names come first, and names of one length in an order by digest that does not depend on the order
of arrival. So the result follows from the set of events alone, and the best few are found without ranking all matches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from headwater.model.patterns import lazy_pattern
from headwater.storage.projection.records import SearchText

WHOLE, EXACT, BEGINNING, INSIDE, ELSEWHERE, NEAR = range(6)
DIGITS = 20
"""Binary digits of a node's order: the length of its name (at most 255), then a digest of it. Nodes with the same order
are sorted by name."""
_DIGEST_DIGITS = 12
LONGEST = 255
"""The largest length of a name that is distinguished."""
_MOST_WORDS = 64
"""Words of a query that are used; each costs a scan of the whole text."""
_MOST_PIECES = 96
"""Pieces of the words of a query that may be misspelt; a longer query must match exactly."""
_SHORTEST_NEAR = 4
_SHARE = 0.4
"""Share of its pieces that a misspelt word must have in common with a name."""
_UNSPACED = "\u0e00"
"""First letter of the scripts without spaces between words, in which a single letter also matches inside a word."""
_LONGEST_KEY = 160
_LONGEST_CACHED, _LONGEST_TEXT_CACHED = 32, 8_192
"""Letters of a word whose pieces are remembered, and of a text whose words are."""
_BUCKETS = 1024
_WORD = lazy_pattern(r"[^\W_]+")
_SEPARATORS = "/.:#"
_SCORES = (1.0, 0.9, 0.8, 0.6, 0.4, 0.3)


def words(text: str) -> list[str]:
    """The words of a query or a name, in lower case: split at everything other than letters and digits."""
    return _WORD.findall(text.casefold())


# -- pieces ------------------------------------------------------------------------------------------------------------
def trigrams(text: str) -> set[str]:
    """The three-letter pieces of a text."""
    return {text[at : at + 3] for at in range(len(text) - 2)}


def exact_pieces(word: str) -> set[str]:
    """The pieces of a word, including those at its two ends."""
    return trigrams(f"^{word}$")


def whole_pieces(word: str) -> set[str]:
    """The pieces of names with exactly this word: its trigrams could come from several words, its digest cannot."""
    return exact_pieces(word) | {f"={_bucket(word)}"}


def beginning_pieces(word: str) -> set[str]:
    """The pieces of words that begin with this one."""
    return trigrams(f"^{word}") | {f"^{word[:3]}"}


def inside_pieces(word: str) -> set[str]:
    """The pieces of words that contain this one. One or two letters only match the beginning of words, as in typing."""
    if len(word) > 2:
        return trigrams(word)
    return {word} if word >= _UNSPACED else beginning_pieces(word)


def pieces(word: str) -> frozenset[str]:
    """All pieces of a word that any of the functions above may return."""
    return _cached_pieces(word) if len(word) <= _LONGEST_CACHED else _pieces(word)


def _pieces(word: str) -> frozenset[str]:
    found = whole_pieces(word)
    found.update(f"^{word[:size]}" for size in (1, 2, 3))
    if not word.isascii():
        places = [at for at, char in enumerate(word) if char >= _UNSPACED]
        found.update(word[at : at + size] for at in places for size in (1, 2))
    return frozenset(found)


_cached_pieces = lru_cache(maxsize=4096)(_pieces)


# -- queries -----------------------------------------------------------------------------------------------------------
class Query(NamedTuple):
    """The words, the whole text, and the words that may be misspelt, with their pieces and how many may be missing."""

    words: tuple[str, ...]
    whole: str
    near: dict[str, tuple[frozenset[str], int]]


def read(text: str) -> Query:
    """Parse the text of a query."""
    wanted = tuple(dict.fromkeys(words(text)[:_MOST_WORDS]))
    near = {}
    for word in wanted:
        if len(word) >= _SHORTEST_NEAR:
            some = frozenset(exact_pieces(word))
            near[word] = (some, len(some) - math.ceil(_SHARE * len(some)))
    if sum(len(some) for some, _ in near.values()) > _MOST_PIECES:
        near = {}
    return Query(wanted, text.strip().casefold(), near)


class Place(NamedTuple):
    """The rank of a node among the hits: the lowest is the best."""

    level: int
    missing: int
    order: int
    name: str
    namespace: str
    kind: int


def order_of(row: SearchText) -> int:
    """The order of a node among those of the same level."""
    name = row.name.partition("\n")[0]
    return min(LONGEST, len(name)) << _DIGEST_DIGITS | crc32(name.encode("utf-8", "surrogatepass")) >> (
        32 - _DIGEST_DIGITS
    )


def place_at(level: int, missing: int, row: SearchText) -> Place:
    """The place of a node at a level."""
    return Place(level, missing, order_of(row), row.name, row.namespace, row.kind)


def place(query: Query, row: SearchText) -> Place | None:
    """The rank of a node; None if it does not match."""
    if not query.words:
        return None
    name = row.name.casefold()
    known = set(_WORD.findall(name))
    elsewhere = ""
    worst = EXACT
    for word in query.words:
        fit = _fit(word, name, known)
        if fit > INSIDE:
            elsewhere = elsewhere or _elsewhere(row).casefold()
            fit = ELSEWHERE if _stands(word, elsewhere) else NEAR
        worst = max(worst, fit)
        if worst == NEAR:
            break
    if worst < NEAR:
        is_whole = worst == EXACT and query.whole in name.split("\n")
        return place_at(WHOLE if is_whole else worst, 0, row)
    missing = _missing(query, known, elsewhere)
    return None if missing is None else place_at(NEAR, missing, row)


def _fit(word: str, name: str, known: set[str]) -> int:
    if word in known:
        return EXACT
    if word in name:
        if any(other.startswith(word) for other in known):
            return BEGINNING
        if len(word) > 2 or word >= _UNSPACED:
            return INSIDE
    return NEAR


def _stands(word: str, text: str) -> bool:
    if word not in text:
        return False
    return len(word) > 2 or word >= _UNSPACED or any(other.startswith(word) for other in _WORD.findall(text))


def _missing(query: Query, known: set[str], elsewhere: str) -> int | None:
    """How many pieces of the words a node lacks; None if a word is not near. A word with all of its pieces in the name,
    or all elsewhere, lacks none."""
    total = 0
    in_name = {piece for word in known for piece in pieces(word)}
    in_text: set[str] | None = None
    for word in query.words:
        inside = inside_pieces(word)
        if inside <= in_name:
            continue
        if in_text is None:
            in_text = {piece for other in set(_WORD.findall(elsewhere)) for piece in pieces(other)}
        if inside <= in_text:
            continue
        some, most = query.near.get(word, (frozenset(), -1))
        missing = len(some - in_name)
        if missing > most:
            return None
        total += missing
    return total


def score(query: Query, found: Place) -> float:
    """A score for a rank: 1 for the name itself, less for weaker matches."""
    if found.level < NEAR:
        return _SCORES[found.level]
    total = sum(len(some) for some, _ in query.near.values())
    return _SCORES[NEAR] * (1.0 - found.missing / max(1, total))


def column_of(query: Query, row: SearchText) -> str:
    """A column that contains a word which is not in the name; empty if there is none."""
    name, fields = row.name.casefold(), row.fields.casefold()
    for word in query.words:
        if word not in name and word in fields:
            names = row.fields.split("\n")
            exact = (field for field in names if field.casefold() == word)
            return next(exact, "") or next((field for field in names if word in field.casefold()), "")
    return ""


def _elsewhere(row: SearchText) -> str:
    return f"{row.namespace}\n{row.fields}\n{row.description}\n{row.tags}\n{row.owners}"


# -- keys --------------------------------------------------------------------------------------------------------------
ALL, DELETED = "a", "x"
NAME, TEXT, ORDER, LAST, STEM, LENGTH = "n", "t", "d", "e", "E", "l"
KIND, TYPE, NAMESPACE, TAG, OWNER = "k", "y", "N", "g", "o"
ORDER_KEYS = tuple(f"{ORDER}{digit:02}" for digit in range(DIGITS))
"""The keys of nodes whose order has a binary digit set, the lowest digit first."""


def key(space: str, value: str) -> str:
    """The key of a value; for a long one, its beginning and a digest."""
    if len(value) > _LONGEST_KEY:
        digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        value = f"{value[:_LONGEST_KEY]}\u2026{digest}"
    return space + value


def last_key(text: str, space: str = LAST) -> str:
    """The key of names with the same last part as a text, among others; in the space ``STEM`` the last part is compared
    without its file extension."""
    folded = text.casefold()
    return f"{space}{_bucket(folded[max(map(folded.rfind, _SEPARATORS)) + 1 :])}"


def _bucket(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')) % _BUCKETS:03x}"


def type_key(type_: str) -> str:
    """The key of a type, ignoring the case of ASCII letters."""
    return key(TYPE, type_.encode().upper().decode())


def length_key(length: int) -> str:
    """The key of names whose part after the last slash has this length."""
    return f"{LENGTH}{min(LONGEST, length)}"


def length_digits(length: int) -> Iterator[tuple[str, bool]]:
    """(key, whether a node has it) for the order of nodes with names of this length."""
    for digit, order_key in enumerate(ORDER_KEYS[_DIGEST_DIGITS:]):
        yield order_key, bool(min(LONGEST, length) >> digit & 1)


def joints(text: str) -> Iterator[str]:
    """For each two words separated by a single sign: the letter before, the sign, and the letter after."""
    folded = text.casefold()
    ends = [(match.start(), match.end()) for match in _WORD.finditer(folded)]
    for (_, end), (start, _) in pairwise(ends):
        if start == end + 1 and folded[end] != "\n":
            yield folded[end - 1 : start + 1]


def labels(lines: str) -> list[str]:
    """The values of a column with one per line."""
    return [line for line in lines.split("\n") if line]


def tags(lines: str) -> list[tuple[str, str]]:
    """(key, value) of the tags, from one per line separated by a tab."""
    return [(key, value) for key, _, value in (line.partition("\t") for line in labels(lines))]


def tag_names(lines: str) -> set[str]:
    """The strings that match the tags: their keys, their values, and ``key=value``."""
    return {name for key, value in tags(lines) for name in (key, value, f"{key}={value}") if name}


def owners(lines: str) -> set[str]:
    """The strings that match the owners: for ``team:data`` also ``data``."""
    return {known for name in labels(lines) for known in (name, name.rpartition(":")[2]) if known}


def plain_keys(row: SearchText) -> set[str]:
    """The keys for the properties of a node."""
    found = {ALL, f"{KIND}{row.kind}", type_key(row.type)}
    if row.is_deleted:
        found.add(DELETED)
    found.update(key(NAMESPACE, name) for name in row.namespace.split("\n"))
    found.update(key(TAG, name) for name in tag_names(row.tags))
    found.update(key(OWNER, name) for name in owners(row.owners))
    return found


def terms(row: SearchText) -> tuple[Set[str], Set[str], set[str]]:
    """(words of the name, words elsewhere, keys that do not come from words), from which the keys of a node follow."""
    whole = plain_keys(row)
    order = order_of(row)
    whole.update([order_key for digit, order_key in enumerate(ORDER_KEYS) if order >> digit & 1])
    whole.add(length_key(len(row.name.partition("\n")[0].rpartition("/")[2])))
    whole.update(NAME + joint for joint in joints(row.name))
    for name in row.name.split("\n"):
        whole.add(last_key(name))
        stem, dot, extension = name.rpartition(".")
        if dot and "/" not in extension:
            whole.add(last_key(stem, STEM))
    return set(words(row.name)), _words_of(_elsewhere(row)), whole


def _words_of(text: str) -> Set[str]:
    return _cached_words(text) if len(text) <= _LONGEST_TEXT_CACHED else set(words(text))


@lru_cache(maxsize=256)
def _cached_words(text: str) -> frozenset[str]:
    return frozenset(words(text))


def keys(row: SearchText) -> set[str]:
    """All keys of a node."""
    in_name, in_text, found = terms(row)
    found.update([NAME + piece for word in in_name for piece in pieces(word)])
    found.update([TEXT + piece for word in in_text for piece in pieces(word)])
    return found


def in_order(query: Query, rows: Iterable[SearchText]) -> list[tuple[Place, SearchText]]:
    """The matching rows, best first, or else the near ones: the result that every index must produce."""
    return best((found, row) for row in rows if (found := place(query, row)) is not None)


def best(placed: Iterable[tuple[Place, SearchText]]) -> list[tuple[Place, SearchText]]:
    """Hits in order; near ones are left out if others match."""
    found = sorted(placed, key=lambda hit: hit[0])
    return [hit for hit in found if hit[0].level < NEAR] or found
