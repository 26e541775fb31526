"""How the request of an exchange gets to a provider: over which connection, and when.

A kept connection is there at once; a new one is waited for, and so is the time before another
attempt. Whatever is waited for can be called off.
"""

from __future__ import annotations

import asyncio
import ssl
from time import monotonic_ns
from typing import TYPE_CHECKING

from streamgauge.gateway.exchange import CONNECTING
from streamgauge.gateway.upload import REPLAY_LIMIT

if TYPE_CHECKING:
    from streamgauge.gateway.relay import Relay
    from streamgauge.gateway.routes import Origin
    from streamgauge.gateway.server import Gateway
    from streamgauge.gateway.upload import Upload
    from streamgauge.gateway.upstream import UpstreamConnection

# How long a failed connection waits for the rest of the request, and how often it looks.
REST_S = 1.0
REST_POLL_S = 0.005


class Dispatch:
    """Sends *upload* over one connection after the other, until one will do.

    Its relay is an argument, and kept by nothing but what waits: two objects that know each other
    are freed late, and there is a pair of these for every request.
    """

    __slots__ = ("_gateway", "_upload", "_waiting", "is_sent", "upstream")

    def __init__(self, gateway: Gateway, upload: Upload) -> None:
        self._gateway = gateway
        self._upload = upload
        self._waiting: asyncio.Task[None] | None = None
        self.upstream: UpstreamConnection | None = None
        self.is_sent = False  # the request has begun to go up, over this connection

    # -- a connection -------------------------------------------------------------------------

    def connect(self, relay: Relay, origin: Origin, *, is_fresh: bool) -> bool:
        """Take a kept connection and return True; without one *relay* hears of a new one."""
        self.is_sent = False
        if not is_fresh:
            kept = self._gateway.pool.take(origin)
            if kept is not None:
                self.upstream = kept
                kept.receiver = relay.receiver_of(kept)
                return True
        self._waiting = self._gateway.loop.create_task(self._open(relay, origin))
        return False

    def take_over(self, connection: UpstreamConnection) -> None:
        """Go on with *connection*, over which somebody else has sent the request."""
        self.upstream = connection
        self.is_sent = True

    def connect_in(self, relay: Relay, wait_ns: int) -> None:
        """Let *relay* connect again in *wait_ns*."""
        self.is_sent = False
        self._waiting = self._gateway.loop.create_task(self._wait(relay, wait_ns))

    async def _open(self, relay: Relay, origin: Origin) -> None:
        try:
            connection = await self._gateway.pool.connect(origin)
        except (OSError, ValueError) as error:
            await self._rest()
            self._fail(relay, _why(error))
            return
        if relay.exchange.state is not CONNECTING or connection.is_closed:
            connection.close()
            self._fail(relay, "end of connection")
            return
        self._waiting = None
        self.upstream = connection
        connection.receiver = relay.receiver_of(connection)
        relay.connected(monotonic_ns())

    async def _rest(self) -> None:
        """Wait a moment for the rest of the request, so that the record has it.

        Clients send head and body apart, and nothing is refused faster than a connection.
        """
        loop, upload = self._gateway.loop, self._upload
        until = loop.time() + REST_S
        # An event for each request would cost all of them.
        while not upload.is_whole and upload.size <= REPLAY_LIMIT and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(REST_POLL_S)

    def _fail(self, relay: Relay, why: str) -> None:
        self._waiting = None
        relay.connect_failed(monotonic_ns(), why)

    async def _wait(self, relay: Relay, wait_ns: int) -> None:
        await asyncio.sleep(wait_ns / 1e9)
        self._waiting = None
        relay.waited(monotonic_ns())

    # -- while there is one -------------------------------------------------------------------

    def send(self) -> None:
        """Send what there is of the request, if it can begin to go up."""
        upload, upstream = self._upload, self.upstream
        if upload.is_ready and upstream is not None:
            self.is_sent = True
            self._gateway.turn.send_up(upstream.write, upload.whole())

    def write(self, data: bytes) -> None:
        """Send *data* at the end of this turn."""
        if self.upstream is not None:
            self._gateway.turn.send_up(self.upstream.write, data)

    def pause_reading(self) -> None:
        """Read no more of the answer for now."""
        if self.upstream is not None:
            self.upstream.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.upstream is not None:
            self.upstream.resume_reading()

    # -- the end ------------------------------------------------------------------------------

    def lost(self) -> bool:
        """The connection is gone; return whether it had said nothing at all."""
        upstream, self.upstream = self.upstream, None
        return upstream is not None and upstream.is_silent

    def release(self) -> None:
        """The answer is whole: others may use the connection."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.release()

    def cut(self) -> None:
        """Close the connection at once, if there is one."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.cancel()

    def cancel(self) -> None:
        """Let go of the connection, also of one that is only waited for."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self.cut()


def _why(error: Exception) -> str:
    """Return a foreign error in words that help: what the system or TLS said."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
