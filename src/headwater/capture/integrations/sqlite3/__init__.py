"""sqlite3: statements on connections, and whether they were committed.

The standard library's connection and cursor cannot be hooked, but they can be subclassed, and ``connect`` takes a
factory for that: the user gets a connection that is a ``sqlite3.Connection`` in every respect. The user's own factory
is subclassed in turn.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, ClassVar

from headwater.capture import context
from headwater.capture.caller_frame import call_as
from headwater.capture.followed_drivers import follow
from headwater.capture.guard import GUARD
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.wrapper_frames import unseen


class Sqlite3Integration(Integration):
    """Follows the standard library's sqlite3, and everything that connects through it (SQLAlchemy, pandas)."""

    identifier: ClassVar[str] = "sqlite3"
    submodules: ClassVar[tuple[str, ...]] = ("sqlite3.dbapi2",)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook ``connect``."""
        hooks.replace(module, "connect", _connect)
        follow(hooks, "pysqlite")

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:
        """Do nothing. Listed so that ``settle`` runs, which replaces ``connect`` in ``sqlite3.dbapi2``."""


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def connect(*args: Any, **kwargs: Any) -> Any:
        if context.current() is None or _is_our_own(sys._getframe(1)):
            return original(*args, **kwargs)
        with GUARD.at("sqlite3.connect"):
            # loaded for programs that connect only: sqlite3 itself is loaded in every program, for our store
            from headwater.capture.integrations.sqlite3 import connections

            args, kwargs = connections.with_factory(args, kwargs)
        # Newer Pythons warn at the caller about positional arguments.
        connection = call_as(sys._getframe(1), original, args, kwargs)
        with GUARD.at("sqlite3.connect"):
            from headwater.capture.integrations.sqlite3 import connections

            connections.place(connection, args[0] if args else kwargs.get("database"))
        return connection

    return unseen(connect)


def _is_our_own(caller: FrameType) -> bool:
    """Whether Headwater connects, to its own store: what a program asks it is no part of the program's data flow."""
    return str(caller.f_globals.get("__name__", "")).startswith("headwater.")
