"""One body on its way to the socket: each write at its time, and none into a full buffer.

Where a piece has a deed, the player does it: `DEEDS` says how.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from time import monotonic

from streamgauge.simulator.account import Account
from streamgauge.simulator.coding import Cut, Encoder, Framing
from streamgauge.simulator.timing import Timed

# A timer counts whole milliseconds, so what is due within half of one is due now.
SLACK = 0.0005

# Ragged cuts run across the borders of events that are due together, up to this much.
GATHER_BYTES = 4096

# SO_LINGER on, for no time: closing then resets (RST), and drops what is not sent yet.
RESET = struct.pack("ii", 1, 0)

# So many milliseconds a reset waits for a client that takes nothing.
RESET_TRIES = 1000

# What comes instead of HTTP where that was asked for.
BABBLE = b"this is not HTTP\r\n\r\n"


class Player:
    """Plays the pieces of one body; a turn of the event loop for each write.

    Two writes in one turn would be joined by the event loop, and what a write holds is
    what a test asked for. Tell it `pause`, `resume` and `stop`; it tells *on_end*.
    """

    def __init__(
        self,
        pieces: Iterator[Timed],
        *,
        encoder: Encoder,
        cut: Cut,
        is_gathering: bool,
        framing: Framing,
        seed: int,
        account: Account,
    ) -> None:
        self._pieces = pieces
        self._encoder = encoder
        self._cut = cut
        self._is_gathering = is_gathering
        self._framing = framing
        self._pick = Random(seed)  # noqa: S311 - cuts, not secrets
        self._account = account
        self._writes: deque[bytes] = deque()
        self._next: Timed | None = next(pieces, None)
        self._holds_content = False
        self._is_closing = self._is_paused = False
        self._handle: asyncio.Handle | None = None

    def first_due(self) -> float:
        """Return when the first piece is due, in seconds from the end of the request."""
        return self._next.due if self._next else 0.0

    # -- a life ---------------------------------------------------------------------------

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.WriteTransport,
        head: bytes,
        on_end: Callable[[], None],
    ) -> None:
        """Write *head* when the first piece is due, then play to the end."""
        self._loop, self._transport, self._on_end = loop, transport, on_end
        self._head = head
        wait = self.first_due() - self._now()
        if wait > SLACK:
            self._handle = loop.call_later(wait, self._open)
        else:
            self._open()

    def pause(self) -> None:
        """Hold still: the socket's buffer is full."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on; what fell due meanwhile follows at once."""
        if self._is_paused:
            self._is_paused = False
            self._again()

    def stop(self) -> None:
        """Stop for good: the client is gone."""
        self._is_paused = True
        self._writes.clear()
        self._pieces = iter(())
        self._next = None
        if self._handle is not None:
            self._handle.cancel()

    # -- turns ----------------------------------------------------------------------------

    def _open(self) -> None:
        self._account.head_ms = self._account.since()
        if self._next is None or self._next.deed not in FINAL:
            self._transport.write(self._head)
        self._again()

    def _again(self, wait: float = 0.0) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if wait > SLACK:
            self._handle = self._loop.call_later(wait, self._turn)
        else:
            self._handle = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._is_paused:
            return
        if not self._writes and not self._load():
            return
        if self._writes:
            self._write(self._writes.popleft())
        self._again()

    def _load(self) -> bool:
        """Make the next writes; False when there is a wait, or nothing is left."""
        piece = self._next
        if piece is None:
            return self._close()
        wait = piece.due - self._now()
        if wait > SLACK:
            self._again(wait)
            return False
        if piece.deed:
            self._next = next(self._pieces, None)
            return DEEDS[piece.deed](self)
        data, has_content = self._gather() if self._is_gathering else self._take(piece)
        self._writes.extend(self._cut(data, self._pick))
        self._holds_content = self._holds_content or has_content
        return True

    def _take(self, piece: Timed) -> tuple[bytes, bool]:
        """Return one piece, coded by itself: so its length was counted."""
        self._next = next(self._pieces, None)
        return self._encoder.feed(piece.data), piece.is_content

    def _gather(self) -> tuple[bytes, bool]:
        gathered, size, has_content, now = [], 0, False, self._now()
        while (piece := self._next) and piece.due <= now + SLACK and size < GATHER_BYTES:
            if piece.deed:
                break
            data, is_content = self._take(piece)
            gathered.append(data)
            size += len(data)
            has_content = has_content or is_content
        return b"".join(gathered), has_content

    def _write(self, data: bytes) -> None:
        if not data:  # an empty chunk would end the body
            return
        account = self._account
        account.writes += 1
        account.bytes_out += len(data)
        # Content counts when its event is whole on the way.
        if self._holds_content and not self._writes:
            self._holds_content = False
            account.last_content_ms = account.since()
            if account.first_content_ms is None:
                account.first_content_ms = account.last_content_ms
        self._transport.write(self._framing.frame(data))

    def _close(self) -> bool:
        """End the coding first, then the body."""
        if not self._is_closing:
            self._is_closing = True
            self._writes.extend(self._cut(self._encoder.close(), self._pick))
            return True
        self._finish()
        self._handle = None
        self._on_end()
        return False

    def _now(self) -> float:
        return monotonic() - self._account.started

    # -- deeds: each says whether there is more to play ---------------------------------------

    def _finish(self) -> bool:
        """End the body in due form; what follows comes too late."""
        if end := self._framing.end():
            self._transport.write(end)
        return True

    def _cease(self) -> bool:
        """Leave the end of the coding out, and all that would come before it."""
        self._is_closing = True
        return self._close()

    def _break_off(self, end: Callable[[], None]) -> bool:
        self.stop()
        self._account.end("broken")
        end()
        return False

    def _reset(self) -> bool:
        """Reset, once the other side has all that was written: a reset drops the rest."""
        self.stop()
        self._account.end("broken")
        self._reset_when_taken(RESET_TRIES)
        return False

    def _reset_when_taken(self, tries: int) -> None:
        if tries and unacknowledged(self._transport):
            self._handle = self._loop.call_later(0.001, self._reset_when_taken, tries - 1)
        else:
            reset(self._transport)

    def _babble(self) -> bool:
        self._transport.write(BABBLE)
        return self._break_off(self._transport.close)


def unacknowledged(transport: asyncio.WriteTransport) -> int:
    """Return how many bytes the other side has not acknowledged; 0 where nobody can tell."""
    count = bytearray(4)
    with contextlib.suppress(OSError):
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
    return int.from_bytes(count, sys.byteorder) + transport.get_write_buffer_size()


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with RST, where closing would end it with FIN."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


DEEDS: dict[str, Callable[[Player], bool]] = {
    "end": Player._finish,
    "cease": Player._cease,
    "babble": Player._babble,
    "close": lambda player: player._break_off(player._transport.close),
    "abandon": lambda player: player._break_off(player._transport.abort),
    "reset": Player._reset,
}

# After these there is no connection; where one comes first, no head leaves.
FINAL = frozenset({"babble", "close", "abandon", "reset"})
