"""One exchange, from its entries in the journal to its record.

Times: ``t_ns`` of entries is the gateway's monotonic clock. The timeline counts from the
moment the request was complete; the wall clock is anchored at the first entry. A plain
answer has marks for its bytes and its end, but no token times: it came in one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from streamgauge.journal.format import (
    LOST,
    OVERHEAD,
    TOLD,
    TUNNEL_DOWN,
    TUNNEL_UP,
    UNTIMED,
    Body,
    End,
    Head,
    Mark,
    Open,
    Retried,
)
from streamgauge.journal.recover import Entry
from streamgauge.meter.timeline import Timeline
from streamgauge.record import (
    ClosedBy,
    Outcome,
    Price,
    Record,
    Source,
    Timing,
    Transcript,
    UsageSource,
)
from streamgauge.recorder.attempts import Attempts
from streamgauge.recorder.labels import joined, provider_request_id
from streamgauge.recorder.outcome import judge
from streamgauge.recorder.overheads import Overheads
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.request import Request
from streamgauge.recorder.response import Response
from streamgauge.recorder.source import Ending
from streamgauge.recorder.spool import Memory
from streamgauge.recorder.tally import counted, reported
from streamgauge.wire.decoding import EVENT, REASONING, TEXT, Decoding, decoding_of

# With hundreds of streams side by side, the next chunk is nearly always another one's, whose
# objects have left the processor's cache since: taken in by itself it takes twice the time that it
# takes among others of its stream. So a few wait for each other, unless somebody looks. A long one
# does not wait, so that no exchange has more than MOST_WAITING * LONGEST_WAITING bytes waiting.
MOST_WAITING = 16
LONGEST_WAITING = 2048

# How much of the text so far, and how many of the last gaps, go to the live view: what fits
# on a screen, since with 500 open streams a thousand of these are sent in a second.
LIVE_TEXT = 800
LIVE_GAPS = 40

# What the gateway writes into an answer that is its own.
OURS = "streamgauge-error"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_overhead = OVERHEAD.unpack_from


class Capture:
    """Takes the entries of one exchange in their order; `finish` makes the record."""

    __slots__ = (
        "_attempts",
        "_decoding",
        "_has_matched",
        "_is_untimed",
        "_last_ns",
        "_lost_bytes",
        "_opened_ns",
        "_overheads",
        "_patience",
        "_prices",
        "_request",
        "_response",
        "_sent_bytes",
        "_t0",
        "_taken",
        "_timeline",
        "_told",
        "_waiting",
        "bytes_out",
        "id",
        "is_announced",
        "is_tunnel",
        "node",
        "resumed",
        "seen_at",
    )

    def __init__(
        self,
        exchange: bytes,
        t_ns: int,
        opening: Open,
        *,
        node: str,
        memory: Memory,
        prices: Sequence[Price] = (),
        rules: Rules | None = None,
    ) -> None:
        self.id = str(UUID(bytes=exchange))
        self.node = node
        self._prices = prices
        self._waiting: list[Entry] = []  # chunks that are not taken in yet
        self._patience = MOST_WAITING  # so many may; one is told at once to who reads along
        self._taken = 0  # chunks that are
        self.bytes_out = 0
        self.is_tunnel = False
        self.is_announced = False  # the store has a row of it as open
        self.seen_at = 0.0  # the recorder's own clock, for its own patience
        self._opened_ns = self._last_ns = self._t0 = t_ns
        self._request = Request(opening, memory, rules or Rules())
        self._response = Response(memory)
        self._has_matched = False  # something in the reply had to be redacted
        self._is_untimed = False  # nobody knows when the chunks came
        self._told: dict[str, int] = {}  # tokens and cost, by their marks
        self._timeline: Timeline | None = None
        self._decoding: Decoding | None = None
        self._overheads = Overheads()
        self._lost_bytes = 0
        self._sent_bytes = 0  # by the client, through a tunnel
        self._attempts = Attempts(t_ns)
        self.resumed = 0
        self.body(t_ns, Body(data=opening.body, complete=opening.complete))

    # -- entries ---------------------------------------------------------------------------------

    def body(self, t_ns: int, body: Body) -> None:
        """More of the request."""
        self._last_ns = t_ns
        self._request.add(body)
        if self._timeline is None:
            self._t0 = t_ns

    def retried(self, t_ns: int, entry: Retried) -> None:
        """An attempt has failed; the next one goes somewhere else, or there again."""
        self._last_ns = t_ns
        self._attempts.failed(t_ns, self._request.opening, self._request.privacy.said(entry))
        self._request.retried(entry)

    def head(self, t_ns: int, head: Head) -> None:
        """The answer begins."""
        self._last_ns = t_ns
        response, opening = self._response, self._request.opening
        response.begin(head)
        timeline = self._timeline = self._timeline or Timeline(self._t0)
        if head.connected_ns:
            # A connection may be there before the request is: then it took no time.
            timeline.connected(max(head.connected_ns, self._t0))
        # A head of the gateway's own says nothing of when a provider answered.
        if not self._is_untimed and OURS not in response.headers:
            timeline.headers(t_ns)
        self.is_tunnel = head.status == 101
        if not self.is_tunnel:
            self._decoding = decoding_of(
                path=opening.path,
                content_type=response.headers.get("content-type"),
                content_encoding=response.headers.get("content-encoding"),
                is_told=opening.source != Source.GATEWAY,
            )

    def chunk(self, entry: Entry) -> None:
        """Bytes of the answer, behind the overhead of the chunk before them; they may wait."""
        waiting = self._waiting
        waiting.append(entry)
        if len(waiting) >= self._patience or len(entry.payload) > LONGEST_WAITING:
            self.catch_up()

    def catch_up(self) -> None:
        """Take in the chunks that wait: before any other entry, and before anybody looks."""
        waiting = self._waiting
        if not waiting:
            return
        self._waiting, self._patience = [], MOST_WAITING
        chunks = [entry.payload[4:] for entry in waiting]
        whole = b"".join(chunks)
        self._last_ns = waiting[-1].t_ns
        self._overheads.note([_overhead(entry.payload)[0] for entry in waiting])
        self._taken += len(chunks)
        self.bytes_out += len(whole)
        self._response.add(whole)
        timeline, decoding = self._timeline, self._decoding
        if timeline is None or decoding is None:
            return
        heard = list(map(decoding.feed, chunks))
        if not self._is_untimed:
            times = [entry.t_ns for entry in waiting]
            timeline.chunks(times, list(map(len, chunks)))
            _note(timeline, list(zip(times, heard, strict=True)))

    def hidden(self, t_ns: int, data: bytes) -> None:
        """Bytes of the answer that did not go to the client."""
        self._last_ns = t_ns
        if self._decoding is not None:
            self._decoding.feed(data)

    def added(self, t_ns: int, data: bytes) -> None:
        """Bytes of the gateway's own, in the answer that the client got."""
        self._last_ns = t_ns
        self._taken += 1
        self.bytes_out += len(data)
        self._response.add(data)
        if self._timeline is not None:
            self._timeline.chunk(t_ns, len(data))

    def mark(self, t_ns: int, mark: Mark) -> None:
        """A named moment."""
        self._last_ns = t_ns
        if mark.name == TUNNEL_DOWN:
            self._taken += 1
            self.bytes_out += mark.value
            if self._timeline is not None:
                self._timeline.chunk(t_ns, mark.value)
        elif mark.name == TUNNEL_UP:
            self._sent_bytes += mark.value
        elif mark.name == LOST:
            self._lost_bytes += mark.value
        elif mark.name == UNTIMED:
            self._is_untimed = True
            self._timeline = Timeline(self._t0)
            if mark.value:
                self._timeline.told_first(self._t0 + mark.value)
        elif mark.name in TOLD:
            self._told[mark.name] = mark.value

    # -- the end -----------------------------------------------------------------------------------

    def finish(self, t_ns: int | None, end: End) -> tuple[Record, Transcript]:
        """Make the record; *t_ns* None means that nobody saw the end, so the last entry was it."""
        self.catch_up()
        if t_ns is None:
            t_ns = self._last_ns
        self._overheads.note([end.overhead_ns])
        decoding = self._decoding
        if decoding is not None:
            decoding.close()
        timeline = self._timeline or Timeline(self._t0)
        if not self._is_untimed or t_ns > self._t0:
            timeline.end(t_ns)  # else nobody told how long it took
        status = self._response.status
        verdict = judge(
            end,
            status=status,
            decoding=decoding,
            lost_bytes=self._lost_bytes,
            unkept_bytes=self._request.lost + self._response.lost,
            is_told=self._is_untimed,
        )
        verdict = self._request.privacy.said(verdict)
        record = self._account(
            timeline,
            ended_at=self._wall(t_ns),
            attempts=self._attempts.listed(
                t_ns, self._request.opening, status=status, verdict=verdict, t0=self._t0
            ),
            **{name: getattr(verdict, name) for name in verdict.__struct_fields__},
        )
        transcript = self._transcript(timeline)
        self._response.end(Ending(verdict.outcome, verdict.error_type, verdict.error_message))
        return record, transcript

    def _account(self, timeline: Timeline, **ending: Any) -> Record:
        asked, labels, privacy = self._request, self._request.labels, self._request.privacy
        body = asked.plain()
        usage, cost = counted(
            self._decoding,
            self._told,
            request=body,
            status=self._response.status,
            labels=labels,
            provider=asked.opening.provider,
            model=asked.model,
            at=self._wall(self._opened_ns),
            prices=self._prices,
        )
        timing = timeline.timing(
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            overheads_ns=self._overheads.listed(),
        )
        request = None
        if not privacy.omit_request:
            request = privacy.text(body.decode("utf-8", "replace"))
        asked.drop()
        known = self._known()
        if self._decoding is not None and self._decoding.is_read:
            reply = self._decoding.reply
            known["finish_reasons"] = reply.finish_reasons()
            known["tool_calls"] = reply.tool_names()
            if not privacy.omit_response:
                whole = reply.reply()
                known["reply"] = privacy.reply(whole)
                known["response_text"] = privacy.text(reply.text())
                self._has_matched = known["reply"] is not whole
        return Record(
            **known,
            **_fields(timing),
            **_fields(usage),
            **_fields(cost),
            **ending,
            request_body=request,
        )

    def _transcript(self, timeline: Timeline) -> Transcript:
        raw, headers = self._response.take(), self._response.headers
        privacy, decoding = self._request.privacy, self._decoding
        is_kept = not privacy.omit_response and not self._has_matched
        if is_kept and decoding is not None:
            is_kept = privacy.may_keep(raw, headers.get("content-encoding"), decoding)
        return Transcript(
            request_headers=privacy.value(joined(self._request.headers)),
            response_headers=privacy.value(headers),
            raw=raw if is_kept else b"",
            chunk_ms=timeline.chunk_ms,
            chunk_bytes=timeline.chunk_bytes,
        )

    def bare(self, end: End) -> tuple[Record, Transcript]:
        """Make a record without looking at the answer: better than none."""
        self.give_up()
        opening = self._request.opening
        record = Record(
            id=self.id,
            started_at=self._wall(self._opened_ns),
            ended_at=self._wall(self._last_ns),
            provider=opening.provider or None,
            method=opening.method,
            path=opening.path or None,
            outcome=Outcome(end.outcome),
            closed_by=ClosedBy(end.closed_by) if end.closed_by else None,
            error_type=end.error_type or "not_decoded",
            # Also the words of an end may be what could not be redacted.
            error_message=(self.is_shown and end.error_message)
            or "this exchange could not be worked up",
            bytes_in=self._bytes_in,
            bytes_out=self.bytes_out,
            chunks=self.chunks,
            journal_node=self.node,
        )
        return record, Transcript()

    def give_up(self) -> None:
        """Let go of what is held; there will be no record."""
        self._waiting = []
        self._request.drop()
        self._response.drop()
        self._response.end(Ending(Outcome.GATEWAY_RESTARTED, "not_decoded", None))

    # -- who reads along: `source.Source` ---------------------------------------------------------

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self._request.opening.path

    @property
    def key_hash(self) -> str | None:
        """Whose answer it is."""
        return self._request.opening.key_hash

    @property
    def is_shown(self) -> bool:
        """Whether others than its client may see it while it runs."""
        return self._request.privacy.is_shown

    @property
    def response_headers(self) -> dict[str, str]:
        """The answer's headers."""
        return self._response.headers

    @property
    def ending(self) -> Ending | None:
        """How it ended, None while it runs."""
        return self._response.ending

    @property
    def size(self) -> int:
        """How many bytes of the answer there are by now."""
        self.catch_up()
        return self._response.size

    def piece(self, offset: int, limit: int) -> bytes:
        """Return up to *limit* bytes of the answer from *offset* on."""
        self.catch_up()
        return self._response.piece(offset, limit)

    def resume(self) -> None:
        """Somebody has come back for it."""
        self.resumed += 1

    async def news(self) -> None:
        """Wait until there is more of the answer, or its end."""
        self._patience = 1
        await self._response.news()

    # -- while it runs -----------------------------------------------------------------------------

    def opened(self) -> dict[str, Any]:
        """Return what the live view says when the exchange begins."""
        asked = self._request
        return {
            "id": self.id,
            "started_at": _iso(self._wall(self._opened_ns)),
            "provider": asked.opening.provider or None,
            "model": self.model,
            "path": asked.opening.path or None,
            "streaming": self._is_streaming,
            "user_id": asked.user,
            "session_id": asked.labels.session_id,
        }

    def progress(self, now_ns: int) -> dict[str, Any]:
        """Return what the live view says while it runs. Tokens are counted by pieces of text
        until the provider tells."""
        self.catch_up()
        usage = reported(self._decoding, self._told)
        timeline, decoding = self._timeline, self._decoding
        tokens, source = usage.output_tokens, usage.usage_source
        # What a provider says at the beginning ("1 so far") is soon less than what has come.
        is_final = source is UsageSource.REPORTED
        if decoding is not None and not is_final and decoding.deltas > (tokens or 0):
            tokens, source = decoding.deltas, UsageSource.ESTIMATED
        return {
            "id": self.id,
            "model": self.model,
            "user_id": self._request.user,
            "elapsed_ms": max(now_ns - self._t0, 0) / 1e6,
            "ttft_ms": timeline.ttft_ms if timeline is not None else None,
            "chunks": self.chunks,
            "bytes_out": self.bytes_out,
            "output_tokens": tokens,
            "usage_source": source.value,
            "max_gap_ms": timeline.max_gap_ms if timeline is not None else None,
            "idle_ms": timeline.idle_ms(now_ns) if timeline is not None else None,
            "gaps_ms": timeline.recent_gaps(LIVE_GAPS) if timeline is not None else [],
            "text": decoding.reply.tail(LIVE_TEXT)
            if decoding is not None and self.is_shown
            else "",
        }

    def known(self, *, with_bodies: bool) -> dict[str, Any]:
        """Return the columns of the record as far as they are known, as JSON values."""
        found: dict[str, Any] = msgspec.to_builtins(self.so_far())
        if not with_bodies:
            return found
        asked, decoding = self._request, self._decoding
        if not asked.privacy.omit_request:
            found["request_body"] = asked.privacy.text(asked.plain().decode("utf-8", "replace"))
        if self.is_shown and decoding is not None and decoding.is_read:
            found["response_text"] = decoding.reply.text()
            found["reply"] = msgspec.to_builtins(decoding.reply.reply())
        return found

    def so_far(self) -> Record:
        """Return the record of the exchange as it is now, still open."""
        self.catch_up()
        timing = self._timeline.timing() if self._timeline is not None else Timing()
        usage = reported(self._decoding, self._told)
        return Record(**self._known(), **_fields(timing), **_fields(usage), outcome=Outcome.OPEN)

    # -- parts -------------------------------------------------------------------------------------

    def _known(self) -> dict[str, Any]:
        asked, decoding = self._request, self._decoding
        opening, labels = asked.opening, asked.labels
        response_model = decoding.reply.model if decoding is not None else None
        return {
            "id": self.id,
            "started_at": self._wall(self._opened_ns),
            "source": Source(opening.source),
            "provider": opening.provider or None,
            "dialect": self._dialect,
            "method": opening.method,
            "path": opening.path or None,
            "model": self.model,
            "response_model": response_model,
            "streaming": self._is_streaming,
            "http_status": self._response.status,
            "chunks": self.chunks,
            "bytes_in": self._bytes_in,
            "bytes_out": self.bytes_out,
            "user_id": asked.user,
            "session_id": labels.session_id,
            "session_path": labels.session_path,
            "session_name": labels.session_name,
            "properties": labels.properties,
            "client_request_id": labels.client_request_id,
            "provider_request_id": provider_request_id(self._response.headers),
            "key_hash": opening.key_hash,
            "retries": len(self._attempts),
            "resumed": self.resumed,
            "journal_node": self.node,
        }

    @property
    def chunks(self) -> int:
        """How many chunks of the answer have come."""
        return self._taken + len(self._waiting)

    @property
    def model(self) -> str | None:
        """The model that was asked for, or else the one that answers."""
        if self._request.model is None:
            self.catch_up()
        answering = self._decoding.reply.model if self._decoding is not None else None
        return self._request.model or answering

    @property
    def _bytes_in(self) -> int:
        return self._request.size + self._sent_bytes

    @property
    def _dialect(self) -> str | None:
        return self._decoding.dialect_name if self._decoding is not None else None

    @property
    def _is_streaming(self) -> bool:
        is_stream = self._decoding is not None and self._decoding.is_stream
        return self._request.is_streaming or is_stream

    def _wall(self, t_ns: int) -> datetime:
        wall_ns = self._request.opening.started_at_ns + t_ns - self._opened_ns
        return _EPOCH + timedelta(microseconds=wall_ns // 1000)


def _note(timeline: Timeline, heard: list[tuple[int, int]]) -> None:
    """Note in *timeline* what was *heard*, each with its time."""
    said = [at for at, what in heard if what & TEXT]
    if said:
        timeline.content(*said)
    for sign, note in ((EVENT, timeline.event), (REASONING, timeline.reasoning)):
        first = next((at for at, what in heard if what & sign), None)
        if first is not None:
            note(first)


def _fields(part: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__struct_fields__}


def _iso(moment: datetime) -> str:
    text: str = msgspec.to_builtins(moment)
    return text
