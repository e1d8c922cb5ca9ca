"""The commands of ``headwater``: groups, shared options, and error reporting.

Only click is imported for it. Each command lives in a module of its own that is imported when it is called, and the
one-line helps stand here so that ``headwater --help`` imports none of them.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from headwater.errors import HeadwaterError, InvalidInput

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("headwater.cli.run:run", "Run a script, module or notebook and capture its lineage."),
    "upstream": ("headwater.cli.walks:upstream", "Show everything that a dataset, model or column was made from."),
    "downstream": ("headwater.cli.walks:downstream", "Show everything made from a dataset or column."),
    "path": ("headwater.cli.walks:path", "Show how data flows from one node to another."),
    "impact": ("headwater.cli.analysis:impact", "Show what breaks if a column or dataset changes."),
    "why": ("headwater.cli.analysis:why", "Trace a prediction back to model, run and raw data."),
    "diff": ("headwater.cli.analysis:diff", "Compare two runs, versions or instants."),
    "search": ("headwater.cli.objects:search", "Find datasets, columns, models and jobs by words."),
    "show": ("headwater.cli.objects:show", "Show everything known about a dataset, job or run."),
    "history": ("headwater.cli.objects:history", "Show versions, runs and changes of a node over time."),
    "runs": ("headwater.cli.objects:runs", "List runs, latest first."),
    "record": ("headwater.cli.objects:record", "Show a run as a flat record."),
    "select": ("headwater.cli.objects:select", "List the nodes that match a selector."),
    "coverage": ("headwater.cli.objects:coverage", "Show how much of the lineage is known."),
    "export": ("headwater.cli.transfer:export", "Write the graph, or a part of it, in another format."),
    "ingest": ("headwater.cli.transfer:ingest", "Store OpenLineage events and flat records from files."),
    "serve": (
        "headwater.cli.serve:serve",
        "Serve lineage over HTTP: several APIs and the web interface.",
    ),
    "ui": ("headwater.cli.ui:ui", "Open the web interface in the browser."),
    "health": ("headwater.cli.maintenance:health", "Check that a service is ready."),
    "backup": ("headwater.cli.maintenance:backup", "Copy a whole service into a folder, with checksums."),
    "restore": ("headwater.cli.maintenance:restore", "Restore a service from a backup."),
    "tenant": ("headwater.cli.access:tenant", "Manage the tenants of a service and their quotas."),
    "token": ("headwater.cli.access:token", "Manage the API keys of a tenant."),
    "share": ("headwater.cli.access:share", "Share a part of the lineage with another tenant, for a limited time."),
    "quarantine": ("headwater.cli.quarantine:quarantine", "Inspect refused events; replay or drop them."),
    "migrate": ("headwater.cli.migrate:migrate", "Upgrade the stores of all tenants to the schema of this version."),
    "store": ("headwater.cli.store:store", "Maintain the store: info, backup, rebuild, repair ..."),
    "config": ("headwater.cli.config:config", "Show the settings and where each comes from."),
    "doctor": ("headwater.cli.doctor:doctor", "Check the installation, the store and the integrations."),
}
"""Commands in the order of the help: the module of each, and its help in one line."""

SECTIONS = {
    "run": "Capture",
    "upstream": "Ask",
    "export": "Move lineage",
    "serve": "Serve",
    "store": "Look after",
}
"""Headings of the help, by the first command under each."""


_OWN_PLACE = ("run", "config")
"""Commands with their own options for the store."""


def with_place(command: click.Command) -> click.Command:
    """Accept ``--store`` and ``--tenant`` after the command as well as before it."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            with_place(inner)
    elif not any(parameter.name == "store" for parameter in command.params):
        for name, metavar, text in (
            ("store", "PATH", "The store. May also be given before the command."),
            ("tenant", "TEXT", "The tenant. May also be given before the command."),
        ):
            option = click.Option(
                [f"--{name}"], metavar=metavar, expose_value=False, is_eager=True, callback=_take_place, help=text
            )
            command.params.append(option)
    return command


def _take_place(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        root = ctx.find_root()
        root.obj = root.obj or Settings(None, "default")
        setattr(root.obj, str(option.name), value)


class Suggesting(click.Group):
    """A group that suggests similar commands for an unknown name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest similar ones."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 3) if args else []
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from None


class _ReaderLeft(Exception):
    """Nobody reads what a command prints any more. Click would exit with 1 then, which here means *not found*."""


class LazyGroup(Suggesting):
    """A group whose commands are imported when they are called."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderLeft from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of ``COMMANDS``."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None if there is no such command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found if cmd_name in _OWN_PLACE else with_place(found)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the one-line help texts without importing any command."""
        del ctx
        names = list(COMMANDS)
        starts = [names.index(first) for first in SECTIONS]
        width = max(map(len, names))
        for title, start, end in zip(SECTIONS.values(), starts, [*starts[1:], len(names)], strict=True):
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), COMMANDS[name][1]) for name in names[start:end]])


class Settings:
    """The options given before the command, for the code that opens the store."""

    def __init__(self, store: str | None, tenant: str) -> None:
        self.store = store
        self.tenant = tenant


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--store", metavar="PATH", help="The store. Default: HEADWATER_STORE, else .headwater in the project.")
@click.option("--tenant", envvar="HEADWATER_TENANT", default="default", show_default=True, help="The tenant.")
@click.version_option(package_name="headwater", prog_name="headwater")
@click.pass_context
def cli(ctx: click.Context, store: str | None, tenant: str) -> None:
    """Data lineage for AI and ML: from any prediction back to the raw rows behind it.

    \b
    headwater run train.py                 # capture a script as it is
    headwater upstream model.pkl           # what is it made from?
    headwater why predictions.csv#17       # why this prediction?
    headwater impact users.csv:age         # what breaks without this column?
    headwater diff train.py                # what changed since the last run?
    """
    if store and "://" not in store:
        from headwater.capture.config import working_folder

        store = os.path.normpath(working_folder() / store)
    ctx.obj = Settings(store, tenant)


def call(args: Sequence[str]) -> NoReturn:
    """Run the command and exit with the code that ``main`` documents."""
    try:
        code = cli.main(args=list(args), prog_name="headwater", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        stopped()
    except (BrokenPipeError, _ReaderLeft):
        _leave_pipe()
    except HeadwaterError as error:
        failed(error)
    sys.exit(code if isinstance(code, int) else 0)


def stopped() -> NoReturn:
    """Exit after Ctrl-C."""
    click.echo("stopped", err=True)
    sys.exit(130)


def failed(error: HeadwaterError) -> NoReturn:
    """Report a failure and exit with its code."""
    tell(error)
    sys.exit(2 if isinstance(error, InvalidInput) else 1)


def tell(error: HeadwaterError) -> None:
    """Write a failure to standard error: what is wrong, and what to do about it. No name in it drives the terminal."""
    from headwater.query.terminal_text import clean

    color = wants_color(sys.stderr)
    message = "\n".join(map(clean, error.message.expandtabs(4).split("\n")))
    click.echo(click.style("error: ", fg="red", bold=True) + message, err=True, color=color)
    if error.hint:
        click.echo(click.style(" hint: ", fg="cyan") + clean(_as_command(error.hint)), err=True, color=color)


def _as_command(hint: str) -> str:
    """A hint in which the quoted verb is shown as a command. Hints are worded to suit Python and HTTP as well."""
    for verb in ("search", "runs", "history", "downstream"):
        hint = re.sub(rf"'(?={verb}[ '])", "'headwater ", hint)
    return hint


def wants_color(stream: object) -> bool:
    """Whether to use colours in a stream: it is a terminal, and NO_COLOR is not set (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and os.environ.get("TERM") != "dumb"


def _leave_pipe() -> NoReturn:
    """The reader closed the pipe, as ``head`` does: exit quietly and flush nothing into it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(141)
