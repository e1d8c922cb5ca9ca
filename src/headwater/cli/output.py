"""Prints answers to the terminal: colours, width, and the choice of tree or format."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import click

from headwater.cli.commands import wants_color
from headwater.errors import InvalidInput
from headwater.query.drawing.palette import TERMINAL
from headwater.query.result import LineageGraph
from headwater.query.terminal_text import Line, Span

_STYLES: dict[str, dict[str, Any]] = {
    **{name: {"fg": colour} for name, colour in TERMINAL.items()},
    "name": {"bold": True},
    "job": {},
    "root": {"fg": TERMINAL["root"], "bold": True},
    "dim": {"dim": True},
    "bad": {"fg": TERMINAL["bad"], "bold": True},
    "key": {"fg": TERMINAL["root"]},
    "value": {},
    "heading": {"bold": True},
    "column": {"fg": TERMINAL["light"]},
}
"""As on a card: names are bold, jobs plain, details dim. Colours come from the common palette."""

Command = TypeVar("Command", bound=Callable[..., Any])

_LABELS = {
    "json": "JSON",
    "mermaid": "Mermaid",
    "dot": "Graphviz DOT",
    "graphml": "GraphML",
    "prov": "W3C PROV-JSON",
    "svg": "an SVG picture",
    "png": "a PNG picture (to a file or a pipe)",
}
FORMATS = ("json", "mermaid", "dot", "graphml", "prov", "svg", "png")


def cells() -> int | None:
    """Return the width of the terminal, or None if the output is not a terminal (then nothing is truncated)."""
    if (columns := os.environ.get("COLUMNS", "")).isdecimal() and len(columns) < 10:
        return max(40, int(columns))
    if not sys.stdout.isatty():
        return None
    return max(40, shutil.get_terminal_size().columns)


def is_ascii() -> bool:
    """Whether standard output cannot encode the symbols of the trees."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "├─ ✔ ⚙ ▦ ←".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def echo(lines: Iterable[Sequence[Span]]) -> None:
    """Print lines, in colour if enabled."""
    has_color = wants_color(sys.stdout)
    text = "\n".join(_render(line, has_color=has_color) for line in lines)
    if is_ascii():
        from headwater.query.symbols import in_ascii

        text = in_ascii(text)
    echo_text(text)


def echo_text(text: str) -> None:
    """Print text unchanged; characters that the terminal cannot encode become question marks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding), color=True)


def echo_form(graph: LineageGraph, form: str) -> None:
    """Print a graph in one of ``FORMATS``. Raises ``InvalidInput`` for a picture file if the output is a terminal."""
    if form != "png":
        echo_text(getattr(graph, f"to_{form}")().rstrip("\n"))
        return
    if sys.stdout.isatty():
        raise InvalidInput(
            field="--png",
            value="a terminal",
            rule="must go to a file or a pipe",
            hint="add > lineage.png to the command",
        )
    sys.stdout.buffer.write(png_file(graph))


def png_file(graph: LineageGraph) -> bytes:
    """A graph as a PNG file, with a note on standard error if it had to be scaled down."""
    from headwater.query.drawing.png import png

    drawn = png(graph)
    if drawn.note:
        click.echo(drawn.note, err=True)
    return drawn.data


def _render(line: Sequence[Span], *, has_color: bool) -> str:
    if not has_color:
        return "".join(span.text for span in line).rstrip()
    return "".join(click.style(span.text, **_STYLES[span.style]) if span.style else span.text for span in line)


def format_options(*names: str) -> Callable[[Command], Command]:
    """Add one flag per format (``--json``, ``--dot`` ...). The command gets ``output``, None for the tree.

    Two formats at once are refused: standard output holds one document.
    """

    def decorate(command: Command) -> Command:
        for name in reversed(names or FORMATS):
            command = click.option(
                f"--{name}",
                f"as_{name}",
                is_flag=True,
                expose_value=False,
                callback=partial(_choose_format, name=name),
                help=f"Print {_LABELS.get(name, name)}.",
            )(command)
        return command

    return decorate


def _choose_format(ctx: click.Context, _parameter: click.Parameter, is_wanted: bool, *, name: str) -> None:
    chosen = ctx.params.setdefault("output", None)
    if is_wanted and chosen is not None:
        raise click.UsageError(f"--{chosen} and --{name} are two formats: choose one")
    if is_wanted:
        ctx.params["output"] = name


def lines_of(text: str) -> list[Line]:
    """Return plain text as unstyled lines."""
    return [[Span(line)] for line in text.rstrip("\n").split("\n")]
