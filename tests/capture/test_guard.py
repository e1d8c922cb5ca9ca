"""The guard: nothing that capture does wrong reaches the user's program."""

from __future__ import annotations

import pytest

from headwater.capture.guard import Guard


def test_a_failure_is_counted_and_the_first_is_kept_in_words():
    """Each failure at a site counts; the first one's message is what doctor shows."""
    guard = Guard(strict=False)
    for text in ("first", "second"):
        with guard.at("here"):
            raise ValueError(text)
    assert guard.failures["here"] == 2
    assert guard.first["here"] == "ValueError: first"


@pytest.mark.parametrize("passing", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_meant_to_stop_the_program_passes(passing):
    """Ctrl-C and sys.exit are never swallowed, and never counted as failures of ours."""
    guard = Guard(strict=False)
    with pytest.raises(passing), guard.at("here"):
        raise passing
    assert not guard.failures


def test_a_panic_in_rust_is_a_failure_like_any_other():
    """It is no Exception, and would end the program, or the thread that sends events."""
    panic = pytest.importorskip("polars").exceptions.PanicException
    assert not issubclass(panic, Exception)
    guard = Guard(strict=False)
    with guard.at("here"):
        raise panic("not yet implemented")
    assert guard.first["here"] == "PanicException: not yet implemented"


def test_strict_re_raises():
    """In our own tests a fault in a hook fails the test."""
    with pytest.raises(ValueError, match="boom"), Guard(strict=True).at("here"):
        raise ValueError("boom")


def test_strict_comes_from_the_environment(monkeypatch):
    """HEADWATER_STRICT=1 is how the test suite turns it on."""
    monkeypatch.setenv("HEADWATER_STRICT", "1")
    assert Guard().strict
    monkeypatch.setenv("HEADWATER_STRICT", "0")
    assert not Guard().strict
