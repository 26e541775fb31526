"""GET /api/v1/live: exchanges as they run, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from time import monotonic
from typing import Any

import msgspec
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Send

from streamgauge.api.guard import READ, is_admitted
from streamgauge.api.params import Query
from streamgauge.api.parts import Given, Live
from streamgauge.keys import Scope

HEARTBEAT_S = 15.0  # shorter than the idle limits of common proxies
HEARTBEAT = b": still here\n\n"
# A stream outlives the question that began it; a key that is revoked ends it within this.
ASK_AGAIN_S = 1.0

HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}

_json = msgspec.json.Encoder().encode


def event(name: str, data: dict[str, Any]) -> bytes:
    """One server-sent event. JSON has no line ends of its own, so the data is one line."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _json(data))


async def events(live: Live, *, heartbeat_s: float = HEARTBEAT_S) -> AsyncGenerator[bytes]:
    """What is open now, then everything that happens, with a comment when nothing does.

    The subscription ends when this generator is closed.
    """
    subscription = live.subscribe()
    following = asyncio.ensure_future(_next(subscription))
    try:
        # The subscription is at work before the snapshot is taken: an exchange that opens now
        # may come twice, but never not at all.
        await asyncio.sleep(0)
        for opened in live.snapshot():
            yield event("opened", opened)
        while True:
            done, _ = await asyncio.wait({following}, timeout=heartbeat_s)
            if not done:
                yield HEARTBEAT
                continue
            item = following.result()
            if item is None:
                return
            yield event(*item)
            following = asyncio.ensure_future(_next(subscription))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        close = getattr(subscription, "aclose", None)
        if close is not None:
            await close()


async def _next(
    subscription: AsyncIterator[tuple[str, dict[str, Any]]],
) -> tuple[str, dict[str, Any]] | None:
    return await anext(subscription, None)


async def while_allowed(
    source: AsyncGenerator[bytes],
    may_go_on: Callable[[], bool],
    *,
    now: Callable[[], float] = monotonic,
) -> AsyncGenerator[bytes]:
    """What *source* yields, as long as it *may_go_on*: asked before a piece, not all of them."""
    asked_at = now()
    async with aclosing(source):
        async for piece in source:
            if now() - asked_at >= ASK_AGAIN_S:
                if not may_go_on():
                    return
                asked_at = now()
            yield piece


class EventStream(ASGIStreamingResponse):
    """A stream whose source is closed with it, also when the client leaves between two events."""

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send events until the source or the client ends."""
        try:
            await super().send_body(send, receive)
        finally:
            await self.iterator.aclose()  # type: ignore[union-attr]


@get(
    "/live",
    operation_id="getLive",
    summary="Exchanges as they run",
    description="Server-sent events. First `opened` for every open exchange, then `opened`, "
    "`progress` and `closed` as they happen; `lagged` is the last event for a reader that was "
    "too slow. A comment comes every 15 seconds when nothing else does. A key that is revoked ends "
    "it.",
    responses={
        200: ResponseSpec(
            str,
            description="The events",
            media_type="text/event-stream",
            generate_examples=False,
        )
    },
    opt=READ,
)
async def get_live(request: Request[Any, Any, Any], parts: Given) -> EventStream:
    """The live view."""
    Query(request).end()
    return EventStream(
        iterator=while_allowed(events(parts.live), lambda: is_admitted(request, Scope.READ)),
        status_code=200,
        media_type="text/event-stream",
        headers=HEADERS,
    )
