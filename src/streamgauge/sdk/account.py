"""One call as it is to be told: no I/O, no clock, no threads.

Times are those of one monotonic clock, in seconds, and are arguments. The first end that is
noted counts; what comes after it changes nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from streamgauge.sdk.faults import Fault
from streamgauge.sdk.helpers import wire_text
from streamgauge.sdk.ids import LogId
from streamgauge.sdk.labels import Labelled
from streamgauge.sdk.plain import CHANGING, json_text, parsed, snapshot

# An endless stream must not fill the memory. No stream that a person reads has as many
# chunks, and the server takes no log of 10 MB.
MAX_CHUNKS = 100_000
MAX_CHUNK_BYTES = 8 * 1024 * 1024

# Arguments of an SDK's call that are no part of the body, and may be secret.
NOT_BODY = frozenset(["api_key", "extra_headers", "extra_query"])

# What a custom event is, as in Helicone's manual logger.
EVENT_TYPES = ("tool", "vector_db", "data")


# OpenAI's last word, and an error as one, in a stream that is noted as it was on the wire.
LAST_WORD = re.compile(rb"^data: ?(?:\[DONE\]|\{\"error\")|^event: ?error", re.MULTILINE)

LEFT = Fault("client_left", "client", None, None)


class Account:
    """The request, the chunks with their times of arrival, and the end of one call."""

    def __init__(
        self,
        log_id: LogId,
        request: Any,
        labelled: Labelled,
        *,
        provider: str | None,
        at: float,
        started_ns: int,
    ) -> None:
        self.id = log_id
        self.request = request
        self.labels, self.http_headers = labelled
        self.provider = provider
        self.path: str | None = None
        self.started_at = at
        self.started_ns = started_ns
        self.ended_at: float | None = None
        self.chunks: list[tuple[float, Any]] = []
        self.unkept = 0
        self._bytes = 0
        self.body: Any = None
        self.has_body = False
        self.ttft_ms: float | None = None  # as somebody measured it
        self.status: int | None = None
        self.content_type: str | None = None
        self.headers: dict[str, str] | None = None
        self.outcome: str | None = None
        self.closed_by: str | None = None
        self.error: dict[str, str | None] | None = None

    # -- while it runs ---------------------------------------------------------------------

    @property
    def began(self) -> bool:
        """Whether a part of the answer is here."""
        return bool(self.chunks) or self.has_body or self.unkept > 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell but that somebody asked."""
        return not self.began and self.outcome is None

    def add(self, chunk: Any, at: float) -> None:
        """Note a chunk and when it came."""
        kind = type(chunk)
        if kind is bytes or kind is str:
            self._bytes += len(chunk)
        if len(self.chunks) >= MAX_CHUNKS or self._bytes > MAX_CHUNK_BYTES:
            self.unkept += 1
        else:
            self.chunks.append((at, snapshot(chunk) if kind in CHANGING else chunk))

    def forget(self) -> None:
        """Drop the chunks so far."""
        self.chunks.clear()
        self.unkept = self._bytes = 0

    def miss(self) -> None:
        """Count a chunk that cannot be read."""
        self.unkept += 1

    def answer(self, body: Any, at: float) -> None:
        """Note a whole answer."""
        self.body, self.has_body = snapshot(body), True
        self.ended_at = at

    # -- its end ---------------------------------------------------------------------------

    def end(self, at: float, fault: Fault | None = None) -> None:
        """Note the end: a *fault*, or that it went well as far as anybody here can tell."""
        if self.outcome is not None:
            return
        if self.ended_at is None or fault is not None:
            self.ended_at = at
        if fault is not None:
            self.outcome, self.closed_by = fault.outcome, fault.closed_by
            self.status = fault.status or self.status
            if fault.type or fault.message:
                self.error = {"type": fault.type, "message": fault.message}

    def leave(self, at: float | None = None) -> None:
        """Note that the reader left, now or when it took the last chunk.

        Who leaves after the stream's last word has all of it: SDKs close at OpenAI's
        ``[DONE]`` and at an error without asking for more.
        """
        if at is None:
            at = self.chunks[-1][0] if self.chunks else self.started_at
        tail = b"".join(map(_raw, self.chunks[-2:]))
        self.end(at, None if LAST_WORD.search(tail) else LEFT)

    # -- as JSON ---------------------------------------------------------------------------

    def shorten(self) -> bool:
        """Leave out the second half of the chunks; false if there are none to leave out."""
        kept = len(self.chunks) // 2
        self.unkept += len(self.chunks) - kept
        del self.chunks[kept:]
        return kept > 0

    def told(self, version: str) -> bytes:
        """Return the body of ``POST /api/v1/log``, as docs/http.md describes it."""
        outcome, closed_by, error = self.outcome, self.closed_by, self.error
        if self.unkept:
            # The last word is not kept; that nobody missed it is known only here.
            outcome, closed_by = outcome or "completed", closed_by or "upstream"
            why = f"without the last {self.unkept} chunks"
            error = error or {"type": "not_kept_whole", "message": why}
        request = parsed(self.request)
        if isinstance(request, dict):
            request = {name: one for name, one in request.items() if name not in NOT_BODY}
        is_event = isinstance(request, dict) and request.get("_type") in EVENT_TYPES
        text = json_text(
            {
                "id": str(self.id),
                "started_at": iso(self.started_ns),
                "provider": self.provider,
                "path": self.path,
                "request": request,
                "response": self._response(),
                "ended_ms": None if self.ended_at is None else self._ms(self.ended_at),
                "outcome": outcome,
                "closed_by": closed_by,
                "error": error,
                "labels": self.labels,
                "event": request if is_event else None,
                "sdk": f"streamgauge-python/{version}",
            }
        )
        # Half of a surrogate pair, from a text cut in two, has no UTF-8.
        return text.encode(errors="replace")

    def _response(self) -> dict[str, Any]:
        status = self.status
        if status is None and self.began:
            status = 200  # an answer began, and nobody said otherwise
        told: dict[str, Any] = {"status": status, "content_type": self.content_type}
        if self.headers:
            told["headers"] = self.headers
        if self.chunks:
            told["chunks"] = self._chunks()
        elif self.has_body:
            told["body"] = parsed(self.body)
        if self.ttft_ms is not None:
            told["ttft_ms"] = self.ttft_ms
        return told

    def _chunks(self) -> list[tuple[float, str]]:
        # A character that the network cut in two belongs to the chunk that completes it.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        readers: dict[type, Callable[[Any], str | None]] = {str: str, bytes: decoder.decode}
        texts = ((at, readers.get(type(one), wire_text)(one)) for at, one in self.chunks)
        return [(self._ms(at), text) for at, text in texts if text is not None]

    def _ms(self, at: float) -> float:
        return round(max(at - self.started_at, 0.0) * 1000, 3)


def _raw(noted: tuple[float, Any]) -> bytes:
    chunk = noted[1]
    return chunk if isinstance(chunk, bytes) else chunk.encode() if isinstance(chunk, str) else b""


def iso(ns: int) -> str:
    """Return wall-clock nanoseconds as ISO 8601 UTC with microseconds."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return moment.replace(microsecond=ns % 1_000_000_000 // 1000).isoformat(timespec="microseconds")
