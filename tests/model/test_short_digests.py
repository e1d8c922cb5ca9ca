"""The short forms of digests and run ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headwater.model.short_digests import LEAST, ShortDigests, is_digest, is_run_id

DIGESTS = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1, max_size=20)
ALIKE = st.lists(st.text("ab", min_size=16, max_size=16), min_size=1, max_size=20)


@given(DIGESTS | ALIKE)
def test_digests_that_are_shown_together_are_told_apart(digests):
    """Short forms are beginnings, at least ten digits, and two different digests never have the same one."""
    short = ShortDigests(digests)
    forms = {digest: short.of(digest) for digest in digests}
    assert all(digest.startswith(form) and len(form) >= LEAST for digest, form in forms.items())
    assert len(set(forms.values())) == len(set(digests))


def test_the_algorithm_is_not_part_of_it():
    """The name of the algorithm is left out, and a digest with it is the same as one without."""
    assert ShortDigests(["sha256:0123456789abcdef"]).of("0123456789abcdef") == "0123456789"
    assert ShortDigests().of("blake2b-128:0123456789abcdef") == "0123456789"


def test_runs_that_began_together_are_told_apart():
    """An id that begins with the time shows all of it, and more where two began in one millisecond."""
    one, other = "01a2260c-d7ed-7141-8eea-ef8b6edae6c2", "01a2260c-d7ed-7358-b4c0-d1443f4cd3b7"
    assert ShortDigests([one]).of(one) == "01a2260c-d7ed"
    assert ShortDigests([one, other]).of(one) == "01a2260c-d7ed-71"
    assert ShortDigests().of("9c2b7f0e-8a1d-4c35-9e4f-2f6f3f1f0a11") == "9c2b7f0e"


def test_other_text_stays_as_it_is():
    """A version with a name of its own, a word, a short number is no digest."""
    short = ShortDigests(["v1", "deadbeef"])
    assert [short.of(text) for text in ("v1", "deadbeef", "", "2026-01-01", "x:y")] == [
        "v1", "deadbeef", "", "2026-01-01", "x:y",
    ]  # fmt: skip
    assert not is_digest("deadbeef")
    assert is_run_id("01a2260c-d7ed-7141-8eea-ef8b6edae6c2")
