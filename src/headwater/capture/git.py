"""The repository state of a piece of code, without running git if possible.

``repository`` reads a few small files (well under a millisecond) and starts no process. ``working_tree`` asks git what
is not committed, with a time limit; call it off the user's thread. Neither fails: outside a repository, or without
git, the answer is None.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from headwater.model.patterns import lazy_pattern

_COMMIT = lazy_pattern(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_DEEPEST_REFERENCE = 5
_LARGEST_FILE_BYTES = 16 << 20
_MANY_FILES = 1000
DEFAULT_TIMEOUT_S = 5.0


class Repository(Struct, frozen=True, kw_only=True):
    """The state of a repository: ``root`` is its top folder.

    ``branch`` is None if the head is detached, ``commit`` is None before the first commit. ``remote`` never contains a
    user name or password.
    """

    root: str
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None


class WorkingTree(Struct, frozen=True, kw_only=True):
    """What is not committed: ``diff_digest`` is the SHA-256 over the diff and the untracked files, None if clean.

    ``changed`` and ``untracked`` count files. ``diff`` is the text of the diff, if it was asked for.
    """

    dirty: bool
    changed: int = 0
    untracked: int = 0
    diff_digest: str | None = None
    diff: str | None = None


def repository(path: str | os.PathLike[str] | None = None) -> Repository | None:
    """The repository around a file or folder (the current folder by default), or None."""
    try:
        found = _find(Path(path) if path is not None else Path.cwd())
        if found is None:
            return None
        root, folder = found
        common = _common_folder(folder)
        commit, branch = _head(folder, common)
        return Repository(root=str(root), commit=commit, branch=branch, remote=_remote(common / "config", branch))
    except (OSError, ValueError):
        return None


def working_tree(
    root: str | os.PathLike[str], *, timeout_s: float = DEFAULT_TIMEOUT_S, text: bool = False
) -> WorkingTree | None:
    """What is not committed under ``root``, or None if git is missing, fails or takes longer than ``timeout_s``.

    Git is told to take no locks, to run no hooks, helpers or pagers, and to ask for nothing.
    """
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", timeout_s=timeout_s)
    if status is None:
        return None
    changed, untracked = _entries(status)
    if not changed and not untracked:
        return WorkingTree(dirty=False)
    diff = b""
    if changed:
        options = ("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--full-index")
        # Before the first commit there is no HEAD: only the index can be compared.
        made = _git(root, "diff", "HEAD", *options, timeout_s=timeout_s)
        found = made if made is not None else _git(root, "diff", "--cached", *options, timeout_s=timeout_s)
        if found is None:
            return None
        diff = found
    return WorkingTree(
        dirty=True,
        changed=changed,
        untracked=len(untracked),
        diff_digest=_diff_digest(Path(root), diff, untracked),
        diff=diff.decode("utf-8", "replace") if text else None,
    )


def without_credentials(url: str) -> str:
    """A remote's address without user name, password, query and fragment. In ``git@host:path``, ``git`` is kept."""
    if "://" not in url:
        user, at, rest = url.partition("@")
        if at and ":" in rest and "/" not in user:
            return f"git@{rest}" if user == "git" else rest
        return url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if ":" in host:
            host = f"[{host}]"
        if parts.port is not None:
            host = f"{host}:{parts.port}"
    except ValueError:
        # An address that cannot be parsed may hide anything.
        return url.partition("://")[0] + "://"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _find(start: Path) -> tuple[Path, Path] | None:
    """Top folder and git folder: from ``GIT_DIR``, else from the nearest ``.git`` upwards."""
    named = os.environ.get("GIT_DIR")
    if named:
        folder = Path(named).absolute()
        tree = os.environ.get("GIT_WORK_TREE")
        return (Path(tree).absolute() if tree else Path.cwd(), folder) if (folder / "HEAD").is_file() else None
    start = start.absolute()
    ceilings = {Path(part) for part in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep) if part}
    for place in (start, *start.parents):
        marker = place / ".git"
        if (marker / "HEAD").is_file():
            return place, marker
        if marker.is_file():
            pointed = _pointed(marker)
            return (place, pointed) if pointed is not None else None
        if place != start and place in ceilings:
            return None
    return None


def _pointed(marker: Path) -> Path | None:
    """The folder that the ``.git`` file of a worktree or submodule points to."""
    text = _small(marker)
    if text is None or not text.startswith("gitdir:"):
        return None
    return (marker.parent / text.removeprefix("gitdir:").strip()).resolve()


def _common_folder(folder: Path) -> Path:
    """The folder with branches and configuration; for a worktree, that of the main repository."""
    named = os.environ.get("GIT_COMMON_DIR")
    if named:
        return Path(named).absolute()
    text = _small(folder / "commondir")
    return folder if text is None else (folder / text.strip()).resolve()


def _small(path: Path) -> str | None:
    """Text of a small file, or None if there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _head(folder: Path, common: Path) -> tuple[str | None, str | None]:
    """Commit and branch."""
    text = (_small(folder / "HEAD") or "").strip()
    branch: str | None = None
    for _ in range(_DEEPEST_REFERENCE):
        if _COMMIT.match(text):
            return text, branch
        if not text.startswith("ref:"):
            return None, branch
        name = text.removeprefix("ref:").strip()
        branch = branch or name.removeprefix("refs/heads/")
        if ".." in Path(name).parts:
            return None, branch
        text = (_small(folder / name) or _small(common / name) or _packed(common, name) or "").strip()
    return None, branch


def _packed(common: Path, name: str) -> str | None:
    """The commit of a branch in ``packed-refs``."""
    for line in (_small(common / "packed-refs") or "").splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return None


_SECTION = lazy_pattern(r'\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')


def _remote(config: Path, branch: str | None) -> str | None:
    """Address of the branch's remote, else of ``origin``, else of the first."""
    addresses: dict[str, str] = {}
    of_branch: str | None = None
    section = name = ""
    for line in (_small(config) or "").splitlines():
        found = _SECTION.match(line.strip())
        if found:
            section, name = found[1].lower(), found[2] or ""
            continue
        key, _, value = (part.strip() for part in line.partition("="))
        if section == "remote" and key.lower() == "url":
            addresses.setdefault(name, value.strip('"'))
        elif section == "branch" and name == branch and key.lower() == "remote":
            of_branch = value.strip('"')
    address = addresses.get(of_branch or "origin") or addresses.get("origin") or next(iter(addresses.values()), None)
    return without_credentials(address) if address else None


def _git(root: str | os.PathLike[str], *arguments: str, timeout_s: float) -> bytes | None:
    """Standard output of git, or None."""
    import subprocess

    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE"):
        if os.environ.get(name):
            quiet[name] = str(Path(os.environ[name]).absolute())  # "-C" would read them from another folder
    # A repository's own configuration may name programs to run for status; none is wanted here.
    safe = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=")
    try:
        done = subprocess.run(
            ["git", *safe, "-C", os.fspath(root), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **quiet},
            timeout=timeout_s,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _entries(status: bytes) -> tuple[int, list[bytes]]:
    """Number of changed files and the names of untracked ones, from the output of ``status --porcelain -z``."""
    changed = 0
    untracked: list[bytes] = []
    entries = iter(status.split(b"\0"))
    for entry in entries:
        if entry.startswith(b"??"):
            untracked.append(entry[3:])
        elif entry:
            changed += 1
            if b"R" in entry[:2] or b"C" in entry[:2]:  # in the index, or (after ``git add -N``) in the working tree
                next(entries, None)  # the name before the rename
    return changed, sorted(untracked)


def _diff_digest(root: Path, diff: bytes, untracked: list[bytes]) -> str:
    """SHA-256 over the diff, then over name and content of each untracked file.

    For large files, and for all of them if there are very many, size and time replace the content.
    """
    largest = _LARGEST_FILE_BYTES if len(untracked) <= _MANY_FILES else -1
    hasher = hashlib.sha256(b"%d\0%s" % (len(diff), diff))
    for name in untracked:
        path = root / os.fsdecode(name)
        try:
            state = path.lstat()
            if path.is_symlink():
                content = os.fsencode(path.readlink())
            elif not path.is_file():
                content = b"other"
            elif state.st_size > largest:
                content = b"%d %d" % (state.st_size, state.st_mtime_ns)
            else:
                content = path.read_bytes()
        except OSError:
            content = b"unreadable"
        hasher.update(b"%s\0%s\0" % (name, hashlib.sha256(content).digest()))
    return hasher.hexdigest()
