"""Functions of a library that are held elsewhere than in modules under their name: as the default of a parameter, by an
object, in a dictionary or list, under a second name of their module.

A pickle refers to a function by its name, and is refused if another object is found there: ``SelectKBest`` has
``f_classif`` as the default of a parameter, a scorer keeps its metric. So what holds the original gets what stands in
for it. While a library is being loaded, its own module is the only place to look at. Later, nothing tells who holds a
function, so everything that the garbage collector knows is gone through, once, for functions with more references than
modules explain.
"""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from types import BuiltinFunctionType, CellType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

_DICTS: Final = (dict, defaultdict, OrderedDict)
_PASSED_OVER: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, CellType, FrameType)
"""What refers to a function by being part of a wrapper or of running code, or is changed in the module's own way."""
_OF_WRAPPERS: Final = "__wrapped__"


class Copy(NamedTuple):
    """Replacement elsewhere than in ``owner``: where others hold ``old``, modules under its name, they get ``new``."""

    name: str
    old: Any
    new: Any
    owner: ModuleType
    is_for_good: bool = False
    others: int = 0
    """How many references to ``old`` there were besides that of ``owner``."""

    def reversed(self) -> Copy:
        """The replacement that undoes this one."""
        return self._replace(old=self.new, new=self.old)


def references(owner: ModuleType, name: str) -> int:
    """How many references there are to what a module has under a name, other than its own."""
    return sys.getrefcount(getattr(owner, name, None)) - 2


def put_in_modules(copies: Iterable[Copy]) -> None:
    """Let what their own modules define hold the new functions where it holds the old."""
    news: dict[ModuleType, dict[int, Any]] = {}
    for copy in copies:
        news.setdefault(copy.owner, {})[id(copy.old)] = copy.new
    for owner, functions in news.items():
        _put_in_module(owner, functions)


def _put_in_module(owner: ModuleType, news: dict[int, Any]) -> None:
    for item in list(vars(owner).values()):
        if isinstance(item, FunctionType):
            _put_in_all_defaults(item, news)
        elif isinstance(item, type) and item.__module__ == owner.__name__:
            for method in vars(item).values():
                _put_in_all_defaults(method, news)
        elif type(item) in _DICTS and not _is_namespace(item):
            _put_in_names(item, news)
        elif type(item) is list:
            _put_in_list(item, news)


def put_everywhere(copies: Sequence[Copy]) -> list[Copy]:
    """Let everything that holds an old function hold the new. Returns those that were held."""
    if not copies:
        return []
    olds = tuple(copy.old for copy in copies)
    news = _Used({id(copy.old): copy.new for copy in copies})
    tuples: list[tuple[Any, ...]] = []
    for holder in gc.get_referrers(*olds):
        if holder is olds or isinstance(holder, _PASSED_OVER):
            continue
        if type(holder) is tuple:
            tuples.append(holder)
        elif type(holder) is list:
            _put_in_list(holder, news)
        elif isinstance(names := _names_of(holder), dict):
            _put_in_names(names, news)
    for function in _functions_with(tuples):
        _put_in_defaults(function, news)
    return [copy for copy in copies if id(copy.old) in news.used]


class _Used(dict[int, Any]):
    """New functions by the ``id()`` of the old, and which were used."""

    def __init__(self, news: dict[int, Any]) -> None:
        super().__init__(news)
        self.used: set[int] = set()

    def get(self, key: int, default: Any = None) -> Any:
        """The new function, or the default."""
        if key in self:
            self.used.add(key)
        return super().get(key, default)


def _functions_with(defaults: list[tuple[Any, ...]]) -> Iterable[FunctionType]:
    """The functions that have one of these tuples as the defaults of their parameters."""
    known = {id(one) for one in defaults}
    for found in gc.get_referrers(*defaults) if defaults else ():
        if isinstance(found, FunctionType) and id(found.__defaults__) in known:
            yield found


def _names_of(holder: Any) -> Any:
    """The names that an object has, or the items of a dictionary, unless it is that of a module or class."""
    if type(holder) in _DICTS:
        return None if _is_namespace(holder) else holder
    if isinstance(holder, tuple | set | frozenset | dict):
        return None
    try:
        return object.__getattribute__(holder, "__dict__")
    except AttributeError:
        return None


def _is_namespace(names: dict[Any, Any]) -> bool:
    return "__module__" in names or "__builtins__" in names or "__spec__" in names


def _put_in_list(items: list[Any], news: dict[int, Any]) -> None:
    for place, item in enumerate(items):
        if id(item) in news:
            items[place] = news.get(id(item), item)


def _put_in_names(names: dict[Any, Any], news: dict[int, Any]) -> None:
    for name, value in list(names.items()):
        if id(value) in news and name != _OF_WRAPPERS:
            names[name] = news.get(id(value), value)
    if any(id(name) in news for name in names):
        items = [(news.get(id(name), name), value) for name, value in names.items()]
        names.clear()
        names.update(items)


def _put_in_all_defaults(function: Any, news: dict[int, Any]) -> None:
    """Change the defaults of a function, and of those that it wraps: others may have hooks, too."""
    while isinstance(function, FunctionType):
        _put_in_defaults(function, news)
        function = getattr(function, _OF_WRAPPERS, None)


def _put_in_defaults(function: FunctionType, news: dict[int, Any]) -> None:
    if any(id(item) in news for item in function.__defaults__ or ()):
        defaults = function.__defaults__ or ()
        function.__defaults__ = tuple(news.get(id(item), item) for item in defaults)
    if function.__kwdefaults__:
        _put_in_names(function.__kwdefaults__, news)
