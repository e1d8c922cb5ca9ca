"""Graphs as PNG files over HTTP."""

from __future__ import annotations

import sys

import msgspec
import pytest

from headwater.testing.events import run_event, run_id


@pytest.fixture
def client(served):
    """A client of a service that knows of one run."""
    found = served.client()
    event = run_event(run_id(1), "copy", "COMPLETE", 1, ["a"], ["b"])
    assert found.post("/api/v1/lineage", content=msgspec.json.encode(event)).status_code == 201
    return found


@pytest.mark.parametrize("path", ["/api/v1/nodes/b/upstream?format=png", "/lineage/export/png?root=b"])
def test_a_graph_is_a_png_file(client, path):
    """A walk and a view of the lineage page are answered as PNG files."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert "headwater-note" not in answer.headers


@pytest.mark.parametrize("path", ["/api/v1/nodes/b/upstream?format=png", "/lineage/export/png?root=b"])
def test_a_file_that_is_drawn_smaller_says_so(client, path, monkeypatch):
    """A picture with too many pixels is drawn smaller, and a header of the answer says so."""
    pytest.importorskip("resvg_py", reason="the extra headwater[png] is not installed")
    monkeypatch.setattr("headwater.query.drawing.png.MOST_PIXELS", 10_000)
    answer = client.get(path)
    assert answer.status_code == 200
    assert "of its usual size" in answer.headers["headwater-note"]


@pytest.mark.parametrize("path", ["/api/v1/nodes/b/upstream?format=png", "/lineage/export/png?root=b"])
def test_a_service_without_the_library_says_so(client, path, monkeypatch):
    """Without the library the answer is 501 and names the remedy."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    answer = client.get(path)
    assert answer.status_code == 501
    assert "headwater[png]" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("out/tumour.joblib", "out-tumour.joblib"),
        ('a"b\r\nX: y', "a-b-X-y"),
        ("../..", "lineage"),
        ("é" * 9, "lineage"),
    ],
)
def test_the_name_of_an_exported_file_is_plain(text, name):
    """A file is called after the root of the view, in letters that no header and no system minds."""
    from headwater.server.routes.exports import file_name

    assert file_name(text) == name
    assert len(file_name("x" * 300)) == 80
