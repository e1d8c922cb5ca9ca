"""The reader with a memory gives what the plain one gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidEvent
from headwater.formats.openlineage import SHARES_RUNS, parse_time, read
from headwater.storage.reader import EventReader
from headwater.testing.events import History, raw, run_event, run_id

_READER = EventReader()
_TEXT = st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_DATASET = st.fixed_dictionaries(
    {"namespace": _TEXT, "name": _TEXT},
    optional={"facets": _JSON, "inputFacets": _JSON, "outputFacets": st.dictionaries(_TEXT, _JSON), "more": _JSON},
)
_EVENT = st.fixed_dictionaries(
    {
        "eventTime": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789+02:00", "never"]) | _JSON,
        "producer": _TEXT,
        "run": st.fixed_dictionaries(
            {"runId": st.sampled_from([run_id(1), run_id(2).upper(), "x"])}, optional={"facets": _JSON, "_x": _JSON}
        ),
        "job": _DATASET,
    },
    optional={
        "eventType": st.sampled_from(["START", "COMPLETE", "start", None]),
        "schemaURL": _TEXT | st.none(),
        "inputs": st.lists(_DATASET, max_size=2) | st.none(),
        "outputs": st.lists(_DATASET, max_size=2),
        "unknown": _JSON,
    },
)


def _same(event: bytes) -> None:
    try:
        expected, key, _ = read(event)
    except InvalidEvent as error:
        with pytest.raises(InvalidEvent) as caught:
            _READER.read(event)
        assert (caught.value.field, caught.value.value, caught.value.rule) == (error.field, error.value, error.rule)
        return
    assert _READER.read(event) == (expected, key, parse_time(expected.event_time))


@settings(max_examples=300, deadline=None)
@given(_EVENT)
def test_both_readers_agree_on_anything(event: dict[str, object]) -> None:
    """The same event, key and time, or the same refusal: also when parts were seen before."""
    (encoded,) = raw([event])
    _same(encoded)
    _same(encoded)


def test_both_readers_part_jobs_that_share_a_run() -> None:
    """The ids of Dagster's assets are made by both alike."""
    events = [run_event(run_id(1), "j", kind, 1, ["a"], ["b"]) for kind in ("START", "COMPLETE")]
    for event in raw([{**one, "producer": f"x{SHARES_RUNS}"} for one in events]):
        _same(event)
        assert _READER.read(event)[0].run.run_id != run_id(1)


@pytest.mark.parametrize("seed", range(5))
def test_both_readers_agree_on_histories(seed: int) -> None:
    """Over all that the generator makes."""
    for event in History(seed).events(20):
        _same(event)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"run":{}}', b"\xff", b'{"a":' * 2000])
def test_both_readers_refuse_alike(text: bytes) -> None:
    """What is no event at all."""
    _same(text)


def test_a_part_that_changes_by_a_byte_is_another(tmp_path: object) -> None:
    """Nothing is taken from memory that differs."""
    one, other = (raw([run_event(run_id(1), "j", "COMPLETE", 0, [f"a{end}"], ["b"])])[0] for end in "xy")
    assert _READER.read(one)[1] != _READER.read(other)[1]
    assert _READER.read(other)[0].inputs[0].name == "ay"  # type: ignore[union-attr]
