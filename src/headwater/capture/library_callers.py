"""Tells whether a call that reads or writes a file is the user's doing, or a library's own business (a cache)."""

from __future__ import annotations

import sys
from typing import Any, Final

_BETWEEN: Final = frozenset({"pathlib", "io", "codecs", "gzip", "bz2", "lzma", "_compression", "tarfile", "zipfile"})
"""Modules of the standard library that open files for their caller."""
_OPEN_OF_IPYTHON: Final = "_modified_open"
"""The name of the function that IPython puts in place of ``open``."""
_STAND_INS: Final = (
    "headwater.capture.integrations.files",
    "headwater.capture.hooks",
    "headwater.capture.wrapper_frames",
)
_OWN_BUSINESS: Final = frozenset(
    (
        "headwater",
        "importlib",
        "linecache",
        "tokenize",
        "logging",
        "traceback",
        "inspect",
        "warnings",
        "runpy",
        "pkgutil",
        "site",
        "sysconfig",
        "platform",
        "zoneinfo",
        "mimetypes",
        "ssl",
        "subprocess",
        "multiprocessing",
        "tempfile",
        "netrc",
        "imp",
        "pdb",
        "doctest",
        "unittest",
        "pytest",
        "_pytest",
        "coverage",
        "IPython",
        "ipykernel",
        "matplotlib",
        "numba",
        "setuptools",
        "pkg_resources",
        "distutils",
        "ctypes",
    )
)
"""Modules that open files for themselves, which is not part of the user's data flow."""


def is_users_doing(depth: int = 1) -> bool:
    """Whether the call ``depth`` frames up comes from the user's code, or from a library on its behalf."""
    frame: Any = sys._getframe(depth)
    for _ in range(16):
        if frame is None:
            return False
        name = frame.f_globals.get("__name__") or ""
        root = name.partition(".")[0]
        if name in _STAND_INS or root in _BETWEEN or frame.f_code.co_name == _OPEN_OF_IPYTHON:
            frame = frame.f_back
            continue
        return root not in _OWN_BUSINESS
    return False
