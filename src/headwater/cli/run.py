"""``headwater run``: capture an unmodified script, module, notebook or piece of code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_TAKES_THE_REST = ("-m", "--module", "-c", "--code")


class _Python(click.Command):
    """Reads arguments as ``python`` does: what follows the script, ``-m MODULE`` or ``-c CODE`` is the program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a ``--`` where the program's own arguments begin."""
        for place, argument in enumerate(args):
            if argument == "--":
                break
            if argument in _TAKES_THE_REST:
                args = [*args[: place + 2], "--", *args[place + 2 :]]
                break
            if argument[:2] in _TAKES_THE_REST and len(argument) > 2 and argument[1] != "-":
                args = [*args[:place], argument[:2], argument[2:], "--", *args[place + 1 :]]
                break
            if not argument.startswith("-") and (place == 0 or not self._takes_value(args[place - 1])):
                break
        return super().parse_args(ctx, args)

    def _takes_value(self, argument: str) -> bool:
        return any(
            argument in option.opts and not option.is_flag for option in self.params if isinstance(option, click.Option)
        )


@click.command("run", cls=_Python, context_settings={"allow_interspersed_args": False})
@click.option("-m", "--module", help="Run a module, as python -m does. What follows is its own.")
@click.option("-c", "--code", help="Run a piece of code, as python -c does. What follows is its own.")
@click.option("--name", help="Name of the job. Default: the script's path in its project, or the module's name.")
@click.option("--namespace", help="Namespace of the job. Default: the name of the project folder.")
@click.option("--operation", help="ETL, FEATURE_COMPUTATION, MODEL_TRAINING or INFERENCE.")
@click.option("--store", help="Folder of the embedded store. Default: .headwater in the project folder.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag the run. May be repeated.")
@click.option("--no-integration", "without", multiple=True, metavar="NAME", help="Leave an integration off.")
@click.option("-v", "--verbose", is_flag=True, help="Say at the end what was captured, on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing, not even when lineage could not be delivered.")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT [ARGUMENTS]...")
def run(program: tuple[str, ...], module: str | None, code: str | None, **options: Any) -> None:
    """Run SCRIPT (or -m MODULE, -c CODE, a notebook) and capture its lineage.

    The program's output, warnings and exit code are those of a plain python; on success nothing is added to them.
    """
    from headwater.capture.config import load
    from headwater.capture.script import code_program, module_program, run_program, script_program

    given = _settings(options)
    before = getattr(click.get_current_context().find_root().obj, "store", None)
    if before and "store" not in given:
        given["store"] = before
    _check_integrations(options["without"])
    config = load(given)
    if not config.settings.disabled:
        _ = config.store  # a store that is no folder is refused before the program begins
    if options["operation"] is not None:
        _check_operation(options["operation"])
    if module is not None:
        ready = module_program(module, program)
    elif code is not None:
        ready = code_program(code, program)
    elif program:
        ready = script_program(program[0], program[1:], _project(config.project, program[0]))
    else:
        raise click.UsageError("name a script, or use -m MODULE or -c CODE")
    run_program(ready, config, name=options["name"], operation=options["operation"], keywords=given)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """What the options say, as settings."""
    given: dict[str, Any] = {key: options[key] for key in ("namespace", "store") if options[key]}
    if options["tags"]:
        pairs = [tag.partition("=") for tag in options["tags"]]
        given["tags"] = {key: value or "true" for key, _, value in pairs}
    if options["without"]:
        given["without_integrations"] = list(options["without"])
    if options["verbose"]:
        given["verbose"] = True
    if options["quiet"]:
        given["quiet"] = True
    return given


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


def _project(project: Path, script: str) -> Path:
    """The project that the script lies in: that of the working folder, if it does; else the script's own folder."""
    place = Path(script).resolve()
    return project if place.is_relative_to(project.resolve()) else place.parent
