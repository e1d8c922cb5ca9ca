"""The bounds on the shape of JSON: the quick answer is the one of counting closely."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidInput
from headwater.server.json_limits import check_json
from headwater.server.settings import Limits

LIMITS = Limits(json_depth=4, json_keys=6, key_bytes=16, string_bytes=40)
ODD = st.text(alphabet='[]{}":\\a', max_size=60)
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=12,
)


def depth(value) -> int:
    """How deep the lists and objects of a value go."""
    if isinstance(value, dict | list):
        return 1 + max((depth(inner) for inner in (value.values() if isinstance(value, dict) else value)), default=0)
    return 0


def strings(value):
    """(text, whether it is a key) of all strings of a value."""
    if isinstance(value, str):
        yield value, False
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key, True
            yield from strings(inner)


def is_within(value) -> bool:
    """Whether a value keeps the limits, counted on the value itself."""
    found = list(strings(value))
    sizes = [(len(msgspec.json.encode(text)) - 2, is_key) for text, is_key in found]
    return (
        depth(value) <= LIMITS.json_depth
        and sum(is_key for _, is_key in found) <= LIMITS.json_keys
        and all(size <= (LIMITS.key_bytes if is_key else LIMITS.string_bytes) for size, is_key in sizes)
    )


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_the_bytes_are_judged_as_the_value_would_be(value):
    """Whatever brackets, quotes and escapes stand in keys and strings."""
    raw = msgspec.json.encode(value)
    for text in (raw, msgspec.json.format(raw, indent=1)):
        if is_within(value):
            check_json(text, LIMITS)
        else:
            with pytest.raises(InvalidInput):
                check_json(text, LIMITS)


@pytest.mark.parametrize("body", [b"[" * 10**6, b'{"a":' * 10**5, b'"' * 10**5, b"]" * 100, b"\\" * 1000, b'"\\'])
def test_what_is_no_json_is_left_to_its_reader(body):
    """Nothing here takes long or raises anything else; what is nested too deep may be refused at once."""
    try:
        check_json(body, Limits())
    except InvalidInput as error:
        assert "json_" in error.rule or "_bytes" in error.rule


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b"\\\\" * 6 + b'","b":"\\\\\\"[[[[[[["}',
        b'{"a":"{}","b":"[]","c":"]{"}',
        b'{"a":["",""],"b":["","","",[]]}',
    ],
)
def test_brackets_in_strings_and_escaped_quotes_do_not_count_as_nesting(body):
    """Strings that are empty, hold brackets or end in backslashes do not hide the depth of the value, nor add to it."""
    assert is_within(msgspec.json.decode(body))
    check_json(body, LIMITS)
    with pytest.raises(InvalidInput, match="json_depth"):
        check_json(b"[[[[" + body + b"]]]]", LIMITS)
