"""Lineage graphs to measure walks on: several tenants' pipelines, run daily, at any size.

The shape: tenants of Zipf-distributed size; in each, jobs in layers from source to dashboard, in topological order;
inputs drawn with Zipf popularity, so that a few dimension tables feed very many jobs; 5 % incremental jobs, which read
their own output of the day before and so join the days; 2 % of inputs are reference data shared by all tenants; every
job runs once a day for 94 days. A run is a derivation node between the versions it read and the versions it wrote. Ids
are handed out in order of arrival, and 1 % of nodes arrive up to a day late.

Columns: each dataset has a number of fields, each edge a mapping between fields; mappings are shared by content.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from headwater.storage.index import IDENTITY_MAPPING, ColumnMapping, EdgeBatch

DAYS = 94
TENANTS = 8
LAYERS = 6
DERIVATION = LAYERS
WIDTHS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 60)
WIDE = 120
KEYS = 3
EDGES_PER_JOB = 6.9

U32 = npt.NDArray[np.uint32]


@dataclass
class Graph:
    """Edges in order of arrival with the mapping of each, the kind of each node, and the mappings by id."""

    source: U32
    target: U32
    mapping: U32
    kinds: npt.NDArray[np.uint8]
    mappings: dict[int, ColumnMapping]
    seed: int
    epoch: int = 1

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """The edge source of the index: edge ``i`` has sequence number ``i + 1``."""
        part = slice(seq, seq + limit)
        last = min(seq + limit, len(self.source))
        return EdgeBatch(last, self.source[part], self.target[part], mapping=self.mapping[part])

    def node_kinds_since(self, node_id: int) -> npt.NDArray[np.uint8]:
        """Kinds of the nodes from an id on."""
        return self.kinds[node_id:]

    def mapping_of(self, mapping_id: int) -> ColumnMapping:
        """A mapping by id."""
        return self.mappings[mapping_id]


class Source:
    """A graph as an edge source that shows its first ``shown`` edges; all of them unless told otherwise."""

    floor = 0
    places = 0

    def __init__(self, graph: Graph, shown: int | None = None) -> None:
        self._graph = graph
        self.epoch = graph.epoch
        self.shown = len(graph.source) if shown is None else shown
        self.node_kinds_since = graph.node_kinds_since
        self.mapping = graph.mapping_of

    @property
    def mark(self) -> int:
        """Grows with what is shown."""
        return self.shown

    def reading(self) -> AbstractContextManager[None]:
        """Nobody writes meanwhile."""
        return nullcontext()

    def edges_since(self, seq: int, limit: int) -> EdgeBatch:
        """The edges shown, from a position on."""
        return self._graph.edges_since(seq, max(0, min(limit, self.shown - seq)))


@dataclass
class _Mappings:
    """Mappings by content; ids from 1."""

    rng: np.random.Generator
    known: dict[tuple[int, int, int], int] = field(default_factory=dict)
    by_id: dict[int, ColumnMapping] = field(default_factory=dict)

    def between(self, source_width: int, target_width: int) -> int:
        """One of four mappings of an input to what a job makes of all its inputs.

        Keys, the first fields, are handed on in place. Of the other target fields this input feeds a third, as a field
        comes from one input as a rule; one in five of them from two fields of it.
        """
        key = (source_width, target_width, int(self.rng.integers(4)))
        if key not in self.known:
            rest = np.arange(KEYS, target_width, dtype=np.uint32)
            fed = rest[self.rng.random(len(rest)) < 1 / 3]
            also = fed[self.rng.random(len(fed)) < 0.2]
            keys = np.arange(KEYS, dtype=np.uint32)
            drawn = self.rng.integers(0, source_width, len(fed) + len(also)).astype(np.uint32)
            self.known[key] = len(self.known) + 1
            self.by_id[self.known[key]] = ColumnMapping(
                np.concatenate([keys, drawn]), np.concatenate([keys, fed, also])
            )
        return self.known[key]

    def shifted(self, by: int, width: int) -> int:
        """The mapping that hands ``width`` fields from position ``by`` on."""
        if by == 0:
            return IDENTITY_MAPPING
        key = (-by, width, 0)
        if key not in self.known:
            targets = np.arange(width, dtype=np.uint32)
            self.known[key] = len(self.known) + 1
            self.by_id[self.known[key]] = ColumnMapping(targets + np.uint32(by), targets)
        return self.known[key]


@dataclass
class _Day:
    """One day: edges between places of the day, those that reach back to the day before, and the kind of each place."""

    kinds: list[int] = field(default_factory=list)
    edges: list[tuple[int, int, int]] = field(default_factory=list)
    from_yesterday: list[tuple[int, int, int]] = field(default_factory=list)


def _zipf_pick(rng: np.random.Generator, pool: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """Members of a pool, the first ones far more often (density about 1/rank)."""
    ranks = np.floor(np.exp(rng.random(count) * np.log(len(pool) + 1)) - 1).astype(int)
    return [pool[rank] for rank in sorted(set(ranks.tolist()))]


def _one_day(rng: np.random.Generator, jobs: int, maps: _Mappings) -> _Day:
    day = _Day()
    shares = np.arange(1, TENANTS + 1) ** -1.3
    shares /= shares.sum()

    def dataset(layer: int) -> tuple[int, int]:
        day.kinds.append(layer)
        return len(day.kinds) - 1, int(WIDE if rng.random() < 0.003 else rng.choice(WIDTHS))

    shared = [dataset(0) for _ in range(max(4, jobs // 400))]
    for share in shares:
        count = max(12, int(jobs * share))
        pools = [[dataset(0) for _ in range(max(2, count // 6))]]
        for layer in range(1, LAYERS):
            pools.append([])
            for _ in range(max(2, count // (LAYERS - 1))):
                _one_job(rng, day, maps, pools, shared, layer, dataset)
    return day


def _one_job(rng, day, maps, pools, shared, layer, dataset) -> None:
    """One job of a layer: what it reads, its derivation, what it writes."""
    # Most inputs come from the layer right below, some from any below.
    inputs = _zipf_pick(rng, pools[layer - 1], int(rng.integers(2, 6)))
    if layer > 1 and rng.random() < 0.8:
        inputs += _zipf_pick(rng, pools[int(rng.integers(0, layer - 1))], 2)
    inputs += [pools[layer - 1][int(rng.integers(len(pools[layer - 1])))]]
    if rng.random() < 0.02 * len(inputs):
        inputs += _zipf_pick(rng, shared, 1)
    day.kinds.append(DERIVATION)
    derivation = len(day.kinds) - 1
    outputs = [dataset(layer) for _ in range(1 if rng.random() < 0.85 else 2)]
    width = sum(w for _, w in outputs)
    day.edges += [(place, derivation, maps.between(w, width)) for place, w in dict(inputs).items()]
    at = 0
    for place, w in outputs:
        day.edges.append((derivation, place, maps.shifted(at, w)))
        at += w
    # The table that most others read is a slowly changing dimension: it is always built on its own last state.
    if rng.random() < 0.05 or not pools[layer]:
        place, w = outputs[0]
        day.from_yesterday.append(
            (place, derivation, IDENTITY_MAPPING if len(outputs) == 1 else maps.between(w, width))
        )
    pools[layer] += outputs


def generate(edges: int, seed: int) -> Graph:
    """A graph of about that many edges."""
    rng = np.random.default_rng(seed)
    maps = _Mappings(rng)
    day = _one_day(rng, int(edges / DAYS / EDGES_PER_JOB), maps)
    places = len(day.kinds)
    template = np.array(day.edges, np.int64)
    back = np.array(day.from_yesterday, np.int64).reshape(-1, 3)
    source, target, mapping = [], [], []
    for number in range(DAYS):
        source.append(template[:, 0] + number * places)
        target.append(template[:, 1] + number * places)
        mapping.append(template[:, 2])
        if number:
            source.append(back[:, 0] + (number - 1) * places)
            target.append(back[:, 1] + number * places)
            mapping.append(back[:, 2])
    count = places * DAYS
    arrival = np.arange(count, dtype=np.float64)
    late = rng.random(count) < 0.01
    arrival[late] += rng.random(int(late.sum())) * places
    ids = np.empty(count, np.uint32)
    ids[np.argsort(arrival, kind="stable")] = np.arange(count, dtype=np.uint32)
    kinds = np.empty(count, np.uint8)
    kinds[ids] = np.tile(np.array(day.kinds, np.uint8), DAYS)
    ends = [ids[np.concatenate(part)] for part in (source, target)]
    return Graph(*ends, np.concatenate(mapping).astype(np.uint32), kinds, maps.by_id, seed)
