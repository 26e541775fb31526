"""Helicone's columns, as SQL over ours."""

from __future__ import annotations

from msgspec import Struct

TIME, NUMBER, TEXT, FLAG = "DateTime64(6, 'UTC')", "Float64", "String", "Bool"

# Helicone's numbers for ends that are no answer of a provider.
STATUS_BY_OUTCOME = {
    "open": -2,
    "stalled": -2,
    "no_first_token": -2,
    "client_left": -3,
    "stopped": -3,
    "refused": -4,
    "truncated": -100,
    "gateway_restarted": -100,
    "fault_in_stream": 500,
    "connect_failed": 502,
}
_ENDS = ", ".join(f"outcome = '{name}', {status}" for name, status in STATUS_BY_OUTCOME.items())
_STATUS = f"multiIf({_ENDS}, ifNull(http_status, 0))"
TOTAL = "(ifNull(input_tokens, 0) + ifNull(output_tokens, 0))"


class Field(Struct, frozen=True):
    """One of Helicone's columns: what it is here, and of which type."""

    sql: str
    type: str


FIELDS: dict[str, Field] = {
    "request_id": Field("ifNull(client_request_id, id)", TEXT),
    "id": Field("ifNull(client_request_id, id)", TEXT),
    "request_created_at": Field("started_at", TIME),
    "created_at": Field("started_at", TIME),
    "response_created_at": Field("ended_at", TIME),
    "status": Field(_STATUS, NUMBER),
    "response_status": Field(_STATUS, NUMBER),
    "latency": Field("duration_ms", NUMBER),
    "delay_ms": Field("duration_ms", NUMBER),
    "time_to_first_token": Field("ttft_ms", NUMBER),
    "model": Field("model", TEXT),
    "request_model": Field("model", TEXT),
    "response_model": Field("response_model", TEXT),
    "provider": Field("upper(ifNull(provider, ''))", TEXT),
    "path": Field("ifNull(path, '')", TEXT),
    "request_path": Field("ifNull(path, '')", TEXT),
    "user_id": Field("ifNull(user_id, '')", TEXT),
    "user": Field("ifNull(user_id, '')", TEXT),
    "session_id": Field("ifNull(session_id, '')", TEXT),
    "prompt_tokens": Field("input_tokens", NUMBER),
    "completion_tokens": Field("output_tokens", NUMBER),
    "total_tokens": Field(TOTAL, NUMBER),
    "prompt_cache_read_tokens": Field("cached_input_tokens", NUMBER),
    "prompt_cache_write_tokens": Field("cache_write_tokens", NUMBER),
    "reasoning_tokens": Field("reasoning_tokens", NUMBER),
    "cost": Field("cost_usd", NUMBER),
    "cost_usd": Field("cost_usd", NUMBER),
    "costUSD": Field("cost_usd", NUMBER),
    "request_body": Field("request_body", TEXT),
    "response_body": Field("response_text", TEXT),
    "is_stream": Field("streaming", FLAG),
}

# Names under which Helicone keeps its sessions among the properties.
SESSION = {
    "helicone-session-id": "session_id",
    "helicone-session-path": "session_path",
    "helicone-session-name": "session_name",
}
