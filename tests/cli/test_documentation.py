"""The reference names every command, every option and every exit code; the how-to's commands can be parsed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from headwater.cli.commands import COMMANDS, cli

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
CAPTURE = {"run", "config"}
"""Commands that have pages of their own."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command of the query side with its full name."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group) and name not in CAPTURE:
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())


def section(name: str) -> str:
    """Return the part of the reference that is about a command."""
    for part in re.split(r"^## ", REFERENCE, flags=re.MULTILINE):
        title = part.splitlines()[0] if part else ""
        if name in [word.strip() for word in title.split(",")]:
            return part
    return ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """Each command has a section."""
    assert section(name)


def test_every_option_is_documented() -> None:
    """Each option stands in its command's section, or in the part about what all commands share."""
    shared = section("Common options") + section("upstream")
    for name, command in commands():
        if name in CAPTURE or isinstance(command, click.Group):
            continue
        text = section(name.split()[0])
        if " " in name:
            assert f"`{name}" in text, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert f"`{option.opts[-1]}" in text + shared or option.opts[-1] in text, f"{name} {option.opts}"


def test_the_commands_of_the_how_to_parse() -> None:
    """Each line of the how-to that begins with ``$ headwater`` is a command with known options."""
    text = (DOCS / "how-to" / "ask-questions.md").read_text(encoding="utf-8")
    found = re.findall(r"^\$ headwater (.*)$", text, flags=re.MULTILINE)
    assert len(found) > 20
    for line in found:
        words = shlex.split(line.split(" > ")[0], comments=False)
        words = words[: words.index("#")] if "#" in words else words
        command = cli.get_command(click.Context(cli), words[0])
        assert command is not None, line
        rest = words[1:]
        if isinstance(command, click.Group):
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context(words[0], rest, resilient_parsing=False)


def test_help_of_the_list_is_short_and_says_what_the_command_does() -> None:
    """The one-line helps, which are kept apart so that --help imports nothing, fit a line and begin with the verb that
    the command's own help begins with."""
    for name, (_, line) in COMMANDS.items():
        assert line.endswith((".", "...")), name
        assert len(line) <= 70, name
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert line.split()[0] == (command.help or "").split()[0], name
