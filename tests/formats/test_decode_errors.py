"""What a decoder complains of is said in words, with the field."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from headwater.formats.decode_errors import NOT_LISTED, rule_of


class Asked(msgspec.Struct):
    """Something with bounds of every sort."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 1
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "a"
    ids: Annotated[tuple[int, ...], msgspec.Meta(max_length=2)] = ()
    is_open: bool = False
    words: Annotated[str, msgspec.Meta(pattern=r"\S")] = "a"
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]$")] = "a"
    kind: Literal["job", "run"] | None = None


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ({"limit": 60}, "limit", "must be at most 50"),
        ({"limit": 0}, "limit", "must be at least 1"),
        ({"limit": "x"}, "limit", "must be a whole number"),
        ({"share": 1.0}, "share", "must be less than 1.0"),
        ({"share": 0.0}, "share", "must be more than 0.0"),
        ({"name": "abcd"}, "name", "must have at most 3 characters"),
        ({"name": ""}, "name", "must have at least 1 character"),
        ({"ids": [1, 2, 3]}, "ids", "must have at most 2 items"),
        ({"ids": [1, "x"]}, "ids[1]", "must be a whole number"),
        ({"is_open": "zz"}, "is_open", "must be true or false"),
        ({"words": " "}, "words", "must not be blank"),
        ({"code": "1"}, "code", "must match ^[a-z]$"),
        ({"kind": "x"}, "kind", NOT_LISTED),
    ],
)
def test_a_broken_bound_is_said_in_words(given: dict[str, Any], field: str, rule: str) -> None:
    """The field by its path, and what it must be."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, Asked)
    assert rule_of(str(caught.value)) == (field, rule)
