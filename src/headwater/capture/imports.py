"""Post-import hooks: run a callback when a library is imported, without importing it.

One finder is first in ``sys.meta_path``. A name without a callback costs one dictionary look-up. For a name with one,
the other finders find the module, and the callback runs right after the module's own code has run to its end: not
after a failed import, and not on a half-initialised module. Spec and loader remain those of the module, so that
resources, reloading and introspection work as without us.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType
from typing import Any, Final

from headwater.capture.garbage_collection import CollectorPause
from headwater.capture.guard import GUARD

Callback = Callable[[ModuleType], None]

_OWN_INSTANCE: Final = (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader)
"""Loaders of which each module has its own instance, so that an instance attribute affects no other module."""

_BOOTSTRAP: Final = "<frozen importlib._bootstrap>"
"""The file name of the import system's own code. The interpreter removes sequences of its frames from the traceback of
a failed import; a frame of ours among them, under another name, would keep them there."""

FRAMES: Final[set[CodeType]] = set()
"""Our code under that file name, so that our frames can be removed from tracebacks."""


class _WrappedLoader(Loader):
    """Wraps a loader that serves many modules (zip files, frozen code, import rewriters)."""

    def __init__(self, loader: Any, done: Callback) -> None:
        self._loader = loader
        self._done = done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the real loader create the module."""
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        """Restore the real loader, let it run the module, and run the callbacks."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._done(module)

    exec_module.__code__ = exec_module.__code__.replace(co_filename=_BOOTSTRAP)


class ImportHooks(MetaPathFinder):
    """Callbacks by module name. One instance, ``IMPORTS``, serves the process."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Callback]] = {}
        self._half_done: list[ModuleType] = []
        self._lock = threading.RLock()
        self._finding = threading.local()

    def when_imported(self, name: str, callback: Callback) -> Callable[[], None]:
        """Call ``callback(module)`` once ``name`` has been imported, or now if it already is. Returns a function that
        removes the callback."""
        with self._lock:
            module = sys.modules.get(name)
            is_half_done = module is not None and _is_initialising(module)
            if module is None or is_half_done:
                self._waiting.setdefault(name, []).append(callback)
                if module is not None:
                    self._half_done.append(module)
                if self not in sys.meta_path:
                    sys.meta_path.insert(0, self)
                return lambda: self._forget(name, callback)
        with GUARD.at(f"import of {name}"):
            callback(module)
        return lambda: None

    def _forget(self, name: str, callback: Callback) -> None:
        with self._lock:
            callbacks = self._waiting.get(name, [])
            if callback in callbacks:
                callbacks.remove(callback)
            if not callbacks:
                self._waiting.pop(name, None)
            if not self._waiting and self in sys.meta_path:
                sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for a name without callbacks; otherwise the spec from the other finders, prepared to run them."""
        if self._half_done:
            self._settle()
        if fullname not in self._waiting or fullname in self._names_in_search():
            return None
        names = self._names_in_search()
        names.add(fullname)
        try:
            spec = _ask_the_others(self, fullname, path, target)
        finally:
            names.discard(fullname)
        if spec is not None and spec.loader is not None:
            with GUARD.at(f"import of {fullname}"):
                self._follow(spec)
        return spec

    def _names_in_search(self) -> set[str]:
        names: set[str] | None = getattr(self._finding, "names", None)
        if names is None:
            names = self._finding.names = set()
        return names

    def _follow(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        if type(loader) not in _OWN_INSTANCE:
            if hasattr(loader, "exec_module"):
                spec.loader = _WrappedLoader(loader, self._done)
            return

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            loader.exec_module(module)
            self._done(module)

        exec_module.__code__ = exec_module.__code__.replace(co_filename=_BOOTSTRAP)
        FRAMES.add(exec_module.__code__)
        loader.exec_module = exec_module

    def _settle(self) -> None:
        """Run the callbacks registered for modules while another thread was still importing them."""
        for module in list(self._half_done):
            if not _is_initialising(module):
                self._half_done.remove(module)
                self._done(module)

    def _done(self, module: ModuleType) -> None:
        with self._lock:
            callbacks = self._waiting.pop(module.__name__, [])
            if not self._waiting and self in sys.meta_path:
                sys.meta_path.remove(self)
        pause = CollectorPause()  # hooks are created by the hundred and stay: there is no garbage among them
        try:
            for callback in callbacks:
                with GUARD.at(f"import of {module.__name__}"):
                    callback(module)
        finally:
            pause.end()


def _ask_the_others(
    this: ImportHooks, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if finder is this:
            continue
        find_spec = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find_spec(name, path, target) if find_spec is not None else None
        if spec is not None:
            return spec
    return None


def _is_initialising(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


FRAMES.add(_WrappedLoader.exec_module.__code__)

IMPORTS: Final = ImportHooks()
"""The hooks of this process."""

when_imported = IMPORTS.when_imported
