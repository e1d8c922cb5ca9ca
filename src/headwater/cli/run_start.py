"""Start-up of ``headwater run``: parses simple arguments without click, and starts the program.

A program that is captured should not pay for a command line that it does not use. So the usual forms of the arguments
are read here; whatever is rare, asks for help or is wrong is left to the command as click knows it (``cli/run.py``),
which says the same of the same arguments: a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from headwater.capture.frame_stack import with_room_below


class Asked(NamedTuple):
    """What ``headwater run`` should run, and how. One of ``module``, ``code`` and the first of ``program`` is given."""

    program: tuple[str, ...] = ()
    """The script and its arguments; with ``module`` or ``code``, only the arguments."""
    module: str | None = None
    code: str | None = None
    name: str | None = None
    namespace: str | None = None
    operation: str | None = None
    store: str | None = None
    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    verbose: bool = False
    quiet: bool = False


_VALUES: Final = {"--name": "name", "--namespace": "namespace", "--store": "store", "--tag": "tags"}
_FLAGS: Final = {"-v": "verbose", "--verbose": "verbose", "-q": "quiet", "--quiet": "quiet"}
_PROGRAMS: Final = {"-m": "module", "--module": "module", "-c": "code", "--code": "code"}


def read(arguments: Sequence[str]) -> Asked | None:
    """Parse the arguments after ``run``; None if click has to parse them."""
    found: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        option, equals, value = rest[0].partition("=")
        if not option.startswith("-") or option == "-":
            return Asked(tuple(rest), **found)
        if option in _FLAGS and not equals:
            found[_FLAGS[option]] = True
            del rest[0]
            continue
        if not equals:
            value = rest[1] if len(rest) > 1 else ""
        if not value or value.startswith("-"):
            return None
        del rest[: 1 if equals else 2]
        if option in _PROGRAMS and not equals:
            return Asked(tuple(rest), **{**found, _PROGRAMS[option]: value})
        if option not in _VALUES:
            return None
        name = _VALUES[option]
        found[name] = (*found.get(name, ()), value) if name == "tags" else value
    return None


@with_room_below
def begin(asked: Asked) -> NoReturn:
    """Run the program under capture, and end this process the way it ends.

    Raises:
        ConfigError: a setting is wrong; the program was not begun.
    """
    from headwater.capture.garbage_collection import CollectorPause

    pause = CollectorPause()  # the first thing: most of what our modules are made of is made next
    from headwater.capture.module_shadowing import expect_clashes

    folder = os.path.dirname(os.path.realpath(asked.program[0])) if _is_script(asked) else ""  # noqa: PTH120 - text for sys.path
    if expect_clashes(folder):
        import headwater.embedded  # noqa: F401 - loaded before the script is on the path
        from headwater.storage.sqlite.migrate import migrations

        migrations()  # with all that storing needs, which is otherwise loaded for the first delivery
    from headwater.capture.config import load

    given = _settings(asked)
    config = load(given)  # before more is loaded: in a folder that was deleted, Python 3.13 may fail to do that
    if not config.settings.disabled:
        _ = config.store  # a store that is no folder is refused before the program begins
    from headwater.capture.script import code_program, module_program, run_program, script_program

    if asked.module is not None:
        ready = module_program(asked.module, asked.program)
    elif asked.code is not None:
        ready = code_program(asked.code, asked.program)
    else:
        ready = script_program(asked.program[0], asked.program[1:], _project(config.project, asked.program[0]))
    run_program(ready, config, pause, name=asked.name, operation=asked.operation, keywords=given)


def _is_script(asked: Asked) -> bool:
    return asked.module is None and asked.code is None


def _settings(asked: Asked) -> dict[str, Any]:
    """The settings given as options."""
    given: dict[str, Any] = {key: value for key in ("namespace", "store") if (value := getattr(asked, key))}
    if asked.tags:
        pairs = [tag.partition("=") for tag in asked.tags]
        given["tags"] = {key: value or "true" for key, _, value in pairs}
    if asked.without:
        given["without_integrations"] = list(asked.without)
    if asked.verbose:
        given["verbose"] = True
    if asked.quiet:
        given["quiet"] = True
    return given


def _project(project: Path, script: str) -> Path:
    """The project of the script: that of the working folder if the script is inside, otherwise the folder of the
    script."""
    place = Path(script).resolve()
    return project if place.is_relative_to(project.resolve()) else place.parent
