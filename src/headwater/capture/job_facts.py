"""Facts about the job that this process runs: script or module, arguments, code, repository and environment.

All of them are determined on the worker's thread. Arguments of the form ``--key value`` become parameters of the run.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.capture.guard import GUARD
from headwater.model.patterns import lazy_pattern

if TYPE_CHECKING:
    from headwater.capture.client import Client

PARENT_VARIABLES = ("HEADWATER_PARENT_RUN", "OPENLINEAGE_PARENT_ID")
_UUID = lazy_pattern(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)


class JobFacts(NamedTuple):
    """Facts about a job that do not come from its recorder: bodies of job and run facets, computed on first use."""

    job_facets: Callable[[], dict[str, Any]] = dict
    run_facets: Callable[[], dict[str, Any]] = dict
    parent: tuple[str, str, str] | None = None
    """Namespace and name of the job, and id of the run, that started this run."""
    is_session: bool = False
    """Whether somebody types what the run does: that counts as it is done, as for a streaming job, whenever and
    however the session ends."""


def facts_of_process(client: Client, script: Path | None = None, argv: Sequence[str] | None = None) -> JobFacts:
    """The facts of this process, whose code is ``script`` (by default the file of ``__main__``)."""
    if script is None:
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        script = Path(file).absolute() if file else None
    arguments = list(sys.argv if argv is None else argv)
    folder = Path.cwd()
    settings = client.config.settings
    names = settings.environment_variables

    def run_facets() -> dict[str, Any]:
        facets: dict[str, Any] = {
            "headwater_process": process_facet(arguments, folder),
            "processing_engine": {"name": "Python", "version": sys.version.partition(" ")[0]},
        }
        if names:
            found = [{"name": name, "value": os.environ[name]} for name in names if name in os.environ]
            facets["environmentVariables"] = {"environmentVariables": found}
        with GUARD.at("facts.code"):
            facets["headwater_code"] = code_facet(script, folder)
        with GUARD.at("facts.environment"):
            facets["headwater_environment"] = environment_facet()
        return facets

    def job_facets() -> dict[str, Any]:
        facets: dict[str, Any] = {}
        with GUARD.at("facts.location"):
            facets |= location_facet(script or folder)
        if settings.source_code and script is not None and script.is_file():
            with GUARD.at("facts.source"):
                facets["sourceCode"] = script_source(script)
        return facets

    is_session = script is None and hasattr(sys, "ps1")  # of the interpreter, IPython or a notebook's kernel
    return JobFacts(job_facets, run_facets, parent_from_environment(), is_session)


def process_facet(argv: Sequence[str], folder: Path) -> dict[str, Any]:
    """The command line and where it ran."""
    return {"argv": list(argv), "working_folder": str(folder), "host": socket.gethostname(), "pid": os.getpid()}


def code_facet(script: Path | None, folder: Path) -> dict[str, Any]:
    """Digests of the script's bytes and of its meaning, and the state of its repository, changes included."""
    import hashlib

    from headwater.capture.code_fingerprints import script_fingerprint
    from headwater.capture.git import repository, working_tree

    facet: dict[str, Any] = {}
    if script is not None and script.is_file():
        fingerprint = script_fingerprint(script)
        facet["path"] = str(script)
        facet["sha256"] = hashlib.sha256(script.read_bytes()).hexdigest()
        facet["source_digest"] = fingerprint.source
        facet["bytecode_digest"] = fingerprint.bytecode
    found = repository(script or folder)
    if found is not None:
        facet["git"] = {"commit": found.commit, "branch": found.branch, "remote": found.remote}
        tree = working_tree(found.root)
        if tree is not None:
            facet["git"] |= {
                "is_dirty": tree.dirty,
                "diff_digest": tree.diff_digest,
                "changed_files": tree.changed,
                "untracked_files": tree.untracked,
            }
    return facet


def script_source(script: Path) -> dict[str, Any]:
    """The current text of a script or notebook, with the digest of its bytes."""
    import hashlib

    from headwater.capture.source_code import source_facet, text_of_file

    raw = script.read_bytes()
    return source_facet(text_of_file(script, raw), hashlib.sha256(raw).hexdigest())


def environment_facet() -> dict[str, Any]:
    """Interpreter, machine and packages."""
    from headwater.capture.environment import environment

    seen = environment()
    return {
        "python": seen.python,
        "implementation": seen.implementation,
        "platform": seen.platform,
        "machine": seen.hardware.machine,
        "cpu_count": seen.hardware.cpu_count,
        "memory_bytes": seen.hardware.memory_bytes,
        "gpus": list(seen.hardware.gpus),
        "sha256": seen.lock_digest,
        "packages": seen.distributions,
        "imported": seen.imported,
        "variables": list(seen.variables),
        "prefix_kind": seen.prefix_kind,
    }


def location_facet(place: Path) -> dict[str, Any]:
    """Where the code is under version control; empty if it is not, or if the repository has no address."""
    from headwater.capture.git import repository

    found = repository(place)
    if found is None or not found.remote:
        return {}
    path = ""
    if place.is_file() and place.resolve().is_relative_to(found.root):
        path = place.resolve().relative_to(found.root).as_posix()
    body = {"type": "git", "url": found.remote, "repoUrl": found.remote, "path": path}
    more = {"version": found.commit, "branch": found.branch}
    return {"sourceCodeLocation": {key: value for key, value in {**body, **more}.items() if value}}


def parent_from_environment() -> tuple[str, str, str] | None:
    """The run that started this process, if its scheduler set a variable to ``namespace/name/run id``."""
    for variable in PARENT_VARIABLES:
        parts = os.environ.get(variable, "").rsplit("/", 2)
        if len(parts) == 3 and parts[0] and _UUID.fullmatch(parts[2]):
            return parts[0], parts[1], parts[2]
    return None


def argument_parameters(arguments: Sequence[str]) -> dict[str, Any]:
    """The parameters among a script's arguments: ``--key value``, ``--key=value``, ``key=value``, ``--flag``."""
    found: dict[str, Any] = {}
    name = ""
    for argument in arguments:
        is_option = argument.startswith("-") and not _is_number(argument) and argument.strip("-") != ""
        if name and is_option:
            found[name] = True
            name = ""
        if is_option or (not name and "=" in argument and argument.partition("=")[0].isidentifier()):
            key, equals, value = argument.lstrip("-").partition("=")
            if equals and key:
                found[key] = _typed(value)
            else:
                name = key
        elif name:
            found[name] = _typed(argument)
            name = ""
    if name:
        found[name] = True
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _typed(text: str) -> Any:
    """The text as a number if it is one, else as it is."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text
