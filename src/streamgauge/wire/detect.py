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
    "application/vnd.amazon.eventstream": "eventstream",
}

# The end of the path, without its query; every provider that speaks a dialect uses its path.
DIALECT_BY_PATH = (
    ("/chat/completions", "openai_chat"),
    ("/messages", "anthropic"),
)

# OpenAI's Assistants have messages too, in threads; they are another dialect.
THREADS = "/threads/"


def choose(*, path: str, content_type: str | None) -> Choice:
    """Return framing and dialect for a response of *content_type* to a request for *path*."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    bare = path.partition("?")[0].rstrip("/")
    dialect = next((name for end, name in DIALECT_BY_PATH if bare.endswith(end)), None)
    if THREADS in bare:
        dialect = None
    return Choice(FRAMING_BY_TYPE.get(kind, "plain"), dialect)
