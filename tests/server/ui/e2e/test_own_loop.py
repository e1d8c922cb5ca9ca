"""What the browser's tests leave behind: nothing that a later test of the same process would trip over."""

from __future__ import annotations

import asyncio


def test_a_later_test_may_run_an_event_loop_of_its_own():
    """Playwright's loop has ended with the module that used it; the tests of the live stream run their own."""

    async def done() -> bool:
        return True

    assert asyncio.run(done())
