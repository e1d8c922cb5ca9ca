"""Lets tests that run as root meet the rights of files, which bind everybody else."""

from __future__ import annotations

import os
import shutil

import pytest

_PAST_RIGHTS = "-dac_override,-dac_read_search"
NO_RIGHTS = ["setpriv", f"--bounding-set={_PAST_RIGHTS}", f"--inh-caps={_PAST_RIGHTS}"] if os.geteuid() == 0 else []
"""Before a command: root, too, may read and write only what the rights of files allow."""
needs_rights = pytest.mark.skipif(bool(NO_RIGHTS) and shutil.which("setpriv") is None, reason="root writes anywhere")
"""Of a test that uses ``NO_RIGHTS``: skipped for root where nothing can take its privilege away."""
