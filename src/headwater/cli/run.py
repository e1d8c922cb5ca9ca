"""``headwater run``: capture an unmodified script, module, notebook or piece of code."""

from __future__ import annotations

import os
from typing import Any

import click

from headwater.cli.run_start import Asked, begin

_TAKES_THE_REST = ("-m", "--module", "-c", "--code")


class _Python(click.Command):
    """Reads arguments as ``python`` does: everything after the script, ``-m MODULE`` or ``-c CODE`` goes to the
    program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert ``--`` where the arguments of the program begin."""
        for place, argument in enumerate(args):
            if argument == "--":
                break
            if argument in _TAKES_THE_REST:
                args = [*args[: place + 2], "--", *args[place + 2 :]]
                break
            if argument[:2] in _TAKES_THE_REST and len(argument) > 2 and argument[1] != "-":
                args = [*args[:place], argument[:2], argument[2:], "--", *args[place + 1 :]]
                break
            if (not argument.startswith("-") or argument == "-") and (
                place == 0 or not self._takes_value(args[place - 1])
            ):
                break
        return super().parse_args(ctx, args)

    def _takes_value(self, argument: str) -> bool:
        return any(
            argument in option.opts and not option.is_flag for option in self.params if isinstance(option, click.Option)
        )


@click.command("run", cls=_Python, context_settings={"allow_interspersed_args": False})
@click.option("-m", "--module", help="Run a module, as python -m does. What follows goes to the module.")
@click.option("-c", "--code", help="Run a piece of code, as python -c does. What follows goes to the code.")
@click.option("--name", help="Name of the job. Default: the script's path in its project, or the module's name.")
@click.option("--namespace", help="Namespace of the job. Default: the name of the project folder.")
@click.option("--operation", help="ETL, FEATURE_COMPUTATION, MODEL_TRAINING or INFERENCE.")
@click.option("--store", help="Folder of the embedded store. Default: .headwater in the project folder.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag the run. May be repeated.")
@click.option("--no-integration", "without", multiple=True, metavar="NAME", help="Disable an integration.")
@click.option("-v", "--verbose", is_flag=True, help="Report at the end what was captured, on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing, not even if lineage could not be delivered.")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGUMENTS]...")
def run(**options: Any) -> None:
    """Run SCRIPT (or -m MODULE, -c CODE, a notebook) and capture its lineage.

    Output, warnings and exit code are what plain python would give; on success nothing is added to them.
    """
    asked = Asked(**options)
    before = getattr(click.get_current_context().find_root().obj, "store", None)
    if before:
        os.environ["HEADWATER_STORE"] = before  # what the program starts captures into the same store
    _check_integrations(asked.without)
    if asked.operation is not None:
        _check_operation(asked.operation)
    if asked.module is None and asked.code is None and not asked.program:
        raise click.UsageError("name a script, or use -m MODULE or -c CODE")
    begin(asked._replace(store=asked.store or before))


def _check_operation(operation: str) -> None:
    from headwater.capture.runs import OPERATIONS

    if operation not in OPERATIONS:
        raise click.BadParameter(f"{operation!r} is none of {', '.join(OPERATIONS)}", param_hint="--operation")


def _check_integrations(names: tuple[str, ...]) -> None:
    from headwater.capture.registry import INTEGRATIONS

    for name in names:
        if name not in INTEGRATIONS:
            raise click.BadParameter(
                f"{name!r} is none of {', '.join(sorted(INTEGRATIONS))}", param_hint="--no-integration"
            )
