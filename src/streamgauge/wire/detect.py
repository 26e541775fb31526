"""Which framing and which dialect a response is in."""

from __future__ import annotations

from msgspec import Struct


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
    ("/v1/chat", "openai_chat"),  # Writer
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

# Folders of things with an id.
DIALECT_BY_FOLDER = (
    ("/v1/predictions/", "replicate"),
    ("/v1/streams/", "replicate"),
)

# Where only the end of the path and the type together tell. A Next.js page asks `/api/chat` of
# its own server, as others ask it of Ollama; Gemini's array grows, but is called JSON.
CHOICE_BY_BOTH = (
    ("/api/chat", "text/event-stream", Choice("sse", "ai_sdk")),
    ("/api/chat", "text/plain", Choice("ndjson", "ai_sdk")),
    ("/api/completion", "text/event-stream", Choice("sse", "ai_sdk")),
    (":streamGenerateContent", "application/json", Choice("jsonarray", "gemini")),
)

# OpenAI's Assistants have messages too, in threads; they are another dialect.
THREADS = "/threads/"


def choose(*, path: str, content_type: str | None) -> Choice:
    """Return framing and dialect for a response of *content_type* to a request for *path*."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    bare = path.partition("?")[0].rstrip("/")
    for end, said, choice in CHOICE_BY_BOTH:
        if kind == said and bare.endswith(end):
            return choice
    dialect = next((name for end, name in DIALECT_BY_PATH if bare.endswith(end)), None)
    dialect = dialect or next((name for part, name in DIALECT_BY_FOLDER if part in bare), None)
    if THREADS in bare:
        dialect = None
    return Choice(FRAMING_BY_TYPE.get(kind, "plain"), dialect)
