"""Headwater: end-to-end data lineage for AI/ML.

``import headwater as hw`` is cheap: each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.capture.api import current_run, flush, init, read, record, run, shutdown, write
    from headwater.capture.runs import Run
    from headwater.capture.steps import step
    from headwater.embedded import lineage
    from headwater.errors import HeadwaterError
    from headwater.query.remote import connect

__all__ = [
    "HeadwaterError",
    "Run",
    "connect",
    "current_run",
    "flush",
    "init",
    "lineage",
    "read",
    "record",
    "run",
    "shutdown",
    "step",
    "write",
]

_HOMES = {
    "HeadwaterError": "headwater.errors",
    "connect": "headwater.query.remote",
    "Run": "headwater.capture.runs",
    "lineage": "headwater.embedded",
    "step": "headwater.capture.steps",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("headwater")
    if name not in __all__:
        raise AttributeError(f"module 'headwater' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES.get(name, "headwater.capture.api")), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
