"""The layout: processor time beside its limits, and crossings beside ELK's layered layout on the same graphs.

Run ``python benchmarks/bench_layout.py [--elk FOLDER]``. FOLDER holds ``node_modules/elkjs`` (``npm install elkjs``);
``node`` on the path); without it crossings are counted for ours alone. A crossing is a point where the drawn
lines of two links properly cross; it is counted the same way for every layout, from the points that it gives out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from headwater.query.drawing.geometry import Box, Link
from headwater.query.drawing.layout import layout
from layout_graphs import FAMILIES, generate

Way = list[tuple[float, float]]
LIMITS_MS = {1000: 30.0, 5000: 250.0}
ELK = {
    "ELK": {},
    "ELK, most thorough": {"elk.layered.thoroughness": "100"},
    "ELK, polylines": {"elk.layered.thoroughness": "100", "elk.edgeRouting": "POLYLINE"},
}
_SCRIPT = """
const ELK = require(process.argv[1] + '/node_modules/elkjs');
const graph = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const start = process.cpuUsage();
new ELK().layout(graph).then(done => {
  const used = process.cpuUsage(start);
  const ways = done.edges.map(edge => edge.sections.map(
    part => [part.startPoint, ...(part.bendPoints || []), part.endPoint].map(point => [point.x, point.y])).flat());
  console.log(JSON.stringify({ways, ms: (used.user + used.system) / 1000, width: done.width, height: done.height}));
});
"""


def crossings(ways: list[Way]) -> int:
    """Count the proper crossings between stretches of different ways; touching and running along are none."""
    stretches = [(at, *a, *b) for at, way in enumerate(ways) for a, b in pairwise(way) if a != b]
    table = np.array(stretches)
    owner, start, end = table[:, 0], table[:, 1:3], table[:, 3:5]
    total = 0
    for at in range(len(table) - 1):
        rest = slice(at + 1, None)
        a, b, c, d = start[at], end[at], start[rest], end[rest]
        first = _turn(a, b, c) * _turn(a, b, d)
        second = _turn(c, d, a) * _turn(c, d, b)
        total += int(((first < -1e-6) & (second < -1e-6) & (owner[rest] != owner[at])).sum())
    return total


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    ab, ac = b - a, c - a
    return ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]


def milliseconds(boxes: list[Box], links: list[Link], repeats: int) -> float:
    """Return the median processor time of a layout."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        layout(boxes, links)
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


def elk(folder: str, boxes: list[Box], links: list[Link], options: dict[str, str]) -> dict:
    """Return ELK's answer: the points of each link, and its processor time from graph to answer."""
    graph = {
        "id": "root",
        "layoutOptions": {"elk.algorithm": "layered", "elk.direction": "RIGHT", **options},
        "children": [{"id": box.key, "width": box.width, "height": box.height} for box in boxes],
        "edges": [{"id": f"e{at}", "sources": [a], "targets": [b]} for at, (a, b, *_) in enumerate(links)],
    }
    done = subprocess.run(
        ["node", "-e", _SCRIPT, folder], input=json.dumps(graph), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--elk", default=os.environ.get("ELK_FOLDER", "."))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print("processor time of a layout, median of", options.repeats)
    for count in (60, 300, 1000, 5000):
        for family in FAMILIES:
            boxes, links = generate(family, count, 1)
            took = milliseconds(boxes, links, options.repeats)
            limit = LIMITS_MS.get(count)
            share = f"{took / limit:5.2f} of the limit of {limit:.0f} ms" if limit else ""
            print(f"  {family:10} {len(boxes):5} boxes {len(links):6} links {took:8.1f} ms  {share}")
    has_elk = (Path(options.elk) / "node_modules" / "elkjs").is_dir()
    if not has_elk:
        print("elkjs was not found: crossings of ours alone", file=sys.stderr)
    names = ["ours", *(ELK if has_elk else ())]
    print("crossings at 300 boxes:", ", ".join(names))
    totals = dict.fromkeys(names, 0)
    for family in FAMILIES:
        for seed in range(1, options.seeds + 1):
            boxes, links = generate(family, 300, seed)
            found = {"ours": crossings(list(layout(boxes, links).routes.values()))}
            for name in names[1:]:
                answer = elk(options.elk, boxes, links, ELK[name])
                found[name] = crossings([[tuple(point) for point in way] for way in answer["ways"]])
            for name, count in found.items():
                totals[name] += count
            print(f"  {family:10} seed {seed} {len(links):5} links  " + "  ".join(f"{found[name]:6}" for name in names))
    for name in names[1:]:
        print(f"  ours / {name}: {totals['ours'] / totals[name]:.2f}")


if __name__ == "__main__":
    main()
