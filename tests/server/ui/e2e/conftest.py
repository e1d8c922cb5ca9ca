"""A real Chromium in front of a real service: on a socket, over a store in a folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from playwright import __file__ as playwright_folder
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from headwater.server.app import create_app
from headwater.server.permissions import Role
from headwater.server.settings import Settings
from headwater.storage.open import open_store

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The browser without windows first: the others draw and keep much that no test looks at."""
CHROMIUM = os.environ.get("HEADWATER_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Live:
    """A service on a socket, that can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """Serve."""
        if self._socket.fileno() < 0:
            self._socket = socket.socket()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", self.port))
        self.app = create_app(Settings(store=str(self.folder), anonymous=Role.OWNER))
        config = uvicorn.Config(self.app, log_level="error", access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self._server.started

    def stop(self) -> None:
        """Close the socket and everything behind it."""
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=20)
        self._socket.close()

    def send(self, *events: dict[str, Any]) -> None:
        """Store events as a producer would: over HTTP."""
        import httpx

        for event in events:
            answer = httpx.post(f"{self.url}/api/v1/lineage", content=msgspec.json.encode(event))
            assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module.

    Not for the session: Playwright's synchronous interface keeps an event loop running in this thread until it ends,
    and a test that comes later in the same process could not run one of its own.
    """
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (HEADWATER_CHROMIUM names one)")
    # The Node that comes with Playwright needs libatomic, which a bare Debian does not have.
    node = subprocess.run(
        [Path(playwright_folder).parent / "driver" / "node", "--version"], check=False, capture_output=True, text=True
    )
    if node.returncode:
        pytest.skip(f"Playwright's Node does not start here: {node.stderr.strip()}")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


Filled = Callable[[list[dict[str, Any]]], Live]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Start services over stores that hold some events."""
    running: list[Live] = []

    def start(events: list[dict[str, Any]]) -> Live:
        folder = tmp_path_factory.mktemp("stores")
        with open_store(str(folder), tenant="default") as store:
            store.append([msgspec.json.encode(event) for event in events])
        running.append(Live(folder))
        return running[-1]

    yield start
    for live in running:
        live.stop()


class Watched:
    """A page, and everything that went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.wrongs: list[str] = []
        #: words of what a test expects to go wrong
        self.expected: tuple[str, ...] = ()
        self.page.on("pageerror", lambda error: self.wrongs.append(f"error: {error}"))
        self.page.on("console", lambda said: said.type == "error" and self.wrongs.append(f"console: {said.text}"))
        self.page.on("dialog", lambda dialog: (self.wrongs.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def unexpected(self) -> list[str]:
        """What went wrong and should not have."""
        return [wrong for wrong in self.wrongs if not any(word in wrong for word in self.expected)]

    def open(self, url: str) -> Page:
        """Go to a page and wait until its scripts have run."""
        self.page.goto(url)
        self.page.wait_for_load_state("load")
        return self.page


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open pages; a test fails at its end when a script failed, the policy stopped something, or a dialog opened."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def opened(**options: Any) -> Watched:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(**options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        pages.append(Watched(context))
        return pages[-1]

    yield opened
    for context in contexts:
        context.close()
    assert [wrong for page in pages for wrong in page.unexpected()] == []
