"""The symbols of trees and tables, with ASCII replacements for terminals that cannot show them."""

from __future__ import annotations

from typing import Final, Literal, cast

import msgspec

from headwater.model.graph import Node
from headwater.query.drawing.palette import state_colour, type_colour
from headwater.query.names import is_in_memory
from headwater.query.terminal_text import Style, clean, plural


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """One set of signs."""

    middle: str
    last: str
    stem: str
    deep: str
    job: str
    above: str
    more: str
    gap: str
    dot: str
    value: str
    decides: str
    arrow: str
    good: str
    bad: str
    running: str
    aborted: str
    types: dict[str, str]


UNICODE = Marks(
    middle="├─ ",
    last="└─ ",
    stem="│  ",
    deep="⋮  ",
    job="⚙",
    above="↑",
    more="⋯",
    gap="!",
    dot=" · ",
    value="←",
    decides="⇠",
    arrow="→",
    good="✔",
    bad="✘",
    running="◐",
    aborted="⊘",
    types={
        "TABLE": "▦",
        "VIEW": "▧",
        "FILE": "▤",
        "MODEL": "◆",
        "CHECKPOINT": "◈",
        "PREDICTIONS": "✦",
        "FEATURE_VIEW": "◫",
        "TOPIC": "≋",
        "STREAM": "≋",
        "API": "⇄",
        "ENDPOINT": "⇄",
        "DASHBOARD": "◩",
        "MEMORY": "○",
        "": "▫",
    },
)

ASCII = Marks(
    middle="|- ",
    last="`- ",
    stem="|  ",
    deep=":  ",
    job="*",
    above="^",
    more="...",
    gap="!",
    dot=" - ",
    value="<-",
    decides="<~",
    arrow="->",
    good="ok",
    bad="FAILED",
    running="...",
    aborted="x",
    types={"MODEL": "M", "CHECKPOINT": "C", "PREDICTIONS": "P", "MEMORY": "o", "": "#"},
)

_IN_ASCII: Final = str.maketrans(
    {
        **{sign: ASCII.types.get(kind, ASCII.types[""]) for kind, sign in UNICODE.types.items()},
        **{getattr(UNICODE, name): getattr(ASCII, name) for name in ("job", "value", "decides", "arrow", "good")},
        **{getattr(UNICODE, name): getattr(ASCII, name) for name in ("above", "more", "running", "aborted")},
        UNICODE.bad: "x",
        **{"·": "-", "…": "...", "█": "#", "░": ".", "─": "-", "│": "|", "├": "|", "└": "`", "⋮": ":"},
    }
)


def in_ascii(text: str) -> str:
    """Return the text with our own symbols replaced, for a terminal that cannot show them."""
    return text.translate(_IN_ASCII)


def type_mark(node: Node, marks: Marks) -> str:
    """Return the sign of a dataset's type."""
    return marks.types.get(_type(node), marks.types[""])


def type_style(node: Node) -> Style:
    """Return the style of the sign: the colour that a card of that type has in every drawing."""
    return cast("Style", type_colour(_type(node)))


def _type(node: Node) -> str:
    if is_in_memory(node.namespace) and node.type.upper() not in {"MODEL", "CHECKPOINT", "PREDICTIONS"}:
        return "MEMORY"
    return node.type.upper()


def type_word(node: Node) -> str:
    """Return the dataset's type in words: ``feature view``, ``in memory``, nothing when it is not known."""
    found = _type(node)
    return "in memory" if found == "MEMORY" else clean(found.lower().replace("_", " "))


_COUNTED = {
    "predictions": ("prediction log", "prediction logs"),
    "memory": ("table in memory", "tables in memory"),
    "api": ("API", "APIs"),
}


def count_of(count: int, type_: str) -> str:
    """Return how many datasets of a type there are: ``1 prediction log``, ``2 feature views``."""
    one, many = _COUNTED.get(type_.lower(), (clean(type_.lower().replace("_", " ")), ""))
    return plural(count, one, many)


def state_mark(state: str, marks: Marks) -> tuple[str, Style]:
    """Return the sign and style of a run's state."""
    signs = {"COMPLETED": marks.good, "FAILED": marks.bad, "ABORTED": marks.aborted}
    return signs.get(state, marks.running), cast("Style", state_colour(state) if state in _STATES else "warn")


_STATES = {"COMPLETED", "FAILED", "ABORTED", "RUNNING", "NEW"}


def link_words(how: str, *, is_indirect: bool, is_past: bool) -> str:
    """Return in words how a line differs from a plain flow of values; empty if it does not."""
    words = ["only decides"] if is_indirect else []
    words += ["inferred"] if how == "inferred" else []
    words += ["does not hold at this time"] if is_past else []
    return ", ".join(words)


def more_words(count: int, side: Literal["upstream", "downstream"]) -> str:
    """Return how neighbours that are not shown are counted in words: ``3 more upstream``."""
    return f"{count:,} more {side}"
