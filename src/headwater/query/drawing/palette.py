"""The colours of all drawings, light and dark, shared by SVG, notebook, page and terminal.

Text reaches a contrast of 4.5 to what it stands on, lines and marks that carry meaning 3 (WCAG 2.2 AA); a test holds
this for both themes.
"""

from __future__ import annotations

LIGHT = {
    "bg": "#ffffff",
    "card": "#ffffff",
    "ink": "#1c2733",
    "dim": "#5a6673",
    "edge": "#7b8996",
    "rim": "#cfd7de",
    "job": "#eef2f5",
    "group": "#f5f7f9",
    "root": "#0b6bcb",
    "data": "#23785b",
    "model": "#7a3fc4",
    "predictions": "#a8480f",
    "feature": "#8a3a78",
    "service": "#1f6f8b",
    "memory": "#6b7682",
    "good": "#217a3f",
    "bad": "#c02626",
    "warn": "#8f5a00",
    "light": "#0b6bcb",
    "added": "#217a3f",
    "removed": "#c02626",
    "changed": "#8f5a00",
}
DARK = {
    "bg": "#12181f",
    "card": "#1b232c",
    "ink": "#e6ebf0",
    "dim": "#9aa7b4",
    "edge": "#71808e",
    "rim": "#37434f",
    "job": "#232d37",
    "group": "#161d25",
    "root": "#5aa9f5",
    "data": "#62c29c",
    "model": "#b48af0",
    "predictions": "#f0a06a",
    "feature": "#e08fcb",
    "service": "#6cc3de",
    "memory": "#8e99a5",
    "good": "#5cc77f",
    "bad": "#f47c7c",
    "warn": "#e0ac4a",
    "light": "#5aa9f5",
    "added": "#5cc77f",
    "removed": "#f47c7c",
    "changed": "#e0ac4a",
}

#: the colour name of each dataset type that is not plain ``data``, and of jobs and groups
TYPES = {
    "model": "model",
    "checkpoint": "model",
    "predictions": "predictions",
    "feature_view": "feature",
    "feature": "feature",
    "topic": "service",
    "stream": "service",
    "api": "service",
    "endpoint": "service",
    "dashboard": "service",
    "memory": "memory",
    "job": "dim",
    "group": "dim",
}
#: the colour name of each run state
STATES = {"completed": "good", "failed": "bad", "aborted": "warn", "running": "warn", "new": "warn"}

#: the colour name of what stands out (``headwater.model.emphasis``)
MARKS = {
    "breaks": "bad",
    "changes": "warn",
    "check": "predictions",
    "added": "added",
    "removed": "removed",
    "changed": "changed",
}

#: what each colour becomes in a terminal: one of its sixteen, which are readable on whatever background it has
TERMINAL = {
    "root": "blue",
    "light": "blue",
    "data": "green",
    "model": "magenta",
    "predictions": "bright_red",
    "feature": "bright_magenta",
    "service": "cyan",
    "memory": "bright_black",
    "dim": "bright_black",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "added": "green",
    "removed": "red",
    "changed": "yellow",
}


def type_colour(type_name: str) -> str:
    """Return the colour name of a card by its type, any case."""
    return TYPES.get(type_name.lower(), "data")


def state_colour(state: str) -> str:
    """Return the colour name of a run state, any case; that of memory when it is not known."""
    return STATES.get(state.lower(), "memory")


def variables(colours: dict[str, str], prefix: str = "--hw-") -> str:
    """Return the colours as CSS custom properties: ``--hw-ink:#1c2733;...``."""
    return "".join(f"{prefix}{name}:{value};" for name, value in colours.items())


def css(selector: str = ":root") -> str:
    """Return CSS that defines the colours for a selector, following the reader's scheme.

    An ancestor with ``data-theme="light"`` or ``"dark"``, or the element itself, overrules the scheme.
    """
    light, dark = variables(LIGHT), variables(DARK)
    return (
        f"{selector}{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{{selector}{{{dark}}}}}"
        f'{selector}[data-theme="light"],[data-theme="light"] {selector}{{color-scheme:light;{light}}}'
        f'{selector}[data-theme="dark"],[data-theme="dark"] {selector}{{color-scheme:dark;{dark}}}'
    )


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours written ``#rrggbb``, from 1 to 21 (WCAG 2.2, relative luminance)."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
