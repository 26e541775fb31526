"""Follows one journal directory and turns its entries into records."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, time

import msgspec

from streamgauge.journal.format import Body, End, Head, Kind, Mark, Open, Retried
from streamgauge.journal.owner import OWNER, is_owned
from streamgauge.journal.reader import Position, Reader
from streamgauge.journal.recover import Entry
from streamgauge.journal.segments import segment_numbers, segment_path
from streamgauge.journal.status import node_and_worker
from streamgauge.record import Amendment, Price, Record, Transcript
from streamgauge.recorder.capture import Capture
from streamgauge.recorder.live import Live
from streamgauge.recorder.outcome import RESTARTED
from streamgauge.recorder.position import Progress
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.spool import Memory

log = logging.getLogger("streamgauge.recorder")

# What is read in one go. Decoding it takes some milliseconds, during which the API waits.
SLICE_BYTES = 128 * 1024

Finished = Callable[[Record, Transcript], None]
Told = Callable[[Amendment], None]

_open = msgspec.msgpack.Decoder(Open).decode
_body = msgspec.msgpack.Decoder(Body).decode
_head = msgspec.msgpack.Decoder(Head).decode
_retried = msgspec.msgpack.Decoder(Retried).decode
_mark = msgspec.msgpack.Decoder(Mark).decode
_end = msgspec.msgpack.Decoder(End).decode
_amendment = msgspec.msgpack.Decoder(Amendment).decode
_record = msgspec.msgpack.Decoder(Record).decode

_CHUNK = int(Kind.CHUNK)
_PARTS: dict[int, Callable[[Capture, int, bytes], None]] = {
    Kind.BODY: lambda capture, t_ns, payload: capture.body(t_ns, _body(payload)),
    Kind.HEAD: lambda capture, t_ns, payload: capture.head(t_ns, _head(payload)),
    Kind.HIDDEN: lambda capture, t_ns, payload: capture.hidden(t_ns, bytes(payload)),
    Kind.ADDED: lambda capture, t_ns, payload: capture.added(t_ns, bytes(payload)),
    Kind.RETRIED: lambda capture, t_ns, payload: capture.retried(t_ns, _retried(payload)),
    Kind.MARK: lambda capture, t_ns, payload: capture.mark(t_ns, _mark(payload)),
}


class Follower:
    """Reads *directory* from *progress* on; *finished* gets every record, *amended* what
    is said about one later.

    ``is_done``: the writer is dead, and everything it wrote has been read.
    """

    def __init__(
        self,
        directory: Path,
        progress: Progress,
        *,
        live: Live,
        memory: Memory,
        finished: Finished,
        amended: Told,
        prices: Sequence[Price] = (),
        rules: Rules | None = None,
    ) -> None:
        self.directory = directory
        self.stored = progress
        self.captures: dict[bytes, Capture] = {}
        self.is_dead = False
        self.is_done = False
        self.unreadable = 0
        self.last_ns = 0
        self._live = live
        self._memory = memory
        self._prices = prices
        self._rules = rules or Rules()
        self._finished = finished
        self._amended = amended
        self._node = node_and_worker(directory.name)[0]
        self._opened_at: dict[bytes, Position] = {}
        self._reader = Reader(directory, progress.low)
        # Until `high` only these count: all others had ended, and are stored.
        self._replay_until = progress.high
        self._replayed = progress.open

    # -- reading -----------------------------------------------------------------------------

    @property
    def is_at_end(self) -> bool:
        """Whether everything written so far has been read."""
        return self._reader.is_at_end

    def look(self) -> None:
        """Look whether the writer lives; to be called now and then."""
        if not self.is_dead and not is_owned(self.directory):
            self.is_dead = True

    def read(self) -> bool:
        """Take in one slice; False when there is nothing more for now."""
        if self.is_done:
            return False
        at = self._reader.position
        is_replaying = at < self._replay_until
        captures = self.captures
        entries = self._reader.slice(self._limit(at), is_final=self.is_dead)
        for entry in entries:
            if is_replaying and entry.exchange not in self._replayed:
                continue
            try:
                capture = captures.get(entry.exchange)
                if capture is not None and entry.kind == _CHUNK:  # nearly all
                    capture.chunk(entry)
                else:
                    self._take(entry, capture, at)
            except Exception:  # one bad entry must not keep the others from their records
                self.unreadable += 1
                log.exception("an entry in %s cannot be read", self.directory)
        if entries:
            self.last_ns = entries[-1].t_ns
        if not self._reader.is_at_end:
            return True
        if self.is_dead:
            self._end_all()
        return False

    def _limit(self, at: Position) -> int:
        """Return how much to read, so that a slice does not go beyond what is replayed."""
        until = self._replay_until
        if at.segment == until.segment and at < until:
            return min(until.offset - at.offset, SLICE_BYTES)
        return SLICE_BYTES

    def _take(self, entry: Entry, capture: Capture | None, at: Position) -> None:
        kind, exchange, t_ns = entry.kind, entry.exchange, entry.t_ns
        if capture is None:
            if kind == Kind.OPEN:
                self._begin(exchange, t_ns, _open(entry.payload), at)
            elif kind == Kind.AMEND:
                self._amended(_amendment(entry.payload))
            elif kind == Kind.RECORD:
                self._finished(_record(entry.payload), Transcript())
            # Else its OPEN was lost, which the writer has counted.
        elif kind == Kind.END:
            self._end(exchange, t_ns, _end(entry.payload))
        elif kind in _PARTS:
            capture.catch_up()
            _PARTS[kind](capture, t_ns, entry.payload)

    def _begin(self, exchange: bytes, t_ns: int, opening: Open, at: Position) -> None:
        capture = Capture(
            exchange,
            t_ns,
            opening,
            node=self._node,
            memory=self._memory,
            prices=self._prices,
            rules=self._rules,
        )
        capture.seen_at = monotonic()
        self.captures[exchange] = capture
        self._opened_at[exchange] = at
        self._live.opened(capture)

    def _end(self, exchange: bytes, t_ns: int | None, end: End) -> None:
        capture = self.captures.pop(exchange)
        del self._opened_at[exchange]
        try:
            record, transcript = capture.finish(t_ns, end)
        except Exception:
            log.exception("the record of %s holds no more than its gateway said", capture.id)
            record, transcript = capture.bare(end)
        self._live.ended(record)
        self._finished(record, transcript)

    def _end_all(self) -> None:
        for exchange in list(self.captures):
            self._end(exchange, None, RESTARTED)
        self.is_done = True

    # -- what is stored ----------------------------------------------------------------------

    def progress(self) -> Progress:
        """Return what will be stored once all records finished so far are."""
        high = max(self._reader.position, self._replay_until)
        low = min(self._opened_at.values(), default=high)
        if self._reader.position < self._replay_until:
            # Still replaying: what has not been reached yet is open as before.
            return self.stored
        return Progress(high, low, frozenset(self.captures))

    def remaining(self) -> int:
        """Return how many bytes are not read yet."""
        return 0 if self.is_done else self._reader.remaining()

    @property
    def damages(self) -> int:
        """How often something could not be read."""
        return self._reader.damages + self.unreadable

    @property
    def torn_tails(self) -> int:
        """How often an unfinished block was cut off."""
        return self._reader.torn_tails

    # -- what may go -------------------------------------------------------------------------

    def prune(self, window_s: float) -> bool:
        """Delete segments that are stored and past the window; True if all of it is gone."""
        until = time() - window_s
        is_over = (
            self.is_done and not self.stored.open and self.stored.high >= self._reader.position
        )
        for number in segment_numbers(self.directory):
            path = segment_path(self.directory, number)
            if not is_over and number >= self.stored.low.segment:
                return False
            if path.stat().st_mtime > until:
                return False
            path.unlink()
        if not is_over:
            return False
        self._reader.close()
        # The lock's file goes last: without it the directory would count as one being made.
        with contextlib.suppress(OSError):
            (self.directory / OWNER).unlink(missing_ok=True)
            self.directory.rmdir()
        return True

    def close(self) -> None:
        """Let go of what is held."""
        self._reader.close()
        for capture in self.captures.values():
            capture.give_up()
