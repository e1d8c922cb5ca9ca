"""Files on another machine, scanned: capture reaches it only where the program did."""

from __future__ import annotations

import http.server
import threading
from functools import partial
from pathlib import Path

import polars as pl
import pytest


class Counting(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, with ranges of bytes as polars asks for them, and counts the requests."""

    asked: list[str]

    def do_HEAD(self):
        """The size of a file."""
        self.asked.append(self.path)
        self._answer(Path(self.directory, self.path[1:]).read_bytes(), 200)

    def do_GET(self):
        """A part of a file."""
        self.asked.append(self.path)
        content = Path(self.directory, self.path[1:]).read_bytes()
        given = self.headers.get("Range")
        first, _, last = given.removeprefix("bytes=").partition("-") if given else ("0", "-", "")
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last) + 1, len(content)) if first and last else len(content)
        self._answer(content[start:end], 206 if given else 200, f"bytes {start}-{end - 1}/{len(content)}")

    def _answer(self, body, status, given_range=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if given_range and status == 206:
            self.send_header("Content-Range", given_range)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def served(tmp_path):
    """The address of a server with one file, and what it was asked for."""
    pl.DataFrame({"a": [1, 2], "b": [3.0, 4.0]}).write_parquet(tmp_path / "far.parquet")
    asked = []
    handler = type("Handler", (Counting,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/far.parquet", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_plan_that_is_never_run_reaches_nothing(follow, served):
    """No request is sent for a scan that the program does not run, at the end of its run neither."""
    address, asked = served
    followed = follow("polars")
    plan = pl.scan_parquet(address).filter(pl.col("a") > 1).select("b")
    assert plan is not None
    followed.event()
    assert asked == []


def test_a_plan_that_the_program_ran(follow, served):
    """Its columns are known afterwards, also those of the file itself."""
    address, asked = served
    followed = follow("polars")
    frame = pl.scan_parquet(address).filter(pl.col("a") > 1).select("b").collect()
    assert asked
    assert followed.columns(frame) == {"b": {("far.parquet", "b"), ("far.parquet", "a")}}
