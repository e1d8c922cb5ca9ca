"""Post-import hooks and the registry: nothing is imported to be hooked, and nothing breaks an import."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
import zipfile
from types import ModuleType

import pytest

from headwater.capture.guard import Guard
from headwater.capture.hooks import Hooks, Integration
from headwater.capture.imports import ImportHooks
from headwater.capture.registry import INTEGRATIONS, Registry, State, check_names, load_integration, too_old
from headwater.errors import ConfigError


@pytest.fixture
def hooks(tmp_path, monkeypatch):
    """Import hooks of its own, over a folder of modules that are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    found = ImportHooks()
    yield found
    if found in sys.meta_path:
        sys.meta_path.remove(found)
    for name in set(sys.modules) - before:
        if name.startswith("hwt_"):
            del sys.modules[name]


def test_the_callback_runs_once_after_the_module_is_whole(hooks, tmp_path):
    """It sees the finished module; importing again does not call it again; the finder takes itself away."""
    (tmp_path / "hwt_a.py").write_text("x = 1\ny = x + 1\n")
    seen: list[int] = []
    hooks.when_imported("hwt_a", lambda module: seen.append(module.y))
    assert "hwt_a" not in sys.modules
    module = importlib.import_module("hwt_a")
    importlib.import_module("hwt_a")
    assert seen == [2]
    assert hooks not in sys.meta_path
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"
    assert "exec_module" not in vars(module.__spec__.loader)
    importlib.reload(module)
    assert seen == [2]


def test_a_module_that_is_there_already_is_served_at_once(hooks):
    """No import happens, and none is needed."""
    seen: list[ModuleType] = []
    hooks.when_imported("json", seen.append)
    assert [module.__name__ for module in seen] == ["json"]


def test_an_interrupted_callback_leaves_the_collector_on(hooks, tmp_path):
    """Ctrl-C while hooks are installed reaches the program, whose garbage is collected as before."""
    (tmp_path / "hwt_c.py").write_text("x = 1\n")

    def interrupted(_module):
        raise KeyboardInterrupt

    hooks.when_imported("hwt_c", interrupted)
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module("hwt_c")
    was_on = gc.isenabled()
    gc.enable()
    assert was_on


def test_a_failed_import_keeps_waiting(hooks, tmp_path):
    """A module that raises is not served; when a later import works, it is."""
    path = tmp_path / "hwt_b.py"
    path.write_text("raise ValueError('not yet')")
    seen: list[str] = []
    hooks.when_imported("hwt_b", lambda module: seen.append(module.__name__))
    with pytest.raises(ValueError, match="not yet"):
        importlib.import_module("hwt_b")
    assert seen == []
    path.write_text("value = 1")
    importlib.invalidate_caches()
    importlib.import_module("hwt_b")
    assert seen == ["hwt_b"]


def test_submodules_and_modules_that_import_each_other(hooks, tmp_path):
    """A trigger may be a submodule; packages are served after their own code, inner modules before outer ones."""
    package = tmp_path / "hwt_p"
    package.mkdir()
    (package / "__init__.py").write_text("from hwt_p import sub\ndone = True\n")
    (package / "sub.py").write_text("import hwt_p\ninner = True\n")
    seen: list[tuple[str, bool]] = []
    hooks.when_imported("hwt_p", lambda module: seen.append(("hwt_p", module.done)))
    hooks.when_imported("hwt_p.sub", lambda module: seen.append(("hwt_p.sub", module.inner)))
    importlib.import_module("hwt_p")
    assert seen == [("hwt_p.sub", True), ("hwt_p", True)]


def test_a_removed_callback_is_not_called(hooks, tmp_path):
    """The removal that ``when_imported`` returns takes it back, and the finder with the last one."""
    (tmp_path / "hwt_c.py").write_text("")
    seen: list[ModuleType] = []
    hooks.when_imported("hwt_c", seen.append)()
    importlib.import_module("hwt_c")
    assert seen == []
    assert hooks not in sys.meta_path


def test_modules_in_zip_files_are_served(hooks, tmp_path, monkeypatch):
    """A loader that serves many modules is stood before, and put back."""
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("hwt_z.py", "x = 5")
    monkeypatch.syspath_prepend(str(tmp_path / "z.zip"))
    seen: list[int] = []
    hooks.when_imported("hwt_z", lambda module: seen.append(module.x))
    module = importlib.import_module("hwt_z")
    assert seen == [5]
    assert type(module.__loader__).__name__ == "zipimporter"
    assert type(module.__spec__.loader).__name__ == "zipimporter"


def test_threads_that_import_at_once_cause_one_call(hooks, tmp_path):
    """Ten threads import the same module: one callback."""
    (tmp_path / "hwt_t.py").write_text("import time\ntime.sleep(0.05)\n")
    seen: list[str] = []
    hooks.when_imported("hwt_t", lambda module: seen.append(module.__name__))
    threads = [threading.Thread(target=importlib.import_module, args=("hwt_t",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["hwt_t"]


def test_an_error_in_a_callback_does_not_break_the_import(hooks, tmp_path, monkeypatch):
    """The import succeeds; the guard has the error."""
    guard = Guard(strict=False)
    monkeypatch.setattr("headwater.capture.imports.GUARD", guard)
    (tmp_path / "hwt_e.py").write_text("x = 1")

    def fail(module: ModuleType) -> None:
        raise RuntimeError("ours")

    hooks.when_imported("hwt_e", fail)
    assert importlib.import_module("hwt_e").x == 1
    assert guard.first == {"import of hwt_e": "RuntimeError: ours"}


def test_every_integration_of_the_table_exists_and_says_its_name():
    """Each name in the table has its file, with exactly the trigger that the table says."""
    for name in INTEGRATIONS:
        integration = load_integration(name)
        assert isinstance(integration, Integration)


@pytest.mark.parametrize(
    ("raises", "state", "words"),
    [
        (AttributeError("gone"), State.BROKEN, "gone"),
        (None, State.INSTALLED, "1.2"),
    ],
)
def test_an_integration_that_breaks_is_taken_out_whole(monkeypatch, raises, state, words):
    """An error in the middle of an installation undoes what was done, and the reason is kept."""
    guard = Guard(strict=False)
    monkeypatch.setattr("headwater.capture.registry.GUARD", guard)
    module = ModuleType("hwt_lib")
    module.__version__ = "1.2"
    module.function = original = lambda: 1

    class Half(Integration):
        identifier = "hwt_lib"

        def install(self, hooks: Hooks, module: ModuleType) -> None:
            hooks.after(module, "function", lambda *_: None)
            if raises is not None:
                raise raises

    monkeypatch.setattr("headwater.capture.registry.INTEGRATIONS", {"half": "hwt_lib"})
    monkeypatch.setattr("headwater.capture.registry.load_integration", lambda name: Half())
    monkeypatch.setitem(sys.modules, "hwt_lib", module)
    registry = Registry()
    registry.install()
    status = registry.statuses["half"]
    assert status.state is state
    assert words in status.reason
    assert (module.function is original) is (state is State.BROKEN)
    registry.remove()
    assert module.function is original


def test_a_version_that_is_too_old_is_off_with_the_reason(monkeypatch):
    """The reason names both versions."""
    module = ModuleType("hwt_old")
    module.__version__ = "0.9.1"

    class Modern(Integration):
        identifier = "hwt_old"

        def install(self, hooks: Hooks, module: ModuleType) -> None:
            raise AssertionError("must not be reached")

    monkeypatch.setattr("headwater.capture.registry.INTEGRATIONS", {"old": "hwt_old"})
    monkeypatch.setattr("headwater.capture.registry.OLDEST", {"old": (1, 2)})
    monkeypatch.setattr("headwater.capture.registry.load_integration", lambda name: Modern())
    monkeypatch.setitem(sys.modules, "hwt_old", module)
    registry = Registry()
    registry.install()
    assert registry.statuses["old"].state is State.OFF
    assert "0.9.1 is older than 1.2" in registry.statuses["old"].reason


@pytest.mark.parametrize(
    ("version", "is_old"), [("1.1.9", True), ("0.9", True), ("1.2", False), ("1.2rc1", False), ("1", False)]
)
def test_a_version_is_too_old_only_if_that_is_clear(monkeypatch, version, is_old):
    """What a version does not say in numbers is no reason to switch an integration off."""
    monkeypatch.setattr("headwater.capture.registry.OLDEST", {"numpy": (1, 2)})
    assert bool(too_old("numpy", version)) is is_old


def test_only_and_without(monkeypatch):
    """Integrations that are not wanted are off, and say so."""
    monkeypatch.setattr("headwater.capture.registry.INTEGRATIONS", {"a": "hwt_no_a", "b": "hwt_no_b"})
    registry = Registry()
    registry.install(without=["a"])
    assert registry.statuses["a"].state is State.OFF
    assert registry.statuses["b"].state is State.WAITING
    registry.remove()
    registry.install(only=["a"])
    assert registry.statuses["b"].state is State.OFF
    registry.remove()


def test_unknown_integrations_are_refused_with_near_ones():
    """A misspelt name in a setting names the near one."""
    with pytest.raises(ConfigError, match="pandas"):
        check_names(["panda"], setting="integrations")


def test_a_folder_with_a_librarys_name_is_not_the_library(tmp_path, monkeypatch):
    """A project may have a folder called like a library that is not installed: its integration stays off, quietly."""
    import sys
    import types

    from headwater.capture.registry import Registry, State

    folder = types.ModuleType("psycopg")
    folder.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "psycopg", folder)
    registry = Registry()
    registry.install(only=["psycopg"])
    try:
        assert registry.statuses["psycopg"].state is State.OFF
        assert "folder" in registry.statuses["psycopg"].reason
    finally:
        registry.remove()
