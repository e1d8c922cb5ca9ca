"""``headwater ui`` as a command: it starts a service, finds the one that runs, and leaves nothing behind."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from urllib.parse import urlsplit

LINK = re.compile(r"open it once with (http://127\.0\.0\.1:\d+/login\?token=\S+)")


def command(tmp_path, *arguments: str) -> list[str]:
    """The command line over a store of the test's own."""
    return [sys.executable, "-m", "headwater", "--store", str(tmp_path / "stores"), "ui", *arguments]


def test_a_second_call_finds_the_running_service(tmp_path):
    """The first call serves; the second prints a link of the same service; both links open; the end is tidy."""
    (tmp_path / "stores").mkdir()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command(tmp_path, "--no-browser"), stdout=subprocess.PIPE, text=True, env=environment
    ) as first:
        try:
            links = [LINK.search(first.stdout.readline() + first.stdout.readline())[1]]
            second = subprocess.run(
                command(tmp_path, "--no-browser"), capture_output=True, text=True, timeout=60, check=True
            )
            links.append(LINK.search(second.stdout)[1])
            assert urlsplit(links[0]).netloc == urlsplit(links[1]).netloc
            for link in links:
                place = urlsplit(link)
                connection = http.client.HTTPConnection(place.netloc, timeout=30)
                connection.request("GET", f"{place.path}?{place.query}")
                assert connection.getresponse().status == 200
                connection.close()
        finally:
            first.send_signal(signal.SIGTERM)
            first.wait(timeout=30)
    assert not (tmp_path / "stores" / "service.json").exists()
