"""Which framing and which dialect a response is in."""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

from msgspec import Struct

from streamgauge.wire.dialects.values import decoded, string
from streamgauge.wire.events import Frame


class Choice(Struct, frozen=True):
    """``framing`` is a name in `FRAMINGS`, ``dialect`` one in `DIALECTS`; None is unknown."""

    framing: str | None
    dialect: str | None


# What is not here is one body: JSON, or an error page of somebody in between.
FRAMING_BY_TYPE = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/stream+json": "ndjson",
    "application/vnd.amazon.eventstream": "eventstream",
}

# The end of the path, without its query; every provider that speaks a dialect uses its path.
DIALECT_BY_PATH = (
    ("/chat/completions", "openai_chat"),
    ("/completions", "openai_completions"),
    ("/responses", "openai_responses"),
    ("/threads/runs", "openai_assistants"),
    ("/v1/chat", "openai_chat"),  # Writer
    ("/v1/sonar", "openai_chat"),  # Perplexity
    ("/messages", "anthropic"),
    (":generateContent", "gemini"),
    (":streamGenerateContent", "gemini"),
    ("/converse", "bedrock_converse"),
    ("/converse-stream", "bedrock_converse"),
    ("/invoke", "bedrock_invoke"),
    ("/invoke-with-response-stream", "bedrock_invoke"),
    ("/v2/chat", "cohere"),
    ("/api/chat", "ollama"),
    ("/api/generate", "ollama"),
    ("/predictions", "replicate"),
    ("/text/generation", "watsonx"),
    ("/text/generation_stream", "watsonx"),
    ("/generation/text", "watsonx"),
    ("/generation/text_stream", "watsonx"),
    ("/text/chat", "openai_chat"),
    ("/text/chat_stream", "openai_chat"),
)

# Folders of things with an id; they come first. Other threads have messages too, whose dialect
# nobody knows.
DIALECT_BY_FOLDER = (
    ("/responses/", "openai_responses"),
    ("/v1/threads/", "openai_assistants"),
    ("/openai/threads/", "openai_assistants"),
    ("/threads/", None),
    ("/v1/predictions/", "replicate"),
    ("/v1/streams/", "replicate"),
    # Of Vertex AI: https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/use-partner-models
    ("/publishers/anthropic/", "anthropic"),
    ("/publishers/mistralai/", "openai_chat"),
)

# Where only the end of the path and the type together tell. A Next.js page asks `/api/chat` of
# its own server, as others ask it of Ollama; Gemini's array grows, but is called JSON.
CHOICE_BY_BOTH = (
    ("/api/chat", "text/event-stream", Choice("sse", "ai_sdk")),
    ("/api/chat", "text/plain", Choice("ndjson", "ai_sdk")),
    ("/api/completion", "text/event-stream", Choice("sse", "ai_sdk")),
    (":streamGenerateContent", "application/json", Choice("jsonarray", "gemini")),
    ("/v1/chat", "application/stream+json", Choice("ndjson", "cohere")),  # its first version
)

# A body on a path that nobody knows is looked into if its type ends so.
JSON = "json"

# Where the path says nothing, the answer itself may: a field that has this value, or begins with
# it and a dot; or fields that only this dialect has together.
DIALECT_BY_FIELD = (
    ("object", "chat.completion", "openai_chat"),
    ("object", "text_completion", "openai_completions"),
    ("object", "response", "openai_responses"),
    ("type", "response", "openai_responses"),
    ("object", "thread", "openai_assistants"),
    ("type", "message_start", "anthropic"),
    ("type", "message-start", "cohere"),
    ("event_type", "stream-start", "cohere"),
    ("type", "start-step", "ai_sdk"),
    ("type", "text-start", "ai_sdk"),
    ("type", "text-delta", "ai_sdk"),
)
DIALECT_BY_KEYS = (
    ({"type", "role", "content", "stop_reason"}, "anthropic"),
    ({"candidates", "usageMetadata"}, "gemini"),
    ({"candidates", "modelVersion"}, "gemini"),
    ({"promptFeedback", "usageMetadata"}, "gemini"),
    ({"output", "stopReason"}, "bedrock_converse"),
    ({"id", "message", "finish_reason"}, "cohere"),
    ({"version", "status", "urls"}, "replicate"),
    ({"model", "created_at", "done"}, "ollama"),
    ({"model_id", "created_at", "results"}, "watsonx"),
    ({"choices"}, "openai_chat"),  # of those who leave `object` out
)


# Names of messages that only one dialect has.
DIALECT_BY_EVENT = {
    "messageStart": "bedrock_converse",
    "contentBlockDelta": "bedrock_converse",
    "messageStop": "bedrock_converse",
    "chunk": "bedrock_invoke",
    "output": "replicate",
}


# The AI SDK's data stream, before version 5: a letter, a colon, JSON.
IS_DATA_STREAM = re.compile(rb'[0-9a-k]:["\[{]').match


def is_text(content_type: str | None) -> bool:
    """Whether an answer of *content_type* says that it is nothing but text."""
    return (content_type or "").partition(";")[0].strip().lower() == "text/plain"


def choose(*, path: str, content_type: str | None) -> Choice:
    """Return framing and dialect for a response of *content_type* to a request for *path*."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return _chosen(path.partition("?")[0].rstrip("/"), kind)


# Clients call few paths, and always the same.
@lru_cache(maxsize=1024)
def _chosen(bare: str, kind: str) -> Choice:
    for end, said, choice in CHOICE_BY_BOTH:
        if kind == said and bare.endswith(end):
            return choice
    dialect = dialect_of(bare)
    framing = FRAMING_BY_TYPE.get(kind)
    is_readable = dialect is not None or kind.endswith(JSON)
    return Choice(framing or ("plain" if is_readable else None), dialect)


def dialect_of(path: str) -> str | None:
    """Return the dialect that is spoken on *path*, None if it does not tell."""
    bare = path.partition("?")[0].rstrip("/")
    for part, name in DIALECT_BY_FOLDER:
        if part in bare:
            return name
    return next((name for end, name in DIALECT_BY_PATH if bare.endswith(end)), None)


def sniff(frame: Frame) -> str | None:
    """Return the dialect that *frame*, one of the first of an answer, is surely in."""
    named = DIALECT_BY_EVENT.get(frame.event or "")
    if named is not None:
        return named
    if IS_DATA_STREAM(frame.data):
        return "ai_sdk"
    said = decoded(frame.data)
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return None
    for field, mark, name in DIALECT_BY_FIELD:
        value = string(said.get(field))
        if value == mark or value.startswith(mark + "."):
            return name
    return next((name for keys, name in DIALECT_BY_KEYS if keys <= said.keys()), None)


# How a line of server-sent events begins.
SSE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")


def guess(beginning: bytes) -> Choice:
    """Return the framing of an answer by its first kilobyte; the dialect is `sniff`'s."""
    head = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(SSE_STARTS):
        return Choice("sse", None)
    if _is_eventstream(beginning):
        return Choice("eventstream", None)
    if head.startswith(b"["):
        return Choice("jsonarray", None)
    if IS_DATA_STREAM(head):
        return Choice("ndjson", None)
    first, newline, rest = head.partition(b"\n")
    is_lines = bool(newline) and rest.lstrip()[:1] == b"{" and first.rstrip().endswith(b"}")
    return Choice("ndjson" if is_lines else "plain", None)


def _is_eventstream(beginning: bytes) -> bool:
    """Whether it begins with a prelude whose checksum is right."""
    prelude, checksum = beginning[:8], beginning[8:12]
    return len(checksum) == 4 and crc32(prelude).to_bytes(4, "big") == checksum
