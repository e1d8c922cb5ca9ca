"""What durable stores keep at hand: they ask for nothing that they know, and pack what they write."""

from __future__ import annotations

from pathlib import Path

import msgspec
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headwater.storage import compression
from headwater.storage.cached import Fresh
from headwater.storage.compression import compress_all, decompress
from headwater.storage.sqlite import SQLiteStore
from headwater.storage.sqlite.table import bound
from headwater.testing.events import dataset, facet, run_event, run_id


def _first_run(number: int) -> bytes:
    """A run of a job that nobody heard of, between tables that nobody heard of."""
    schema = {"schema": facet(fields=[{"name": "id", "type": "INT"}])}
    source, target = (dataset(f"shop.public.{kind}_{number}", "postgres://db:5432", schema) for kind in ("in", "out"))
    return msgspec.json.encode(run_event(run_id(number), f"job_{number}", "COMPLETE", number, [source], [target]))


def test_what_a_batch_makes_is_not_asked_for(tmp_path: Path) -> None:
    """A store asks its file once for a name that is new; of what it makes for it, it asks for nothing."""
    store = SQLiteStore.open(tmp_path)
    store.append([_first_run(number) for number in range(3)])
    asked: list[str] = []
    store._connection.set_trace_callback(asked.append)
    store.append([_first_run(number) for number in range(100, 120)])
    store._connection.set_trace_callback(None)
    questions = [one for one in asked if one.lstrip().startswith(("SELECT", "WITH", "--"))]
    by_name = [one for one in questions if "FROM names WHERE kind" in one]
    contents = [one for one in questions if "WHERE digest" in one]
    assert len(by_name) == 60
    assert len(questions) - len(by_name) - len(contents) < 10
    assert store.tally().jobs == 23
    assert store.rebuild() == store.graph_hash()
    store.close()


def test_an_id_is_new_until_the_rows_are_written() -> None:
    """Only what was handed out after the last write is new; who hands out nothing takes no id for new."""
    counters = {"node": 7}
    fresh = Fresh(counters, "edges")
    assert not fresh("source", 8)
    fresh.written()
    counters["node"] = 8
    assert fresh("source", 8)
    assert not fresh("source", 7)
    assert not fresh("name", "a text")
    fresh.written()
    assert not fresh("source", 8)
    counters["node"] = 9
    assert fresh("source", 9)
    fresh.unknown()
    assert not fresh("source", 9)


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(1, 500))
def test_pieces_are_packed_as_one(pieces: list[bytes], together: int) -> None:
    """Pieces compressed one after the other are what they were, joined, whatever is handed over at a time; the frame
    says how long it is."""
    before, compression._TOGETHER_BYTES = compression._TOGETHER_BYTES, together
    try:
        packed = compress_all(pieces, level=1, write_checksum=True)
    finally:
        compression._TOGETHER_BYTES = before
    assert decompress(packed) == b"".join(pieces)
    assert zstandard.get_frame_parameters(packed).content_size == len(b"".join(pieces))


_rows = st.lists(st.tuples(st.integers(), st.binary(), st.booleans(), st.none() | st.text()), min_size=1)


@given(_rows)
def test_rows_are_bound_as_they_are(rows: list[tuple[object, ...]]) -> None:
    """Whatever is quickest to store reads back the same."""
    assert [tuple(row) for row in bound(rows)] == rows
