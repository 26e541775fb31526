"""Vercel's AI SDK through the gateway, with OpenAI's provider and with Helicone's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.clients.callers import GPT
from tests.clients.running import START_S, run_node

pytestmark = pytest.mark.timeout(2 * START_S)

WISHES = {"Simulate-Tokens": "12", "Simulate-Ttft-Ms": "40", "Simulate-Itl-Ms": "2"}
LABELS = {
    "Helicone-User-Id": "zoe",
    "Helicone-Session-Id": "s1",
    "Helicone-Session-Path": "/chat",
    "Helicone-Session-Name": "visit",
    "Helicone-Property-Env": "dev",
    "Helicone-Property-Feature": "search",
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("provider", ["@ai-sdk/openai", "@helicone/ai-sdk-provider"])
def test_the_ai_sdk(product: Any, simulator: Any, provider: str, stream: bool) -> None:
    """Text, tokens, times, user, session and properties; nothing is lost on the way."""
    text = f"Tell me about {uuid4().hex}"
    told = {
        "provider": provider,
        "gateway": product.url,
        "model": GPT,
        "text": text,
        "wishes": WISHES,
        "labels": LABELS,
        "stream": stream,
    }
    said = run_node("ai.mjs", told)
    assert len(said.split()) > 5
    record = product.record_of(text)
    expected = {
        "source": "gateway",
        "provider": "openai",
        "dialect": "openai_chat",
        "model": GPT,
        "streaming": stream,
        "http_status": 200,
        "outcome": "completed",
        "response_text": said,
        "output_tokens": 12,
        "usage_source": "reported",
        "cost_source": "priced",
        "user_id": "zoe",
        "session_id": "s1",
        "session_path": "/chat",
        "session_name": "visit",
        "properties": {"env": "dev", "feature": "search"},
    }
    assert {name: record[name] for name in expected} == expected
    assert (record["ttft_ms"] is not None) == stream
    seen = simulator.request(text)["headers"]
    assert [name for name in seen if name.startswith("helicone-")] == []
