"""Good documents, and every way to break one: what the fuzzers send."""

from __future__ import annotations

import copy
import gzip
import json
import random
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from headwater.testing.events import (
    History,
    column_lineage,
    dataset,
    dataset_event,
    facet,
    job_event,
    run_event,
    run_id,
    schema,
    whole_run,
)

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 2**64, 10**400, 10**4290, 1.5, -0.0, "", "\0", "a\0b", "\ud800", "\udfff\ud800",
    "null", "NaN", "2026-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59", "x" * 5000,
    "x" * 70_000, [], {}, [[]], [None], {"": None}, {"_deleted": True}, {"\0": 1}, "../../etc/passwd",
    " ", "\u202e", "'; DROP TABLE x;--",
    "<script>alert(1)</script>", "s3://a/b?c#d", "http://169.254.169.254/latest", "%2f%00", "{{7*7}}", "💥" * 50,
)  # fmt: skip
RAW = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"01",
    b"'x'",
    b"\\ud800",
    b"\xff",
    b"\x00",
    b"{" * 80,
    b"[" * 2000,
    b",",
    b"//c",
)


class Mutator:
    """Makes events and records, and breaks documents and bytes; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self._number = 0
        self._history = [msgspec.json.decode(raw) for raw in History(seed).events(60)]

    def event(self) -> Any:
        """A good event."""
        pick = self.pick
        self._number += 1
        number = self._number
        out = dataset(
            "wide",
            facets={
                "schema": schema("a", "b"),
                "columnLineage": column_lineage({"a": [("x", "y")], "b": [("x", "z")]}),
            },
        )
        made = [
            lambda: pick.choice(self._history),
            lambda: run_event(run_id(number), "j", pick.choice(["START", "COMPLETE", "FAIL"]), number, ["x"], [out]),
            lambda: whole_run(number, "k", number, ["a"], ["b"])[1],
            lambda: job_event("j", number, ["x"], ["y"], facets={"sql": facet(query="select 1", dialect="x")}),
            lambda: dataset_event("x", number, {"symlinks": facet(identifiers=[{"namespace": "n", "name": "m"}])}),
        ]
        return msgspec.json.decode(msgspec.json.encode(pick.choice(made)()))

    def record(self) -> Any:
        """A good flat record."""
        self._number += 1
        return {
            "lineage_id": run_id(self._number),
            "operation_type": self.pick.choice(["ETL", "MODEL_TRAINING", "INFERENCE"]),
            "source": {"type": "database", "identifier": "postgresql://u:secret@db/a"},
            "destination": [{"type": "model", "identifier": "m"}, {"type": "dashboard", "identifier": "d"}],
            "transformation": {"code_hash": "a" * 64, "parameters": {"n": 1}, "timestamp": "2026-01-01T00:00:00Z"},
            "data_quality": {"null_count": {"a": 1}, "statistics": {}},
            "dependencies": [run_id(self.pick.randrange(1, self._number + 3))],
        }

    def mutate(self, document: Any) -> None:
        """Change one thing somewhere in it."""
        pick = self.pick
        places = list(_places(document))
        holder, key = pick.choice(places)
        what = pick.random()
        if what < 0.2 and isinstance(holder, dict):
            del holder[key]
        elif what < 0.3 and isinstance(holder, dict):
            holder[pick.choice(["", "\0", "k" * 5000, "_deleted", "run", "job", "dataset", key + " "])] = copy.deepcopy(
                holder[key]
            )
        elif what < 0.4:
            other_holder, other = pick.choice(places)
            holder[key] = copy.deepcopy(other_holder[other])
        elif what < 0.45:
            deep: Any = "end"
            for _ in range(pick.choice([10, 63, 64, 65, 70])):
                deep = {"d": deep} if pick.random() < 0.5 else [deep]
            holder[key] = deep
        elif what < 0.5 and isinstance(holder, dict):
            holder.update({f"k{number}": number for number in range(pick.choice([10, 3000]))})
        else:
            holder[key] = copy.deepcopy(pick.choice(ODD))

    def broken(self, body: bytes) -> bytes:
        """Change bytes, whatever they mean."""
        pick = self.pick
        at = pick.randrange(len(body) + 1)
        return pick.choice(
            [
                lambda: body[:at],
                lambda: body[:at] + pick.choice(RAW) + body[at:],
                lambda: body[:at] + pick.choice(RAW) + body[at + 1 :],
                lambda: body[:at] + bytes([pick.randrange(256)]) + body[at + 1 :],
                lambda: body + body,
                lambda: body[at:] + body[:at],
                lambda: b"\xef\xbb\xbf" + body,
                lambda: body.decode("utf-8", "replace").encode("utf-16"),
            ]
        )()

    def packed(self, body: bytes, headers: dict[str, str]) -> bytes:
        """A body compressed now and then, truly or not; the headers say what it is said to be."""
        pick = self.pick
        if pick.random() > 0.2:
            return body
        name = pick.choice(["gzip", "zstd", "deflate", "br", "GZIP", "identity"])
        headers["content-encoding"] = name
        made = {"gzip": gzip.compress, "GZIP": gzip.compress, "zstd": zstandard.compress, "deflate": zlib.compress}
        packed = made.get(name, bytes)(body)
        if pick.random() < 0.05:
            packed = made.get(name, bytes)(bytes(8 << 20))
        return self.broken(packed) if pick.random() < 0.3 else packed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key or index) of every place in a document."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list) and inner:
            yield from _places(inner)


def encode(value: Any, *, is_escaped: bool) -> bytes:
    """JSON, of what JSON has no words for too."""
    return json.dumps(value, ensure_ascii=is_escaped).encode("utf-8", "surrogatepass")
