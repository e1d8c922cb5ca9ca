"""Hooks: how an integration observes a library, and how its hooks are removed again.

An integration is one file, named after the library, with one class::

    class PandasIntegration(Integration):
        identifier = "pandas"                       # the import name that triggers it

        def install(self, hooks: Hooks, module: ModuleType) -> None:
            hooks.after(module.DataFrame, "merge", _merge)     # raises DidNotEnable when the attribute is gone

    def _merge(recorder, result, args, kwargs): ...

The original is called exactly once with unchanged arguments, and the caller gets its result or exception. A handler
runs under the guard, after the original has returned, and only for the outermost observed call: pandas calling pandas
is one operation. Handlers must not keep references to data, evaluate lazily held data, or import anything heavy; they
read attributes and pass facts to the recorder.
"""

from __future__ import annotations

import _io
import functools
import inspect
import sys
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.capture import context
from headwater.capture.guard import GUARD, is_fault
from headwater.capture.held_functions import Copy, put_everywhere, put_in_modules, references
from headwater.capture.stand_ins import let_be_found, never_binding
from headwater.errors import DidNotEnable

if TYPE_CHECKING:
    from headwater.capture.recorder import Recorder

After = Callable[["Recorder", Any, tuple[Any, ...], dict[str, Any]], None]
"""``handler(recorder, result, args, kwargs)``; for a method ``args[0]`` is the object."""
Before = Callable[["Recorder", tuple[Any, ...], dict[str, Any]], Any]
"""``handler(recorder, args, kwargs)``; its result is passed to the handler that runs afterwards."""
AfterBefore = Callable[["Recorder", Any, Any, tuple[Any, ...], dict[str, Any]], None]
"""``handler(recorder, seen_before, result, args, kwargs)``."""


class _Busy(threading.local):
    """Set while an observed call runs on this thread, so that what it calls is not recorded again."""

    def __init__(self) -> None:
        self.cell = [0]
        """Holds the depth. The hot path fetches this list once, because each access to a thread-local costs."""

    @property
    def depth(self) -> int:
        """0 outside observed calls, 1 inside, ``wrapper_frames.USERS_CODE`` while the user's code runs in one."""
        return self.cell[0]

    @depth.setter
    def depth(self, depth: int) -> None:
        self.cell[0] = depth


BUSY = _Busy()
_current = context.CURRENT.get
_PROCESS = context.PROCESS


class unobserved:  # noqa: N801 - reads as a word: ``with unobserved():``
    """A section in which nothing on this thread is observed, for our own use of the user's libraries."""

    def __enter__(self) -> None:
        BUSY.depth += 1

    def __exit__(self, *exc: object) -> None:
        BUSY.depth -= 1


def observe(original: Callable[..., Any], after: After, site: str) -> Callable[..., Any]:
    """A wrapper of ``original`` that calls ``after`` after each outermost call."""

    # There are about a thousand of these, so the closure holds nothing that is the same for all.
    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        recorder = _current() or _PROCESS.root  # context.current(), inlined
        if recorder is None:
            return original(*args, **kwargs)
        cell = BUSY.cell
        if cell[0]:
            return original(*args, **kwargs)
        cell[0] = 1
        try:
            result = original(*args, **kwargs)
            try:
                after(recorder, result, args, kwargs)
            except BaseException as error:  # the guard's own rule, inlined: this is the hot path
                if not is_fault(error):
                    raise
                GUARD.failed(site, error)
        finally:
            cell[0] = 0
        return result

    return observed


def observe_around(original: Callable[..., Any], before: Before, after: AfterBefore, site: str) -> Callable[..., Any]:
    """As ``observe``, with a handler before the call too, for calls that change their arguments in place."""

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        recorder = context.current()
        cell = BUSY.cell
        if recorder is None or cell[0]:
            return original(*args, **kwargs)
        seen: Any = _ABSENT
        cell[0] = 1
        try:
            with GUARD.at(site):
                seen = before(recorder, args, kwargs)
            result = original(*args, **kwargs)
            if seen is not _ABSENT:
                with GUARD.at(site):
                    after(recorder, seen, result, args, kwargs)
        finally:
            cell[0] = 0
        return result

    return observed


class Hooks:
    """The hooks of one integration; ``remove`` restores every attribute to what it was."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self._undo: list[Callable[[], None]] = []
        self._copies: list[Copy] = []
        self._held: list[Copy] = []
        self._late: list[Copy] = []
        self._parts: list[Hooks] = []
        self._settled = 0

    def after(self, owner: Any, name: str, handler: After) -> None:
        """Call ``handler`` after each outermost call of ``owner.name`` (function, method, class- or staticmethod).

        Raises ``DidNotEnable`` if there is no such attribute, or if it cannot be set.
        """
        from headwater.capture.wrapper_frames import unseen

        self.replace(owner, name, lambda original: unseen(observe(original, handler, self._site(owner, name))))

    def around(self, owner: Any, name: str, before: Before, after: AfterBefore) -> None:
        """Call ``before`` and ``after`` around each outermost call. Raises as ``after`` does."""
        from headwater.capture.wrapper_frames import unseen

        site = self._site(owner, name)
        self.replace(owner, name, lambda original: unseen(observe_around(original, before, after, site)))

    def after_property(self, owner: type, name: str, handler: After) -> None:
        """Call ``handler(recorder, result, (self,), {})`` after each read of the property ``owner.name``.

        Raises ``DidNotEnable`` if it is no property that can be read.
        """
        original = _static(owner, name)
        if not isinstance(original, property) or original.fget is None:
            raise DidNotEnable(f"{self.identifier}: {owner.__name__}.{name} is not a property here")
        from headwater.capture.wrapper_frames import unseen

        getter = unseen(observe(original.fget, handler, self._site(owner, name)))
        self.put(owner, name, property(getter, original.fset, original.fdel, original.__doc__))

    def replace(
        self,
        owner: Any,
        name: str,
        make: Callable[[Callable[..., Any]], Callable[..., Any]],
        *,
        for_good: bool = False,
    ) -> None:
        """Replace ``owner.name`` by ``make(original)``, which stays a class or static method if it was one. Raises as
        ``after`` does. ``for_good``: others will come to know the replacement, so it stays when the hooks are removed,
        and has to be without effect then."""
        others = references(owner, name) if isinstance(owner, ModuleType) else 0
        static = _static(owner, name)
        if static is _ABSENT:
            raise DidNotEnable(f"{self.identifier}: {self._site(owner, name)} is gone in this version")
        if isinstance(static, classmethod):
            self.put(owner, name, classmethod(make(static.__func__)))
        elif isinstance(static, staticmethod):
            self.put(owner, name, staticmethod(make(static.__func__)))
        else:
            original = static if isinstance(owner, type) else getattr(owner, name)
            if not isinstance(owner, ModuleType):
                self.put(owner, name, make(original), for_good=for_good)
            else:
                self.put(owner, name, never_binding(original, make(original)), for_good=for_good)
                self._copies.append(Copy(name, original, getattr(owner, name), owner, for_good, others))

    def on_remove(self, undo: Callable[[], None]) -> None:
        """Call ``undo`` when the integration is removed, for hooks that are not attributes."""
        self._undo.append(undo)

    def part(self) -> Hooks:
        """A subset of these hooks that can be removed earlier, and is removed with the rest at the latest."""
        part = Hooks(self.identifier)
        self._parts.append(part)
        return part

    def remove(self) -> None:
        """Restore all attributes, last change first, also in modules that have imported a wrapper since."""
        remove_all([self])

    def take_back(self) -> list[Copy]:
        """Restore the attributes of the library. Returns what has to be restored in other modules."""
        while self._undo:
            self._undo.pop()()
        removed = [copy for copy in reversed(self._copies) if not copy.is_for_good]
        copies = [Copy(copy.name, copy.new, copy.old, copy.owner) for copy in removed]
        self._copies.clear()
        self._held, self._late = [], []
        self._settled = 0
        return [*copies, *(copy for part in self._parts for copy in part.take_back())]

    def settle(self) -> None:
        """Replace the originals that other modules already got by ``from owner import name``. One pass over the modules
        serves everything hooked since the last call: a library has hundreds of functions, a process thousands of
        modules."""
        fresh = self._copies[self._settled :]
        self._settled = len(self._copies)
        since = _first_loading({copy.owner for copy in fresh})
        swapped = self._settle_aliases(fresh) + _swap(fresh, since)
        held = [one for one in fresh if one.others > swapped[id(one.old)] and type(one.old).__name__ in _HELD]
        put_in_modules(held)
        self._held += held
        self._late += [] if since else held

    def _settle_aliases(self, fresh: list[Copy]) -> Counter[int]:
        """Replace what a module has under a second name, as ``np.concat``. Returns how often, by ``id()``."""
        found = Counter[int]()
        by_value = {(copy.owner, id(copy.old)): copy for copy in fresh}
        for owner in {copy.owner for copy in fresh}:
            for alias, value in list(vars(owner).items()):
                if copy := by_value.get((owner, id(value))):
                    self.put(owner, alias, copy.new, for_good=copy.is_for_good)
                    found[id(value)] += 1
        return found

    def held(self) -> list[Copy]:
        """What may be held elsewhere."""
        return [*self._held, *(copy for part in self._parts for copy in part.held())]

    def late(self) -> list[Copy]:
        """What anything may hold that was there before these hooks, to be replaced by the caller; once."""
        late, self._late = self._late, []
        return [*late, *(copy for part in self._parts for copy in part.late())]

    def put(self, owner: Any, name: str, replacement: Any, *, for_good: bool = False) -> None:
        """Set ``owner.name`` to ``replacement`` until the hooks are removed, or for good. Raises ``DidNotEnable`` if
        that cannot be done."""
        own = vars(owner).get(name, _ABSENT) if hasattr(owner, "__dict__") else getattr(owner, name)
        try:
            setattr(owner, name, replacement)
        except (AttributeError, TypeError) as error:
            raise DidNotEnable(f"{self.identifier}: {self._site(owner, name)} cannot be hooked: {error}") from error
        let_be_found(owner, name, replacement)
        if not for_good:
            self._undo.append(_Put(owner, name, own))

    def _site(self, owner: Any, name: str) -> str:
        return f"{getattr(owner, '__qualname__', None) or getattr(owner, '__name__', self.identifier)}.{name}"


_ABSENT = object()
_HELD = frozenset(("function", "builtin_function_or_method", "_ArrayFunctionDispatcher"))
"""The types of functions that are looked for where modules do not explain who holds them."""


class _Put:
    """Undoes the setting of an attribute when it is called."""

    __slots__ = ("name", "own", "owner")

    def __init__(self, owner: Any, name: str, own: Any) -> None:
        self.owner = owner
        self.name = name
        self.own = own

    def __call__(self) -> None:
        if self.own is _ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.own)


def _static(owner: Any, name: str) -> Any:
    """The attribute ``owner.name`` before binding, or ``_ABSENT``."""
    for part in owner.__mro__ if isinstance(owner, type) else (owner,):
        own: Any = getattr(part, "__dict__", {}).get(name, _ABSENT)
        if own is not _ABSENT:
            return own
    return inspect.getattr_static(owner, name, _ABSENT)


_everywhere: list[Copy] = []
"""What was replaced outside of modules, until all hooks are removed."""


def settle_everywhere(hooks: Iterable[Hooks]) -> None:
    """Replace what the program and its libraries held before there were hooks, in a single pass over all objects."""
    _everywhere.extend(put_everywhere([copy for library in hooks for copy in library.late()]))


def remove_all(hooks: Iterable[Hooks]) -> None:
    """Remove the hooks of several integrations, with a single pass over the other modules."""
    libraries = list(hooks)
    held = [copy.reversed() for library in libraries for copy in library.held() if not copy.is_for_good]
    removed = [copy for library in libraries for copy in library.take_back()]
    _swap(removed)
    put_in_modules(held)
    gone = {id(copy.old) for copy in removed}
    put_everywhere([copy.reversed() for copy in _everywhere if id(copy.new) in gone])
    _everywhere[:] = [copy for copy in _everywhere if id(copy.new) not in gone]


def _first_loading(owners: set[ModuleType]) -> int:
    """The position of the first of these in ``sys.modules``, or of the package around it, if all of them are still
    being loaded: a module that has imported from one of them was loaded by it, and so comes later. 0 if one of them was
    loaded before."""
    are_loading = {loading(owner) for owner in owners}
    if None in are_loading:
        return 0
    names = [*sys.modules.copy()]
    return min((names.index(name) for name in are_loading if name in names), default=0)


def loading(module: ModuleType) -> str | None:
    """The outermost package around a module, or the module itself, that is still being loaded; None if none is."""
    parts = module.__name__.split(".")
    for end in range(1, len(parts) + 1):
        around = sys.modules.get(name := ".".join(parts[:end]))
        if getattr(getattr(around, "__spec__", None), "_initializing", False):
            return name
    return None


def _swap(copies: list[Copy], since: int = 0) -> Counter[int]:
    """Apply replacements: in every module under the original name, in ``__main__`` under any name. Not in ``_io``, by
    whose ``open`` every import reads its file, unless an integration hooks it by name. Returns how often, by the
    ``id()`` of the old."""
    swapped = Counter[int]()
    if not copies:
        return swapped
    by_name: dict[str, list[Copy]] = {}
    for copy in copies:
        by_name.setdefault(copy.name, []).append(copy)
    names = by_name.keys()
    for module in [*sys.modules.copy().values()][since:]:
        if module is _io:
            continue
        if isinstance(module, ModuleType) and not names.isdisjoint((held := vars(module)).keys()):
            for name in held.keys() & names:
                for copy in by_name[name]:
                    if held[name] is copy.old and module is not copy.owner:
                        setattr(module, name, copy.new)
                        swapped[id(copy.old)] += 1
    by_value = {id(copy.old): copy.new for copy in copies}
    main = sys.modules.get("__main__")
    for alias, value in list(vars(main).items()) if main is not None else ():
        replacement = value
        while id(replacement) in by_value:
            replacement = by_value[id(replacement)]
        if replacement is not value:
            setattr(main, alias, replacement)
            swapped[id(value)] += 1
    return swapped


class Integration(ABC):
    """One library that capture can follow. ``identifier`` is its import name."""

    identifier: ClassVar[str]
    submodules: ClassVar[tuple[str, ...]] = ()
    """Dotted names of submodules that the library loads late; ``install_submodule`` is called for each once loaded."""

    def install_submodule(self, hooks: Hooks, module: ModuleType) -> None:  # noqa: B027 - optional
        """Install hooks in a submodule of the library, right after it was loaded."""

    @abstractmethod
    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Install the hooks. Raise ``DidNotEnable`` with a reason if that is not possible."""
