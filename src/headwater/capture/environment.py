"""The environment of a run: interpreter, machine, installed and imported packages, names of settings.

Everything is read from the file system and from loaded modules; no package is imported and no package metadata is
parsed. Only the names of environment variables are read, never their values.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from importlib import machinery
from pathlib import Path

from msgspec import Struct

from headwater.model.patterns import lazy_pattern

_INFO = lazy_pattern(r"(?P<name>.+?)-(?P<version>[^-]+?)(-py\d[\d.]*)?\.(dist|egg)-info\Z")
_RELEVANT = lazy_pattern(
    r"(CUDA|NVIDIA|HIP|ROCR|OMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR|POLARS|ARROW|PYTHON[A-Z]*|CONDA|VIRTUAL_ENV|SLURM|RAY|SPARK|"
    r"AIRFLOW|DAGSTER|PREFECT|MLFLOW|WANDB|HF|TRANSFORMERS|TORCH|PYTORCH|XLA|JAX|TF|KERAS|TOKENIZERS|NCCL|OPENLINEAGE|"
    r"HEADWATER|KUBERNETES|CI|GITHUB_ACTIONS|GITLAB_CI|TZ|LANG|LC)(_|\Z)"
)


class Hardware(Struct, frozen=True, kw_only=True):
    """The machine. ``cpu_count`` counts the CPUs that this process may use; ``memory_bytes`` respects a container's
    limit."""

    machine: str
    cpu_count: int | None
    memory_bytes: int | None
    gpus: tuple[str, ...] = ()


class Environment(Struct, frozen=True, kw_only=True):
    """The environment of a run.

    ``distributions`` maps normalised names to versions, ``imported`` the loaded top-level packages to their versions
    ("" if unknown). ``lock_digest`` is the SHA-256 over the sorted ``name==version`` lines: two runs with the same
    digest had the same packages.
    """

    python: str
    implementation: str
    platform: str
    hardware: Hardware
    lock_digest: str
    distributions: dict[str, str]
    imported: dict[str, str]
    variables: tuple[str, ...]
    prefix_kind: str


def environment() -> Environment:
    """Examine the environment. Takes a few milliseconds; what cannot be read is left out."""
    installed = distributions()
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=f"{platform.system()}-{platform.release()}-{platform.machine()}",
        hardware=hardware(),
        lock_digest=lock_digest(installed),
        distributions=installed,
        imported=imported_packages(installed),
        variables=variable_names(),
        prefix_kind=_prefix_kind(),
    )


def distributions(paths: Iterable[str] | None = None) -> dict[str, str]:
    """Installed distributions by normalised name, from the names of their metadata folders on ``sys.path``.

    The first one on the path counts, as for imports. Editable installs have such a folder, too.
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys(sys.path if paths is None else paths):
        try:
            with os.scandir(path or ".") as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith("-info"))
        except OSError:
            continue
        for name in names:
            match = _INFO.match(name)
            if match:
                found.setdefault(_normal(match["name"]), match["version"])
    return dict(sorted(found.items()))


def lock_digest(installed: Mapping[str, str]) -> str:
    """SHA-256 over the sorted ``name==version`` lines."""
    lines = sorted(f"{_normal(name)}=={version}\n" for name, version in installed.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def imported_packages(installed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Loaded top-level packages that are neither Python's own nor the user's modules, with their versions.

    A version is the module's ``__version__`` or that of the distribution of the same name, else "".
    """
    known = distributions() if installed is None else installed
    found: dict[str, str] = {}
    for name, module in sys.modules.copy().items():  # one step: other threads may import meanwhile
        if "." in name or name.startswith("_") or name in sys.stdlib_module_names or name == "headwater":
            continue
        # Reading the dictionary triggers no lazy attribute of the module.
        fields = getattr(module, "__dict__", {})
        spec = fields.get("__spec__")
        if not isinstance(spec, machinery.ModuleSpec) or not _is_installed(spec):
            continue
        version = fields.get("__version__")
        found[name] = version if isinstance(version, str) else known.get(_normal(name), "")
    return dict(sorted(found.items()))


def variable_names() -> tuple[str, ...]:
    """Names, never values, of environment variables known to change results or to describe the scheduler."""
    return tuple(sorted(name for name in os.environ if _RELEVANT.match(name)))


def hardware() -> Hardware:
    """The machine, with the names of GPUs only if torch is loaded and has already started CUDA."""
    return Hardware(
        machine=platform.machine(), cpu_count=_cpu_count(), memory_bytes=_memory_bytes(), gpus=tuple(_gpu_names())
    )


def _normal(name: str) -> str:
    """The name in the normal form by which package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_installed(spec: machinery.ModuleSpec) -> bool:
    """Whether a module comes from an installed package."""
    places = [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any("site-packages" in place or "dist-packages" in place for place in places)


def _prefix_kind() -> str:
    if os.environ.get("CONDA_PREFIX") == sys.prefix:
        return "conda"
    return "venv" if sys.prefix != sys.base_prefix else "system"


def _cpu_count() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_bytes() -> int | None:
    """Memory of the machine, or the limit of the control group if that is lower."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text.isdigit():
            return min(total, int(text))
    return total


def _gpu_names() -> list[str]:
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    # Asking for a device starts CUDA, which takes seconds and memory: look only if the user has done so.
    if cuda is None or not cuda.is_available() or not cuda.is_initialized():
        return []
    return [str(cuda.get_device_name(at)) for at in range(cuda.device_count())]
