"""The change feed of one tenant: read from the log once, sent to all followers.

The log is the truth here too. A follower who was away says what it heard last and is told the rest from the log; one
who is too slow is told from the log again. Changes are sent a few times a second, together, which is what lets a
thousand followers cost little.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from headwater.errors import StoreError
from headwater.server.live.messages import Message, Topic, messages, refusal
from headwater.storage.base import Store

Reading = Callable[[Callable[[Store], Any]], Awaitable[Any]]
"""Calls a function with the tenant's store, in a worker thread."""
TOGETHER_S = 0.05
"""After a commit was told of, until the log is looked at: what is committed together is sent together."""
POLL_S = 0.2
"""Between two looks at the log when nobody told of a commit: another process may have written."""
HEARTBEAT_S = 15.0
_KEPT = 5_000
_PAGE = 500
_REFUSALS = 100
_POSITION = re.compile(r"(\d{1,18})\.(\d{1,9})\.(\d{1,18})")


class Position(msgspec.Struct, frozen=True):
    """A place in the changes: the last event that was told, how many of its messages were (0 is all), and the last
    refusal."""

    seq: int
    told: int
    refusal: int

    def __str__(self) -> str:
        return f"{self.seq}.{self.told}.{self.refusal}"


def read_position(text: str) -> Position | None:
    """The position that a message's id was; None for what is no such id."""
    found = _POSITION.fullmatch(text.strip())
    return None if found is None else Position(*(int(part) for part in found.groups()))


class Told(msgspec.Struct, frozen=True):
    """A message as it is sent; ``is_refusal`` tells the two counters of its position apart."""

    position: Position
    topic: Topic
    wire: bytes

    def is_beyond(self, position: Position) -> bool:
        """Whether it comes after a position that tells all of its event."""
        if self.topic == "quarantine":
            return self.position.refusal > position.refusal
        return self.position.seq > position.seq


def told(position: Position, message: Message) -> Told:
    """A message in the form of the HTML standard's event streams."""
    data = msgspec.json.encode(message.data).decode()
    return Told(position, message.topic, f"id: {position}\nevent: {message.topic}\ndata: {data}\n\n".encode())


def read_on(store: Store, after: Position) -> tuple[list[Told], Position]:
    """The messages of the next events after a position, and the position behind them."""
    found: list[Told] = []
    seq = after.seq
    for stored in store.events(since=after.seq - 1 if after.told else after.seq, limit=_PAGE):
        skipped = after.told if stored.seq == after.seq else 0
        changed = messages(store, stored)[skipped:]
        found.extend(
            told(Position(stored.seq, place, after.refusal), one) for place, one in enumerate(changed, skipped + 1)
        )
        seq = stored.seq
    newest = [entry for entry in store.quarantined(limit=_REFUSALS) if entry.id > after.refusal]
    found.extend(told(Position(seq, 0, entry.id), refusal(entry)) for entry in reversed(newest))
    return found, Position(seq, 0, newest[0].id if newest else after.refusal)


def present(store: Store) -> Position:
    """The position behind everything that there is."""
    latest = store.quarantined(limit=1)
    with store.view() as view:
        last_seq = view.state[1]
    return Position(last_seq, 0, latest[0].id if latest else 0)


class Feed:
    """The changes of one tenant. Lives on the loop."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._recent: list[Told] = []
        self._first = 0
        """The place of the first message that is kept, counted from the beginning of the feed."""
        self._position: Position | None = None
        self._poked = asyncio.Event()
        self._moved = asyncio.Event()
        self._chunks: dict[tuple[frozenset[Topic], int], bytes] = {}
        self._watch: asyncio.Task[None] | None = None
        self.followers = 0
        self.is_closed = False

    def poke(self) -> None:
        """Something was committed: look at the log soon."""
        self._poked.set()

    def close(self) -> None:
        """Let every follower end."""
        self.is_closed = True
        self._move()
        self._rest()

    async def follow(self, topics: frozenset[Topic], after: Position | None) -> AsyncGenerator[bytes, None]:
        """What is sent to one follower: what it missed, then every change, and a heartbeat if there is none."""
        self.followers += 1
        try:
            place, upto = await self._begin()
            if after is None:  # who is cut off before the first message goes on from here
                yield f"retry: 2000\nid: {upto}\n\n".encode()
            else:
                yield b"retry: 2000\n\n"
                async for chunk in self._from_log(topics, after, upto):
                    yield chunk
            while not self.is_closed:
                if place < self._first:  # too slow: what it has not read is kept no longer
                    start, (place, upto) = upto, self._end(upto)
                    async for chunk in self._from_log(topics, start, upto):
                        yield chunk
                elif place == self._first + len(self._recent):
                    if not await self._has_moved():
                        yield b": still here\n\n"
                else:
                    chunk = self._chunk(topics, place)
                    place, upto = self._end(upto)
                    if chunk:
                        yield chunk
        finally:
            self.followers -= 1
            if not self.followers:
                self._rest()

    async def _begin(self) -> tuple[int, Position]:
        """Start watching, if nobody does, and say where the feed stands."""
        if self._position is None:
            position = await self._reading(present)
            self._position = self._position or position
        if (self._watch is None or self._watch.done()) and not self.is_closed:
            self._watch = asyncio.create_task(self._keep_up())
        return self._end(self._position)

    def _rest(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._position = None

    def _end(self, default: Position) -> tuple[int, Position]:
        return self._first + len(self._recent), self._position or default

    async def _from_log(self, topics: frozenset[Topic], after: Position, upto: Position) -> AsyncGenerator[bytes, None]:
        """What the log holds between two positions, a page at a time."""
        while after.told or after.seq < upto.seq or after.refusal < upto.refusal:
            page, behind = await self._reading(partial(read_on, after=after))
            chunk = b"".join(one.wire for one in page if one.topic in topics and not one.is_beyond(upto))
            if chunk:
                yield chunk
            if behind == after:
                return
            after = behind

    async def _has_moved(self) -> bool:
        """Wait for messages; False if none came for the time of a heartbeat."""
        try:
            await asyncio.wait_for(self._moved.wait(), HEARTBEAT_S)
        except TimeoutError:
            return False
        return True

    def _chunk(self, topics: frozenset[Topic], place: int) -> bytes:
        """The messages from a place on, joined once for all followers that stand there."""
        found = self._chunks.get((topics, place))
        if found is None:
            found = b"".join(one.wire for one in self._recent[place - self._first :] if one.topic in topics)
            self._chunks[topics, place] = found
        return found

    async def _keep_up(self) -> None:
        """Look at the log again and again for as long as somebody follows."""
        while True:
            try:
                await asyncio.wait_for(self._poked.wait(), POLL_S)
                await asyncio.sleep(TOGETHER_S)
            except TimeoutError:
                pass
            self._poked.clear()
            position = self._position
            if position is None:
                return
            try:
                page, behind = await self._reading(partial(read_on, after=position))
            except StoreError:
                continue  # the store is away: the log still holds what is told when it is back
            self._position = behind
            if page:
                self._take(page)

    def _take(self, page: list[Told]) -> None:
        self._recent.extend(page)
        surplus = max(0, len(self._recent) - _KEPT)
        del self._recent[:surplus]
        self._first += surplus
        self._chunks.clear()
        self._move()

    def _move(self) -> None:
        """Wake everybody who waits; who comes later waits for the next time."""
        self._moved.set()
        self._moved = asyncio.Event()
