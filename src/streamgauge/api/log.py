"""`POST /api/v1/log`: a call that did not pass the gateway, as our SDK tells of it.

It is written into the journal as if it had passed: opening, head, chunks with their times,
end. So it survives what a stream survives, and is decoded, metered and priced by the same
code. The answer comes after the journal has it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from time import monotonic_ns
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from msgspec import Meta, Struct

from streamgauge.api.bodies import read_body
from streamgauge.api.errors import ErrorAnswer, answers, error_response
from streamgauge.api.guard import LOG
from streamgauge.api.parts import Given
from streamgauge.api.told import JSON, counts_of, stream_of, type_of
from streamgauge.journal.format import OVERHEAD, TOLD, UNTIMED, End, Head, Kind, Mark, Open
from streamgauge.record import ClosedBy, Outcome, Source
from streamgauge.recorder.labels import EVENT_TYPE
from streamgauge.secrets import is_secret, redacted

# A log that is longer is refused, before or after it is unpacked.
MAX_LOG = 10_000_000

# A log may tell of the past, but not of the far future: clocks differ. Before 1970 there was
# nobody to ask.
FUTURE = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Some 11 days. What took longer by somebody's clocks ended at a time that nobody knows.
LONGEST_MS = 1e9

MS = 1_000_000

# How msgspec names the field at fault. All that must be there is at the top.
FIELD = re.compile(r"(?: - at `\$\.|missing required field `)(.+)`$")

NOT_KEPT = "the journal's disk does not take it; send it again later"

Entry = tuple[int, bytes, int, bytes]
Milliseconds = Annotated[float, Meta(ge=0, le=LONGEST_MS)]

_encode = msgspec.json.encode
_pack = msgspec.msgpack.Encoder().encode


class Journal(Protocol):
    """Where logs go; false if the disk did not take them."""

    def append_all(self, entries: list[Entry], /) -> None:
        """Append entries."""

    def lost(self) -> int:
        """How many entries were ever lost."""


class LoggedError(Struct):
    """What went wrong, in the caller's words."""

    type: str | None = None
    message: str | None = None


class LoggedLabels(Struct):
    """Who and why. A property that is no text is kept as its JSON."""

    user_id: str | None = None
    session_id: str | None = None
    session_path: str | None = None
    session_name: str | None = None
    client_request_id: str | None = None
    properties: dict[str, str | int | float | bool | None] = {}
    priced_as: str | None = None
    omit_request: bool = False
    omit_response: bool = False


class LoggedResponse(Struct):
    """The answer: whole in ``body``, or in ``chunks`` of milliseconds since the start and text.

    ``ttft_ms`` is for a whole one, whose pieces have no times: when its first token came.
    ``cost_usd`` is for who knows better than a price list.
    """

    status: Annotated[int, Meta(ge=100, le=999)] | None = None
    content_type: str | None = None
    headers: dict[str, str] = {}
    body: Any = None
    chunks: list[tuple[Milliseconds, str]] | None = None
    ttft_ms: Milliseconds | None = None
    cost_usd: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class Log(Struct):
    """One call."""

    id: UUID
    started_at: datetime
    request: Any
    provider: str | None = None
    path: str | None = None
    response: LoggedResponse = msgspec.field(default_factory=LoggedResponse)
    ended_ms: Milliseconds | None = None
    outcome: Outcome | None = None
    closed_by: ClosedBy | None = None
    error: LoggedError | None = None
    labels: LoggedLabels = msgspec.field(default_factory=LoggedLabels)
    event: dict[str, Any] | None = None
    sdk: str | None = None


class Logged(Struct, frozen=True):
    """The answer to a log: its record's id."""

    id: str


_decode = msgspec.json.Decoder(Log).decode


@post(
    "/log",
    status_code=200,
    operation_id="logCall",
    summary="Log a call that did not pass the gateway",
    description="The body is a `Log` in JSON; docs/http.md tells its fields.",
    request_max_body_size=MAX_LOG,
    responses={
        200: answers(Logged, "The journal has it"),
        400: answers(ErrorAnswer, "It is no log; `param` is the field at fault"),
        413: answers(ErrorAnswer, "It is too long"),
        503: answers(ErrorAnswer, "The journal's disk does not take it"),
    },
    opt=LOG,
)
async def log_call(request: Request[Any, Any, Any], parts: Given) -> Response[Any]:
    """Journal one call; its record follows within about a second."""
    try:
        log = _decode(await read_body(request, MAX_LOG))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return error_response(400, _why(error), param=_where(str(error)))
    now = datetime.now(UTC)
    if log.started_at.tzinfo is None or not EPOCH <= log.started_at <= now + FUTURE:
        why = "started_at must be a time with its zone, after 1970 and not in the future"
        return error_response(400, why, param="started_at")
    if not parts.keep(entries_of(log)):
        return error_response(503, NOT_KEPT)
    return Response(Logged(str(log.id)))


def entries_of(log: Log, source: Source = Source.SDK) -> list[Entry]:
    """Return *log*, told by *source*, as the journal has an exchange."""
    answer = log.response
    base = monotonic_ns()
    ended_ms, ttft_ms = _known(log.ended_ms), _known(answer.ttft_ms)
    kind, pieces = _answer(log, ended_ms)
    said = [(base + int(ms * MS), data) for ms, data in pieces]
    last = max((at for at, _ in said), default=base)
    ended = last if ended_ms is None else max(last, base + int(ended_ms * MS))
    exchange = log.id.bytes
    opening = Open(
        started_at_ns=int(log.started_at.timestamp() * 1_000_000) * 1000,
        provider=(log.provider or "").lower(),
        method="POST",
        path=redacted((log.path or "").encode()).decode(),
        upstream="",
        headers=_lines([f"user-agent: {log.sdk}"] if log.sdk else []),
        body=_encode(log.request),
        complete=True,
        source=source,
        labels=_labels(log),
    )
    entries: list[Entry] = [(Kind.OPEN, exchange, base, _pack(opening))]
    if answer.chunks is None:
        told = Mark(name=UNTIMED, value=int((ttft_ms or 0.0) * MS))
        entries.append((Kind.MARK, exchange, base, _pack(told)))
    entries += [
        (Kind.MARK, exchange, base, _pack(Mark(name=name, value=value)))
        for name, value in _counted(answer)
    ]
    if answer.status is not None or said:
        head = Head(status=answer.status or 0, headers=_headers(answer, kind), connected_ns=0)
        first = said[0][0] if said else ended
        entries.append((Kind.HEAD, exchange, first, _pack(head)))
    entries += [(Kind.CHUNK, exchange, at, OVERHEAD.pack(0) + data) for at, data in said]
    entries.append((Kind.END, exchange, ended, _pack(_end(log))))
    return entries


def _known(ms: float | None) -> float | None:
    return ms if ms is not None and ms <= LONGEST_MS else None


def _answer(log: Log, ended_ms: float | None) -> tuple[str, list[tuple[float, bytes]]]:
    """Return the content type of an answer, and its bytes with their times."""
    answer = log.response
    kind = answer.content_type
    if answer.chunks is not None:
        timed = sorted(answer.chunks, key=lambda one: one[0])
        texts = [text for _, text in timed]
        if kind is None:
            kind, texts = stream_of(texts)
        return kind, [(ms, text.encode()) for (ms, _), text in zip(timed, texts, strict=True)]
    if answer.body is None:
        return kind or JSON, []
    text = _text(answer.body)
    if kind is None:
        is_stream = isinstance(log.request, dict) and log.request.get("stream") is True
        kind = type_of(text, is_stream=is_stream) if text is answer.body else JSON
    return kind, [(ended_ms or 0.0, text.encode())]


def _counted(answer: LoggedResponse) -> list[tuple[str, int]]:
    """Return the marks of what a whole answer says that it took."""
    asked, said = counts_of(answer.body)
    cost = None if answer.cost_usd is None else round(answer.cost_usd * 1e9)
    counts = dict(zip(TOLD, (asked, said, cost), strict=True))
    return [(name, count) for name, count in counts.items() if count is not None]


def _headers(answer: LoggedResponse, kind: str) -> bytes:
    given = {
        name: value for name, value in answer.headers.items() if name.lower() != "content-type"
    }
    kept = [f"content-type: {kind}"]
    kept += [
        f"{name}: {value}" for name, value in given.items() if not is_secret(name.lower().encode())
    ]
    return _lines(kept)


def _lines(headers: list[str]) -> bytes:
    return "\r\n".join(" ".join(line.split()) for line in headers).encode("latin-1", "replace")


def _labels(log: Log) -> dict[str, Any]:
    labels: dict[str, Any] = msgspec.to_builtins(log.labels)
    given = {name: _text(value) for name, value in log.labels.properties.items()}
    if log.event is not None:
        given[EVENT_TYPE] = str(log.event.get(EVENT_TYPE) or "data")
        given["_event"] = _encode(log.event).decode()
    return {**labels, "properties": given}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value).decode()


def _end(log: Log) -> End:
    error = log.error or LoggedError()
    outcome = log.outcome or _outcome(log)
    closed_by = log.closed_by
    if closed_by is None:
        closed_by = ClosedBy.CLIENT if outcome is Outcome.CLIENT_LEFT else ClosedBy.UPSTREAM
    return End(
        outcome=outcome,
        closed_by=closed_by,
        error_type=error.type,
        error_message=error.message,
    )


def _outcome(log: Log) -> Outcome:
    """Return how it ended, where nobody says; the recorder refines it by what was said."""
    if log.error is None:
        return Outcome.COMPLETED
    if (log.response.status or 0) >= 400:
        return Outcome.HTTP_ERROR
    has_begun = bool(log.response.chunks) or log.response.body is not None
    return Outcome.FAULT_IN_STREAM if has_begun else Outcome.CONNECT_FAILED


def _why(error: Exception) -> str:
    return f"this is no log: {error}"


def _where(message: str) -> str | None:
    """Return the field that msgspec's *message* names, as a path."""
    found = FIELD.search(message)
    return found[1] if found else None
