r"""Parses the user's source a second time, without repeating the warnings of the first.

The parser warns about some things that it accepts: ``"\d"`` in a string that is not raw, ``"\400"``, ``1if x``. The
interpreter already did so when it compiled the program, subject to the user's filters. The filters of ``warnings`` are
global to the process and must not be changed. So the source is rewritten to give the same tree without any warning.
"""

from __future__ import annotations

import ast
import io
import itertools
import linecache
import os
import re
import sys
import threading
import time
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, Final

from headwater.model.patterns import lazy_pattern

_DOUBTFUL: Final = lazy_pattern(
    r"""\\(?:[^\n\\'"abfnrtvx0-7] | [4-7][0-7]{2}) | (?<!\w)\d[\w.]*(?:and|else|for|if|in|is|not|or)\b""", re.VERBOSE
)
"""Matches text that the parser may warn about, or that is in raw strings and comments."""
_BRACED: Final = lazy_pattern(r"(?<!\\)((?:\\\\)*)\\(?=[{}])")
_ESCAPE: Final = lazy_pattern(r"\\([0-7]{1,3}|.)", re.DOTALL)
_QUOTE: Final = lazy_pattern("['\"]")
_OF_BYTES: Final = frozenset("\n\\'\"abfnrtvx")
_OF_TEXT: Final = _OF_BYTES | frozenset("NuU")
_MOST_REPEATS: Final = 20
_MOST_WAITS: Final = 100
_WAIT_S: Final = 0.001
_YIELD_S: Final = 0.0001
_PARSERS: Final = frozenset({ast.parse.__code__})
_NOTEBOOK_PARSER: Final = "ast_parse"
"""IPython's function that makes the tree of a cell."""


def lines_of(filename: str) -> list[str]:
    """The source lines of a file or cell; empty if there is no source.

    Since Python 3.13, ``<string>`` returns the text of ``python -c``, which is wrong for code that was compiled from
    another string.
    """
    return [] if filename == "<string>" else linecache.getlines(filename)


def syntax_tree(source: str) -> ast.Module:
    """The tree that ``ast.parse`` returns for a source, without any warning. Line numbers are right, columns may not
    be.

    Raises the errors of ``ast.parse``: ``SyntaxError``, ``ValueError``, ``RecursionError``.
    """
    tree: ast.Module = parsed(unobjectionable(source))
    return tree


def parsed(source: str, mode: str = "exec") -> Any:
    """What ``ast.parse`` returns, and raises.

    Until Python 3.12, trees that two threads make at the same time disturb each other, if a finaliser interrupts one of
    them: whoever goes on later gets a ``SystemError`` (https://github.com/python/cpython/issues/106905). Ours are made
    one after another, not while the program makes one, and once more if it did meanwhile.
    """
    if sys.version_info >= (3, 12):
        return ast.parse(source, mode=mode)
    for _ in range(_MOST_REPEATS):
        with suppress(SystemError):
            return _parsed_in_turn(source, mode)
    return _parsed_in_turn(source, mode)


def _parsed_in_turn(source: str, mode: str) -> Any:
    with _Turn.lock:
        _wait_for_the_program()
        return ast.parse(source, mode=mode)


class _Turn:
    """Whose turn it is to parse. One thread may take it again: a finaliser may lead to our hooks."""

    lock = threading.RLock()


def _renew_turn() -> None:
    _Turn.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_turn)  # the thread whose turn it was is not in the child


def _wait_for_the_program() -> None:
    """Wait until no other thread is in the middle of ``ast.parse``, or for a tenth of a second."""
    if len(sys._current_frames()) == 1:
        return
    for number in range(_MOST_WAITS):
        # A thread that has just been given its turn again is not interrupted between looking and parsing.
        time.sleep(_WAIT_S if number else _YIELD_S)
        if not _is_parsing_elsewhere():
            return


def _is_parsing_elsewhere() -> bool:
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)  # a frame that held itself would keep what our callers hold, open files too
    for newest in frames.values():
        frame: FrameType | None = newest
        while frame is not None:
            if frame.f_code in _PARSERS or frame.f_code.co_name == _NOTEBOOK_PARSER:
                return True
            frame = frame.f_back
    return False


def may_warn(source: str) -> bool:
    """Whether the parser may warn about a text."""
    return _DOUBTFUL.search(source) is not None


def unobjectionable(source: str) -> str:
    """The same program, rewritten so that the parser does not warn about it; raises ``SyntaxError`` if it is
    invalid."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if not may_warn(source):
        return source
    pieces: list[str] = []
    done = 0
    try:
        for start, end, text in _spelled(source):
            pieces += (source[done:start], text)
            done = end
    except tokenize.TokenError as error:
        raise SyntaxError(*error.args[:1]) from error
    return "".join([*pieces, source[done:]])


def _spelled(source: str) -> Iterator[tuple[int, int, str]]:
    """The parts of a source to replace, in order: start, end, new text."""
    # Since Python 3.12 the tokenizer warns about a brace after a backslash; any other character gives the same tokens.
    lines = io.StringIO(_BRACED.sub(r"\1_", source)).readlines()
    starts = [0, *itertools.accumulate(map(len, lines))]
    formatted: list[str] = []  # the prefixes of the enclosing f-strings, which are tokens of their own since 3.12
    number_end, done = -1, 0
    for token in tokenize.generate_tokens(iter([*lines, ""]).__next__):
        start = starts[token.start[0] - 1] + token.start[1]
        kind = tokenize.tok_name[token.type]
        if kind == "NAME" and start == number_end:
            if formatted:
                yield done, start, _escaped(source[done:start], formatted[-1])
            yield start, start, " "
            done = start
        elif kind in ("STRING", "FSTRING_START", "FSTRING_END"):
            if formatted:
                yield done, start, _escaped(source[done:start], formatted[-1])
            done = starts[token.end[0] - 1] + token.end[1]
            if kind == "STRING":
                yield start, done, _escaped(source[start:done], token.string)
            elif kind == "FSTRING_START":
                formatted.append(token.string)
            else:
                formatted.pop()
        number_end = starts[token.end[0] - 1] + token.end[1] if kind == "NUMBER" else -1


def _escaped(text: str, opening: str) -> str:
    """The text of a string with its unknown escapes written out; ``opening`` begins with the string's prefix."""
    prefix = _QUOTE.split(opening, maxsplit=1)[0].lower()
    if "r" in prefix:
        return text
    known = _OF_BYTES if "b" in prefix else _OF_TEXT

    def written_out(found: re.Match[str]) -> str:
        escape = found[1]
        if escape[0] in "01234567":
            number = int(escape, 8)
            if number <= 0xFF:
                return found[0]
            return f"\\x{number & 0xFF:02x}" if "b" in prefix else f"\\u{number:04x}"
        return found[0] if escape in known else "\\" + found[0]

    return _ESCAPE.sub(written_out, text)
