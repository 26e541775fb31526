"""The words every part shares: what a record is made of.

Read this file first. A record is the frozen account of one exchange; the field
names here are the columns of the store and the keys of the JSON that the API
answers. Times are ISO 8601 UTC, durations are milliseconds, absent is ``None``:
unknown is never written as zero.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct, field


class Outcome(StrEnum):
    """How an exchange ended."""

    OPEN = "open"
    COMPLETED = "completed"
    TRUNCATED = "truncated"
    STALLED = "stalled"
    NO_FIRST_TOKEN = "no_first_token"  # noqa: S105 - a word, not a password
    FAULT_IN_STREAM = "fault_in_stream"
    HTTP_ERROR = "http_error"
    CONNECT_FAILED = "connect_failed"
    CLIENT_LEFT = "client_left"
    STOPPED = "stopped"
    GATEWAY_RESTARTED = "gateway_restarted"
    REFUSED = "refused"


class ClosedBy(StrEnum):
    """Who closed first."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    GATEWAY = "gateway"


class Source(StrEnum):
    """Which way the exchange came to us."""

    GATEWAY = "gateway"
    SDK = "sdk"
    HELICONE = "helicone"
    OTLP = "otlp"


class UsageSource(StrEnum):
    """Who counted the tokens; ``running`` is the last partial count of a broken stream."""

    REPORTED = "reported"
    RUNNING = "running"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class CostSource(StrEnum):
    """Where the cost comes from: the provider's own figure, or usage times a price list."""

    PROVIDER = "provider"
    PRICED = "priced"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens in one shape. ``input`` and ``output`` are totals; the others are parts of them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    usage_source: UsageSource = UsageSource.UNKNOWN


class Cost(Struct, frozen=True, kw_only=True):
    """What the exchange cost in US dollars; ``None`` where nobody knows."""

    cost_usd: float | None = None
    cost_source: CostSource = CostSource.UNKNOWN


class Timing(Struct, frozen=True, kw_only=True):
    """The marks and gaps of one exchange, in ms from the moment the request was complete.

    ``ttft_ms`` is the first *content*: text, refusal or tool-argument delta. Role chunks,
    pings and comments do not count. ``overhead_*`` is the gateway's own share per chunk.
    """

    connect_ms: float | None = None
    headers_ms: float | None = None
    first_byte_ms: float | None = None
    first_event_ms: float | None = None
    first_reasoning_ms: float | None = None
    ttft_ms: float | None = None
    last_token_ms: float | None = None
    duration_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    itl_p99_ms: float | None = None
    max_gap_ms: float | None = None
    stalls: int | None = None
    tokens_per_second: float | None = None
    overhead_p50_us: float | None = None
    overhead_max_us: float | None = None


Dollars = Annotated[float, Meta(ge=0, le=1e6)]


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens of a model cost, in USD, by the user's own word.

    ``model`` may have ``*`` and ``?`` in it; an empty ``provider`` is any.
    """

    model: Annotated[str, Meta(min_length=1)]
    provider: str = ""
    input: Dollars
    output: Dollars
    # Where these are missing, the part costs what the whole does.
    cached_input: Dollars | None = None
    cache_write: Dollars | None = None
    reasoning: Dollars | None = None
    audio_input: Dollars | None = None
    audio_output: Dollars | None = None


class ToolCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tool call; ``arguments`` is the JSON text as the provider sent it, whole or partial."""

    index: int
    id: str | None = None
    type: str | None = None
    name: str | None = None
    arguments: str = ""


class Choice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the answers of a reply."""

    index: int = 0
    role: str | None = None
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error that the provider, or a frame that no parser understood, put into the stream."""

    type: str | None = None
    message: str | None = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the events of an answer add up to."""

    id: str | None = None
    model: str | None = None
    choices: tuple[Choice, ...] = ()
    usage: dict[str, Any] | None = None
    faults: tuple[Fault, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


class Attempt(Struct, frozen=True, kw_only=True):
    """One of several attempts at an exchange; times are ms from the request, as in `Timing`.

    ``model`` is what the target was asked for where it is not the client's model.
    """

    provider: str
    upstream: str
    model: str | None = None
    started_ms: float = 0.0
    ended_ms: float | None = None
    http_status: int | None = None
    error_type: str | None = None
    error_message: str | None = None


class Record(Struct, frozen=True, kw_only=True):
    """The account of one exchange. ``id`` (UUIDv7) and ``started_at`` never change."""

    id: str
    started_at: datetime
    ended_at: datetime | None = None
    source: Source = Source.GATEWAY
    provider: str | None = None
    dialect: str | None = None
    method: str = ""
    path: str | None = None
    model: str | None = None
    response_model: str | None = None
    streaming: bool = False
    http_status: int | None = None
    outcome: Outcome = Outcome.OPEN
    closed_by: ClosedBy | None = None
    error_type: str | None = None
    error_message: str | None = None
    # timing: the fields of Timing
    connect_ms: float | None = None
    headers_ms: float | None = None
    first_byte_ms: float | None = None
    first_event_ms: float | None = None
    first_reasoning_ms: float | None = None
    ttft_ms: float | None = None
    last_token_ms: float | None = None
    duration_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    itl_p99_ms: float | None = None
    max_gap_ms: float | None = None
    stalls: int | None = None
    tokens_per_second: float | None = None
    overhead_p50_us: float | None = None
    overhead_max_us: float | None = None
    chunks: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    # tokens and cost: the fields of Usage and Cost
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    usage_source: UsageSource = UsageSource.UNKNOWN
    cost_usd: float | None = None
    cost_source: CostSource = CostSource.UNKNOWN
    finish_reasons: tuple[str, ...] = ()
    tool_calls: tuple[str, ...] = ()
    # who and why, as the client's headers said
    user_id: str | None = None
    session_id: str | None = None
    session_path: str | None = None
    session_name: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    client_request_id: str | None = None
    provider_request_id: str | None = None
    key_hash: str | None = None
    # what was said
    request_body: str | None = None
    reply: Reply | None = None
    response_text: str | None = None
    # all attempts where there was more than one; the last is the one that the record tells of
    attempts: tuple[Attempt, ...] = ()
    retries: int = 0
    resumed: int = 0
    journal_node: str = ""


class Amended(StrEnum):
    """What can be said about a record later."""

    PROPERTY = "property"
    SCORE = "score"


class Amendment(Struct, frozen=True, kw_only=True, array_like=True):
    """Something said about a record after its end; the last word on a name counts.

    ``record_id`` is its id, or its ``client_request_id``.
    """

    record_id: str
    kind: Amended
    name: str
    value: str
    at: datetime


class Transcript(Struct, frozen=True, kw_only=True):
    """The answer as it arrived, kept beside its record: raw bytes, and when each chunk came.

    Of each chunk, ``chunk_ms`` has its time, on the same clock as `Timing`, and ``chunk_bytes`` its
    length.
    """

    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    chunk_ms: tuple[float, ...] = ()
    chunk_bytes: tuple[int, ...] = ()
