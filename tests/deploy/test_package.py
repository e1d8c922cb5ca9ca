"""What is installed is whole: from the source archive, without a compiler, beside nothing but what it requires."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MADE = ("*.so", "*.pyd", "__pycache__", "*.egg-info", "build")
COMMAND = """
from importlib.metadata import entry_points
(own,) = entry_points(group="console_scripts", name="headwater")
own.load()()
"""
COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)
"""Of scripts and styles; the types that a script's comment imports are for those who check it, not for a browser."""
LINKS = re.compile(r"""(?:href|src)="([^"]+)"|(?:from|import) "([^"]+)"|url\(["']?([^"')]+)""")


class Installed(NamedTuple):
    """The archive, the wheel made from it, and the folders to import from."""

    archive: Path
    wheel: Path
    places: tuple[Path, Path]

    def command(self, *words: str) -> list[str]:
        """``headwater WORDS``, where nothing can be imported but what is installed here."""
        return [sys.executable, "-S", "-c", COMMAND, *words]

    @property
    def environment(self) -> dict[str, str]:
        """What such a process is given."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HEADWATER", "PYTHON"))}
        return {**kept, "PYTHONPATH": os.pathsep.join(map(str, self.places))}

    def run(self, folder: Path, *words: str) -> str:
        """What the command prints; it must succeed and have nothing to complain of."""
        done = subprocess.run(
            self.command(*words), cwd=folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout


def build(source: Path, made: Path, kind: str) -> Path:
    """Build as an installer does, on a machine whose compiler does not work."""
    code = f"from setuptools import build_meta as b; print('made', b.build_{kind}({str(made)!r}))"
    environment = {**os.environ, "CC": "false"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made / done.stdout.splitlines()[-1].removeprefix("made ")


def required(names: list[str]) -> Iterator[str]:
    """The distributions that these requirements bring here, theirs included."""
    waiting, seen = list(names), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        yield name
        waiting.extend(distribution(name).requires or [])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """This source, packed, built and unpacked, with links to what it requires and no more."""
    folder = tmp_path_factory.mktemp("package")
    source, beside = folder / "source", folder / "beside"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns(*MADE))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    archive = build(source, folder, "sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    wheel = build(folder / archive.name.removesuffix(".tar.gz"), folder, "wheel")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "installed")
    beside.mkdir()
    for name in required(PROJECT["dependencies"]):
        found = distribution(name)
        for top in {path.parts[0] for path in found.files or [] if path.parts[0] not in ("..", "__pycache__")}:
            (beside / top).symlink_to(found.locate_file(top))
    return Installed(archive, wheel, (folder / "installed", beside))


def test_every_file_is_packed(installed: Installed) -> None:
    """Templates, scripts, styles, schemas, migrations: each file of the package is in the archive and in the wheel."""
    source = ROOT / "src"
    made = {path for pattern in MADE for path in source.rglob(pattern)}
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "headwater").rglob("*")
        if path.is_file() and not made & {path, *path.parents}
    }
    assert {"server/static", "server/pages", "storage/sqlite/migrations", "storage/postgres/migrations"} <= {
        Path(name).parent.relative_to("headwater").as_posix() for name in files
    }
    with zipfile.ZipFile(installed.wheel) as packed:
        assert {name for name in packed.namelist() if ".dist-info/" not in name} == files
    top = installed.archive.name.removesuffix(".tar.gz")
    with tarfile.open(installed.archive) as archive:
        held = {name.removeprefix(f"{top}/") for name in archive.getnames()}
    assert {f"src/{name}" for name in files} <= held
    assert not any(name.startswith("tests") for name in held)


def test_the_versions_of_python_are_said_alike() -> None:
    """What pip is told, what the index shows and what the README promises are the same versions."""
    told = [line.rpartition(" :: ")[2] for line in PROJECT["classifiers"] if line.startswith("Programming Language")]
    assert PROJECT["requires-python"] == f">={told[0]}"
    assert f"Python {told[0]} to {told[-1]}" in (ROOT / "README.md").read_text()
    assert sys.version_info[:2] in {tuple(map(int, version.split("."))) for version in told}


def test_a_script_is_traced_and_asked_about_without_extras(installed: Installed, tmp_path: Path) -> None:
    """Where no compiler was and no optional library is, capture and questions work, and say which kernel walks."""
    (tmp_path / "double.py").write_text('open("b.csv", "w").write(open("a.csv").read())\n')
    (tmp_path / "a.csv").write_text("x\n1\n")
    assert "upstream" in installed.run(tmp_path, "--help")
    installed.run(tmp_path, "run", "double.py")
    answer = json.loads(installed.run(tmp_path, "upstream", "b.csv", "--json"))
    assert {Path(node["name"]).name for node in answer["nodes"]} == {"a.csv", "b.csv", "double.py"}
    doctor = installed.run(tmp_path, "doctor")
    assert re.search(r"graph index +numpy", doctor)
    assert re.search(r"pandas +pandas is not installed", doctor)


def test_the_pages_are_served_without_extras(installed: Installed, tmp_path: Path) -> None:
    """Every page, script and style that the home page leads to is there."""
    (tmp_path / "double.py").write_text('open("b.csv", "w").write(open("a.csv").read())\n')
    (tmp_path / "a.csv").write_text("x\n1\n")
    installed.run(tmp_path, "run", "double.py")
    command = installed.command("serve", "--port", "0", "--anonymous", "writer")
    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(command, cwd=tmp_path, env=installed.environment, stdout=log, stderr=log)
    try:
        seen = follow_links(wait_for(service, tmp_path / "log"))
    finally:
        service.terminate()
        service.wait(30)
    assert {"text/html", "text/css", "text/javascript"} <= set(seen.values())
    assert len(seen) > 20, seen


def wait_for(service: subprocess.Popen[bytes], log: Path) -> str:
    """The address of a service once it answers."""
    for _ in range(600):
        said = log.read_text()
        assert service.poll() is None, said
        if found := re.search(r"Headwater is at (\S+)", said):
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(f"{found[1]}/health/ready").close()
                return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def follow_links(address: str) -> dict[str, str]:
    """The type of what each path answers that is reached from the home page by links, sources and imports."""
    seen: dict[str, str] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        with urllib.request.urlopen(address + path) as answer:  # raises for what is not there
            seen[path], text = answer.headers.get_content_type(), answer.read().decode(errors="replace")
        if seen[path] in ("text/html", "text/css", "text/javascript"):
            said = text if seen[path] == "text/html" else COMMENTS.sub("", text)
            named = [one for groups in LINKS.findall(said) for one in groups if one]
            found = {urllib.parse.urljoin(path, html.unescape(link).partition("#")[0]) for link in named}
            waiting.extend(link for link in found if link.startswith("/") and not link.startswith("/api/"))
    return seen
