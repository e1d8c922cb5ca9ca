"""The environment of a run."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
import types
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.capture.environment import distributions, environment, hardware, imported_packages, lock_digest


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def test_distributions_agree_with_the_standard_librarys_slow_way() -> None:
    """Names and versions of everything installed."""
    slow: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        slow.setdefault(_normal(distribution.metadata["Name"]), distribution.version)
    assert distributions() == slow


def test_the_first_on_the_path_counts_and_odd_names_do_not(tmp_path: Path) -> None:
    """As for imports; what is no metadata is passed over, absent folders too."""
    for folder, names in {
        "one": ["My.Pkg-1.0.dist-info", "old_style-2.0-py3.11.egg-info", "noversion.dist-info", "readme-info"],
        "two": ["my_pkg-2.0.dist-info", "other-3.0+local.1.dist-info"],
    }.items():
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
    found = distributions([str(tmp_path / "one"), str(tmp_path / "absent"), str(tmp_path / "two")])
    assert found == {"my-pkg": "1.0", "old-style": "2.0", "other": "3.0+local.1"}


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["1", "2"]), min_size=1), st.randoms())
def test_lock_digest_depends_on_the_set_alone(installed: dict[str, str], random: object) -> None:
    """Not on the order or spelling; a version or a package more is another lock."""
    items = list(installed.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert lock_digest(dict(items)) == lock_digest({name.upper(): version for name, version in installed.items()})
    assert lock_digest(installed | {"a": "3"}) != lock_digest(installed)
    assert lock_digest(installed | {"e": "1"}) != lock_digest(installed)


def test_environment_of_this_process() -> None:
    """Facts agree with the interpreter's own, and the whole can be written as JSON."""
    found = environment()
    assert (found.python, found.implementation) == (platform.python_version(), platform.python_implementation())
    assert found.imported["msgspec"] == msgspec.__version__
    assert found.imported["pytest"] == pytest.__version__
    assert not {"sys", "os", "json", "headwater", "msgspec.json"} & found.imported.keys()
    assert found.hardware.cpu_count is not None and found.hardware.cpu_count >= 1
    assert found.hardware.memory_bytes is None or found.hardware.memory_bytes > 1 << 20
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_variables_are_names_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that change results are named; neither a value nor an unrelated name leaves the process."""
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "MY_PASSWORD", "LANGUAGETOOL_KEY"):
        monkeypatch.setenv(name, "canary-4711")
    found = environment()
    assert {"OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED"} <= set(found.variables)
    assert not {"MY_PASSWORD", "LANGUAGETOOL_KEY"} & set(found.variables)
    assert b"canary-4711" not in msgspec.json.encode(found)


def test_strange_modules_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """None in ``sys.modules``, and modules whose attributes raise, are passed over without being asked."""

    class Raising(types.ModuleType):
        """A lazy module that cannot load."""

        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "blocked_module", None)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "raising_module", Raising("raising_module"))
    assert not {"blocked_module", "raising_module"} & imported_packages().keys()


def test_gpus_are_named_only_where_cuda_runs_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking torch would start CUDA: it is asked only after the user has started it."""

    class Cuda:
        """What torch offers, and what starts CUDA."""

        started = False

        def is_available(self) -> bool:
            """There is a device."""
            return True

        def is_initialized(self) -> bool:
            """Whether the user has used it."""
            return self.started

        def device_count(self) -> int:
            """One device."""
            assert self.started
            return 1

        def get_device_name(self, at: int) -> str:
            """Its name."""
            assert self.started
            return f"GPU {at}"

    torch = types.ModuleType("torch")
    torch.cuda = Cuda()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert hardware().gpus == ()
    torch.cuda.started = True
    assert hardware().gpus == ("GPU 0",)


def test_these_modules_import_the_standard_library_and_msgspec_alone() -> None:
    """Neither do they drag in what takes long to import."""
    code = (
        "import sys, msgspec, headwater.capture\n"
        "before = set(sys.modules)\n"
        "import headwater.capture.code_fingerprints, headwater.capture.git, headwater.capture.environment\n"
        "import headwater.model.fingerprints\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} - sys.stdlib_module_names - {'__main__'}))\n"
        "print([m for m in ('inspect', 'ast', 'subprocess', 'tokenize') if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-S", "-c", PATHS + code], capture_output=True, text=True, check=True)
    packages, slow = done.stdout.splitlines()
    assert set(eval(packages)) - {"site"} <= {"headwater", "msgspec", "typing_extensions"}
    assert slow == "[]"


PATHS = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n"


def test_modules_that_other_threads_import_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loaded packages are listed while other threads load more: the table of modules is read in one step, and never
    gone through while it changes."""

    class Growing(dict):  # type: ignore[type-arg]
        """A table that gets another module whenever it is gone through."""

        def items(self):  # type: ignore[no-untyped-def]
            for name, module in super().items():
                self[f"late_{len(self)}"] = module
                yield name, module

    monkeypatch.setattr(sys, "modules", Growing(sys.modules))
    assert "pytest" in imported_packages()
