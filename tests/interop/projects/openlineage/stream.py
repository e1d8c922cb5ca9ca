"""Emits many short runs, slowly enough that the service can die among them; prints how far it is."""

import sys
import time

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

RUNS = int(sys.argv[1])
PAUSE_S = 0.02


def event(number, state):
    """A RunEvent; an end comes half a second after its start."""
    half = 500000 if state == RunState.COMPLETE else 0
    return RunEvent(
        eventType=state,
        eventTime=f"2026-01-05T10:{number // 60:02d}:{number % 60:02d}.{half:06d}Z",
        run=Run(runId=f"00000000-0000-7000-8000-{number:012d}"),
        job=Job(namespace="shop", name=f"job{number % 10}"),
        inputs=[InputDataset(namespace="s3://lake", name=f"in/{number % 10}")],
        outputs=[OutputDataset(namespace="s3://lake", name=f"out/{number % 10}")],
        producer="https://example.com/shop",
    )


client = OpenLineageClient()
for number in range(RUNS):
    for state in (RunState.START, RunState.COMPLETE):
        client.emit(event(number, state))
        time.sleep(PAUSE_S)
    print(number, flush=True)
print("closed" if client.close(timeout=120) else "not everything was sent", flush=True)
