"""Records to store, and a store to put them in."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from streamgauge.record import (
    Attempt,
    Choice,
    ClosedBy,
    CostSource,
    Outcome,
    Record,
    Reply,
    ToolCall,
    Transcript,
    UsageSource,
)
from streamgauge.store.loader import Store, open_store

START = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)

FULL = Record(
    id="019aa0de-3c80-7abc-8def-0123456789ab",
    started_at=START,
    ended_at=START + timedelta(seconds=2, microseconds=7),
    provider="openai",
    dialect="openai_chat",
    method="POST",
    path="/v1/chat/completions",
    model="gpt-4o",
    response_model="gpt-4o-2024-08-06",
    streaming=True,
    http_status=200,
    outcome=Outcome.COMPLETED,
    closed_by=ClosedBy.UPSTREAM,
    error_type="none really",
    error_message="a 'quoted' \\ message\nwith\ttwo lines \0 and a nul",
    connect_ms=1.25,
    headers_ms=80.1,
    first_byte_ms=80.2,
    first_event_ms=80.3,
    first_reasoning_ms=90.7,
    ttft_ms=123.456789012345,
    last_token_ms=1900.5,
    duration_ms=2000.007,
    itl_p50_ms=11.1,
    itl_p95_ms=22.2,
    itl_p99_ms=33.3,
    max_gap_ms=44.4,
    stalls=0,
    tokens_per_second=99.9,
    overhead_p50_us=12.5,
    overhead_max_us=250.0,
    chunks=3,
    bytes_in=(1 << 40) + 1,
    bytes_out=77,
    input_tokens=10,
    output_tokens=20,
    cached_input_tokens=3,
    cache_write_tokens=0,
    reasoning_tokens=5,
    audio_input_tokens=1,
    audio_output_tokens=2,
    usage_source=UsageSource.REPORTED,
    cost_usd=0.000123,
    cost_source=CostSource.PRICED,
    finish_reasons=("stop", "length"),
    tool_calls=("get_weather",),
    user_id="zoë",
    session_id="s-1",
    session_path="/a/b",
    session_name="a session",
    properties={"env": "prod", "quote's": 'va"lue\n'},
    client_request_id="c-1",
    provider_request_id="req_1",
    key_hash="abc123",
    request_body='{"messages":[{"role":"user","content":"Say \\"hi\\" to Zo\\u00eb"}]}',
    reply=Reply(
        id="chatcmpl-1",
        model="gpt-4o",
        choices=(Choice(text="hi ☃", tool_calls=(ToolCall(index=0, name="f", arguments="{"),)),),
        usage={"prompt_tokens": 10, "nested": {"a": [1, None]}},
    ),
    response_text="hi ☃ there",
    attempts=(
        Attempt(provider="openai", upstream="https://a", http_status=429, error_type="http_429"),
        Attempt(provider="groq", upstream="https://b", model="m2", started_ms=1.5, ended_ms=9.0),
    ),
    retries=1,
    resumed=1,
    journal_node="local",
)

FULL_TRANSCRIPT = Transcript(
    request_headers={"content-type": "application/json"},
    response_headers={"Content-Type": "text/event-stream", "x-odd": "a\tb"},
    raw=bytes(range(256)) * 4,
    chunk_ms=(80.2, 81.000001, 1900.5),
    chunk_bytes=(500, 500, 24),
)


def uuid7(moment: datetime) -> str:
    """A random id of *moment*."""
    value = int(moment.timestamp() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64
    text = f"{value | 2 << 62 | secrets.randbits(62):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def record(second: float = 0.0, **fields: Any) -> Record:
    """A completed record that started *second* seconds after `START`."""
    moment = START + timedelta(seconds=second)
    given = {"id": uuid7(moment), "started_at": moment, "outcome": Outcome.COMPLETED} | fields
    return Record(**given)


def put(store: Store, *records: Record, transcript: Transcript | None = None) -> list[Record]:
    """Insert *records* as one batch."""
    store.insert([(one, transcript or Transcript()) for one in records])
    return list(records)


def shuffled(items: list[Any], seed: int = 1) -> list[Any]:
    """*items* in another order, the same each time."""
    return random.Random(seed).sample(items, len(items))


class Folder:
    """A chDB folder that stays open, and any number of fresh databases in it.

    A process can have one chDB folder open at a time, so tests share it and get a database
    each.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._anchor = open_store(f"chdb://{path}")

    @contextmanager
    def store(self) -> Iterator[Store]:
        opened = open_store(f"chdb://{self.path}?database=test_{secrets.token_hex(6)}")
        try:
            yield opened
        finally:
            opened.close()

    def close(self) -> None:
        self._anchor.close()
