"""Which frame is the user's."""

from __future__ import annotations

import sys
from types import CodeType

from headwater.capture.user_code import user_frame

LIBRARY = "/somewhere/site-packages/library/deep.py"
SOURCE = "def deep(n, then):\n    return deep(n - 1, then) if n else then()\n"


def test_the_users_frame_is_found_below_several_libraries():
    """A magic of a notebook goes through IPython, a library for SQL, SQLAlchemy and a driver."""
    names: dict[str, object] = {}
    exec(compile(SOURCE, LIBRARY, "exec"), names)
    deep = names["deep"]
    found: list[CodeType] = []

    def frames() -> None:
        found.append(user_frame(sys._getframe(1)).f_code)

    assert callable(deep)
    deep(25, frames)
    assert found[0].co_name == "test_the_users_frame_is_found_below_several_libraries"
