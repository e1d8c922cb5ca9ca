"""Delivery of changes to many followers at once.

    python benchmarks/bench_service_stream.py [--followers 1000] [--rate 50] [--seconds 10]

One process of the service (SQLite in a folder), so many followers of ``/api/v1/stream?topics=runs`` in one client
process, and START events posted at a rate. An event's delivery is the time from before its request to the arrival of
its message, for every follower; the client shares the machine with the service.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from bench_service_answers import Service, memory_mb, serving
from bench_service_ingest import cpu_s
from headwater.testing.events import run_event, run_id

JOB = re.compile(rb'"job_name":"event (\d+)"')


async def follow(service: Service, sent: dict[int, float], delays: list[float], is_open: asyncio.Semaphore) -> None:
    """Read one stream; note when each event arrives."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1 << 20)
    head = f"GET /api/v1/stream?topics=runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n\r\n"
    writer.write(head.encode())
    await reader.readuntil(b"retry: 2000")
    is_open.release()
    try:
        while chunk := await reader.read(1 << 16):
            now = time.perf_counter()
            delays.extend(now - sent[int(number)] for number in JOB.findall(chunk))
    finally:
        writer.close()


async def post(service: Service, sent: dict[int, float], rate: float, seconds: float) -> None:
    """Post START events at a rate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    begun = time.perf_counter()
    for number in range(round(rate * seconds)):
        pause = begun + number / rate - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        body = msgspec.json.encode(run_event(run_id(number + 1), f"event {number}", "START", number))
        sent[number] = time.perf_counter()
        writer.write(
            f"POST /api/v1/lineage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        status = await reader.readline()
        assert b" 201 " in status, status
        await reader.readuntil(b"\r\n\r\n{}")
    writer.close()


async def measure(service: Service, followers: int, rate: float, seconds: float) -> None:
    """Open the streams, post, wait for what is under way, and print."""
    sent: dict[int, float] = {}
    delays: list[float] = []
    is_open = asyncio.Semaphore(0)
    tasks = []
    for start in range(0, followers, 100):
        tasks += [
            asyncio.create_task(follow(service, sent, delays, is_open)) for _ in range(min(100, followers - start))
        ]
        for _ in range(min(100, followers - start)):
            await is_open.acquire()
    used, begun = cpu_s(service.process.pid), time.perf_counter()
    await post(service, sent, rate, seconds)
    deadline = time.perf_counter() + 20
    while len(delays) < len(sent) * followers and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)
    share = (cpu_s(service.process.pid) - used) / (time.perf_counter() - begun)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    cuts = statistics.quantiles(delays, n=100)
    print(f"{followers:,} followers, {rate:g} events/s for {seconds:g} s")
    print(f"delivered {len(delays):,} of {len(sent) * followers:,}")
    print(f"delivery ms: p50 {cuts[49] * 1e3:.0f}, p95 {cuts[94] * 1e3:.0f}, p99 {cuts[98] * 1e3:.0f} (limit 500)")
    print(f"server: {share:.2f} cores, {memory_mb(service.process.pid)} MB resident")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "stores") as service:
        asyncio.run(measure(service, given.followers, given.rate, given.seconds))


if __name__ == "__main__":
    main()
