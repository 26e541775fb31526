"""When things came: the marks and gaps of one exchange.

Every method takes its time as an argument, in ns of one monotonic clock. Milliseconds
count from the moment the request was complete at the gateway. A gap is the time between
two chunks that carried content; several deltas in one chunk arrived together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import sub

from streamgauge.record import Timing

# A pause that a reader takes for a hang.
STALL_NS = 2_000_000_000

# The times of so many chunks are kept, 16 bytes each.
MAX_TIMED_CHUNKS = 1_000_000

_MS = 1e6


class Timeline:
    """Notes the moments of one exchange; 16 bytes per chunk, 8 per arrival of content."""

    __slots__ = (
        "_connected",
        "_content",
        "_end",
        "_first_byte",
        "_first_event",
        "_first_reasoning",
        "_headers",
        "_longest",
        "_sizes",
        "_times",
        "_told_first",
        "t0",
    )

    def __init__(self, t0: int) -> None:
        self.t0 = t0
        self._connected: int | None = None
        self._headers: int | None = None
        self._first_byte: int | None = None
        self._first_event: int | None = None
        self._first_reasoning: int | None = None
        self._end: int | None = None
        self._told_first: int | None = None
        self._longest = 0
        self._times = array("q")
        self._sizes = array("q")
        self._content = array("q")

    # -- note ------------------------------------------------------------------------------

    def connected(self, at: int) -> None:
        """There is a connection to the provider."""
        self._connected = at

    def headers(self, at: int) -> None:
        """The response's head is here."""
        self._headers = at

    def chunk(self, at: int, size: int) -> None:
        """*size* bytes of the body have come."""
        self.chunks([at], [size])

    def chunks(self, times: Sequence[int], sizes: Sequence[int]) -> None:
        """Chunks of *sizes* have come at *times*."""
        if self._first_byte is None:
            self._first_byte = times[0]
        room = MAX_TIMED_CHUNKS - len(self._times)
        self._times.extend(times[:room])
        self._sizes.extend(sizes[:room])

    def event(self, at: int) -> None:
        """A whole frame has come, whatever it says."""
        if self._first_event is None:
            self._first_event = at

    def reasoning(self, at: int) -> None:
        """The model thinks aloud."""
        if self._first_reasoning is None:
            self._first_reasoning = at

    def told_first(self, at: int) -> None:
        """Somebody says when the first content came; of the rest no times are known."""
        self._told_first = at

    def content(self, *times: int) -> None:
        """Text, refusal or tool argument has come at each of *times*."""
        content, longest = self._content, self._longest
        if not content:
            content.append(times[0])
        last = content[-1]
        for at in times:
            gap = at - last
            if gap:
                content.append(at)
                last = at
                if gap > longest:
                    longest = gap
        self._longest = longest

    def end(self, at: int) -> None:
        """The exchange is over."""
        self._end = at

    # -- inspect -----------------------------------------------------------------------------

    @property
    def chunk_ms(self) -> tuple[float, ...]:
        """Each chunk's time."""
        # As `_since` has it, at half the cost, but for what is halfway between two µs.
        since, t0 = self._since, self.t0
        return tuple(
            [
                since(at) if (at - t0) % 1000 == 500 else (at - t0 + 500) // 1000 / 1000
                for at in self._times
            ]
        )

    @property
    def chunk_bytes(self) -> tuple[int, ...]:
        """Each chunk's length."""
        return tuple(self._sizes)

    @property
    def ttft_ms(self) -> float | None:
        """When the first content came, None before that."""
        return self._ms(self._content[0] if self._content else self._told_first)

    def timing(
        self,
        *,
        output_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        overheads_ns: Sequence[int] = (),
    ) -> Timing:
        """Return marks, gaps and rates; *overheads_ns* are the gateway's own, one per chunk.

        ``tokens_per_second`` counts the output tokens after the first, over the time from the
        first to the last token. *reasoning_tokens*, a part of the output, count where the
        reasoning was streamed too; where it was hidden, nobody saw when they were made.
        """
        content = self._content
        gaps = sorted(map(sub, content[1:], content))
        overheads = sorted(overheads_ns)
        return Timing(
            connect_ms=self._ms(self._connected),
            headers_ms=self._ms(self._headers),
            first_byte_ms=self._ms(self._first_byte),
            first_event_ms=self._ms(self._first_event),
            first_reasoning_ms=self._ms(self._first_reasoning),
            ttft_ms=self.ttft_ms,
            last_token_ms=self._ms(content[-1] if content else None),
            duration_ms=self._ms(self._end),
            itl_p50_ms=_in_ms(percentile(gaps, 50)),
            itl_p95_ms=_in_ms(percentile(gaps, 95)),
            itl_p99_ms=_in_ms(percentile(gaps, 99)),
            max_gap_ms=self.max_gap_ms,
            stalls=len(gaps) - bisect_right(gaps, STALL_NS) if content else None,
            tokens_per_second=self._rate(output_tokens, reasoning_tokens),
            overhead_p50_us=_in_us(percentile(overheads, 50)),
            overhead_max_us=_in_us(overheads[-1] if overheads else None),
        )

    @property
    def max_gap_ms(self) -> float | None:
        """The longest gap so far, None before there is one."""
        return _in_ms(self._longest or None)

    def recent_gaps(self, most: int) -> list[float]:
        """Return the ms between the last chunks, at *most* so many, the newest at the end."""
        times = self._times[-(most + 1) :]
        return [round((after - before) / _MS, 1) for before, after in pairwise(times)]

    def idle_ms(self, now: int) -> float | None:
        """Return how long ago the last chunk came, None before there was one."""
        return round(max(now - self._times[-1], 0) / _MS, 1) if self._times else None

    def _ms(self, at: int | None) -> float | None:
        return None if at is None else self._since(at)

    def _since(self, at: int) -> float:
        return round((at - self.t0) / _MS, 3)

    def _rate(self, output_tokens: int | None, reasoning_tokens: int | None) -> float | None:
        content = self._content
        if output_tokens is None or not content:
            return None
        first, tokens = content[0], output_tokens
        if self._first_reasoning is not None:
            first = min(first, self._first_reasoning)
        else:
            tokens -= reasoning_tokens or 0
        if tokens < 2 or content[-1] <= first:
            return None
        return round((tokens - 1) / ((content[-1] - first) / 1e9), 3)


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the nearest-rank percentile of *ordered* numbers, None of none."""
    if not ordered:
        return None
    rank = -(-percent * len(ordered) // 100)  # rounded up
    return ordered[max(rank, 1) - 1]


def _in_ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / _MS, 3)


def _in_us(ns: int | None) -> float | None:
    return None if ns is None else round(ns / 1e3, 1)
