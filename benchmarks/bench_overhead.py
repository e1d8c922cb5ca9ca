"""What capture costs the program that is captured: import, one operation, one event. Ratios within one run.

    python benchmarks/bench_overhead.py [--rounds 7] [--write]

Everything that is compared is measured in turns, so that a noisy machine is noisy for all. ``--write`` puts the result
into ``benchmarks/results/overhead.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "overhead.md"
COLUMNS = [f"column_{number}" for number in range(10)]
EVENTS = 1000


# -- imports -----------------------------------------------------------------------------------------------------------


def child_cpu_s(code: str) -> float:
    """Processor seconds of a fresh interpreter that runs ``code``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(rounds: int) -> list[tuple[str, str, str, bool]]:
    """``import headwater`` against ``import msgspec``, an empty interpreter taken off both."""
    codes = {"bare": "pass", "msgspec": "import msgspec", "headwater": "import headwater"}
    seen: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(max(rounds, 15)):
        for name, code in codes.items():
            seen[name].append(child_cpu_s(code))
    least = {name: min(values) for name, values in seen.items()}
    ours, theirs = (max(least[name] - least["bare"], 1e-4) for name in ("headwater", "msgspec"))
    row = (f"{ours * 1e3:.1f} ms against {theirs * 1e3:.1f} ms: {ours / theirs:.2f}x", "at most 2x")
    return [("`import headwater` against `import msgspec`", *row, ours <= 2 * theirs)]


# -- one operation -----------------------------------------------------------------------------------------------------


class Thing:
    """An object that can be followed, as a frame is."""

    __slots__ = ("__weakref__",)


def make(_: Any) -> Thing:
    """The function of a library that is hooked."""
    return Thing()


def best_ns(call: Callable[[], Any], count: int = 20_000) -> float:
    """Nanoseconds of processor time a call, of the least disturbed of several batches."""
    best = float("inf")
    for _ in range(5):
        started = time.thread_time_ns()
        for _ in range(count):
            call()
        best = min(best, (time.thread_time_ns() - started) / count)
    return best


def operations(rounds: int) -> list[tuple[str, str, str, bool]]:
    """A hooked call that records an operation, and one while no run is active, each above an empty patched call."""
    import functools

    from headwater.capture import context
    from headwater.capture.hooks import observe
    from headwater.capture.recorder import Recorder

    argument = Thing()

    @functools.wraps(make)
    def empty(*args: Any, **kwargs: Any) -> Any:
        return make(*args, **kwargs)

    def record(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder.derive(result, "make", (args[0],), columns=("a", "b"), rows=3)

    def append(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder.metric("m", 1.0)

    deriving, appending = observe(make, record, "make"), observe(make, append, "make")
    seen: dict[str, list[float]] = {"empty": [], "idle": [], "derive": [], "append": []}
    for _ in range(rounds):
        recorder = Recorder("r", "n", "j", max_items=10**9)
        seen["empty"].append(best_ns(lambda: empty(argument)))
        seen["idle"].append(best_ns(lambda: deriving(argument)))
        token = context.enter(recorder)
        recorder.derive(argument, "source", ())
        seen["append"].append(best_ns(lambda: appending(argument)))
        seen["derive"].append(best_ns(lambda: deriving(argument)))
        context.leave(token)
    floor = statistics.median(seen["empty"])
    above = {name: statistics.median(values) - floor for name, values in seen.items()}
    return [
        (
            "one recorded fact (an item appended), above an empty patched call",
            f"{above['append'] / 1e3:.2f} us above {floor / 1e3:.2f} us",
            "at most 1 us",
            above["append"] <= 1000,
        ),
        (
            "one followed operation (a value made and bound), above an empty patched call",
            f"{above['derive'] / 1e3:.2f} us",
            "at most 1 us",
            above["derive"] <= 1000,
        ),
        (
            "the same call while no run is active, above an empty patched call",
            f"{above['idle'] / 1e3:.3f} us",
            "at most 0.2 us",
            above["idle"] <= 200,
        ),
    ]


# -- one event ---------------------------------------------------------------------------------------------------------


def our_event(number: int) -> bytes:
    """A COMPLETE event with one input and one output of ten columns with column lineage, built and encoded."""
    from headwater.capture import event_documents
    from headwater.capture.values import DatasetRef

    source = {"namespace": "s3://lake", "name": "raw.parquet"}
    transformations = [{"type": "DIRECT", "subtype": "IDENTITY"}]
    lineage = {
        name: {"inputFields": [{**source, "field": name, "transformations": transformations}]} for name in COLUMNS
    }
    facets = {
        "schema": {"fields": [{"name": name, "type": "int64"} for name in COLUMNS]},
        "columnLineage": {"fields": lineage},
    }
    return event_documents.run_event(
        "COMPLETE",
        time.time_ns(),
        {"runId": f"01a20650-0c2f-71ed-8eb6-{number:012x}", "facets": {}},
        {"namespace": "bench", "name": "job", "facets": {}},
        [{**source, "facets": {}}],
        [event_documents.dataset(DatasetRef("s3://lake", "clean.parquet"), facets)],
    )


def peer_event(number: int) -> Any:
    """The same event, built with openlineage-python."""
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset

    fields = {
        name: column_lineage_dataset.Fields(
            inputFields=[
                column_lineage_dataset.InputField(
                    namespace="s3://lake",
                    name="raw.parquet",
                    field=name,
                    transformations=[column_lineage_dataset.Transformation(type="DIRECT", subtype="IDENTITY")],
                )
            ]
        )
        for name in COLUMNS
    }
    facets = {
        "schema": schema_dataset.SchemaDatasetFacet(
            fields=[schema_dataset.SchemaDatasetFacetFields(name=name, type="int64") for name in COLUMNS]
        ),
        "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields),
    }
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-01-01T00:00:00Z",
        run=Run(runId=f"01a20650-0c2f-71ed-8eb6-{number:012x}"),
        job=Job(namespace="bench", name="job"),
        inputs=[InputDataset(namespace="s3://lake", name="raw.parquet")],
        outputs=[OutputDataset(namespace="s3://lake", name="clean.parquet", facets=facets)],
        producer="https://example.org",
    )


class Emitting:
    """Costs of emitting events one way: on the caller's thread, and of the whole process until they are delivered."""

    def __init__(self, emit: Callable[[int], Any], drain: Callable[[], Any]) -> None:
        whole, calls = time.process_time_ns(), []
        for number in range(EVENTS):
            started = time.thread_time_ns()
            emit(number)
            calls.append((time.thread_time_ns() - started) / 1e3)
        drain()
        self.total_us = (time.process_time_ns() - whole) / 1e3 / EVENTS
        calls.sort()
        self.median_us = calls[len(calls) // 2]
        self.p99_us = calls[len(calls) * 99 // 100]


def ours_with(transport: dict[str, Any], folder: Path) -> Emitting:
    """Our client with a transport: built, handed over, redacted, delivered."""
    import headwater
    from headwater.capture.api import ensure_client

    client = ensure_client({"transport": transport, "store": str(folder)})
    assert client is not None
    found = Emitting(lambda number: client.emit([our_event(number)]), lambda: client.flush(60))
    headwater.shutdown()
    return found


def peer_with(transport: Any) -> Emitting:
    """openlineage-python's client with a transport."""
    from openlineage.client import OpenLineageClient

    client = OpenLineageClient(transport=transport)
    return Emitting(lambda number: client.emit(peer_event(number)), lambda: None)


def events(rounds: int) -> list[tuple[str, str, str, bool]]:
    """Emitting to a file, the console and a loopback server, beside openlineage-python."""
    from openlineage.client.transport.console import ConsoleConfig, ConsoleTransport
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    warnings.simplefilter("ignore")
    port = multiprocessing.Value("i", 0)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(port,), daemon=True)
    server.start()
    while not port.value:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{port.value}"
    kinds: dict[str, list[tuple[Emitting, Emitting]]] = {"file": [], "console": [], "http": []}
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
        folder = Path(name)
        for _ in range(rounds):
            path = folder / "peer.jsonl"
            peer = FileTransport(FileConfig(append=True, log_file_path=str(path)))
            kinds["file"].append(
                (ours_with({"kind": "file", "path": str(folder / "ours.jsonl")}, folder), peer_with(peer))
            )
            quiet = ConsoleTransport(ConsoleConfig())
            kinds["console"].append((ours_with({"kind": "console"}, folder), peer_with(quiet)))
            over = HttpTransport(HttpConfig(url=url))
            kinds["http"].append((ours_with({"kind": "http", "url": url}, folder), peer_with(over)))
    server.terminate()
    return [row for kind, pairs in kinds.items() for row in _rows(kind, pairs)]


def _rows(kind: str, pairs: list[tuple[Emitting, Emitting]]) -> list[tuple[str, str, str, bool]]:
    ours = {name: statistics.median(getattr(pair[0], name) for pair in pairs) for name in ("median_us", "p99_us")}
    peer = {name: statistics.median(getattr(pair[1], name) for pair in pairs) for name in ("median_us", "p99_us")}
    total, peer_total = (statistics.median(pair[i].total_us for pair in pairs) for i in (0, 1))
    where = {"file": "to a file", "console": "to the console", "http": "to a loopback server"}[kind]
    return [
        (
            f"build and emit a 10-column event {where}, caller's thread",
            f"median {ours['median_us']:.0f} us, p99 {ours['p99_us']:.0f} us; "
            f"openlineage-python {peer['median_us']:.0f} / {peer['p99_us']:.0f} us",
            "at most 50 us, p99 100 us",
            ours["median_us"] <= 50 and ours["p99_us"] <= 100,
        ),
        (
            f"the same {where}, whole process until delivered (redaction included)",
            f"{total:.0f} us; openlineage-python {peer_total:.0f} us: {peer_total / total:.1f}x",
            "less than the peer",
            total < peer_total,
        ),
    ]


def serve(port: Any) -> None:
    """An OpenLineage server that takes everything."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"status": "success"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.value = server.server_port
    server.serve_forever()


# -- the report --------------------------------------------------------------------------------------------------------


def machine() -> str:
    """The machine in words."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} virtual cores (shared), {memory_gb:.0f} GB, Python {platform.python_version()}"


def main() -> int:
    """Measure, print, and leave with 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ.pop("HEADWATER_STRICT", None)
    os.chdir(tempfile.mkdtemp())
    rows = imports(options.rounds) + operations(options.rounds) + events(options.rounds)
    lines = ["| what | measured | limit | kept |", "|---|---|---|---|"]
    lines += [f"| {what} | {measured} | {limit} | {'yes' if ok else 'no'} |" for what, measured, limit, ok in rows]
    text = "\n".join(lines)
    print(text)
    if options.write:
        load = os.getloadavg()[0]
        head = (
            "# What capture costs its host\n\n"
            f"`python benchmarks/bench_overhead.py --rounds {options.rounds} --write`, on "
            f"{machine()}, load {load:.1f} at the end. Medians of {options.rounds} interleaved rounds of "
            f"{EVENTS:,} events; processor time.\n\n"
        )
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(head + text + "\n")
    print(json.dumps({"kept": sum(ok for *_, ok in rows), "of": len(rows)}))
    return 0 if all(ok for *_, ok in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
