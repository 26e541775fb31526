"""Which framing, which dialect."""

from __future__ import annotations

import pytest

from streamgauge.wire.detect import (
    CHOICE_BY_BOTH,
    DIALECT_BY_FOLDER,
    DIALECT_BY_PATH,
    FRAMING_BY_TYPE,
    Choice,
    choose,
)
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.framing import FRAMINGS

EVENTSTREAM = "application/vnd.amazon.eventstream"
GEMINI_SSE, GROWING = Choice("sse", "gemini"), Choice("jsonarray", "gemini")


@pytest.mark.parametrize(
    ("path", "content_type", "choice"),
    [
        ("/v1/chat/completions", "text/event-stream; charset=utf-8", Choice("sse", "openai_chat")),
        ("/openai/v1/chat/completions?x=1", "application/json", Choice("plain", "openai_chat")),
        ("/v1/messages", "Text/Event-Stream", Choice("sse", "anthropic")),
        ("/api/chat", "application/x-ndjson", Choice("ndjson", "ollama")),
        ("/api/chat", "application/json", Choice("plain", "ollama")),
        ("/api/chat", "text/event-stream", Choice("sse", "ai_sdk")),
        ("/api/chat", "text/plain; charset=utf-8", Choice("ndjson", "ai_sdk")),
        ("/api/generate", "application/x-ndjson", Choice("ndjson", "ollama")),
        ("/v1beta/models/g:streamGenerateContent?alt=sse", "text/event-stream", GEMINI_SSE),
        ("/v1beta/models/g:streamGenerateContent", "application/json; charset=UTF-8", GROWING),
        ("/v1beta/models/g:streamGenerateContent", "text/html", Choice("plain", "gemini")),
        ("/v1/models/g:generateContent", "application/json", Choice("plain", "gemini")),
        ("/model/m/converse-stream", EVENTSTREAM, Choice("eventstream", "bedrock_converse")),
        ("/model/m/converse", "application/json", Choice("plain", "bedrock_converse")),
        ("/model/m/invoke", "application/json", Choice("plain", "bedrock_invoke")),
        (
            "/model/m/invoke-with-response-stream",
            EVENTSTREAM,
            Choice("eventstream", "bedrock_invoke"),
        ),
        ("/v2/chat", "text/event-stream", Choice("sse", "cohere")),
        ("/v1/models/o/m/predictions", "application/json", Choice("plain", "replicate")),
        ("/v1/predictions/xyz", "application/json", Choice("plain", "replicate")),
        ("/v1/streams/xyz", "text/event-stream", Choice("sse", "replicate")),
        ("/ml/v1/text/generation_stream?version=1", "text/event-stream", Choice("sse", "watsonx")),
        ("/ml/v1/deployments/d/text/generation", None, Choice("plain", "watsonx")),
        ("/ml/v1/text/chat_stream", "text/event-stream", Choice("sse", "openai_chat")),
        ("/v1/messages", None, Choice("plain", "anthropic")),
        ("/v1/threads/t/messages", "application/json", Choice("plain", None)),
        ("/x", "application/vnd.amazon.eventstream", Choice("eventstream", None)),
    ],
)
def test_type_gives_the_framing_and_path_the_dialect(
    path: str, content_type: str | None, choice: Choice
) -> None:
    """For every provider alike."""
    assert choose(path=path, content_type=content_type) == choice


def test_the_tables_name_what_exists() -> None:
    """No row leads nowhere."""
    assert set(FRAMING_BY_TYPE.values()) - {None} <= set(FRAMINGS)
    by_both = [choice for _, _, choice in CHOICE_BY_BOTH]
    assert {choice.framing for choice in by_both} <= set(FRAMINGS)
    named = {name for _, name in DIALECT_BY_PATH + DIALECT_BY_FOLDER}
    assert named | {choice.dialect for choice in by_both} == set(DIALECTS)
