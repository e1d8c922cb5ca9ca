"""Durable ingestion over HTTP: shared commits beside a commit a request, single events beside batches.

    python benchmarks/bench_service_ingest.py [--seconds 6] [--rounds 3] [--folder DIR | --postgres]

One process of the service (uvicorn with uvloop and httptools, SQLite with ``synchronous=FULL`` or a PostgreSQL server
of its own with ``fsync`` on, an API key), loaded by ``wrk``, which shares the machine with it. Events are the 7 kB
RunEvents of ``bench_ingest.py``, every one new. An answer counts when it is a 2xx: then the event is committed and on
disk. The variants take turns within a round, each on an empty store; medians over rounds are compared. Server time is
user and system time of the service's process, and of PostgreSQL's, over the whole load. With ``--feast`` Feast's own
OpenLineage consumer is installed into a folder of its own, where it can be had, and loaded in the same run.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import feast_consumer
from bench_ingest import Platform
from headwater.testing.postgres import PostgresServer

EVENTS = 2000
BATCH = 100
SINGLE = "single, shared commits"
SLOW = "a commit a request, single"
BATCHES = f"batches of {BATCH}"
FEAST = "Feast's consumer, single"
LUA = r"""
local path, batch, worker = nil, 1, 0
local heads, times, middles, tails = {}, {}, {}, {}
local at, round = 0, 0
local threads = 0

function setup(thread)
  thread:set("worker", threads)
  threads = threads + 1
end

function init(args)
  batch = tonumber(args[2])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[3]
  -- a line holds four pieces: before the day, between day and run id, after the run id
  for line in io.lines(args[1]) do
    local a, b, c = line:match("^(.-)\1(.-)\2(.*)$")
    heads[#heads + 1] = a
    middles[#middles + 1] = b
    tails[#tails + 1] = c
  end
end

local function event()
  at = at + 1
  if at > #heads then at = 1; round = round + 1 end
  local day = os.date("!%Y-%m-%d", 1767225600 + round * 86400)
  return heads[at] .. day .. middles[at] .. string.format("%04x%04x", worker, round) .. tails[at]
end

function request()
  if batch == 1 then return wrk.format(nil, nil, nil, event()) end
  local some = {}
  for i = 1, batch do some[i] = event() end
  return wrk.format(nil, nil, nil, "[" .. table.concat(some, ",") .. "]")
end

function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests": %d, "us": %d, "errors": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class Measured(NamedTuple):
    """One variant, one round."""

    events_per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def serve(folder: str, together: str) -> None:
    """Be the service: prints its port and a key, then serves until told to end."""
    import socket

    import uvicorn

    from headwater.server.app import create_app
    from headwater.server.server_process import calm_collector
    from headwater.server.settings import Settings

    app = create_app(Settings(store=folder, commit_together=int(together)))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(json.dumps({"port": listening.getsockname()[1], "key": app.service.first_key()}), flush=True)
    calm_collector()
    config = uvicorn.Config(app, log_level="warning", access_log=False, loop="uvloop", http="httptools", backlog=2048)
    uvicorn.Server(config).run(sockets=[listening])


def load(
    folder: Path,
    events: Path,
    database: PostgresServer | None,
    *,
    together: int,
    batch: int,
    connections: int,
    seconds: int,
) -> Measured:
    """Start the service on an empty store, load it, stop it."""
    store = Path(tempfile.mkdtemp(dir=folder))
    where = database.new_database() if database else str(store)
    service = subprocess.Popen(
        [sys.executable, __file__, "--serve", where, str(together)], stdout=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    told = json.loads(service.stdout.readline())
    with service.stdout, ending(service, store):
        root = f"http://127.0.0.1:{told['port']}"
        wait_until_up(f"{root}/health/live")
        path = "/api/v1/lineage" if batch == 1 else "/api/v1/lineage/batch"

        def spent() -> float:
            return cpu_s(service.pid) + (database.cpu_s() if database else 0)

        return measure(spent, root + path, folder, events, batch, told["key"], connections, seconds)


def load_feast(folder: Path, events: Path, *, environment: Path, connections: int, seconds: int) -> Measured:
    """The same for Feast's consumer."""
    store = Path(tempfile.mkdtemp(dir=folder))
    process, port = feast_consumer.start(environment, store)
    with ending(process, store):
        root = f"http://127.0.0.1:{port}"
        wait_until_up(f"{root}/openapi.json")
        return measure(
            lambda: cpu_s(process.pid), f"{root}/api/v1/lineage", folder, events, 1, "none", connections, seconds
        )


@contextmanager
def ending(process: subprocess.Popen[Any], store: Path) -> Iterator[None]:
    """Stop a process at the end, and remove what it stored."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(store)


def measure(
    spent: Callable[[], float],
    url: str,
    folder: Path,
    events: Path,
    batch: int,
    key: str,
    connections: int,
    seconds: int,
) -> Measured:
    """Load a URL for a second, and then for as long as is measured."""
    wrk(url, folder, events, batch, key, connections, 1)  # the caches of both sides are warm
    before = spent()
    found = wrk(url, folder, events, batch, key, connections, seconds, first_round=0x8000)
    used = spent() - before
    count = found["requests"] * batch
    return Measured(count / found["us"] * 1e6, used / count * 1e6, found["p50"] / 1e3, found["p99"] / 1e3)


def wrk(
    url: str, folder: Path, events: Path, batch: int, key: str, connections: int, seconds: int, first_round: int = 0
) -> dict[str, float]:
    """Load a URL; what the load generator measured. Raises when an answer was no 2xx."""
    script = folder / "load.lua"
    script.write_text(LUA.replace("at, round = 0, 0", f"at, round = 0, {first_round}"))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(script)]
    done = subprocess.run(
        [*command, url, "--", str(events), str(batch), key], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.partition("RESULT ")[2])
    if found["errors"]:
        raise RuntimeError(done.stdout)
    return found


def wait_until_up(url: str) -> None:
    """Wait for the first answer."""
    for _ in range(2400):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (OSError, http.client.HTTPException):  # not there yet, or somebody else was there before
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing at {url}")


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_events(path: Path, seed: int) -> float:
    """The events for the load generator, cut where it puts the day and the run id; their mean size in bytes."""
    events = Platform(seed).events(EVENTS)
    lines = []
    for whole in events:
        event = msgspec.json.decode(whole)
        day, run = event["eventTime"][:10].encode(), event["run"]["runId"].encode()
        assert whole.count(b'"eventTime":"' + day) == 1
        assert whole.count(b'"runId":"' + run) == 1
        cut = whole.replace(b'"eventTime":"' + day, b'"eventTime":"\x01')
        lines.append(cut.replace(b'"runId":"' + run[:8], b'"runId":"\x02'))
        assert lines[-1].index(b"\x01") < lines[-1].index(b"\x02")
    path.write_bytes(b"\n".join(lines) + b"\n")
    return statistics.mean(map(len, events))


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", nargs=2, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the stores are made")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own instead of SQLite")
    parser.add_argument("--only", action="append", help="a variant, by its name")
    parser.add_argument("--feast", type=Path, default=None, help="an environment with Feast, made when it is not there")
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: the load comes from a generator that is not ours")
    variants = {
        SINGLE: {"together": 1000, "batch": 1, "connections": 64},
        SLOW: {"together": 1, "batch": 1, "connections": 64},
        BATCHES: {"together": 1000, "batch": BATCH, "connections": 8},
    }
    why_not = feast_consumer.install(given.feast) if given.feast else "not asked for (--feast ENVIRONMENT)"
    if why_not:
        print(f"without Feast's consumer: {why_not}\n")
    results: dict[str, list[Measured]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder))
        database = stack.enter_context(PostgresServer(fsync="on", shared_buffers="256MB")) if given.postgres else None
        events = Path(folder) / "events"
        size = write_events(events, given.seed)
        print(f"events of {size:.0f} bytes, seed {given.seed}, {given.rounds} rounds of {given.seconds} s\n")
        for _ in range(given.rounds):
            for name, options in variants.items():
                if not given.only or name in given.only:
                    measured = load(Path(folder), events, database, seconds=given.seconds, **options)
                    results.setdefault(name, []).append(measured)
            if given.feast and not why_not:
                # it serves one event after the other, and more connections only wait for it
                seconds = max(20, given.seconds)
                measured = load_feast(Path(folder), events, environment=given.feast, connections=1, seconds=seconds)
                results.setdefault(FEAST, []).append(measured)
    report(results)


def report(results: dict[str, list[Measured]]) -> None:
    """Print the medians and the ratios."""
    middle = {
        name: Measured(*(statistics.median(values) for values in zip(*measured, strict=True)))
        for name, measured in results.items()
    }
    beside = [name for name in (SLOW, FEAST) if name in middle]
    print(
        "| variant | events/s | server CPU us/event | p50 ms | p99 ms |" + "".join(f" times {one} |" for one in beside)
    )
    print("|---|---|---|---|---|" + "---|" * len(beside))
    for name, one in middle.items():
        ratios = "".join(f" {one.events_per_s / middle[other].events_per_s:.1f} |" for other in beside)
        print(f"| {name} | {one.events_per_s:,.0f} | {one.cpu_us:.0f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} |{ratios}")
    if SINGLE in middle and BATCHES in middle:
        rate = middle[BATCHES].events_per_s / middle[SINGLE].events_per_s
        cpu = middle[SINGLE].cpu_us / middle[BATCHES].cpu_us
        print(f"\n{BATCHES}: {rate:.2f} times the rate of single events, which take {cpu:.2f} times the server CPU")


if __name__ == "__main__":
    main()
