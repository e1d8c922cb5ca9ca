"""The state of the repository, read without git and asked of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.capture.git import repository, without_credentials, working_tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    """Run git as a user would."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of a surrounding git (a hook that runs the tests) and no configuration of this user."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit on ``main``."""
    root = tmp_path / "repo"
    (root / "deep" / "er").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "a.py").write_text("x = 1\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def test_commit_branch_and_root_agree_with_git(repo: Path) -> None:
    """From a folder or file anywhere inside."""
    for place in (repo, repo / "a.py", repo / "deep" / "er"):
        found = repository(place)
        assert found is not None
        assert (found.root, found.commit, found.branch) == (str(repo), git(repo, "rev-parse", "HEAD"), "main")


def test_packed_nested_and_detached_heads(repo: Path) -> None:
    """A packed branch, a branch with a slash and no branch at all."""
    head = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "-b", "feature/one")
    git(repo, "pack-refs", "--all")
    found = repository(repo)
    assert found is not None and (found.commit, found.branch) == (head, "feature/one")
    git(repo, "checkout", "-q", "--detach")
    found = repository(repo)
    assert found is not None and (found.commit, found.branch) == (head, None)


def test_worktrees_have_their_own_head(repo: Path, tmp_path: Path) -> None:
    """And the branches and remotes of the main repository."""
    git(repo, "remote", "add", "origin", "https://example.org/x.git")
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "b.py").write_text("y = 2\n")
    git(tmp_path / "side", "add", ".")
    git(tmp_path / "side", "commit", "-q", "-m", "second")
    found = repository(tmp_path / "side")
    assert found is not None and (found.root, found.branch) == (str(tmp_path / "side"), "side")
    assert found.commit == git(tmp_path / "side", "rev-parse", "HEAD") != git(repo, "rev-parse", "HEAD")
    assert found.remote == "https://example.org/x.git"


def test_a_repository_before_its_first_commit(tmp_path: Path) -> None:
    """Has a branch and no commit, and what is added counts as changed."""
    git(tmp_path, "init", "-q", "-b", "main")
    found = repository(tmp_path)
    assert found is not None and (found.commit, found.branch) == (None, "main")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    state = working_tree(tmp_path)
    assert state is not None and (state.dirty, state.changed) == (True, 1)


def test_outside_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for a folder without one, nor for one that is gone, nor when git is missing."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    inside = tmp_path / "inside"
    inside.mkdir()
    assert repository(inside) is None
    assert working_tree(inside) is None
    assert repository(tmp_path / "absent") is None
    monkeypatch.setenv("PATH", str(inside))
    assert working_tree(inside) is None


@pytest.mark.parametrize("content", ["", "ref: refs/heads/../../../x", "ref: HEAD", "nonsense"])
def test_a_broken_head_is_no_failure(repo: Path, content: str) -> None:
    """What cannot be read is not known."""
    (repo / ".git" / "HEAD").write_text(content)
    found = repository(repo)
    assert found is not None and found.commit is None


def test_the_environment_names_the_repository(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``GIT_DIR`` and ``GIT_WORK_TREE`` count as they do for git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", "repo/.git")
    monkeypatch.setenv("GIT_WORK_TREE", "repo")
    found = repository(tmp_path)
    assert found is not None and found.root == str(repo)
    state = working_tree(found.root)
    assert state is not None and not state.dirty


def test_every_kind_of_change_has_its_own_digest(repo: Path) -> None:
    """Clean, edited, edited otherwise, untracked, renamed; the same change gives the same digest again."""
    clean = working_tree(repo)
    assert clean is not None and (clean.dirty, clean.diff_digest) == (False, None)
    digests = []
    for text in ("x = 2\n", "x = 3\n", "x = 2\n"):
        (repo / "a.py").write_text(text)
        state = working_tree(repo)
        assert state is not None and (state.dirty, state.changed, state.untracked) == (True, 1, 0)
        digests.append(state.diff_digest)
    assert digests[0] == digests[2] != digests[1]
    for content in (b"1", b"2"):
        (repo / "new file\n.py").write_bytes(content)
        state = working_tree(repo, text=True)
        assert state is not None and state.untracked == 1 and "+x = 2" in (state.diff or "")
        digests.append(state.diff_digest)
    git(repo, "add", "-A")
    git(repo, "mv", "a.py", "b.py")
    state = working_tree(repo)
    assert state is not None and state.untracked == 0
    digests.append(state.diff_digest)
    assert len(set(digests)) == 5


def test_a_file_renamed_in_the_working_tree_counts_once(repo: Path) -> None:
    """``git add -N`` makes a rename that only the working tree has: one changed file, not two."""
    (repo / "a.py").rename(repo / "b.py")
    git(repo, "add", "-N", "b.py")
    state = working_tree(repo)
    assert state is not None and (state.changed, state.untracked) == (1, 0)


def test_looking_changes_nothing(repo: Path) -> None:
    """Not even the index, which ``git status`` likes to refresh."""
    index = repo / ".git" / "index"
    os.utime(repo / "a.py")
    before = (index.read_bytes(), index.stat().st_mtime_ns, sorted((repo / ".git").iterdir()))
    working_tree(repo)
    assert (index.read_bytes(), index.stat().st_mtime_ns, sorted((repo / ".git").iterdir())) == before


def test_programs_named_by_the_repository_are_not_run(repo: Path, tmp_path: Path) -> None:
    """An external diff or a file-system monitor of a strange repository must not start."""
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git(repo, "config", "diff.external", str(trap))
    git(repo, "config", "core.fsmonitor", str(trap))
    (repo / "a.py").write_text("x = 9\n")
    state = working_tree(repo)
    assert state is not None and state.changed == 1
    assert not (tmp_path / "sprung").exists()


def test_a_slow_git_is_given_up(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the limit the answer is None."""
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    started_s = time.monotonic()
    assert working_tree(repo, timeout_s=0.2) is None
    assert time.monotonic() - started_s < 30


def test_the_branchs_remote_comes_before_origin(repo: Path) -> None:
    """As it does for ``git pull``; credentials never show."""
    git(repo, "remote", "add", "origin", "https://me:secret@example.org/a.git")
    git(repo, "remote", "add", "up", "git@example.org:b.git")
    found = repository(repo)
    assert found is not None and found.remote == "https://example.org/a.git"
    git(repo, "config", "branch.main.remote", "up")
    found = repository(repo)
    assert found is not None and found.remote == "git@example.org:b.git"


WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789%._-~!$&'()*+,;=", min_size=1, max_size=12)


@given(
    user=WORD,
    password=WORD,
    scheme=st.sampled_from(["https", "ssh", "git", "ftp"]),
    port=st.sampled_from(["", ":8443"]),
)
def test_credentials_are_removed(user: str, password: str, scheme: str, port: str) -> None:
    """Whatever characters they are made of, and also where they stand in the query."""
    expected = f"{scheme}://example.org{port}/a/b.git"
    assert without_credentials(f"{scheme}://{user}:{password}@example.org{port}/a/b.git?token={password}") == expected
    assert without_credentials(f"{scheme}://{user}@example.org{port}/a/b.git") == expected


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("someone@example.org:a/b.git", "example.org:a/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("../a.git", "../a.git"),
        ("https://[::1]:80/a", "https://[::1]:80/a"),
        ("https://u:p@host:notaport/a", "https://"),
    ],
)
def test_other_forms_of_addresses(url: str, clean: str) -> None:
    """Paths and short forms stay; what cannot be taken apart is dropped."""
    assert without_credentials(url) == clean
