"""copy: a copy of a model, or of an array, is what it was copied from (``best = copy.deepcopy(model)``)."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from headwater.capture.containers import pairs
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.recorder import Recorder
from headwater.capture.wrapper_frames import observe_io


class CopyIntegration(Integration):
    """Follows objects into their copies."""

    identifier: ClassVar[str] = "copy"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook both functions. Inside a copy they are called by another way, so this costs nothing there."""
        for name in ("copy", "deepcopy"):
            hooks.replace(module, name, lambda original, name=name: observe_io(original, _copied, f"copy.{name}"))  # type: ignore[misc]


def _copied(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Bind what is followed in a copy to the value of what it was copied from."""
    values = recorder.values
    for original, copied in pairs(args[0] if args else kwargs["x"], result):
        value = values.seen(original) if original is not copied and not values.knows(copied) else None
        if value is not None:
            values.bind(copied, value)
