"""The graphs of ``walk_graphs`` as a store: one job a derivation, one run of it a day, told by its COMPLETE event.

``python benchmarks/walk_store.py FOLDER --edges 1000000`` fills the SQLite store of a folder with so many run-level
edges (about two minutes of CPU for a million), with schemas and column lineage of the first ten columns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np

from headwater.formats.openlineage import format_time
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import EPOCH_US, PRODUCER, dataset, facet
from walk_graphs import DAYS, DERIVATION, EDGES_PER_JOB, _Mappings, _one_day

DAY_US = 86_400_000_000
MOST_COLUMNS = 10
KINDS = ("TABLE", "TABLE", "TABLE", "FEATURE_VIEW", "MODEL", "DASHBOARD")
BATCH = 500


def name_of(place: int, layer: int) -> str:
    """The name of a dataset."""
    return f"layer{layer}.table_{place:06d}"


def templates(edges: int, seed: int) -> list[tuple[bytes, bytes, bytes]]:
    """For each job its COMPLETE event in three pieces: the time goes after the first, the run id after the second."""
    rng = np.random.default_rng(seed)
    maps = _Mappings(rng)
    day = _one_day(rng, int(edges / DAYS / EDGES_PER_JOB), maps)
    reads: dict[int, dict[int, int]] = {}
    writes: dict[int, list[int]] = {}
    for near, far, mapping in [*day.edges, *day.from_yesterday]:
        if day.kinds[far] == DERIVATION:
            reads.setdefault(far, {})[near] = mapping
        else:
            writes.setdefault(near, []).append(far)
    return [_template(step, day.kinds, reads[step], writes[step], maps) for step in sorted(reads)]


def _template(step: int, kinds: list[int], reads: dict[int, int], writes: list[int], maps: _Mappings):
    names = {place: name_of(place, kinds[place]) for place in [*reads, *writes]}
    fields: dict[str, list[dict]] = {}
    for place, mapping in reads.items():
        known = maps.by_id.get(mapping)
        sides = (known.source_fields, known.target_fields) if known else (range(4), range(4))
        for source, target in zip(*sides, strict=True):
            if source < MOST_COLUMNS and target < MOST_COLUMNS:
                one = {"namespace": "warehouse", "name": names[place], "field": f"c{source}"}
                fields.setdefault(f"c{target}", []).append(one)
    outputs = [
        dataset(
            names[place],
            "warehouse",
            {
                "schema": facet(fields=[{"name": f"c{i}", "type": "BIGINT"} for i in range(MOST_COLUMNS)]),
                "columnLineage": facet(fields={key: {"inputFields": value} for key, value in fields.items()}),
                "datasetType": facet(datasetType=KINDS[kinds[place]]),
            },
        )
        for place in writes
    ]
    event = {
        "eventTime": "<time>",
        "eventType": "COMPLETE",
        "inputs": [dataset(names[place], "warehouse") for place in reads],
        "job": {"namespace": "scheduler", "name": f"job_{step:06d}"},
        "outputs": outputs,
        "producer": PRODUCER,
        "run": {"runId": "<run>"},
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    first, rest = msgspec.json.encode(event).split(b"<time>")
    return (first, *rest.split(b"<run>"))


def events(edges: int, seed: int, days: int = DAYS) -> Iterator[bytes]:
    """Every event, in the order of time."""
    jobs = templates(edges, seed)
    for day in range(days):
        for place, (first, second, third) in enumerate(jobs):
            at = format_time(EPOCH_US + day * DAY_US + place * (DAY_US // len(jobs))).encode()
            number = day * len(jobs) + place
            run = str(UUID(int=(number << 80) | (0x7 << 76) | (0x2 << 62) | (number * 2_654_435_761 & 0xFFFF_FFFF)))
            yield b"".join((first, at, second, run.encode(), third))


def fill(folder: Path, edges: int, seed: int) -> None:
    """Fill the store of a folder, and save its index."""
    start, count = time.process_time(), 0
    with SQLiteStore.open(folder) as store:
        batch: list[bytes] = []
        for event in events(edges, seed):
            batch.append(event)
            if len(batch) == BATCH:
                count += len(store.append(batch))
                batch = []
        count += len(store.append(batch))
        print(f"{count} events in {time.process_time() - start:.0f} s of CPU")
        for level in ("run", "dataset"):
            index = store.index(level)  # type: ignore[arg-type]
            index.compact()
            print(f"{level} level: {index.edge_count} edges, {index.node_count} nodes")


def main() -> None:
    """Fill a store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    fill(args.folder, args.edges, args.seed)


if __name__ == "__main__":
    main()
