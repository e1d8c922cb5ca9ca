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


def variables(colours: dict[str, str]) -> str:
    """Return the colours as CSS custom properties: ``--ink:#1c2733;...``."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
