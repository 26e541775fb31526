"""The live view: what is open now, and what happens to it.

Everything here runs on the recorder's event loop. Without a subscriber it costs one entry in
a dict per exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic_ns
from typing import Any, Protocol

import msgspec

from streamgauge.record import Record
from streamgauge.recorder.source import Source

# How often a subscriber hears of one exchange.
PROGRESS_INTERVAL_S = 0.25

# So many progress events are made in one interval. With more open exchanges, each is heard
# of less often.
MAX_PROGRESS = 250

# What may wait for one subscriber. Who does not take it for some seconds is dropped.
MAX_WAITING = 4096

BODIES = ("request_body", "reply", "response_text", "attempts")

Event = tuple[str, dict[str, Any]]

# What a progress has said that is worth another one: chunks, and the model.
Said = tuple[int, str | None]
NOTHING: Said = (0, None)


class Running(Source, Protocol):
    """An exchange as the live view needs it."""

    id: str

    @property
    def chunks(self) -> int:
        """How many chunks of its answer have come."""

    @property
    def model(self) -> str | None:
        """The model as far as it is known; the request may still be on its way."""

    def opened(self) -> dict[str, Any]:
        """What is known when it begins."""

    def progress(self, now_ns: int, /) -> dict[str, Any]:
        """How far it is."""

    def known(self, *, with_bodies: bool) -> dict[str, Any]:
        """The columns of its record so far."""


class Subscription:
    """Everything from the moment it is made; a subscriber that is too slow gets a last
    ``lagged`` and the end."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._is_over = False

    def put(self, event: Event) -> None:
        """Add *event*, if the subscriber still follows."""
        if self._is_over:
            return
        if self._events.qsize() >= MAX_WAITING:
            self._events.put_nowait(("lagged", {}))
            self.end()
            return
        self._events.put_nowait(event)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Stop following."""
        self.end()

    def end(self) -> None:
        """Let the subscriber take what waits, and then stop."""
        self._live.leave(self)
        if not self._is_over:
            self._is_over = True
            self._events.put_nowait(None)


class Live:
    """The open exchanges, and those that are over but not stored yet."""

    def __init__(self) -> None:
        self._running: dict[str, Running] = {}
        self._ended: dict[str, Record] = {}
        self._subscriptions: set[Subscription] = set()
        self._told: dict[str, Said] = {}  # of each exchange, when it was last told of
        self._timer: asyncio.TimerHandle | None = None

    # -- for the API -----------------------------------------------------------------------------

    def snapshot(self) -> list[dict[str, Any]]:
        """Return what ``opened`` said of every open exchange."""
        return [exchange.opened() for exchange in self._running.values()]

    def get(self, record_id: str, *, with_bodies: bool = False) -> dict[str, Any] | None:
        """Return the columns of one exchange as far as they are known.

        What was said only *with_bodies*: it may be long. None when there is none of that id, or
        when its final record is in the store.
        """
        ended = self._ended.get(record_id)
        if ended is not None:
            found: dict[str, Any] = msgspec.to_builtins(ended)
            return found
        running = self._running.get(record_id)
        return running.known(with_bodies=with_bodies) if running is not None else None

    def source(self, record_id: str) -> Running | None:
        """Return the exchange of that id, until its final record is in the store."""
        return self._running.get(record_id)

    def subscribe(self) -> Subscription:
        """Follow from now on; how far each exchange is will be told within an interval or two."""
        subscription = Subscription(self)
        self._told.clear()  # also of those that stand still
        self._subscriptions.add(subscription)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PROGRESS_INTERVAL_S, self._tell)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Stop telling *subscription*."""
        self._subscriptions.discard(subscription)

    # -- for the recorder ------------------------------------------------------------------------

    def opened(self, exchange: Running) -> None:
        """An exchange has begun."""
        self._running[exchange.id] = exchange
        if self._subscriptions:
            self._told[exchange.id] = exchange.chunks, exchange.model
            self._publish("opened", exchange.opened())

    def ended(self, record: Record) -> None:
        """An exchange is over; until it is stored it is still to be seen here."""
        if self._running.get(record.id) is not None:
            self._ended[record.id] = record

    def closed(self, record: Record, *, is_stored: bool) -> None:
        """The record of an exchange was given to the store."""
        if self._running.pop(record.id, None) is not None:
            self._told.pop(record.id, None)
            if self._subscriptions:
                self._publish("closed", summary(record))
        if is_stored:
            self._ended.pop(record.id, None)

    # -- telling ---------------------------------------------------------------------------------

    def _publish(self, name: str, data: dict[str, Any]) -> None:
        for subscription in tuple(self._subscriptions):
            subscription.put((name, data))

    def _tell(self) -> None:
        """Publish progress of what has moved, of those first that were not told of for longest."""
        self._timer = None
        if not self._subscriptions:
            self._told.clear()
            return
        told, now = self._told, monotonic_ns()
        moved = [
            exchange
            for exchange in self._running.values()
            if exchange.id not in self._ended
            and (exchange.chunks, exchange.model) != told.get(exchange.id, NOTHING)
        ]
        # `told` keeps its order of insertion, so its first are those of longest ago.
        order = {record_id: place for place, record_id in enumerate(told)}
        moved.sort(key=lambda exchange: order.get(exchange.id, -1))
        for exchange in moved[:MAX_PROGRESS]:
            told.pop(exchange.id, None)
            told[exchange.id] = exchange.chunks, exchange.model
            self._publish("progress", exchange.progress(now))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(PROGRESS_INTERVAL_S, self._tell)

    def close(self) -> None:
        """End every subscription."""
        if self._timer is not None:
            self._timer.cancel()
        for subscription in tuple(self._subscriptions):
            subscription.end()


def summary(record: Record) -> dict[str, Any]:
    """Return the columns of a list: everything but what was said."""
    columns: dict[str, Any] = msgspec.to_builtins(record)
    for name in BODIES:
        del columns[name]
    return columns
