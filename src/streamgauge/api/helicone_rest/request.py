"""A record in the form that Helicone gives to a request."""

from __future__ import annotations

from typing import Any

import msgspec

# Under this name a rating is kept among the scores.
FEEDBACK = "helicone-score-feedback"

# What has columns of its own here is a property there.
SESSION_PROPERTIES = {
    "Helicone-Session-Id": "session_id",
    "Helicone-Session-Path": "session_path",
    "Helicone-Session-Name": "session_name",
}


def request_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as Helicone's request."""
    sessions = {name: row[column] for name, column in SESSION_PROPERTIES.items() if row[column]}
    properties = sessions | row["properties"]
    total = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    feedback = row["scores"].get(FEEDBACK)
    return {
        "request_id": row["client_request_id"] or row["id"],
        "response_id": row["id"],
        "request_created_at": row["started_at"],
        "response_created_at": row["ended_at"],
        "response_status": row["status"],
        "request_body": _parsed(row["request_body"]),
        "response_body": _response_body(row),
        "request_model": row["model"],
        "response_model": row["response_model"],
        "model": row["model"] or row["response_model"],
        "model_override": None,
        "request_path": row["path"] or "",
        "target_url": row["path"] or "",
        "provider": (row["provider"] or "").upper(),
        "request_user_id": row["user_id"],
        "request_properties": properties,
        "properties": properties,
        "delay_ms": row["duration_ms"],
        "time_to_first_token": row["ttft_ms"],
        "total_tokens": sum(total) if total else None,
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "prompt_cache_write_tokens": row["cache_write_tokens"],
        "prompt_cache_read_tokens": row["cached_input_tokens"],
        "prompt_audio_tokens": row["audio_input_tokens"],
        "completion_audio_tokens": row["audio_output_tokens"],
        "reasoning_tokens": row["reasoning_tokens"],
        "cost": row["cost_usd"],
        "costUSD": row["cost_usd"],
        "scores": row["scores"],
        "feedback_rating": None if feedback is None else bool(feedback),
        "signed_body_url": None,
        "cache_reference_id": None,
        "cache_enabled": False,
        "storage_location": "streamgauge",
        "country_code": None,
        "request_referrer": None,
        "assets": [],
    }


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        return text


def _response_body(row: dict[str, Any]) -> Any:
    """Return what was answered as a chat completion, whatever the provider's form."""
    reply = row["reply"]
    if reply is None:
        return row["response_text"]
    choices = [
        {
            "index": one.get("index", 0),
            "message": {
                "role": one.get("role") or "assistant",
                "content": one.get("text", ""),
                **({"tool_calls": one["tool_calls"]} if one.get("tool_calls") else {}),
                **({"reasoning": one["reasoning"]} if one.get("reasoning") else {}),
            },
            "finish_reason": one.get("finish_reason"),
        }
        for one in reply.get("choices", ())
    ]
    known = {name: reply.get(name) for name in ("id", "model", "usage")}
    body: dict[str, Any] = {**known, "object": "chat.completion", "choices": choices}
    if row["error_message"]:
        body["error"] = {"type": row["error_type"], "message": row["error_message"]}
    return body
