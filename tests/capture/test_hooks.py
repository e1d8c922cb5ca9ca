"""Hooks: the original is called exactly once, its outcome is the caller's, and removal restores what was there."""

from __future__ import annotations

import inspect
import sys
import types

import pytest

from headwater.capture import context
from headwater.capture import hooks as hooking
from headwater.capture.guard import GUARD
from headwater.capture.hooks import Hooks, unobserved
from headwater.capture.recorder import Recorder
from headwater.capture.registry import Registry, State
from headwater.errors import DidNotEnable


class Library:
    """Stands for a library's class: one of each kind of attribute that is hooked."""

    def method(self, x: int, *, y: int = 2) -> int:
        """Document me."""
        return x + y

    def outer(self) -> int:
        """Call another method of the library."""
        return self.method(1)

    @classmethod
    def make(cls) -> Library:
        """Make one."""
        return cls()

    @staticmethod
    def plain(x: int) -> int:
        """Give it back."""
        return x

    @property
    def size(self) -> int:
        """A property."""
        return 7

    def fail(self) -> None:
        """Raise."""
        raise LookupError("the library's own error")


@pytest.fixture
def recorder():
    """A recorder that is current for the test."""
    made = Recorder("00000000-0000-7000-8000-000000000000", "tests", "job")
    token = context.enter(made)
    yield made
    context.leave(token)


@pytest.fixture
def hooks():
    """Hooks that are removed after the test."""
    made = Hooks("library")
    yield made
    made.remove()


def test_each_kind_of_attribute_tells_its_handler(recorder, hooks):
    """Methods, class methods, static methods and properties: arguments and result reach the handler."""
    seen = []
    for name in ("method", "make", "plain"):
        hooks.after(Library, name, lambda rec, result, args, kwargs, name=name: seen.append((name, result, kwargs)))
    hooks.after_property(Library, "size", lambda rec, result, args, kwargs: seen.append(("size", result, kwargs)))
    made = Library.make()
    assert (made.method(1, y=3), Library.plain(4), made.size) == (4, 4, 7)
    assert seen == [("make", made, {}), ("method", 4, {"y": 3}), ("plain", 4, {}), ("size", 7, {})]


def test_only_the_outermost_call_is_recorded(recorder, hooks):
    """A library that calls itself is one operation."""
    seen = []
    for name in ("method", "outer"):
        hooks.after(Library, name, lambda rec, result, args, kwargs, name=name: seen.append(name))
    Library().outer()
    Library().method(1)
    assert seen == ["outer", "method"]


def test_nothing_is_recorded_without_a_run_or_when_unobserved(recorder, hooks):
    """No current recorder, or our own use of the library: the handler is not called."""
    seen = []
    hooks.after(Library, "method", lambda rec, result, args, kwargs: seen.append(result))
    with unobserved():
        Library().method(1)
    token = context.enter(None)
    Library().method(1)
    context.leave(token)
    assert seen == []


class PanicException(BaseException):
    """As libraries written in Rust raise it."""


@pytest.mark.parametrize("fault", [RuntimeError, PanicException])
def test_a_failing_handler_leaves_the_result_alone(recorder, hooks, monkeypatch, fault):
    """Our fault is counted; the caller gets the original's result."""
    monkeypatch.setattr(GUARD, "strict", False)
    monkeypatch.setattr(GUARD, "failures", type(GUARD.failures)())

    def handler(rec, result, args, kwargs):
        raise fault("ours")

    hooks.after(Library, "method", handler)
    hooks.around(Library, "plain", handler, handler)
    assert Library().method(1) == 3
    assert Library.plain(5) == 5
    assert sum(GUARD.failures.values()) == 2


def test_a_signal_during_a_handler_reaches_the_program(recorder, hooks, monkeypatch):
    """Ctrl-C while we look at a result is Ctrl-C."""
    monkeypatch.setattr(GUARD, "strict", False)

    def handler(rec, result, args, kwargs):
        raise KeyboardInterrupt

    hooks.after(Library, "method", handler)
    with pytest.raises(KeyboardInterrupt):
        Library().method(1)


def test_the_originals_error_is_the_callers(recorder, hooks):
    """An exception of the library passes as it is, the handler is not called, and later calls are recorded."""
    seen = []
    hooks.after(Library, "fail", lambda *a: seen.append("fail"))
    hooks.after(Library, "method", lambda *a: seen.append("method"))
    with pytest.raises(LookupError, match="own error"):
        Library().fail()
    Library().method(1)
    assert seen == ["method"]


def test_around_hands_over_what_was_seen_before(recorder, hooks):
    """What a call changes in place can be compared with what was there."""
    seen = []
    hooks.around(list_like := type("ListLike", (list,), {"push": list.append}), "push",
                 lambda rec, args, kwargs: len(args[0]),
                 lambda rec, before, result, args, kwargs: seen.append((before, len(args[0]))))  # fmt: skip
    list_like([1, 2]).push(3)
    assert seen == [(2, 3)]


def test_signature_name_and_doc_are_kept(hooks):
    """A hooked function looks like itself."""
    before = inspect.signature(Library.method)
    hooks.after(Library, "method", lambda *a: None)
    assert inspect.signature(Library.method) == before
    assert Library.method.__name__ == "method"
    assert Library.method.__doc__ == "Document me."


def test_remove_restores_the_very_same_attributes():
    """After removal each attribute is identical to what it was, inherited ones included."""
    sub = type("Sub", (Library,), {})
    before = {name: inspect.getattr_static(Library, name) for name in ("method", "make", "plain", "size")}
    hooks = Hooks("library")
    for name in ("method", "make", "plain"):
        hooks.after(Library, name, lambda *a: None)
    hooks.after_property(Library, "size", lambda *a: None)
    hooks.after(sub, "outer", lambda *a: None)
    assert "outer" in vars(sub)
    hooks.remove()
    assert {name: inspect.getattr_static(Library, name) for name in before} == before
    assert "outer" not in vars(sub)


def test_a_part_is_removed_alone_or_with_the_rest(hooks):
    """The hooks of a part can go before the others; what is left of it goes with them."""
    before = {name: inspect.getattr_static(Library, name) for name in ("method", "make", "plain")}
    first, second = hooks.part(), hooks.part()
    hooks.after(Library, "method", lambda *a: None)
    first.after(Library, "make", lambda *a: None)
    second.after(Library, "plain", lambda *a: None)
    first.remove()
    is_hooked = {name: inspect.getattr_static(Library, name) is not own for name, own in before.items()}
    assert is_hooked == {"method": True, "make": False, "plain": True}
    hooks.remove()
    assert {name: inspect.getattr_static(Library, name) for name in before} == before


def test_what_cannot_be_hooked_says_why(hooks):
    """A missing attribute, a class that takes no attributes: DidNotEnable with the name."""
    with pytest.raises(DidNotEnable, match="gone"):
        hooks.after(Library, "no_such_method", lambda *a: None)
    with pytest.raises(DidNotEnable, match="cannot be hooked"):
        hooks.after(int, "bit_length", lambda *a: None)


def test_names_imported_before_are_replaced_and_restored(recorder, hooks, monkeypatch):
    """``from library import function`` before the hooks came still leads to the hooked function."""
    library, user = types.ModuleType("a_library"), types.ModuleType("a_user")
    exec("def function():\n    return 1", vars(library))
    original = user.function = library.function
    monkeypatch.setitem(sys.modules, "a_library", library)
    monkeypatch.setitem(sys.modules, "a_user", user)
    seen = []
    hooks.after(library, "function", lambda rec, result, args, kwargs: seen.append(result))
    hooks.settle()
    assert user.function() == 1
    assert seen == [1]
    hooks.remove()
    assert user.function is original
    assert library.function is original


def test_a_name_hooked_twice_is_replaced_and_restored_too(recorder, hooks, monkeypatch):
    """Copies follow the last stand-in, in a module under the name and in ``__main__`` under any, and come back."""
    library, user = types.ModuleType("a_library"), types.ModuleType("a_user")
    exec("def function():\n    return 1", vars(library))
    original = user.function = library.function
    monkeypatch.setitem(sys.modules, "a_library", library)
    monkeypatch.setitem(sys.modules, "a_user", user)
    monkeypatch.setattr(sys.modules["__main__"], "renamed", original, raising=False)
    first, second = [], []
    hooks.after(library, "function", lambda rec, result, args, kwargs: first.append(result))
    hooks.after(library, "function", lambda rec, result, args, kwargs: second.append(result))
    hooks.settle()
    assert user.function is library.function
    assert sys.modules["__main__"].renamed is library.function
    assert user.function() == 1
    assert (first, second) == ([], [1])
    hooks.remove()
    assert user.function is original
    assert sys.modules["__main__"].renamed is original


def test_names_of_a_submodule_imported_while_its_package_loads_are_replaced(recorder, tmp_path, monkeypatch):
    """The same for a function of a submodule that is whole when its package, which has loaded it, is hooked."""
    from headwater.capture.imports import when_imported

    package = tmp_path / "hw_package"
    package.mkdir()
    (package / "__init__.py").write_text("from hw_package import sub, inner\n")
    (package / "sub.py").write_text("def function():\n    return 1\n")
    (package / "inner.py").write_text("from hw_package.sub import function\n")
    (tmp_path / "hw_outer.py").write_text("from hw_package.sub import function\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    hooks, seen = Hooks("library"), []

    def install(module):
        hooks.after(module.sub, "function", lambda rec, result, args, kwargs: seen.append(result))
        hooks.settle()

    stop = when_imported("hw_package", install)
    names = ("hw_outer", "hw_package.sub", "hw_package.inner")
    try:
        import hw_outer

        for name in names:
            assert sys.modules[name].function() == 1
        assert seen == [1, 1, 1]
        hooks.remove()
        for name in names:
            assert sys.modules[name].function is hw_outer.function
        hw_outer.function()
        assert seen == [1, 1, 1]
    finally:
        stop()
        for name in (*names, "hw_package"):
            sys.modules.pop(name, None)


def test_a_library_and_its_submodules_take_one_pass_over_the_modules(monkeypatch):
    """What has imported their functions is looked for once, however many submodules a library has."""
    pytest.importorskip("sklearn.datasets")
    pytest.importorskip("sklearn.model_selection")
    passes = []
    swap = hooking._swap
    monkeypatch.setattr(hooking, "_swap", lambda copies, since=0: passes.append(since) or swap(copies, since))
    registry = Registry()
    try:
        registry.install(only=["sklearn"])
        assert registry.statuses["sklearn"].state is State.INSTALLED
        assert len(passes) == 1
    finally:
        registry.remove()


def test_names_imported_while_a_module_loads_are_replaced(recorder, tmp_path, monkeypatch):
    """A module that is hooked as it loads: what it loaded itself, and who loaded it, both have the hooked function."""
    from headwater.capture.imports import when_imported

    (tmp_path / "hw_inner.py").write_text("from hw_owner import function\n")
    (tmp_path / "hw_owner.py").write_text("def function():\n    return 1\n\nimport hw_inner\n")
    (tmp_path / "hw_outer.py").write_text("from hw_owner import function\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    hooks, seen = Hooks("library"), []

    def install(module):
        hooks.after(module, "function", lambda rec, result, args, kwargs: seen.append(result))
        hooks.settle()

    stop = when_imported("hw_owner", install)
    try:
        import hw_outer

        for name in ("hw_outer", "hw_owner", "hw_inner"):
            assert sys.modules[name].function() == 1
        assert seen == [1, 1, 1]
        hooks.remove()
        assert hw_outer.function is sys.modules["hw_owner"].function is sys.modules["hw_inner"].function
        hw_outer.function()
        assert seen == [1, 1, 1]
    finally:
        stop()
        for name in ("hw_outer", "hw_owner", "hw_inner"):
            sys.modules.pop(name, None)


HOLDERS = """
import collections

def measure(): return 1
second_name = measure

def choose(how=measure, *, other=measure): return how, other

class Chooser:
    def __init__(self, how=measure): self.how = how

table = {"how": measure}
by_function = collections.OrderedDict([(len, 0), (measure, 1), (max, 2)])
listed = [measure]
"""


def _held(library) -> list[object]:
    return [
        library.second_name,
        *library.choose(),
        library.Chooser().how,
        library.table["how"],
        list(library.by_function)[1],
        library.listed[0],
    ]


def test_what_a_module_holds_of_its_functions_is_what_stands_in_for_them(hooks, monkeypatch):
    """Defaults of parameters, items of dictionaries and lists and second names of a function are what is found under
    its name, so that they can be pickled; removal restores them all."""
    library = types.ModuleType("library_with_holders")
    monkeypatch.setitem(sys.modules, library.__name__, library)
    exec(HOLDERS, vars(library))
    original = library.measure
    for name in ("choose", "measure"):
        hooks.after(library, name, lambda *args: None)
    hooks.settle()
    assert library.measure is not original
    assert all(item is library.measure for item in _held(library))
    assert list(library.by_function.values()) == [0, 1, 2]
    hooks.remove()
    assert library.measure is original
    assert all(item is original for item in _held(library))


def test_what_anybody_held_before_is_what_stands_in_for_it(hooks, monkeypatch):
    """Objects, dictionaries and parameters anywhere that hold a function since before the hooks hold its stand-in as
    long as there are hooks."""
    library = types.ModuleType("library_held_elsewhere")
    monkeypatch.setitem(sys.modules, library.__name__, library)
    exec(HOLDERS, vars(library))
    original = library.measure
    chooser, table, listed = library.Chooser(), {"how": original}, [original]

    def choose(how=original):
        return how

    def held() -> list[object]:
        return [chooser.how, table["how"], listed[0], choose()]

    hooks.after(library, "measure", lambda *args: None)
    hooks.settle()
    hooking.settle_everywhere([hooks])
    assert all(item is library.measure is not original for item in held())
    hooks.remove()
    assert all(item is original for item in held())
