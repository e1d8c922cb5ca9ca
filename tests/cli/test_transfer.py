"""Lineage in and out of files, and the store's own commands."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headwater.capture import registry
from headwater.errors import InvalidInput, StoreCorrupt, StoreError
from headwater.storage.index import kernels
from headwater.storage.open import open_store
from headwater.storage.row_types import StoredEvent
from headwater.storage.sqlite import SQLiteStore
from headwater.testing.events import raw, whole_run
from query.histories import project

from .conftest import Invoke, lines


def graph_hash(folder: Path) -> str:
    """Return the digest of the graph in a store folder."""
    with open_store(folder) as store:
        return store.graph_hash()


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a valid flat record."""
    return {
        "lineage_id": str(uuid.UUID(int=number, version=4)),
        "operation_type": "ETL",
        "source": {"type": "file", "identifier": "s3://raw/a.csv"},
        "destination": {"type": "database", "identifier": "postgres://db:5432/shop.public.orders"},
        "transformation": {"code_hash": "a" * 64, "parameters": {}, "timestamp": "2026-03-01T10:00:00Z"},
        **changes,
    }


@pytest.mark.parametrize("form", ["lines", "array", "indented", "stdin"])
def test_every_form_of_a_file_is_read(folder: Path, invoke: Invoke, form: str) -> None:
    """Lines, an array, an indented array and standard input hold the same events and give the same graph."""
    events = project(3)
    texts = {
        "lines": "\n" + lines(events),
        "array": json.dumps(events),
        "indented": json.dumps(events, indent=2),
        "stdin": lines(events),
    }
    (folder / "events.json").write_text(texts[form])
    result = invoke("ingest", "-", stdin=texts[form].encode()) if form == "stdin" else invoke("ingest", "events.json")
    assert result.exit_code == 0
    assert result.output == "8 stored\n"
    again = invoke("ingest", "events.json")
    assert again.output == "0 stored, 8 known already\n"
    assert len(json.loads(invoke("upstream", "predictions.parquet", "--json").output)["edges"]) == 6


@pytest.mark.parametrize("form", ["gzip", "zstd", "two frames", "mark", "windows"])
def test_a_file_is_read_as_tools_leave_it(folder: Path, invoke: Invoke, form: str) -> None:
    """Compressed, with a byte order mark or with line ends of Windows: the same events; its name does not matter."""
    plain = lines(project(3)).encode()
    half = plain.index(b"\n") + 1
    forms = {
        "gzip": gzip.compress(plain),
        "zstd": zstandard.compress(plain),
        "two frames": zstandard.compress(plain[:half]) + zstandard.compress(plain[half:]),
        "mark": b"\xef\xbb\xbf" + plain,
        "windows": plain.replace(b"\n", b"\r\n"),
    }
    (folder / "events").write_bytes(forms[form])
    assert invoke("ingest", "events").output == "8 stored\n"
    assert invoke("ingest", "-", stdin=forms[form]).output == "0 stored, 8 known already\n"


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"PAR1\x15\x00", "is Parquet"),
        (b"SQLite format 3\x00", "is a SQLite database"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"\x7fELF\x00\x00", "is a binary file"),
        ("\ufeff{}".encode("utf-16-le"), "is text in UTF-16"),
        (gzip.compress(b"{}" * 999, mtime=0)[:20], "cannot be unpacked"),
        (zstandard.compress(b"{}" * 999)[:12], "cannot be unpacked"),
    ],
)
def test_another_kind_of_file_is_a_wrong_use(folder: Path, invoke: Invoke, beginning: bytes, words: str) -> None:
    """One message says what the file is and what to do; no store is made, nothing lands in quarantine."""
    (folder / "data").write_bytes(beginning)
    with pytest.raises(InvalidInput, match=words) as caught:
        invoke("ingest", "data")
    assert caught.value.hint
    assert not (folder / ".headwater").exists()


def test_a_file_that_is_damaged_later_is_told(folder: Path, invoke: Invoke) -> None:
    """What came before the damage is stored, the exit code is 1, and the message names the file."""
    first, second = (lines(project(3)[at : at + 1]).encode() for at in (0, 1))
    (folder / "events.gz").write_bytes(gzip.compress(first) + gzip.compress(second)[:40])
    result = invoke("ingest", "events.gz")
    assert result.exit_code == 1
    assert "events.gz: file: must unpack to its end" in result.stderr
    assert result.stdout == "1 stored, 1 refused\n"


def test_text_that_is_no_json_is_not_told_line_by_line(folder: Path, invoke: Invoke) -> None:
    """Of a table with many lines the first are told, the rest counted, and what a file has to hold is said."""
    (folder / "table.csv").write_text("a,b\n" * 100)
    result = invoke("ingest", "table.csv")
    assert result.exit_code == 1
    told = result.stderr.splitlines()
    assert len(told) == 22
    assert told[-2].startswith("and 80 more")
    assert "OpenLineage events or flat records as JSON" in told[-1]


def test_an_empty_file_is_told(folder: Path, invoke: Invoke) -> None:
    """Nothing to store is no failure, but it is not passed over in silence."""
    (folder / "none.json").write_text("")
    result = invoke("ingest", "none.json")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0 stored\n", "none.json is empty\n")


def test_bad_lines_are_told_and_the_rest_lands(folder: Path, invoke: Invoke) -> None:
    """Each refused line is named with field, value and rule; the exit code is 1; good lines are stored."""
    events = project(3)[:2]
    bad_run = {**events[0], "run": {"runId": "seventeen"}}
    bad_record = record(operation_type="MAGIC")
    rows = [json.dumps(events[0]), "{broken", json.dumps(bad_run), json.dumps(bad_record), json.dumps(events[1])]
    (folder / "mixed.jsonl").write_text("\n".join(rows))
    result = invoke("ingest", "mixed.jsonl")
    assert result.exit_code == 1
    assert "2 stored, 3 refused" in result.output
    told = {line.partition(": ")[0]: line for line in result.output.splitlines() if line.startswith("mixed")}
    assert set(told) == {"mixed.jsonl:2", "mixed.jsonl:3", "mixed.jsonl:4"}
    assert "run.runId" in told["mixed.jsonl:3"]
    assert "seventeen" in told["mixed.jsonl:3"]
    assert "operation_type" in told["mixed.jsonl:4"]
    assert "MAGIC" in told["mixed.jsonl:4"]
    document = json.loads(invoke("ingest", "mixed.jsonl", "--json").output)
    assert (document["stored"], document["duplicates"], len(document["refused"])) == (0, 2, 3)


def test_records_become_lineage(folder: Path, invoke: Invoke) -> None:
    """A flat record is one edge from source to destination."""
    (folder / "records.jsonl").write_text(json.dumps(record()) + "\n" + json.dumps(record(2)))
    assert invoke("ingest", "records.jsonl").exit_code == 0
    graph = json.loads(invoke("upstream", "orders", "--json").output)
    assert [edge["source"] for edge in graph["edges"]] == ["dataset:s3://raw:a.csv"]


def test_a_cycle_of_dependencies_is_refused(folder: Path, invoke: Invoke) -> None:
    """Records that depend on each other are refused with the cycle; the first still lands."""
    one, two = record(1), record(2)
    one["dependencies"], two["dependencies"] = [two["lineage_id"]], [one["lineage_id"]]
    (folder / "records.jsonl").write_text(json.dumps(one) + "\n" + json.dumps(two))
    result = invoke("ingest", "records.jsonl")
    assert result.exit_code == 1
    assert "1 stored, 1 refused" in result.output
    assert "cycle" in result.output


def test_a_cycle_over_several_calls_is_refused(folder: Path, invoke: Invoke) -> None:
    """The store knows what came before; the message names the field of the record and the whole cycle."""
    one, two = record(1), record(2)
    one["dependencies"], two["dependencies"] = [two["lineage_id"]], [one["lineage_id"]]
    (folder / "one.jsonl").write_text(json.dumps(one))
    (folder / "two.jsonl").write_text(json.dumps(two))
    assert invoke("ingest", "one.jsonl").exit_code == 0
    shown = invoke("show", f"run:{one['lineage_id']}").output
    assert f"builds on\n  {two['lineage_id']}  not arrived yet" in shown
    result = invoke("ingest", "two.jsonl")
    assert (result.exit_code, "0 stored, 1 refused" in result.output) == (1, True)
    ids = [two["lineage_id"], one["lineage_id"], two["lineage_id"]]
    assert "dependencies" in result.output
    assert "must not form a cycle: " + " -> ".join(ids) in "".join(result.output.split("\n"))


def test_a_file_that_is_not_there_is_a_wrong_use(folder: Path, invoke: Invoke) -> None:
    """Nothing is stored when one of the files cannot be read."""
    (folder / "events.jsonl").write_text(lines(project(3)))
    assert invoke("ingest", "events.jsonl", "missing.jsonl").exit_code == 2
    assert not (folder / ".headwater").exists()


def test_export_and_import_give_the_same_graph(filled: Path, invoke: Invoke) -> None:
    """The log goes out and comes in again to an equal graph hash."""
    assert invoke("store", "export", "log.ndjson").exit_code == 0
    assert invoke("--store", "copy", "store", "import", "log.ndjson").exit_code == 0
    assert graph_hash(filled / "copy") == graph_hash(filled / ".headwater")
    with pytest.raises(StoreError, match="exists"):
        invoke("store", "export", "log.ndjson")
    with pytest.raises(StoreError, match=r"^cannot write nowhere/log.ndjson: No such file"):
        invoke("store", "export", "nowhere/log.ndjson")


def test_backup_and_restore(filled: Path, invoke: Invoke) -> None:
    """A backup is restored into an empty place, and replaces a store only when forced."""
    before = graph_hash(filled / ".headwater")
    assert invoke("store", "backup", "copy.db").exit_code == 0
    assert invoke("--store", "other", "store", "restore", "copy.db").exit_code == 0
    assert graph_hash(filled / "other") == before
    with pytest.raises(StoreError, match="exists"):
        invoke("--store", "other", "store", "restore", "copy.db")
    invoke("--store", "other", "ingest", "-", stdin=json.dumps(record()).encode())
    assert graph_hash(filled / "other") != before
    assert invoke("--store", "other", "store", "restore", "copy.db", "--force").exit_code == 0
    assert graph_hash(filled / "other") == before
    assert (filled / "other" / "default.db.replaced").exists()


def test_a_damaged_backup_is_not_restored(filled: Path, invoke: Invoke) -> None:
    """A file that is no sound store leaves everything as it was."""
    (filled / "broken.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    before = graph_hash(filled / ".headwater")
    with pytest.raises(StoreError):
        invoke("store", "restore", "broken.db", "--force")
    assert graph_hash(filled / ".headwater") == before


def test_repair_keeps_what_can_be_read(filled: Path, invoke: Invoke) -> None:
    """A repaired store holds the events that could be read, and the damaged file is kept beside."""
    before = graph_hash(filled / ".headwater")
    result = invoke("store", "repair")
    assert result.exit_code == 0
    assert result.output.startswith("kept 18 events from ")
    assert "; nothing was lost" in result.output
    assert graph_hash(filled / ".headwater") == before
    assert list((filled / ".headwater").glob("default.db.damaged-*"))


def test_rebuild_check_and_retain(filled: Path, invoke: Invoke) -> None:
    """Views are made again to the same graph, the store is sound, and forgetting asks first."""
    assert "the graph is the same" in invoke("store", "rebuild").output
    assert invoke("store", "check").output.startswith("sound: ")
    assert invoke("store", "retain", "--before", "now").exit_code == 1
    assert "events forgotten" in invoke("store", "retain", "--before", "1d ago", "--yes").output
    assert invoke("store", "retain", "--before", "whenever", "--yes").exit_code == 2


def test_the_graph_hash_is_shown_to_who_asks_for_it(filled: Path, invoke: Invoke) -> None:
    """It reads all that is stored: ``store info`` alone does without."""
    digest = graph_hash(filled / ".headwater")
    assert digest not in invoke("store", "info").output
    assert f"graph hash    {digest}" in invoke("store", "info", "--hash").output
    assert "graph_hash" not in json.loads(invoke("store", "info", "--json").output)
    assert json.loads(invoke("store", "info", "--hash", "--json").output)["graph_hash"] == digest


def test_tenants_are_apart(filled: Path, invoke: Invoke) -> None:
    """A question asked for another tenant sees nothing of this one."""
    invoke("--tenant", "other", "ingest", "-", stdin=json.dumps(record()).encode())
    found = json.loads(invoke("--tenant", "other", "select", "kind:dataset", "--json").output)
    assert found == ["dataset:postgres://db:5432:shop.public.orders", "dataset:s3://raw:a.csv"]


def test_doctor_finds_nothing_wrong(filled: Path, invoke: Invoke) -> None:
    """In a sound installation every finding is fine or a note."""
    result = invoke("doctor", "--json")
    assert result.exit_code == 0
    assert {one["level"] for one in json.loads(result.output)} <= {"ok", "note"}


def test_doctor_tells_what_is_off_and_why(filled: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is too old, or switched off, is not called followed; none is imported to find that out."""
    del filled
    monkeypatch.setenv("HEADWATER_WITHOUT_INTEGRATIONS", "pandas")
    monkeypatch.setitem(registry.OLDEST, "joblib", (99,))
    monkeypatch.delitem(sys.modules, "joblib", raising=False)
    told = {one["what"]: (one["level"], one["message"]) for one in json.loads(invoke("doctor", "--json").stdout)}
    assert told["pandas"] == ("note", "off: switched off by the setting without_integrations")
    joblib = version("joblib")
    assert told["joblib"] == ("note", f"off: joblib {joblib} is older than 99, the oldest that is followed")
    assert told["sklearn"] == ("ok", version("scikit-learn"))
    assert "joblib" not in sys.modules


@pytest.mark.parametrize(("is_built", "remedy"), [(True, "unset HEADWATER_KERNEL"), (False, "install a C compiler")])
def test_doctor_says_how_to_get_the_faster_kernel(
    filled: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, is_built: bool, remedy: str
) -> None:
    """Where walks could be faster, it tells what to do, whether the kernel was not built or not chosen."""
    del filled
    monkeypatch.setenv("HEADWATER_KERNEL", "numpy")
    monkeypatch.setattr(kernels, "has_compiled", lambda: is_built)
    found = {one["what"]: (one["level"], one["message"]) for one in json.loads(invoke("doctor", "--json").stdout)}
    assert found["graph index"][0] == "note"
    assert remedy in found["graph index"][1]


def test_doctor_finds_a_library_that_another_package_brought(invoke: Invoke, folder: Path) -> None:
    """``xgboost`` may have come with ``xgboost-cpu``, ``psycopg2`` with ``psycopg2-binary``: what is there is found."""
    del folder
    told = {one["what"]: one["message"] for one in json.loads(invoke("doctor", "--json").stdout)}
    for name, module in registry.INTEGRATIONS.items():
        is_there = module in sys.modules or find_spec(module) is not None
        assert ("is not installed" in told[name]) == (not is_there), name


@pytest.fixture
def writer(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program, which stores an event whenever the log or the graph was read."""
    numbers = count(500)

    def write() -> None:
        with open_store(filled / ".headwater") as other:
            number = next(numbers)
            other.append(raw(whole_run(number, "other", number, ["x"], [f"y{number}"])))

    def events(self: SQLiteStore, **limits: int) -> Iterator[StoredEvent]:
        yield from list(read(self, **limits))
        write()

    def graph_hash(self: SQLiteStore) -> str:
        found = hashed(self)
        write()
        return found

    read, hashed = SQLiteStore.events, SQLiteStore.graph_hash
    monkeypatch.setattr(SQLiteStore, "events", events)
    monkeypatch.setattr(SQLiteStore, "graph_hash", graph_hash)


@pytest.mark.usefixtures("writer")
def test_a_store_that_others_write_to_is_sound(invoke: Invoke) -> None:
    """What comes in while the log is read does not make it unsound, nor a view stale."""
    assert invoke("store", "check").stdout.startswith("sound: ")
    assert invoke("store", "rebuild").stdout.startswith("rebuilt; events came in meanwhile")


def test_a_log_that_counts_wrong_is_to_be_repaired(filled: Path, invoke: Invoke) -> None:
    """A view cannot be the reason, so rebuilding is no remedy."""
    with closing(sqlite3.connect(filled / ".headwater" / "default.db")) as connection, connection:
        connection.execute("DELETE FROM event_keys WHERE seq = 1")
    with pytest.raises(StoreCorrupt, match="the log holds") as caught:
        invoke("store", "check")
    assert "store repair" in caught.value.hint
    invoke("store", "repair")
    assert invoke("store", "check").stdout.startswith("sound: ")
