"""Redaction of source code: masks string literals that have a secret name.

Works on tokens, not on the syntax tree: parsing would repeat the warnings that the start of the program printed. A
literal has a secret name if it is assigned to, passed as, or compared with that name, has it as key
(``{"password": "x"}``, ``os.environ["X"] = "x"``, ``setdefault("TOKEN", "x")``), is passed in the place of a parameter
of that name to a function that the text defines, or is returned by a function of that name. All other literals and
comments are searched like any text, and string literals within SQL statements are masked.
Text that cannot be tokenised is not kept at all.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from headwater.capture.secrets import MASK, is_key_name, is_secret_name, is_secret_number, looks_like_key
from headwater.model.patterns import lazy_pattern

_LITERAL: Final = lazy_pattern(r"[A-Za-z]{0,2}('''|\"\"\"|'|\")([\s\S]*)\1")
_AS_NAME: Final = lazy_pattern(r"-{0,2}[A-Za-z_][\w.-]{0,80}")
_BINDS: Final = frozenset({"=", ":", ":=", "==", "!=", "+="})
_OPEN: Final = frozenset("([{")
_CLOSE: Final = frozenset(")]}")
_DEFAULTS: Final = frozenset({"default", "value", "const"})
_ENVIRONMENT: Final = frozenset({"environ", "putenv"})
_STATEMENT: Final = lazy_pattern(
    r"\s*(?:select|insert|update|delete|merge|replace|with|values|create|alter|copy|call|exec|execute|grant|set)\b",
    re.IGNORECASE,
)
_SQL_TEXT: Final = lazy_pattern(r"(\\?')(?!\{[^{}']*\}\1)((?:(?!\1)[\s\S])+)\1")
"""A string literal in an SQL statement, but not a placeholder of an f-string."""
_SHORTEST: Final = 6
"""Letters of a secret that is masked wherever it occurs; shorter ones, and plain words, would mask harmless text."""
_STARTS: Final = frozenset({"FSTRING_START", "TSTRING_START"})
_ENDS: Final = frozenset({"FSTRING_END", "TSTRING_END"})


class _Piece(NamedTuple):
    """A part of the text: ``kind`` is ``string``, ``comment`` or the name of the token's type."""

    kind: str
    text: str
    start: tuple[int, int]
    end: tuple[int, int]


class _Level:
    """What is known inside one pair of brackets, or at the top of a statement, since the last comma."""

    __slots__ = (
        "bracket", "is_armed", "is_env", "is_key", "is_next", "is_number", "is_secret", "place", "secret_places",
        "was_secret",
    )  # fmt: skip

    def __init__(self, bracket: str, *, is_armed: bool, secret_places: frozenset[int] = frozenset()) -> None:
        self.bracket = bracket
        self.place = 0
        """Commas so far."""
        self.secret_places = secret_places
        """Of the arguments here, those that are secrets."""
        self.is_armed = is_armed
        """Whether all literals here are secrets, whatever precedes them."""
        self.was_secret = False
        """Whether a literal in these brackets was a secret name: ``add_argument("--password", default="x")``."""
        self.clear()

    def clear(self) -> None:
        """Start over, after a comma or at the end of a statement."""
        self.is_secret = self.is_key = self.is_number = self.is_env = False
        """Whether a secret name has occurred; the name of a key; of a secret number; of the environment."""
        self.is_next = ""
        """The kind of name that the next literals are bound to: ``secret``, ``number``, ``key``, or none."""


class _Reader:
    """Reads the pieces in order and decides which literals are secrets."""

    def __init__(self, more: frozenset[str], secret_places: Mapping[str, frozenset[int]]) -> None:
        self._more = more
        self._secret_places = secret_places
        """The secret parameters of the functions that the text defines, by name and place."""
        self._is_defined = False
        """Whether the last name is that of a function that is being defined."""
        self._levels = [_Level("", is_armed=False)]
        self._before = ""
        self._functions: list[int] = []
        self._indent = 0
        self._is_secret_function = False

    def is_secret(self, piece: _Piece) -> bool:
        """Take the next piece, and return whether it is a literal to be masked."""
        level = self._levels[-1]
        if piece.kind == "string":
            return self._literal(piece, level)
        if piece.kind == "NUMBER":
            return level.is_next == "number"
        if piece.kind == "NAME":
            self._name(piece.text, level)
        elif piece.kind == "OP":
            self._operator(piece.text, level)
        elif piece.kind == "NEWLINE":
            self._levels = [_Level("", is_armed=False)]
        elif piece.kind == "INDENT":
            self._indent += 1
            if self._is_secret_function:
                self._functions.append(self._indent)
                self._is_secret_function = False
        elif piece.kind == "DEDENT":
            if self._functions and self._functions[-1] == self._indent:
                self._functions.pop()
            self._indent -= 1
        if piece.kind not in ("NL", "comment"):
            self._before = piece.text
        return False

    def _literal(self, piece: _Piece, level: _Level) -> bool:
        match = _LITERAL.fullmatch(piece.text)
        content = match[2] if match else piece.text
        is_looked_up = self._before in ("[", "(") and level.bracket.startswith("environment")
        self._before = piece.text
        if (level.is_armed or level.is_next in ("secret", "number")) and not is_looked_up:
            return True
        if level.place in level.secret_places and not level.is_next:
            return True
        if level.is_next == "key" and looks_like_key(content):
            return True
        if _AS_NAME.fullmatch(content):
            self._note(content.lstrip("-"), level)
            level.was_secret = level.was_secret or level.is_secret
        return False

    def _name(self, name: str, level: _Level) -> None:
        self._is_defined = self._before == "def"
        if self._is_defined:
            self._is_secret_function = is_secret_name(name, self._more)
        if name in ("return", "yield") and self._functions:
            level.is_armed = True
        elif name == "in":
            self._bind(level)
        else:
            self._note(name, level)
            level.is_env = level.is_env or name in _ENVIRONMENT
            level.is_secret = level.is_secret or (name in _DEFAULTS and level.was_secret)

    def _note(self, name: str, level: _Level) -> None:
        level.is_secret = level.is_secret or is_secret_name(name, self._more)
        level.is_key = level.is_key or is_key_name(name)
        level.is_number = level.is_number or is_secret_number(name)

    def _bind(self, level: _Level) -> None:
        if level.is_secret or level.is_env:
            level.is_next = "number" if level.is_number else "secret"
            level.is_armed = level.is_armed or not level.bracket
        else:
            level.is_next = "key" if level.is_key else ""

    def _operator(self, text: str, level: _Level) -> None:
        if text in _OPEN:
            self._open(text, level)
        elif text in _CLOSE and len(self._levels) > 1:
            closed = self._levels.pop()
            outer = self._levels[-1]
            outer.is_secret = outer.is_secret or (closed.is_secret and closed.bracket.endswith("["))
            outer.is_key = outer.is_key or (closed.is_key and closed.bracket.endswith("["))
        elif text in _BINDS:
            self._bind(level)
        elif text in (",", ";"):
            is_named = level.is_secret and level.was_secret and not level.is_next and level.bracket.endswith("(")
            level.clear()
            level.place += 1
            level.is_armed = level.is_armed and text == ","
            level.is_next = "secret" if is_named else ""

    def _open(self, text: str, level: _Level) -> None:
        is_environment = self._before in ("environ", "getenv") or (self._before == "get" and level.is_env)
        is_written = level.is_env and self._before in ("update", "setdefault", "putenv")
        is_armed = level.is_armed or level.is_next in ("secret", "number") or is_written
        bracket = f"environment{text}" if is_environment else text
        is_call = text == "(" and not self._is_defined
        places = self._secret_places.get(self._before, frozenset()) if is_call else frozenset()
        self._levels.append(_Level(bracket, is_armed=is_armed, secret_places=places))


def _secret_places(pieces: Iterable[_Piece], more: frozenset[str]) -> dict[str, frozenset[int]]:
    """The places of parameters with a secret name, by the name of the function; ``self`` and ``cls`` have none."""
    places: dict[str, frozenset[int]] = {}
    function, depth, place, before = "", 0, 0, ""
    for piece in pieces:
        text = piece.text
        if piece.kind == "NAME" and before == "def":
            function, depth, place = text, 0, 0
        elif function and text in _OPEN:
            depth += 1
        elif function and text in _CLOSE:
            depth -= 1
            function = function if depth else ""
        elif function and depth == 1 and text == ",":
            place += before not in ("self", "cls", "/")
        elif function and depth == 1 and text == "*":
            function = ""  # no argument without a name gets to those that follow
        elif function and depth == 1 and before in ("(", ",") and is_secret_name(text, more):
            places[function] = places.get(function, frozenset()) | {place}
        if piece.kind not in ("NL", "comment"):
            before = text
    return places


def redact_source(text: str, mask: Callable[[str], str], more: frozenset[str] = frozenset()) -> str | None:
    """Program text without its secrets; None if it cannot be tokenised. ``mask`` redacts plain text, ``more`` are
    further words that make a name secret. A masked literal is also masked wherever else it occurs in the text."""
    try:
        pieces = list(_pieces(text))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return None
    reader = _Reader(more, _secret_places(pieces, more))
    code: list[str] = []
    texts: list[str] = []
    secrets: set[str] = set()
    lines = _lines(text)
    at = (1, 0)
    for piece in pieces:
        is_secret = reader.is_secret(piece)
        if not is_secret and piece.kind not in ("string", "comment"):
            continue
        code.append(_between(lines, at, piece.start))
        texts.append(_masked(piece) if is_secret else mask(_without_sql_texts(piece)))
        at = piece.end
        match = _LITERAL.fullmatch(piece.text) if is_secret else None
        if match and _is_telling(match[2]):
            secrets.add(match[2])
    code.append(_between(lines, at, (len(lines) + 1, 0)))
    for secret in sorted(secrets, key=len, reverse=True):
        texts = [item.replace(secret, MASK) for item in texts]
    return "".join(part for pair in zip(code, [*texts, ""], strict=True) for part in pair)


def _without_sql_texts(piece: _Piece) -> str:
    """The text of the piece; if it is an SQL statement, its string literals, which may be data, are masked."""
    match = _LITERAL.fullmatch(piece.text) if piece.kind == "string" else None
    if match is None or not _STATEMENT.match(match[2]):
        return piece.text
    start, end = match.span(2)
    return piece.text[:start] + _SQL_TEXT.sub(_masked_sql_text, match[2]) + piece.text[end:]


def _masked_sql_text(literal: re.Match[str]) -> str:
    """The mask of a string literal in SQL, with as many lines, so that the lines below keep their numbers."""
    lines = "\n" * literal[2].count("\n")
    return f"{literal[1]}{MASK}{lines}{literal[1]}"


def _is_telling(content: str) -> bool:
    """Whether a secret is long and unusual enough to be masked wherever it occurs."""
    return len(content) >= _SHORTEST and MASK not in content and not (content.isalpha() and content.islower())


def _masked(piece: _Piece) -> str:
    """The mask of a literal, with as many lines, so that the lines below keep their numbers."""
    quotes = '"' if "\n" not in piece.text else '"""'
    return quotes + MASK + "\n" * piece.text.count("\n") + quotes


def _pieces(text: str) -> Iterator[_Piece]:
    """The tokens of a text; an f-string with everything in it is a single piece."""
    depth = 0
    start = (0, 0)
    lines = _lines(text)
    for token in _tokens(text):
        kind = tokenize.tok_name[token.type]
        if kind in _STARTS:
            start = start if depth else token.start
            depth += 1
        elif kind in _ENDS:
            depth -= 1
            if not depth:
                yield _Piece("string", _between(lines, start, token.end), start, token.end)
        elif not depth:
            known = {"STRING": "string", "COMMENT": "comment"}.get(kind, kind)
            yield _Piece(known, token.string, token.start, token.end)


def _tokens(text: str) -> Iterable[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text, newline="").readline)


def _lines(text: str) -> list[str]:
    """The lines as tokens count them: a form feed or a paragraph separator does not end a line."""
    return list(io.StringIO(text, newline=""))


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """The text between two positions (lines counted from 1, columns from 0)."""
    (first, left), (last, right) = start, end
    if first > len(lines):
        return ""
    if first == last:
        return lines[first - 1][left:right]
    middle = lines[first : last - 1]
    ending = lines[last - 1][:right] if last <= len(lines) else ""
    return lines[first - 1][left:] + "".join(middle) + ending
