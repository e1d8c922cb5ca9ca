"""The entry point of the ``headwater`` command.

``headwater run`` is the one command whose cost a program of the user bears: in its usual forms it starts from here,
without click. Everything else is in ``commands``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from headwater.cli import run_start
from headwater.errors import HeadwaterError


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 for success, 1 for failure or not found, 2 for wrong usage, 130 for Ctrl-C."""
    given = list(sys.argv[1:] if args is None else args)
    asked = run_start.read(given[1:]) if given[:1] == ["run"] else None
    if asked is None:
        from headwater.cli.commands import call

        call(given)
    try:
        run_start.begin(asked)
    except HeadwaterError as error:
        from headwater.cli.commands import failed

        failed(error)
    except KeyboardInterrupt:
        from headwater.cli.commands import stopped

        stopped()
