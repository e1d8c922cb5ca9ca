"""The spool and the lease: nothing acknowledged is lost, nothing lost is silent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from file_rights import NO_RIGHTS, needs_rights
from headwater.capture.assembler import Assembler, Outcome
from headwater.capture.delivery import Delivery
from headwater.capture.lease import Lease, abandoned, closing_event
from headwater.capture.recorder import Recorder
from headwater.capture.redact import Redactor
from headwater.capture.spool import MAGIC, Spool, read_segment
from headwater.capture.worker import Session, Worker
from headwater.errors import TransportError

EVENTS = st.lists(st.binary(min_size=0, max_size=200), min_size=1, max_size=20)


def segment_of(folder: Path, events: list[bytes]) -> Path:
    """A segment that an ended process left."""
    spool = Spool(folder, max_bytes=1 << 20)
    spool.append(events)
    spool.close()
    return next(folder.glob("*.segment"))


@given(events=EVENTS)
def test_what_was_appended_is_drained_in_order(tmp_path_factory, events):
    """Every event comes back, byte for byte, in order, once; the segment is gone then."""
    folder = tmp_path_factory.mktemp("spool")
    segment_of(folder, events)
    got: list[bytes] = []
    later = Spool(folder, max_bytes=1 << 20)
    assert later.drain(got.extend).events == len(events)
    assert got == events
    assert later.drain(got.extend).events == 0


@given(events=EVENTS, cut=st.integers(min_value=0, max_value=10_000))
def test_a_torn_segment_keeps_every_whole_event(tmp_path_factory, events, cut):
    """Cut anywhere, as by a crash, a segment gives its whole frames, and says how much made no sense."""
    folder = tmp_path_factory.mktemp("spool")
    data = segment_of(folder, events).read_bytes()
    cut = min(cut, len(data))
    read = read_segment(data[:cut])
    assert read.events == events[: len(read.events)]
    whole = sum(12 + len(event) for event in read.events)
    assert read.lost_bytes == max(0, cut - len(MAGIC) - whole) if cut >= len(MAGIC) else read.events == []


@given(events=EVENTS, where=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_damaged_byte_costs_at_most_the_frame_it_hits(tmp_path_factory, events, where, flip):
    """Reading goes on behind a damaged frame; no event comes back changed."""
    folder = tmp_path_factory.mktemp("spool")
    data = bytearray(segment_of(folder, events).read_bytes())
    data[where % len(data)] ^= flip
    read = read_segment(bytes(data))
    remaining = list(events)
    for event in read.events:
        assert event in remaining
        remaining.remove(event)
    assert len(remaining) <= 1


@settings(max_examples=30)
@given(data=st.binary(max_size=2000))
def test_any_bytes_can_be_read(data):
    """A file that is no segment gives no event and no error."""
    assert read_segment(data).events == [] or b"HW" in data


def test_the_quota_refuses_counts_and_marks(tmp_path):
    """Beyond the quota events are refused; how many is known to the writer, and to whoever drains."""
    spool = Spool(tmp_path, max_bytes=500)
    kept = spool.append([b"x" * 90] * 10)
    spool.close()
    assert 0 < kept < 10
    assert spool.dropped == 10 - kept
    done = Spool(tmp_path, max_bytes=500).drain(lambda batch: None)
    assert (done.events, done.gaps) == (kept, 10 - kept)


def test_a_segment_of_a_live_process_is_left_alone(tmp_path):
    """What another process is still writing is not drained."""
    writer, other = Spool(tmp_path, max_bytes=1000), Spool(tmp_path, max_bytes=1000)
    writer.append([b"event"])
    assert other.drain(lambda batch: None).events == 0
    writer.close()
    assert other.drain(lambda batch: None).events == 1


def test_a_failed_delivery_leaves_the_segment(tmp_path):
    """What the destination did not take stays for the next time."""
    segment_of(tmp_path, [b"a", b"b"])

    def refuse(batch: list[bytes]) -> None:
        raise TransportError("away")

    spool = Spool(tmp_path, max_bytes=1000)
    with pytest.raises(TransportError):
        spool.drain(refuse)
    got: list[bytes] = []
    spool.drain(got.extend)
    assert got == [b"a", b"b"]


def test_a_destination_that_is_away_costs_nothing_but_disk(tmp_path):
    """Events wait in the spool while the file cannot be written, and arrive when it can, whichever process sends."""
    target = tmp_path / "out" / "events.jsonl"
    (tmp_path / "out").write_text("a file where a folder is needed")
    settings = {"kind": "file", "path": str(target)}
    first = Delivery(settings, tmp_path)
    first.send([b'{"n":1}', b'{"n":2}'], is_last=True)
    assert first.away
    assert first.spool.spooled == 2
    first.close()
    (tmp_path / "out").unlink()
    second = Delivery(settings, tmp_path)
    second.send([b'{"n":3}'])
    lines = [json.loads(line)["n"] for line in target.read_text().splitlines()]
    assert sorted(lines) == [1, 2, 3]
    assert second.drained == 2


def test_dead_letters_keep_the_words_of_the_destination(tmp_path):
    """An event that is refused for good is kept with the reason, and is not sent again."""
    from headwater.capture.transports import Refused

    delivery = Delivery({"kind": "discard"}, tmp_path)
    delivery._bury([Refused(b'{"a":1}', "422 no run")])
    assert json.loads((tmp_path / "dead_letters.jsonl").read_text()) == {"reason": "422 no run", "event": {"a": 1}}


def test_runs_of_a_vanished_process_are_closed(tmp_path):
    """A killed process leaves a lease; whoever comes next closes exactly the runs that were open, as aborted."""
    code = f"""
import os
from pathlib import Path
from headwater.capture.lease import Lease
lease = Lease(Path({str(tmp_path)!r}))
lease.opened("r1", "ns", "a"); lease.opened("r2", "ns", "b"); lease.closed("r1")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    ((path, runs),) = list(abandoned(tmp_path))
    assert [(run.run_id, run.name) for run in runs] == [("r2", "b")]
    event = json.loads(closing_event(runs[0]))
    assert event["eventType"] == "ABORT"
    assert event["run"]["runId"] == "r2"
    assert path.exists()


def test_a_live_lease_is_nobodys_business(tmp_path):
    """The runs of a process that lives are not closed by another."""
    lease = Lease(tmp_path)
    lease.opened("r1", "ns", "a")
    assert list(abandoned(tmp_path)) == []
    lease.closed("r1")
    assert list(tmp_path.glob("*.lease")) == []


def test_what_stands_in_the_way_is_told_once(tmp_path):
    """However often the spool could not be written, the line that says so says it once; and no more, when it can be."""
    target = tmp_path / "out" / "events.jsonl"
    for name in ("out", "spool"):
        (tmp_path / name).write_text("a file where a folder is needed")
    delivery = Delivery({"kind": "file", "path": str(target)}, tmp_path)
    for number in range(3):
        delivery.send([b'{"n":%d}' % number])
    assert delivery.unkept == 3
    assert delivery.why_unkept.count("the spool cannot be written: ") == 1
    assert delivery.why_unkept.startswith(delivery.away)
    (tmp_path / "spool").unlink()
    delivery.send([])
    assert (delivery.unkept, "spool" in delivery.why_unkept) == (0, False)


def test_a_run_that_ended_in_memory_is_not_closed_again(tmp_path, monkeypatch):
    """The last event of a run could be neither sent nor spooled, and is delivered later: from then on, nobody takes the
    run for one of a process that vanished."""
    target = tmp_path / "out" / "events.jsonl"
    target.parent.write_text("a file in the way")
    delivery = Delivery({"kind": "file", "path": str(target)}, tmp_path / "kept")
    worker = Worker(delivery, Redactor(), interval_s=60)
    recorder = Recorder("r1", "ns", "a")
    session = Session(Assembler(recorder))
    worker.open(session, wakes=False)
    worker.close(session, Outcome("COMPLETE"))
    with monkeypatch.context() as full:
        full.setattr(delivery.spool, "append", lambda events: raising(OSError(28, "no space left on device")))
        worker.cycle()
    assert delivery.unkept
    target.parent.unlink()
    monkeypatch.setattr(delivery, "_away_until", 0.0)
    worker.cycle()
    assert not delivery.unkept
    delivery.lease.forget()
    assert list(abandoned(tmp_path / "kept" / "spool")) == []


def raising(error: Exception) -> None:
    """Raise that."""
    raise error


def test_a_lease_cut_short_by_the_kill_is_read(tmp_path):
    """Half a last line is passed over."""
    line = json.dumps({"open": "r1", "namespace": "n", "name": "j", "pid": 1}).encode()
    (tmp_path / "1-1.lease").write_bytes(line + b'\n{"open": "r2", "names')
    ((_, runs),) = list(abandoned(tmp_path))
    assert [run.run_id for run in runs] == ["r1"]


def test_a_lease_goes_on_after_a_line_that_was_cut_short(tmp_path, monkeypatch):
    """The disk was full for a moment: what is recorded after it is a line of its own."""
    lease = Lease(tmp_path)
    lease.opened("r1", "ns", "a")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:9]))
        lease.opened("r2", "ns", "b")
    lease.ended("r1", "FAIL", 3)
    lease.forget()
    ((_, (run,)),) = list(abandoned(tmp_path))
    assert (run.run_id, run.state, run.exit_code) == ("r1", "FAIL", 3)
    event = json.loads(closing_event(run))
    assert (event["eventType"], event["run"]["facets"]["headwater_outcome"]["exit_code"]) == ("FAIL", 3)


@needs_rights
def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    """Without a lease capture goes on."""
    code = (
        "from pathlib import Path; from headwater.capture.lease import Lease\n"
        f"Lease(Path({str(tmp_path)!r}) / 'spool').opened('r', 'n', 'j')"
    )
    tmp_path.chmod(0o500)
    try:
        done = subprocess.run([*NO_RIGHTS, sys.executable, "-c", code], check=False, capture_output=True, text=True)
    finally:
        tmp_path.chmod(0o700)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@needs_rights
def test_the_lock_of_another_user_is_taken_all_the_same(tmp_path):
    """Where users share a folder, the file of the lock may be another's: it is empty, and reading it is enough."""
    segment_of(tmp_path, [b"one"])
    (tmp_path / "drain.lock").touch()
    (tmp_path / "drain.lock").chmod(0o444)
    code = (
        "import os, sys; from pathlib import Path; from headwater.capture.spool import Spool\n"
        "got = []\n"
        f"Spool(Path({str(tmp_path)!r}), max_bytes=1000).drain(got.extend); print(got)"
    )
    done = subprocess.run([*NO_RIGHTS, sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[b'one']\n", "")
