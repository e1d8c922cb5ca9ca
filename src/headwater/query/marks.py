"""The few signs that trees and tables use, with a plain-ASCII set for terminals that cannot show the others."""

from __future__ import annotations

import msgspec

from headwater.model.graph import Node
from headwater.query.names import is_in_memory
from headwater.query.text import Style, clean


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


def type_mark(node: Node, marks: Marks) -> str:
    """Return the sign of a dataset's type."""
    return marks.types.get(_type(node), marks.types[""])


def _type(node: Node) -> str:
    if is_in_memory(node.namespace) and node.type.upper() not in {"MODEL", "CHECKPOINT", "PREDICTIONS"}:
        return "MEMORY"
    return node.type.upper()


def type_word(node: Node) -> str:
    """Return the dataset's type in words: ``feature view``, ``in memory``, nothing when it is not known."""
    found = _type(node)
    return "in memory" if found == "MEMORY" else clean(found.lower().replace("_", " "))


def state_mark(state: str, marks: Marks) -> tuple[str, Style]:
    """Return the sign and style of a run's state."""
    if state == "COMPLETED":
        return marks.good, "good"
    if state == "FAILED":
        return marks.bad, "bad"
    if state == "ABORTED":
        return marks.aborted, "warn"
    return marks.running, "warn"
