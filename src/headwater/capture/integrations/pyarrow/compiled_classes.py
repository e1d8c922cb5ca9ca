"""Compiled classes of pyarrow that programs create objects of: files that ``pa.OSFile`` opens, and ``pc.CSVWriter``.

Nothing can be hooked in such a class, so a subclass stands in for it, which only adds what is to be seen. Objects that
pyarrow itself creates are of the class below, and count as instances of the stand-in, too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from headwater.capture.hooks import Hooks, observe
from headwater.capture.wrapper_frames import unseen

After = Callable[..., None]
_KEPT: Final = ("__module__", "__qualname__", "__doc__")


def stand_in_for(hooks: Hooks, module: ModuleType, name: str, opened: After, methods: dict[str, After]) -> None:
    """Put a subclass in the place of a class: ``opened`` is called after each creation of an object, as after a call of
    ``__init__``, and the handlers after the methods of their names."""
    original = getattr(module, name, None)
    if not isinstance(original, type):
        return
    own: dict[str, Any] = {kept: getattr(original, kept) for kept in _KEPT}
    made_by_new = original.__init__ is object.__init__  # type: ignore[misc]
    own["__init__"] = unseen(observe(_nothing if made_by_new else original.__init__, opened, f"{name}.__init__"))  # type: ignore[misc]
    for method, handler in methods.items():
        found = getattr(original, method, None)
        if found is not None:
            own[method] = unseen(observe(found, handler, f"{name}.{method}"))
    made = _Kind(name, (original,), own)
    _ORIGINALS[made] = original
    hooks.replace(module, name, lambda _original: made)


def _nothing(self: Any, *args: Any, **kwargs: Any) -> None:
    """The ``__init__`` of a class whose ``__new__`` does all, and is given the same arguments."""


class _Kind(type):
    """The class of the stand-ins."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(_ORIGINALS.get(cls, cls), instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return type.__subclasscheck__(_ORIGINALS.get(cls, cls), subclass)


_ORIGINALS: Final[weakref.WeakKeyDictionary[type, type]] = weakref.WeakKeyDictionary()
"""The class that each stand-in stands for."""
