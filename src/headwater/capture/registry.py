"""The registry of integrations, and the status of each: installed, waiting for its library, off, or broken.

An integration is a file of :mod:`headwater.capture.integrations`. Its trigger is an import name: its hooks are
installed when the library has been imported, or at once if it already is. No library is imported in order to be hooked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from difflib import get_close_matches
from enum import StrEnum
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from headwater.capture.guard import GUARD, logger
from headwater.capture.imports import when_imported
from headwater.errors import ConfigError, DidNotEnable

if TYPE_CHECKING:
    from headwater.capture.hooks import Hooks, Integration

INTEGRATIONS: Final[dict[str, str]] = {
    "files": "builtins",
    "argparse": "argparse",
    "csv": "csv",
    "random": "random",
    "pickle": "pickle",
    "json": "json",
    "sqlite3": "sqlite3",
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "duckdb": "duckdb",
    "psycopg": "psycopg",
    "psycopg2": "psycopg2",
    "sqlalchemy": "sqlalchemy",
    "sklearn": "sklearn",
    "joblib": "joblib",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "statsmodels": "statsmodels",
    "matplotlib": "matplotlib",
    "seaborn": "seaborn",
    "plotly": "plotly",
    "bokeh": "bokeh",
    "altair": "altair",
}
"""The name of an integration (its file in ``headwater.capture.integrations``) to the import name that triggers it."""

OLDEST: Final[dict[str, tuple[int, ...]]] = {
    "numpy": (1, 21),
    "scipy": (1, 7),
    "pandas": (1, 5),
    "polars": (1, 0),
    "pyarrow": (10, 0),
    "duckdb": (1, 0),
    "psycopg": (3, 1),
    "sqlalchemy": (1, 4),
    "sklearn": (1, 2),
    "joblib": (1, 0),
    "xgboost": (1, 6),
    "lightgbm": (3, 3),
    "statsmodels": (0, 13),
    "matplotlib": (3, 6),
    "seaborn": (0, 12),
    "plotly": (5, 0),
    "bokeh": (3, 0),
    "altair": (5, 0),
}
"""The oldest supported version of a library, by the name of its integration. Kept here because ``headwater doctor``
needs it even if the library is missing and its integration cannot be imported."""


class State(StrEnum):
    """The state of an integration."""

    WAITING = "waiting"
    INSTALLED = "installed"
    OFF = "off"
    BROKEN = "broken"


class Status:
    """The state of one integration, and why."""

    __slots__ = ("hooks", "name", "reason", "state", "stop_waiting", "trigger")

    def __init__(self, name: str, trigger: str) -> None:
        self.name = name
        self.trigger = trigger
        self.state = State.WAITING
        self.reason = f"{trigger} has not been imported"
        self.hooks: Hooks | None = None
        self.stop_waiting: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{self.name}: {self.state.value} ({self.reason})>"


class Registry:
    """The integrations of this process."""

    def __init__(self) -> None:
        self.statuses: dict[str, Status] = {}

    def install(self, *, only: Collection[str] | None = None, without: Collection[str] = ()) -> None:
        """Enable the integrations: all, or those in ``only``, but none of ``without``. Names were checked before.

        If an integration named in ``only`` cannot be installed, that is logged as a warning; if one was enabled
        automatically, only at debug level. Both are in ``statuses``.
        """
        for name, trigger in INTEGRATIONS.items():
            known = self.statuses.get(name)
            if known is not None and known.state is not State.OFF:
                continue
            status = self.statuses[name] = Status(name, trigger)
            if name in without or (only is not None and name not in only):
                status.state, status.reason = State.OFF, "switched off by configuration"
                continue
            status.stop_waiting = when_imported(trigger, _Installer(status, is_loud=only is not None))
        if installed := [status.hooks for status in self.statuses.values() if status.hooks is not None]:
            from headwater.capture.hooks import settle_everywhere

            with GUARD.at("install"):
                settle_everywhere(installed)

    def stop_waiting(self) -> None:
        """Install no further integrations, whatever is imported."""
        for status in self.statuses.values():
            if status.stop_waiting is not None:
                status.stop_waiting()

    def remove(self) -> None:
        """Remove all hooks and stop waiting for imports."""
        self.stop_waiting()
        installed = [status.hooks for status in self.statuses.values() if status.hooks is not None]
        if installed:
            from headwater.capture.hooks import remove_all

            remove_all(reversed(installed))
        self.statuses.clear()


class _Installer:
    """Installs one integration when its library has been imported."""

    def __init__(self, status: Status, *, is_loud: bool) -> None:
        self._status = status
        self._is_loud = is_loud

    def __call__(self, module: ModuleType) -> None:
        from headwater.capture.hooks import Hooks

        status = self._status
        hooks = Hooks(status.name)
        status.state, status.reason = State.BROKEN, "its installation did not end"
        try:
            with GUARD.at(f"{status.name}.install"):
                self._install(hooks, module)
        finally:
            if status.state is State.BROKEN:
                status.reason = GUARD.first.get(f"{status.name}.install", status.reason)
            if status.state is State.INSTALLED:
                status.hooks = hooks
            else:
                hooks.remove()
                logger.log(
                    logging.WARNING if self._is_loud else logging.DEBUG,
                    "integration %s is off: %s",
                    status.name,
                    status.reason,
                )

    def _install(self, hooks: Hooks, module: ModuleType) -> None:
        status = self._status
        try:
            if hasattr(module, "__path__") and getattr(module, "__file__", None) is None:
                raise DidNotEnable(f"{status.trigger} is a folder of that name here, not the library")
            integration = load_integration(status.name)
            if old := too_old(status.name, str(getattr(module, "__version__", ""))):
                raise DidNotEnable(old)
            integration.install(hooks, module)
            submodules = _Submodules(status.name, integration, hooks)
            for name in integration.submodules:
                hooks.on_remove(when_imported(name, submodules))
            submodules.are_late = True
            hooks.settle()
        except DidNotEnable as refusal:
            status.state, status.reason = State.OFF, str(refusal)
        else:
            status.state, status.reason = State.INSTALLED, getattr(module, "__version__", "") or "standard library"


class _Submodules:
    """Hooks the submodules of a library. Those that are there already are settled together with the library."""

    def __init__(self, name: str, integration: Integration, hooks: Hooks) -> None:
        self.are_late = False
        self._name = name
        self._integration = integration
        self._hooks = hooks

    def __call__(self, module: ModuleType) -> None:
        with GUARD.at(f"{self._name}.install {module.__name__}"):
            self._integration.install_submodule(self._hooks, module)
            if self.are_late:
                self._hooks.settle()


def load_integration(name: str) -> Integration:
    """The integration of that name: an instance of the ``Integration`` subclass that its file (or folder) defines.

    Raises:
        DidNotEnable: its file cannot be imported, or defines no integration.
    """
    from headwater.capture.hooks import Integration

    try:
        file = import_module(f"headwater.capture.integrations.{name}")
    except ImportError as error:
        raise DidNotEnable(f"{name}: {error}") from error
    for item in vars(file).values():
        if isinstance(item, type) and issubclass(item, Integration) and item.__module__.startswith(file.__name__):
            return item()
    raise DidNotEnable(f"{name}: its file defines no integration")


def too_old(name: str, version: str) -> str:
    """Why a version of an integration's library is not supported; empty if it is, or if the version is unclear."""
    least = OLDEST.get(name, ())
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    if not numbers or tuple(numbers) >= least[: len(numbers)]:
        return ""
    return f"{INTEGRATIONS[name]} {version} is older than {'.'.join(map(str, least))}, the oldest that is followed"


def check_names(names: Collection[str], *, setting: str) -> None:
    """Check the names of integrations.

    Raises:
        ConfigError: there is no such integration; the hint has similar names.
    """
    for name in names:
        if name not in INTEGRATIONS:
            near = get_close_matches(name, INTEGRATIONS, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else "there are " + ", ".join(sorted(INTEGRATIONS))
            raise ConfigError(f"{setting}: there is no integration {name!r}", hint=hint)


REGISTRY: Final = Registry()
"""The integrations of this process."""
