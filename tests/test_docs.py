"""The documentation does what it says: tutorials are executed, links lead somewhere."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import headwater
from headwater.query import Lineage, LineageAPI

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])
TUTORIALS = sorted(ROOT.glob("docs/tutorials/*.md"))
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def run(command: str, folder: Path) -> str:
    """Run a command of a page as its reader would; gives what it printed."""
    bin_folder = str(Path(sys.executable).parent)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "OPENLINEAGE_"))}
    environment.pop("COLUMNS", None)  # set by pytest's workers; nothing is cut where the output is no terminal
    environment["PATH"] = bin_folder + os.pathsep + environment["PATH"]
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def commands_of(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what the page shows it to print."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def check_printed(printed: str, shown: str) -> None:
    """Fail unless a command printed what a page shows; ids, digests and times may be others."""
    pattern = re.escape(settled(shown)).replace(re.escape("...\n"), r"(?:.*\n)*")
    assert re.fullmatch(pattern, settled(printed)), f"the page shows\n{shown}\nand this was printed:\n{printed}"


def settled(text: str) -> str:
    """A text without ids, digests, times and the widths that follow from them."""
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?\b", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*", "TIME", text)
    text = re.sub(r"\b[\d.]+ (s|min) ago\b|\bjust now\b", "AGO", text)
    text = re.sub(r"\b[\d.]+ (s|ms|min)\b", "TOOK", text)
    return re.sub(r" +", " ", re.sub(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{10}\b", "DIGEST", text))


@pytest.mark.first
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_runs_from_top_to_bottom(page, tmp_path):
    """Each file of a tutorial is written, each command is run and succeeds, and prints what the page shows: all of it,
    in this order, except where a line of three dots leaves something out."""
    for language, title, body in BLOCK.findall(page.read_text()):
        if match := re.search(r"file=(\S+)", title):
            (tmp_path / match[1]).write_text(body)
        elif language == "console":
            for command, shown in commands_of(body):
                check_printed(run(command, tmp_path), shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Every relative link of a page leads to a file that is there."""
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http://", "https://", "#", "mailto:")):
            path = page.parent / target.partition("#")[0]
            assert path.exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"


def test_every_page_is_reached_from_the_readme():
    """Following links from the README, a reader comes to every page of the documentation and to the files beside it."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        links = LINK.findall(page.read_text())
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link]
    expected = {*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")}
    assert sorted(str(page.relative_to(ROOT)) for page in expected - reached) == []


def test_every_decision_is_listed():
    """The table of decisions names each record."""
    table = (ROOT / "docs/adr/README.md").read_text()
    for record in ROOT.glob("docs/adr/0*.md"):
        assert record.name in table


def test_every_facet_of_ours_is_listed():
    """The reference names each facet that has a schema, and each schema has an example."""
    page = (ROOT / "docs/reference/facets.md").read_text()
    for schema in ROOT.glob("spec/headwater_*.json"):
        assert f"`{schema.stem}`" in page
        assert list(ROOT.glob(f"spec/examples/{schema.stem.removeprefix('headwater_')}/*.json")) or list(
            ROOT.glob(f"spec/examples/{schema.stem}/*.json")
        )


def test_every_integration_is_listed():
    """The reference names each library that is followed."""
    table = (ROOT / "docs/reference/capture.md").read_text().lower()
    spelt = {"sklearn": "scikit-learn", "psycopg2": "psycopg 2", "random": "seeds", "boosters": "lightgbm"}
    names = {path.stem for path in (ROOT / "src/headwater/capture/integrations").iterdir() if path.name[0] != "_"}
    assert {name for name in names if spelt.get(name, name) not in table} == set()


def test_every_public_name_is_listed():
    """The references of Python name all that ``headwater`` exports and every question of ``Lineage``."""
    pages = "".join((ROOT / f"docs/reference/{page}.md").read_text() for page in ("python-capture", "python-query"))
    questions = {name for name in dir(Lineage) if not name.startswith("_")}
    unnamed = {name for name in questions | set(headwater.__all__) if not re.search(rf"[`.@]{name}\b", pages)}
    assert unnamed == set()


@pytest.mark.parametrize("method", sorted(LineageAPI.__abstractmethods__))
def test_every_question_is_listed_with_its_parameters(method):
    """The page of queries from Python names each method, and what it takes as it is called in code."""
    listed = re.findall(
        rf"^\| `{method}\(([^`]*)\)`", (ROOT / "docs/reference/python-query.md").read_text(), re.MULTILINE
    )
    assert listed, method
    names = [name for name in inspect.signature(getattr(LineageAPI, method)).parameters if name != "self"]
    shown = [part.partition("=")[0].strip() for part in listed[0].split(",")]
    shown = [name for name in shown if name not in ("", "*")]
    assert shown == names or (method == "downstream" and shown == ["node", "..."])
