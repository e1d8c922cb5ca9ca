"""Seeds of the standard library's ``random`` and of torch, and where they were set."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.imports import when_imported
from headwater.capture.recorder import Recorder
from headwater.capture.user_code import user_site


class RandomIntegration(Integration):
    """Records ``random.seed`` and, if torch is loaded, ``torch.manual_seed``."""

    identifier = "random"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the functions that set a seed."""
        hooks.after(module, "seed", _seeded)

        def with_torch(torch: ModuleType) -> None:
            hooks.after(torch, "manual_seed", _torch_seeded)
            hooks.settle()

        hooks.on_remove(when_imported("torch", with_torch))


def _seeded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result
    seed = args[0] if args else kwargs.get("a")
    code, line = user_site(3)
    recorder.seed("random", "global", _plain(seed), code, line)


def _torch_seeded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    del result
    seed = args[0] if args else kwargs.get("seed")
    code, line = user_site(3)
    recorder.seed("torch", "global", _plain(seed), code, line)


def _plain(seed: Any) -> Any:
    """A seed as a JSON value; None stands for a seed from the system's entropy."""
    if seed is None or isinstance(seed, int | float | str):
        return seed
    if isinstance(seed, bytes | bytearray):
        return bytes(seed).hex()[:64]
    return str(seed)[:64]
