"""Our side towards a provider: one connection, which carries one exchange at a time.

A read goes through the parser first and only then to the relay, so that bytes behind the
end of a message (response splitting) can never reach a client. Most reads of a stream
hold exactly one or more whole HTTP chunks; those are passed on as they are, framing and
all, and only the others are framed anew.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from streamgauge.gateway.head import Headers, ResponseHead
from streamgauge.gateway.probes import keep_alive

if TYPE_CHECKING:
    from streamgauge.gateway.pool import Pool
    from streamgauge.gateway.routes import Origin

# A response head beyond this is not a head; nginx's default for all of it is 4 to 8 KiB.
MAX_HEAD = 64 * 1024

# Above this many unsent bytes of a request we stop reading from the client.
WRITE_HIGH = 64 * 1024


# The length of a read that is one small HTTP chunk → the size line that it must begin with.
# Any other spelling is left to the parser: leniency here would let through what others read
# differently (request smuggling's cousin).
SIZE_LINES = {len(b"%x\r\n\r\n" % size) + size: b"%x\r\n" % size for size in range(1, 0x2000)}


# When it was read, the bytes, and the same with HTTP chunk framing if they came so.
Chunk = Callable[[int, bytes, bytes | None], None]


class Receiver(Protocol):
    """Who gets what a connection reads: the relay of the exchange that uses it."""

    is_head_request: bool

    def response(self, at: int, head: ResponseHead | None, body: bytes, *, is_whole: bool) -> None:
        """Take the head (once), then bytes of the body, at last with *is_whole*."""

    @property
    def chunk(self) -> Chunk:
        """Takes bytes from the middle of a body."""

    def tunnelled(self, at: int, data: bytes) -> None:
        """Take bytes of an upgraded connection."""

    def upstream_closed(self, why: str) -> None:
        """The connection is gone before the message was whole."""

    def upstream_broke(self, why: str) -> None:
        """The bytes are not HTTP."""

    def pause(self) -> None:
        """The provider takes no more for now."""

    def resume(self) -> None:
        """The provider takes more again."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to a provider."""

    __slots__ = (
        "body",
        "has_ended",
        "head",
        "head_bytes",
        "headers",
        "idle_since",
        "is_aligned",
        "is_chunked",
        "is_closed",
        "is_in_body",
        "is_interim",
        "is_mid_chunk",
        "is_reusable",
        "is_tunnel",
        "is_whole",
        "origin",
        "parser",
        "pool",
        "reason",
        "receiver",
        "transport",
    )

    def __init__(self, pool: Pool, origin: Origin) -> None:
        self.pool = pool
        self.origin = origin
        self.transport: asyncio.Transport | None = None
        self.parser = HttpResponseParser(self)
        self.receiver: Receiver | None = None
        self.is_closed = False
        self.is_tunnel = False
        self.idle_since = 0
        self.body: list[bytes] = []
        self._forget_message()

    def _forget_message(self) -> None:
        self.head: ResponseHead | None = None
        self.headers: Headers = []
        self.reason = b""
        self.head_bytes = 0
        self.is_interim = False
        self.is_in_body = False  # the head has been handed over
        self.is_chunked = False
        self.is_mid_chunk = False
        self.is_aligned = False  # the last read ended where an HTTP chunk did
        self.is_whole = False
        self.is_reusable = False
        self.has_ended = False  # something came behind the end of the message

    # -- used by the relay --------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes of a request."""
        if self.transport is not None and not self.is_closed:
            self.transport.write(data)

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all has come in answer to the request."""
        return self.head is None and not self.head_bytes

    def pause_reading(self) -> None:
        """Read no more: the client is slow."""
        if self.transport is not None and not self.is_closed:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.transport is not None and not self.is_closed:
            self.transport.resume_reading()

    def release(self) -> None:
        """The exchange is over: back to the pool, or closed if it cannot be used again."""
        self.receiver = None
        if self.is_reusable and not self.has_ended and not self.is_closed and not self.is_tunnel:
            self._forget_message()
            self.pool.put(self)
        else:
            self.close()

    def cancel(self) -> None:
        """Close at once, whatever is under way; the provider stops generating."""
        self.receiver = None
        self.is_closed = True
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """Close an idle connection."""
        self.is_closed = True
        if self.transport is not None:
            self.transport.close()

    # -- asyncio's side -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            keep_alive(connection)
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        at = monotonic_ns()
        receiver = self.receiver
        if self.is_aligned and receiver is not None:
            # The parser stands between two HTTP chunks. A read that is exactly one more leaves
            # it there, so it need not see it: that is most of a stream.
            line = SIZE_LINES.get(len(data))
            if line is not None:
                start = len(line)
                # By hand: `startswith` and `endswith` take longer to be called.
                if data[:start] == line and data[-2:] == b"\r\n":
                    chunk = receiver.chunk  # by itself: an attribute is called slower than read
                    chunk(at, data[start:-2], data)
                    return
        if receiver is None:
            # Nobody asked: whatever this is, the connection is not fit for another request.
            self.pool.discard(self)
            self.close()
            return
        if self.is_tunnel:
            receiver.tunnelled(at, data)
            return
        was_aligned = self.is_aligned
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._upgraded(at, receiver, data[upgrade.args[0] :])
            return
        except HttpParserError as error:
            # An error behind the end is the next message's; this one is whole all the same.
            if not self.is_whole:
                self._broke(at, receiver, str(error))
                return
            self.has_ended = True
        body = self.body
        if self.is_in_body and not self.is_whole:
            # The short way: bytes from the middle of a stream.
            aligned = self.is_aligned = (
                self.is_chunked and not self.is_mid_chunk and data.endswith(b"\r\n")
            )
            if not body:
                return
            piece = body[0] if len(body) == 1 else b"".join(body)
            body.clear()
            if self.is_chunked:
                receiver.chunk(at, piece, data if aligned and was_aligned else None)
            else:
                receiver.chunk(at, piece, None)
            return
        self._hand_over(at, receiver, data)

    def _hand_over(self, at: int, receiver: Receiver, data: bytes) -> None:
        """Pass on a head, the end of a body, or both."""
        head = self.head
        if head is None:
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD:
                self._broke(at, receiver, f"its head is longer than {MAX_HEAD} bytes")
            return
        piece = b"".join(self.body)
        self.body.clear()
        if self.is_in_body:
            receiver.response(at, None, piece, is_whole=True)
            return
        self.is_in_body = True
        self.is_aligned = self.is_chunked and not self.is_mid_chunk and data.endswith(b"\r\n")
        receiver.response(at, head, piece, is_whole=self.is_whole)

    def eof_received(self) -> bool | None:
        receiver = self.receiver
        head = self.head
        self.is_closed = True
        if receiver is None or self.is_whole:
            return None
        self.receiver = None  # it hears of this end once
        if self.is_tunnel:
            receiver.upstream_closed("the tunnel was closed")
        elif head is not None and self.is_in_body and head.length is None and not head.chunked:
            # RFC 9112 §6.3 rule 8: without a length, the end of the connection is the end.
            self.is_whole = True
            receiver.response(monotonic_ns(), None, b"", is_whole=True)
        else:
            receiver.upstream_closed("end of connection")
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self.pool.lost(self)
        receiver = self.receiver
        if receiver is not None:
            self.receiver = None
            receiver.upstream_closed(_why(exc))

    def pause_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.pause()

    def resume_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.resume()

    def _upgraded(self, at: int, receiver: Receiver, rest: bytes) -> None:
        self.is_tunnel = True
        receiver.response(at, self.head, b"", is_whole=False)
        if rest and self.receiver is receiver:
            receiver.tunnelled(at, rest)

    def _broke(self, at: int, receiver: Receiver, why: str) -> None:
        # What was read before the fault is the client's; then the fault.
        if self.is_in_body and self.body:
            receiver.chunk(at, b"".join(self.body), None)
        self.body.clear()
        receiver.upstream_broke(why)

    # -- httptools' side ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.is_whole:
            self.has_ended = True

    def on_status(self, reason: bytes) -> None:
        if not self.has_ended:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too once there is a head; nobody waits for them, so they end here.
        if self.head is None:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.has_ended:
            return
        status = self.parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            # RFC 9110 §15.2: an interim answer; the real one follows. We have answered the
            # client's `Expect` ourselves.
            self.is_interim = True
            return
        self.head = ResponseHead(status, self.reason, self.headers)
        self.is_chunked = self.head.chunked
        if self.receiver is not None and self.receiver.is_head_request:
            # The parser cannot know that no body follows, so it is of no further use.
            self.is_whole = True

    def on_body(self, body: bytes) -> None:
        if not self.has_ended:
            self.body.append(body)

    def on_chunk_header(self) -> None:
        self.is_mid_chunk = True

    def on_chunk_complete(self) -> None:
        self.is_mid_chunk = False

    def on_message_complete(self) -> None:
        if self.has_ended:
            return
        if self.is_interim:
            self.is_interim = False
            self.headers = []
            self.reason = b""
            return
        self.is_whole = True
        self.is_reusable = self.parser.should_keep_alive()


def _why(exc: Exception | None) -> str:
    if exc is None:
        return "end of connection"
    if isinstance(exc, ConnectionResetError):
        return "connection reset"
    return str(exc) or type(exc).__name__
