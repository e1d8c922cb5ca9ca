"""What the web interface costs: the first useful paint, frames while panning, lighting a path, search as one types.

``python benchmarks/bench_ui.py [--markdown]`` starts services over stores that it fills, and a headless Chromium in
software rendering. Time is CPU: of the page's main thread as the browser counts it (``TaskDuration`` of
``Performance.getMetrics``), and of the service's process.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
from playwright.sync_api import Page, sync_playwright

import headwater.server
from headwater.query.lineage import Lineage
from headwater.server.rendering.search_results import suggest
from headwater.storage.open import open_store
from headwater.testing.events import column_lineage, dataset, run_event, run_id, schema

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
PER_LAYER = 70
COLUMNS = 8
WORDS = (
    "orders",
    "customers",
    "returns",
    "payments",
    "sessions",
    "clicks",
    "users",
    "churn",
    "scores",
    "features",
    "raw",
)
TYPED = ("ord", "orders", "orders cust", "customers_ret", "0123456", "job_12", "kind:model", "raw.orders_users_0000042")
SERVE = "from headwater.cli.main import main; main()"


def layered(count: int, *, has_columns: bool) -> list[bytes]:
    """Events of a graph of ``count`` datasets in layers, each with two inputs, that one root reaches."""
    names = [f"column_{at}" for at in range(COLUMNS)]
    events = []
    for at in range(1, count):
        layer, place = divmod(at, PER_LAYER)
        before = 0 if layer == 0 else (layer - 1) * PER_LAYER
        places = {before} if layer == 0 else {before + place * 3 % PER_LAYER, before + (place * 7 + 1) % PER_LAYER}
        inputs = [f"t{one:04d}" for one in sorted(places)]
        target = f"t{at:04d}"
        facets = {}
        if has_columns:
            flow = {name: [(source, name) for source in inputs] for name in names}
            facets = {"schema": schema(*names), "columnLineage": column_lineage(flow)}
        output = dataset(target, facets=facets)
        events.append(msgspec.json.encode(run_event(run_id(at), f"job_{at:04d}", "COMPLETE", at, inputs, [output])))
    return events


class Service:
    """The service as a process of its own, so that its CPU time can be told."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            sys.executable,
            "-c",
            SERVE,
            "--store",
            str(folder),
            "serve",
            "--port",
            str(port),
            "--anonymous",
            "reader",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{port}"
        self.process.stdout.readline()
        time.sleep(1.0)

    def cpu_s(self) -> float:
        """Seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=20)


class Meter:
    """The main thread of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def main_ms(self) -> float:
        """Milliseconds of CPU that the main thread has used."""
        found = self._session.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in found if one["name"] == "TaskDuration") * 1000


def panning(page: Page, meter: Meter, *, frames: int = 120) -> float:
    """Main-thread milliseconds a frame while the canvas is dragged, with all that the drag costs."""
    box = page.locator("[data-stage]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    start = meter.main_ms()
    for at in range(frames):
        side = 1 if at % 60 < 30 else -1
        x, y = x + 9 * side, y + 3 * side
        page.mouse.move(x, y)
    page.evaluate("new Promise(requestAnimationFrame)")
    spent = meter.main_ms() - start
    page.mouse.up()
    return spent / frames


def hovering(page: Page, meter: Meter, *, hits: int = 12) -> float:
    """Main-thread milliseconds until the path of the card that the pointer came upon is lit: the slowest of some."""
    box = page.locator("[data-stage]").bounding_box()
    rng = random.Random(3)
    frame = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
    spent: list[float] = []
    for _ in range(40 * hits):
        page.mouse.move(box["x"] + 3, box["y"] + 3)
        page.evaluate(frame)
        start = meter.main_ms()
        page.mouse.move(box["x"] + rng.random() * box["width"], box["y"] + rng.random() * box["height"])
        page.evaluate(frame)
        if page.locator("[data-stage].has-lit").count():
            spent.append(meter.main_ms() - start)
        if len(spent) == hits:
            return max(spent)
    raise SystemExit(f"the pointer came upon {len(spent)} cards only")


def first_paint(browser, service: Service, path: str) -> tuple[float, float]:
    """(service, main thread) milliseconds of CPU until a page that was never open shows its cards."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    meter = Meter(page)
    before = service.cpu_s()
    page.goto(service.url + path)
    page.locator(".g-card.is-root").wait_for()
    found = (service.cpu_s() - before) * 1000, meter.main_ms()
    page.context.close()
    return found


def opened(browser, service: Service, path: str) -> tuple[Page, Meter]:
    """A page with everything in sight."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(service.url + path)
    page.locator("[data-do=fit]").wait_for()
    page.wait_for_timeout(500)
    return page, Meter(page)


def million(folder: Path, count: int) -> None:
    """A store of so many names."""
    rng = random.Random(5)
    per = 400
    with open_store(str(folder), tenant="default") as store:
        for first in range(0, count, per * 25):
            batch = []
            for at in range(first, min(count, first + per * 25), per):
                words = [(rng.choice(WORDS), rng.choice(WORDS), rng.choice(WORDS)) for _ in range(per)]
                names = [f"{a}.{b}_{c}_{at + place:07d}" for place, (a, b, c) in enumerate(words)]
                event = run_event(run_id(at + 1), f"job_{at // per}", "COMPLETE", at, [], names)
                batch.append(msgspec.json.encode(event))
            store.append(batch)


def typing(folder: Path) -> dict[str, float]:
    """Milliseconds of CPU for the suggestions of each text, the better of two."""
    found = {}
    with open_store(str(folder), tenant="default") as store:
        lineage = Lineage(store, base="/")
        for text in TYPED:
            spent = []
            for _ in range(2):
                start = time.process_time()
                suggest(lineage, text)
                spent.append((time.process_time() - start) * 1000)
            found[text] = min(spent)
    return found


def script_bytes() -> int:
    """All scripts of the interface, compressed as they are sent."""
    static = Path(headwater.server.__file__).parent / "static"
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in static.rglob("*.js"))


def measured(folder: Path, names: int) -> list[tuple[str, str, str]]:
    """(what, found, limit) of everything."""
    rows = [("scripts of the whole interface, gzip", f"{script_bytes() / 1000:.1f} kB", "60 kB")]
    services = []

    def service(name: str, count: int, *, has_columns: bool) -> Service:
        (folder / name).mkdir()
        with open_store(str(folder / name), tenant="default") as store:
            store.append(layered(count, has_columns=has_columns))
        services.append(Service(folder / name))
        return services[-1]

    chromium = os.environ.get("HEADWATER_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        try:
            small = service("300", 300, has_columns=True)
            paints = [first_paint(browser, small, "/lineage?root=t0000&up=0&down=50&limit=1000") for _ in range(3)]
            own, main = min(paints, key=sum)
            rows.append(
                ("first useful paint, 300 nodes: service + main thread", f"{own:.0f} + {main:.0f} ms", "1,000 ms")
            )
            middle = service("1000", 1000, has_columns=True)
            page, meter = opened(browser, middle, "/lineage?root=t0000&up=0&down=50&limit=5000&columns=true")
            rows.append(
                ("a frame while panning, 1,000 nodes with columns, legible", f"{panning(page, meter):.1f} ms", "16 ms")
            )
            page.locator("[data-do=fit]").click()
            page.wait_for_timeout(800)
            rows.append(("the same with everything in sight", f"{panning(page, meter):.1f} ms", "16 ms"))
            large = service("5000", 5000, has_columns=False)
            page, meter = opened(browser, large, "/lineage?root=t0000&up=0&down=50&limit=10000")
            page.locator("[data-do=fit]").click()
            page.wait_for_timeout(1000)
            rows.append(("a frame while panning, 5,000 nodes in sight", f"{panning(page, meter):.1f} ms", "16 ms"))
            rows.append(
                (
                    "lighting the path under the pointer, 5,000 nodes, the slowest of 12",
                    f"{hovering(page, meter):.1f} ms",
                    "50 ms",
                )
            )
        finally:
            browser.close()
            for one in services:
                one.stop()
    if names:
        (folder / "names").mkdir()
        million(folder / "names", names)
        slowest = max(typing(folder / "names").items(), key=lambda item: item[1])
        what = f"suggestions on {names:,} names, the slowest of {len(TYPED)} ({quote(slowest[0], safe=' :_.')})"
        rows.append((what, f"{slowest[1]:.1f} ms", "50 ms"))
    return rows


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description="Measure the web interface.")
    options.add_argument(
        "--names", type=int, default=0, help="also search among so many names (a million: 100 s of CPU)"
    )
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| what | found | limit |\n|---|---|---|")
        for what, found, limit in measured(Path(folder), arguments.names):
            print(f"| {what} | {found} | {limit} |", flush=True)


if __name__ == "__main__":
    main()
