"""Pictures as PNG files: what is in them, how large they get, and what is said where the library is missing."""

from __future__ import annotations

import struct
import sys
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from headwater.cli.commands import cli
from headwater.errors import MissingExtra
from headwater.model.graph import Edge, Node, NodeKind
from headwater.query import LineageGraph
from headwater.query.drawing import palette, picture_of
from headwater.query.drawing.png import MOST_PIXELS, png_of
from headwater.query.drawing.svg import size_of, svg_of
from headwater.storage.open import open_store

from .histories import encoded, project


def chain(count: int = 3) -> LineageGraph:
    """``count`` tables, each made of the one before."""
    nodes = [
        Node(id=f"t{at}", kind=NodeKind.DATASET, namespace="db", name=f"t{at}", type="TABLE") for at in range(count)
    ]
    edges = [Edge(source=f"t{at}", target=f"t{at + 1}", job="j", run="r") for at in range(count - 1)]
    return LineageGraph(roots=("t0",), nodes=tuple(nodes), edges=tuple(edges))


def pixels(data: bytes) -> tuple[int, int, set[tuple[int, int, int]]]:
    """Width, height, and the colours of a PNG file."""
    with Image.open(BytesIO(data), formats=["PNG"]) as image:
        found = image.convert("RGB").getcolors(image.width * image.height)
    return image.width, image.height, {colour for _, colour in found}


def rgb(colour: str) -> tuple[int, int, int]:
    """The three numbers of ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_file_has_the_size_and_the_colours_of_its_picture(theme):
    """A PNG is twice as large as the SVG, and shows the background, cards, rims and types of its theme only."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    graph = chain()
    width, height, colours = pixels(graph.to_png(theme=theme))
    wide, high = size_of(picture_of(graph, jobs="nodes"))
    assert (width, height) == (int(wide * 2), pytest.approx(high * 2, abs=1))
    own, other = (palette.LIGHT, palette.DARK) if theme == "light" else (palette.DARK, palette.LIGHT)
    assert {rgb(own[name]) for name in ("bg", "card", "rim", "root", "data", "job")} <= colours
    assert not {rgb(other[name]) for name in ("bg", "card", "root")} & (
        colours - {rgb(value) for value in own.values()}
    )


def test_a_large_picture_is_drawn_smaller():
    """However large the picture, the file has at most so many pixels."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    picture = picture_of(chain(2))
    wide, high = size_of(picture)
    drawn = png_of(picture, scale=sqrt_over(wide * high))
    data = drawn.data
    width, height = struct.unpack(">II", data[16:24])
    assert 0.9 * MOST_PIXELS < width * height <= 1.01 * MOST_PIXELS
    assert "50 % of its usual size" in drawn.note


def test_who_gets_a_smaller_picture_is_told(monkeypatch, capsys):
    """Python warns that a PNG is drawn smaller than usual, the command line says it on standard error, and nobody is
    told where it is not."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    from headwater.cli.output import png_file

    graph = chain(2)
    graph.to_png()
    assert png_file(graph)
    assert capsys.readouterr().err == ""
    wide, high = size_of(picture_of(graph, jobs="nodes"))
    monkeypatch.setattr("headwater.query.drawing.png.MOST_PIXELS", int(wide * high * 4 * 0.36))
    with pytest.warns(UserWarning, match="60 % of its usual size") as caught:
        data = graph.to_png()
    assert caught[0].filename == __file__
    assert struct.unpack(">I", data[16:20])[0] == pytest.approx(wide * 2 * 0.6, abs=2)
    assert png_file(graph) == data
    assert "the SVG is sharp at every size" in capsys.readouterr().err


def sqrt_over(area: float) -> float:
    """A scale at which a picture of that area would have four times too many pixels."""
    return (4 * MOST_PIXELS / area) ** 0.5


def test_an_empty_answer_is_a_picture_too():
    """A graph without nodes gives a small picture."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    assert pixels(LineageGraph().to_png())[:2] == (320, 96)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_fixed_theme_needs_no_variables(theme):
    """An SVG of one theme names no variable and asks for no scheme: readers that know neither draw it right."""
    text = svg_of(picture_of(chain()), theme=theme)
    assert "var(" not in text
    assert "@media" not in text
    assert "--" not in text
    assert palette.LIGHT["root" if theme == "light" else "bg"] in text or theme == "dark"
    assert ("#12181f" in text) is (theme == "dark")


def test_what_is_missing_is_said_with_the_remedy(monkeypatch):
    """Without the library the error names the extra, and the SVG as another way."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match="resvg-py") as caught:
        chain().to_png()
    assert "headwater[png]" in caught.value.hint


@pytest.fixture
def project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the sample project in its store."""
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / ".headwater") as store:
        store.append(encoded(project(3)))
    return tmp_path


def test_the_command_line_writes_files(project_folder):
    """``--png`` writes the file to a pipe, ``export -o`` to a file; both are whole PNG files."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    done = CliRunner().invoke(cli, ["upstream", "predictions.parquet", "--png"], catch_exceptions=False)
    assert done.exit_code == 0
    assert pixels(done.stdout_bytes)[0] > 1000
    done = CliRunner().invoke(cli, ["export", "--format", "png", "-o", "all.png"], catch_exceptions=False)
    assert done.exit_code == 0
    assert pixels((project_folder / "all.png").read_bytes())[0] > 1000


def test_a_missing_library_leaves_no_file(project_folder, monkeypatch):
    """Where the library is missing nothing is written."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra):
        CliRunner().invoke(cli, ["export", "--format", "png", "-o", "all.png"], catch_exceptions=False)
    assert not (project_folder / "all.png").exists()
