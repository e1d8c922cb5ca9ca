"""The service as a process: when it says where it is."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from headwater.server.server_process import address, serve
from headwater.server.settings import Settings


class _Read(Exception):
    """The line was read; the service need not go on."""


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_reads_the_address_can_connect(tmp_path: Path, workers: int, postgres_server) -> None:
    """The address is printed once connections are taken: a script that reacts to the line at once is not refused."""
    store = str(tmp_path) if workers == 1 else postgres_server.new_store()

    def read(line: str) -> None:
        found = re.fullmatch(r"Headwater is at http://127\.0\.0\.1:(\d+)", line)
        assert found is not None
        socket.create_connection(("127.0.0.1", int(found[1])), timeout=5).close()
        raise _Read

    with pytest.raises(_Read):
        serve(Settings(store=store, port=0, workers=workers), echo=read)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:5000"),
        ("0.0.0.0", "http://127.0.0.1:5000"),
        ("::", "http://[::1]:5000"),
        ("fe80::1", "http://[fe80::1]:5000"),
        ("10.0.0.7", "http://10.0.0.7:5000"),
    ],
)
def test_the_address_shown_is_one_that_a_browser_opens(host: str, shown: str) -> None:
    """Of a service that listens everywhere it is that of this machine; any other is its own."""
    assert address(host, 5000) == shown
