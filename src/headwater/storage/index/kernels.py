"""The contract of walk kernels, and the choice between them."""

from __future__ import annotations

import importlib
import os
from typing import Protocol

import numpy as np
import numpy.typing as npt

from headwater.errors import ConfigError
from headwater.storage.index.csr import Adjacency
from headwater.storage.index.edge_source import U8, U32, U64
from headwater.storage.index.mappings import MappingTable, Trail
from headwater.storage.index.walk_request import Layers, Question


class Kernel(Protocol):
    """One implementation of the walks. All of them give the same answers."""

    name: str

    def closure(self, graph: Adjacency, question: Question, kinds: U8) -> tuple[U32, U64]:
        """Everything reached from the roots, roots included, ascending, and how many of each of the 256 kinds.

        Supports neither depth nor budget. ``kinds`` holds the kind of each node.
        """

    def layers(self, graph: Adjacency, question: Question) -> Layers:
        """The nodes reached, nearest first; a budget keeps the nearest."""

    def count_kinds(self, ids: U32, kinds: U8) -> U64:
        """How many of the ids are of each of the 256 kinds."""

    def order_by(self, keys: U32, limit: int) -> npt.NDArray[np.unsignedinteger]:
        """The stable order of keys below ``limit``."""

    def trail(
        self,
        walked: Adjacency,
        question: Question,
        masks: dict[int, int],
        mappings: MappingTable,
        *,
        is_upstream: bool,
    ) -> Trail:
        """Field masks carried from the roots' ``masks`` along the edges of ``walked``."""


NAMES = ("compiled", "numpy", "python")


CONTRACT = 5
"""Version of the extension's functions, so that one built from older source is not called."""


def has_compiled() -> bool:
    """Whether the compiled kernel was built, and from this source."""
    try:
        extension = importlib.import_module("headwater.storage.index._kernel")
    except ImportError:
        return False
    return getattr(extension, "CONTRACT", 0) == CONTRACT


def choose(name: str | None = None) -> Kernel:
    """The kernel of that name, or the one in ``HEADWATER_KERNEL``, or else the fastest available.

    Raises ConfigError for an unknown name, and for ``compiled`` if the extension was not built.
    """
    name = name or os.environ.get("HEADWATER_KERNEL") or ("compiled" if has_compiled() else "numpy")
    if name == "compiled":
        if not has_compiled():
            raise ConfigError(
                "the compiled walk kernel is not installed", hint="set HEADWATER_KERNEL=numpy, or reinstall with cc"
            )
        compiled: Kernel = importlib.import_module("headwater.storage.index.kernel_compiled").CompiledKernel()
        return compiled
    if name == "numpy":
        from headwater.storage.index.kernel_numpy import NumpyKernel

        return NumpyKernel()
    if name == "python":
        from headwater.storage.index.kernel_python import PythonKernel

        return PythonKernel()
    raise ConfigError(f"HEADWATER_KERNEL={name}: no such walk kernel", hint="one of " + ", ".join(NAMES))
