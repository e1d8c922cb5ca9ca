"""What every page and every file of the interface keeps to: escaping, policy, caching, errors for people."""

from __future__ import annotations

import gzip
import re
import tomllib
from pathlib import Path

import pytest
import zstandard

import headwater.server
from headwater.query.drawing.palette import DARK, LIGHT
from headwater.query.terminal_text import elide
from headwater.server.permissions import Permission
from headwater.server.rendering.assets import assets
from headwater.server.rendering.templates import environment

HTML = {"Accept": "text/html"}
SERVER = Path(headwater.server.__file__).parent
PROJECT = Path(__file__).parents[3]
HOSTILE = "<script>alert(1)</script>\"'&\u202e\n" + "x" * 80


def test_a_page_may_run_nothing_but_our_files(served):
    """Every page, errors included, comes with the strict policy."""
    for answer in (
        served.client().get("/"),
        served.bare().get("/login"),
        served.client().get("/nowhere", headers=HTML),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    "template", sorted(path.relative_to(SERVER / "pages").as_posix() for path in (SERVER / "pages").rglob("*.html"))
)
def test_no_template_holds_script_or_style(template):
    """No inline script, handler or style, and nothing from another host: the policy would stop it."""
    text = (SERVER / "pages" / template).read_text()
    assert not re.search(
        r"<script(?![^>]*\s(src=|type=\"application/json\"))|\son\w+\s*=|\sstyle\s*=|<style", text, re.IGNORECASE
    )
    assert not re.search(r"https?://", text)
    assert "|safe" not in text.replace(" ", "")
    environment().get_template(template)


def test_files_are_cached_for_ever_under_their_version(served):
    """The right version may be kept for ever; another is answered, but asked for again."""
    known = assets()
    answer = served.bare().get(known.url("js/site.js"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert served.bare().get("/static/old/js/site.js").headers["cache-control"] == "no-cache"
    again = served.bare().get("/static/old/js/site.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, zstd", "zstd"), ("gzip;q=0.5", "gzip"), ("br", None)])
def test_files_come_compressed(served, accepted, encoding):
    """The best encoding that the browser takes is sent, and holds the file."""
    path = assets().url("css/base.css")
    plain = (SERVER / "static/css/base.css").read_bytes()
    with served.bare().stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
    unpack = {"zstd": lambda data: zstandard.ZstdDecompressor().decompress(data), "gzip": gzip.decompress}
    assert unpack.get(encoding, bytes)(raw) == plain


@pytest.mark.parametrize("path", ["js/nothing.js", "..%2Fapp.py", "js/..%2F..%2Fapp.py", "%2Fetc%2Fpasswd"])
def test_nothing_else_is_served_as_a_file(served, path):
    """What is not one of the files is not found."""
    assert served.bare().get(f"/static/{assets().version}/{path}").status_code == 404


def test_a_page_names_all_modules_it_needs():
    """Imports are followed, so that a browser fetches all of them at once."""
    found = assets().modules("js/site.js")
    assert {url.rpartition("/")[2] for url in found} >= {"site.js", "theme.js", "palette.js"}
    for path in assets():
        if path.endswith(".js"):
            assert assets().modules(path)


def test_errors_of_pages_are_pages(served):
    """A person gets a page that says what is wrong; a program gets a problem document from the same path."""
    client = served.client()
    page = client.get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "<h1>" in page.text
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"
    refused = served.client(permissions=frozenset({Permission.INGEST})).get("/", headers=HTML)
    assert refused.status_code == 403
    assert "&#39;read&#39;" in refused.text


def test_an_error_shows_hostile_names_as_text(served):
    """What was asked for is repeated as text, never as markup."""
    answer = served.client().get("/lineage?<script>alert(1)</script>=1", headers=HTML)
    assert "<script>alert" not in answer.text


def test_the_theme_is_drawn_by_the_server(served):
    """The cookie's theme is in the first byte of the page; a theme that is none of ours is not."""
    browser = served.bare()
    assert 'data-theme="system"' in browser.get("/login").text
    for sent, drawn in (("dark", "dark"), ('"><script>', "system")):
        answer = served.bare(headers={"Cookie": f"headwater_theme={sent}"}).get("/login")
        assert f'data-theme="{drawn}"' in answer.text


def test_the_colours_are_those_of_every_drawing():
    """Page, SVG and notebook have one palette."""
    text = (SERVER / "static/css/tokens.css").read_text()
    for name in LIGHT:
        assert f"--{name}: light-dark({LIGHT[name]}, {DARK[name]});" in text
    names = re.search(r"const NAMES = .*?\[(.*?)\]", (SERVER / "static/graph/colours.js").read_text(), re.DOTALL)[1]
    assert re.findall(r'"(\w+)"', names) == list(LIGHT)


def test_names_keep_both_ends():
    """A long name is cut in the middle; the whole is there for whoever points at it or listens."""
    parts = environment().get_template("macros/parts.html").module
    text = str(parts.name(HOSTILE))
    assert "<script>" not in text
    assert str(parts.name("short")) == '<bdi class="name">short</bdi>'
    long = "warehouse.sales.orders_2026_enriched_with_customers_and_returns.parquet"
    assert elide(long, 48) in str(parts.name(long)).replace("<wbr>", "")
    assert f'<span class="unseen">{long}</span>' in str(parts.name(long))


def test_the_wheel_holds_the_interface():
    """Every file of pages and static is matched by the package data that the wheel is made of, and none is ignored."""
    data = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["headwater"]
    package = SERVER.parent
    # setuptools takes a final ** for every file below, pathlib for every folder
    packed = {
        path
        for pattern in data
        for path in package.glob(pattern.removesuffix("**") + "**/*" if pattern.endswith("**") else pattern)
    }
    mine = {path for folder in ("pages", "static") for path in (SERVER / folder).rglob("*") if path.is_file()}
    assert mine
    assert mine <= packed
    assert not {path.suffix for path in mine} & {".pyc", ".so"}
