"""Which framing, which dialect."""

from __future__ import annotations

from typing import Any

import pytest

from streamgauge.wire.decoding import decode
from streamgauge.wire.detect import (
    CHOICE_BY_BOTH,
    DIALECT_BY_FIELD,
    DIALECT_BY_FOLDER,
    DIALECT_BY_KEYS,
    DIALECT_BY_PATH,
    FRAMING_BY_TYPE,
    Choice,
    choose,
    sniff,
)
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Frame
from streamgauge.wire.framing import FRAMINGS
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, READABLE
from tests.wire.published import PUBLISHED, name_of
from tests.wire.reading import frames

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
        ("/v1/chat", "application/stream+json", Choice("ndjson", "cohere")),
        ("/v1/chat", "text/event-stream", Choice("sse", "openai_chat")),
        (
            "/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict",
            "text/event-stream",
            Choice("sse", "anthropic"),
        ),
        ("/v1/sonar", "text/event-stream", Choice("sse", "openai_chat")),
        ("/v1/models/o/m/predictions", "application/json", Choice("plain", "replicate")),
        ("/v1/predictions/xyz", "application/json", Choice("plain", "replicate")),
        ("/v1/streams/xyz", "text/event-stream", Choice("sse", "replicate")),
        ("/ml/v1/text/generation_stream?version=1", "text/event-stream", Choice("sse", "watsonx")),
        ("/ml/v1/deployments/d/text/generation", None, Choice("plain", "watsonx")),
        ("/ml/v1/text/chat_stream", "text/event-stream", Choice("sse", "openai_chat")),
        ("/v1/messages", None, Choice("plain", "anthropic")),
        ("/v1/responses", "text/event-stream", Choice("sse", "openai_responses")),
        ("/openai/v1/responses?x=1", "application/json", Choice("plain", "openai_responses")),
        ("/v1/responses/r?stream=true", "text/event-stream", Choice("sse", "openai_responses")),
        ("/v1/completions", "text/event-stream", Choice("sse", "openai_completions")),
        ("/openai/deployments/d/completions?x=1", None, Choice("plain", "openai_completions")),
        ("/openai/deployments/d/chat/completions?x=1", None, Choice("plain", "openai_chat")),
        ("/v1/threads/runs", "text/event-stream", Choice("sse", "openai_assistants")),
        ("/v1/threads/t/runs", "text/event-stream", Choice("sse", "openai_assistants")),
        (
            "/openai/threads/t/runs/r/submit_tool_outputs",
            None,
            Choice("plain", "openai_assistants"),
        ),
        ("/v1/threads/t/messages", "application/json", Choice("plain", "openai_assistants")),
        ("/threads/t/messages", "application/json", Choice("plain", None)),
        ("/x", "application/json; charset=utf-8", Choice("plain", None)),
        ("/x", "application/problem+json", Choice("plain", None)),
        ("/x", "text/event-stream", Choice("sse", None)),
        ("/x", "audio/mpeg", Choice(None, None)),
        ("/x", None, Choice(None, None)),
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
    named = {name for _, name in DIALECT_BY_PATH + DIALECT_BY_FOLDER} - {None}
    assert named | {choice.dialect for choice in by_both} == set(DIALECTS)
    assert {name for *_, name in DIALECT_BY_FIELD + DIALECT_BY_KEYS} <= set(DIALECTS)


SNIFFED = {"openai_chat", "openai_completions", "openai_responses", "openai_assistants"}
SNIFFED |= {"anthropic", "cohere", "gemini", "ollama"}


@pytest.mark.parametrize("recording", READABLE, ids=lambda recording: recording["file"])
def test_the_first_frames_tell_the_dialect_or_nothing(recording: dict[str, Any]) -> None:
    """A wrong guess would be worse than none. The third: Azure begins without a name."""
    raw = (FOLDER / recording["file"]).read_bytes()
    told = [sniff(frame) for frame in frames(recording["framing"], raw, whole)[:3]]
    own = {recording["dialect"]}
    assert set(told) <= own | {None}
    assert own & SNIFFED <= set(told)


# Errors have no mark of a dialect, and Bedrock's bodies are those of its models.
UNTOLD = {
    "watsonx-error.sse",
    "gemini-cli-wrapped.sse",
    "bedrock-invoke-claude-whole.json",
    "bedrock-invoke-titan-whole.json",
    "bedrock-invoke-llama-whole.json",
}


@pytest.mark.parametrize(
    "case", [one for one in PUBLISHED if "error-" not in name_of(one)], ids=name_of
)
def test_a_published_case_is_told_by_its_bytes_alone(case: dict[str, Any]) -> None:
    """Bodies and streams; an error body may be anybody's."""
    decoding = decode((FOLDER / case["file"]).read_bytes())
    told = decoding.dialect.name if decoding.dialect else None
    assert (told == case["dialect"]) is (name_of(case) not in UNTOLD)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"[1]", b"3", b"{}", b"[DONE]", b'{"object":"list"}', b'{"object":"responses"}'],
)
def test_what_nobody_knows_is_told_nothing(data: bytes) -> None:
    assert sniff(Frame(data)) is None
