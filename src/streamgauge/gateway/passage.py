"""The body of one answer on its way to the client, past `exchange`.

Most of a stream is one HTTP chunk of whole lines after the other, in which there is nothing to
look at: those go the short way, into the journal and on. What has to be looked at, framed anew
or put in order goes the long way. Either way `turn` writes the journal before the client.
"""

from __future__ import annotations

from time import monotonic_ns

from streamgauge.gateway.delimiter import CHUNKED, NONE, Delimiter, delimited
from streamgauge.gateway.exchange import Exchange
from streamgauge.gateway.outflow import (
    DATA_BEGINS,
    HEARTBEAT,
    LF,
    MAY_BE_HEARTBEAT,
    RESUMABLE_HEARTBEAT,
    Outflow,
    is_heartbeat,
)
from streamgauge.gateway.turn import MAX_OVERHEAD, Entries, Out, Send, Turn
from streamgauge.journal.format import CHUNK, HIDDEN, OVERHEAD
from streamgauge.wire.looks.ending import MAX_CHUNKS
from streamgauge.wire.looks.first_content import FirstContent
from streamgauge.wire.looks.lines import BORDERS
from streamgauge.wire.looks.stream_usage import USAGE, tells_usage

# The border that most have; looking for several takes longer.
EMPTY_LINE = b"\n\n"


class Passage:
    """Passes on the body of the answer of *exchange*, whose id is *exchange_id*."""

    __slots__ = (
        "_exchange",
        "_first",
        "_is_hiding",
        "_kept",
        "_turn",
        "delimiter",
        "id",
        "is_recorded",
        "outflow",
        "overhead",
        "write",
    )

    def __init__(
        self, turn: Turn, exchange: Exchange, exchange_id: bytes, write: Send, *, is_recorded: bool
    ) -> None:
        self._turn = turn
        self._exchange = exchange
        self.id = exchange_id
        self.write = write
        self.is_recorded = is_recorded
        self.overhead = 0  # of the chunk before, in ns
        self.delimiter = NONE
        self.outflow: Outflow | None = None  # where the stream is looked into
        self._first: FirstContent | None = None  # looked for where a limit asks for it
        self._kept: list[bytes] | None = None  # the outflow's, while chunks may go the short way
        self._is_hiding = False

    def look_for_content(self, first: FirstContent) -> None:
        """Tell the exchange when *first* has seen content."""
        self._first = first

    def look_into(self, outflow: Outflow) -> None:
        """Let what passes be looked at by *outflow*, from its first byte."""
        self.outflow = self._exchange.stream = outflow
        self._is_hiding = outflow.hider is not None

    def begin(self, delimiter: Delimiter) -> None:
        """Delimit what is to come with *delimiter*."""
        self.delimiter = delimiter
        if self.outflow is not None:
            self._settle(self.outflow)

    # -- chunks -------------------------------------------------------------------------------

    def chunk(self, at: int, body: bytes, framed: bytes | None) -> None:
        """Pass on *body*, from the middle of the answer; *framed* is the same as an HTTP chunk."""
        kept = self._kept
        first = body[0]
        if (
            kept is None
            or framed is None
            or body[-1] != LF
            or (first != DATA_BEGINS and first in MAY_BE_HEARTBEAT and is_heartbeat(body))
            or (self._is_hiding and body[-2:] != EMPTY_LINE and not body.endswith(BORDERS))
            # Asked for usage, OpenAI says `"usage":null` in every other event. (CPython's `in`
            # takes twice as long: it tries first whether it is asked for a number.)
            or (self._is_hiding and body.find(USAGE) >= 0 and tells_usage(body))
        ):
            self._go_the_long_way(at, body, framed)
            return
        self._exchange.active_ns = at
        # As `Ending.keep` does it, by hand: a call less for every chunk.
        kept.append(body)
        if len(kept) > MAX_CHUNKS:
            del kept[0]
        self._turn.chunk(self, at, body, framed)

    def _go_the_long_way(self, at: int, body: bytes, framed: bytes | None) -> None:
        self._look_for_content(body)
        outflow = self.outflow
        if outflow is None:
            self._exchange.active_ns = at
        else:
            if body[0] not in MAY_BE_HEARTBEAT or not is_heartbeat(body):
                self._exchange.active_ns = at
            lines = outflow.feed(body)
            if not lines:
                self._settle(outflow)
                return
            if lines is not body:
                body, framed = lines, None
            self._keep(outflow, body)
            pieces = [(body, False)]
            if outflow.hider is not None:
                pieces = outflow.hider.split(body)
            self._settle(outflow)
            if outflow.ids is not None or len(pieces) > 1 or pieces[0][1]:
                self._send_pieces(at, outflow, pieces)
                return
        if framed is None or self.delimiter is not CHUNKED:
            framed = delimited(self.delimiter, body)
        self._turn.chunk(self, at, body, framed)

    def _settle(self, outflow: Outflow) -> None:
        """See whether the next chunk may go the short way."""
        is_plain = outflow.is_plain and self._first is None and self.delimiter is CHUNKED
        self._kept = outflow.kept if is_plain else None

    def _look_for_content(self, body: bytes) -> None:
        if self._first is not None and self._first.feed(body):
            self._first = None
            self._exchange.has_content = True

    def _keep(self, outflow: Outflow, lines: bytes) -> None:
        outflow.keep(lines)
        if outflow.spoken is not None:
            outflow.spoken.feed(lines)
            self._exchange.is_rescuable = outflow.spoken.is_short

    def _send_pieces(self, at: int, outflow: Outflow, pieces: list[tuple[bytes, bool]]) -> None:
        """Pass on lines with what the client wants besides, and without what it does not."""
        ids = outflow.ids
        for piece, is_hidden in pieces:
            if is_hidden:
                self._turn.note([(HIDDEN, self.id, at, piece)])
            else:
                shown = piece if ids is None else ids.feed(piece)
                self._turn.chunk(self, at, piece, delimited(self.delimiter, shown))

    # -- with the head, and at the end --------------------------------------------------------

    def add(self, at: int, body: bytes, entries: Entries, out: Out) -> None:
        """Add *body*, that came with the head or with the end, to what is journaled and sent."""
        self._exchange.active_ns = at
        self._look_for_content(body)
        entries.append((CHUNK, self.id, at, OVERHEAD.pack(self.overhead) + body))
        self.overhead = 0
        out.append(delimited(self.delimiter, body))

    def passed(self, at: int) -> None:
        """What was read at *at* is written."""
        self.overhead = min(monotonic_ns() - at, MAX_OVERHEAD)

    def finish(self, at: int, outflow: Outflow) -> bool:
        """Pass on what is left of a stream that has ended; return whether it had its last word."""
        rest = outflow.rest()
        is_whole = outflow.is_whole_with(rest)
        if rest:
            self._send_pieces(at, outflow, [(rest, not is_whole)])
        return is_whole

    def close_event(self, at: int, entries: Entries, out: Out) -> None:
        """End the event that the client has begun to read; what is to come begins a new one."""
        outflow = self.outflow
        closing = outflow.closing() if outflow is not None else b""
        if outflow is not None and outflow.spoken is not None and closing:
            outflow.keep(closing)
            outflow.spoken.feed(closing)
            entries.append((CHUNK, self.id, at, OVERHEAD.pack(0) + closing))
            out.append(delimited(self.delimiter, closing))

    def last_word(self, at: int, kind: str, message: str, entries: Entries) -> bytes:
        """Return the error that ends the stream in its own dialect, if it can have one."""
        outflow = self.outflow
        if outflow is None or self.delimiter is not CHUNKED:
            return b""
        event = outflow.last_word(kind, message)
        rest = outflow.rest()
        if rest:
            entries.append((HIDDEN, self.id, at, rest))
        return event

    def heartbeat(self, *, is_resumable: bool) -> bytes:
        """Return what tells the client that we are still there; empty where it cannot stand."""
        if self.outflow is None or self.delimiter is not CHUNKED or not self.outflow.may_beat():
            return b""
        return delimited(self.delimiter, RESUMABLE_HEARTBEAT if is_resumable else HEARTBEAT)
