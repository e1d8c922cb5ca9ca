"""The change feed of one tenant: read from the log once, sent to all followers.

A follower that was disconnected sends the position of its last message and receives the rest from the log; so does one
that is too slow. Changes are sent in groups, a few times per second, which makes a thousand followers cheap.
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
"""Seconds between the notice of a commit and reading the log, so that close commits are sent together."""
POLL_S = 0.2
"""Seconds between two reads of the log without a notice: another process may have written."""
HEARTBEAT_S = 15.0
_KEPT = 5_000
_PAGE = 500
_REFUSALS = 100
_POSITION = re.compile(r"(\d{1,18})\.(\d{1,9})\.(\d{1,18})")


class Position(msgspec.Struct, frozen=True):
    """A position in the changes: the last event sent, how many of its messages (0 for all), and the last refusal."""

    seq: int
    sent: int
    refusal: int

    def __str__(self) -> str:
        return f"{self.seq}.{self.sent}.{self.refusal}"


def read_position(text: str) -> Position | None:
    """The position from a message id; None if it is not one."""
    found = _POSITION.fullmatch(text.strip())
    return None if found is None else Position(*(int(part) for part in found.groups()))


class EncodedMessage(msgspec.Struct, frozen=True):
    """An encoded message; ``is_refusal`` tells which counter of its position it advances."""

    position: Position
    topic: Topic
    wire: bytes

    def is_beyond(self, position: Position) -> bool:
        """Whether the message comes after a position."""
        if self.topic == "quarantine":
            return self.position.refusal > position.refusal
        return self.position.seq > position.seq


def encoded(position: Position, message: Message) -> EncodedMessage:
    """Encode a message as a server-sent event (HTML standard)."""
    data = msgspec.json.encode(message.data).decode()
    return EncodedMessage(position, message.topic, f"id: {position}\nevent: {message.topic}\ndata: {data}\n\n".encode())


def read_on(store: Store, after: Position) -> tuple[list[EncodedMessage], Position]:
    """The messages of the next events after a position, and the position after them."""
    found: list[EncodedMessage] = []
    seq = after.seq
    for stored in store.events(since=after.seq - 1 if after.sent else after.seq, limit=_PAGE):
        skipped = after.sent if stored.seq == after.seq else 0
        changed = messages(store, stored)[skipped:]
        found.extend(
            encoded(Position(stored.seq, place, after.refusal), one) for place, one in enumerate(changed, skipped + 1)
        )
        seq = stored.seq
    newest = [entry for entry in store.quarantined(limit=_REFUSALS) if entry.id > after.refusal]
    found.extend(encoded(Position(seq, 0, entry.id), refusal(entry)) for entry in reversed(newest))
    return found, Position(seq, 0, newest[0].id if newest else after.refusal)


def present(store: Store) -> Position:
    """The position after all current events."""
    latest = store.quarantined(limit=1)
    with store.view() as view:
        last_seq = view.state[1]
    return Position(last_seq, 0, latest[0].id if latest else 0)


class Feed:
    """The changes of one tenant. Used on one event loop."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._recent: list[EncodedMessage] = []
        self._first = 0
        """Number of the first message still kept, counted from the start of the feed."""
        self._position: Position | None = None
        self._poked = asyncio.Event()
        self._moved = asyncio.Event()
        self._chunks: dict[tuple[frozenset[Topic], int], bytes] = {}
        self._watch: asyncio.Task[None] | None = None
        self.followers = 0
        self.is_closed = False

    def poke(self) -> None:
        """Read the log soon, because of a commit."""
        self._poked.set()

    def close(self) -> None:
        """End the streams of all followers."""
        self.is_closed = True
        self._move()
        self._rest()

    async def follow(self, topics: frozenset[Topic], after: Position | None) -> AsyncGenerator[bytes, None]:
        """The stream of one follower: first what it missed, then every change, with heartbeats in between."""
        self.followers += 1
        try:
            place, upto = await self._begin()
            if after is None:  # a client that is cut off before the first message can continue from here
                yield f"retry: 2000\nid: {upto}\n\n".encode()
            else:
                yield b"retry: 2000\n\n"
                async for chunk in self._from_log(topics, after, upto):
                    yield chunk
            while not self.is_closed:
                if place < self._first:  # too slow: its next message is no longer kept
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
        """Start following the log if no one does, and return the current position."""
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
        """The messages between two positions, read from the log page by page."""
        while after.sent or after.seq < upto.seq or after.refusal < upto.refusal:
            page, behind = await self._reading(partial(read_on, after=after))
            chunk = b"".join(one.wire for one in page if one.topic in topics and not one.is_beyond(upto))
            if chunk:
                yield chunk
            if behind == after:
                return
            after = behind

    async def _has_moved(self) -> bool:
        """Wait for messages; returns False after the time of a heartbeat."""
        try:
            await asyncio.wait_for(self._moved.wait(), HEARTBEAT_S)
        except TimeoutError:
            return False
        return True

    def _chunk(self, topics: frozenset[Topic], place: int) -> bytes:
        """The messages from a place on, joined once for all followers at that place."""
        found = self._chunks.get((topics, place))
        if found is None:
            found = b"".join(one.wire for one in self._recent[place - self._first :] if one.topic in topics)
            self._chunks[topics, place] = found
        return found

    async def _keep_up(self) -> None:
        """Read the log repeatedly while there are followers."""
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
                continue  # the store is unavailable: its log still has the changes afterwards
            self._position = behind
            if page:
                self._take(page)

    def _take(self, page: list[EncodedMessage]) -> None:
        self._recent.extend(page)
        surplus = max(0, len(self._recent) - _KEPT)
        del self._recent[:surplus]
        self._first += surplus
        self._chunks.clear()
        self._move()

    def _move(self) -> None:
        """Wake all waiting followers."""
        self._moved.set()
        self._moved = asyncio.Event()
