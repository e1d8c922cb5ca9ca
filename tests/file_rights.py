"""Lets tests that run as root meet the rights of files, which bind everybody else."""

from __future__ import annotations

import os
import shutil

import pytest

NO_RIGHTS = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
"""Before a command: root, too, may write only what the rights of files allow."""
needs_rights = pytest.mark.skipif(bool(NO_RIGHTS) and shutil.which("setpriv") is None, reason="root writes anywhere")
"""Of a test that uses ``NO_RIGHTS``: skipped for root where nothing can take its privilege away."""
