"""Which framing, which dialect."""

from __future__ import annotations

import pytest

from streamgauge.wire.detect import DIALECT_BY_PATH, FRAMING_BY_TYPE, Choice, choose
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.framing import FRAMINGS


@pytest.mark.parametrize(
    ("path", "content_type", "choice"),
    [
        ("/v1/chat/completions", "text/event-stream; charset=utf-8", Choice("sse", "openai_chat")),
        ("/openai/v1/chat/completions?x=1", "application/json", Choice("plain", "openai_chat")),
        ("/v1/messages", "Text/Event-Stream", Choice("sse", "anthropic")),
        ("/api/chat", "application/x-ndjson", Choice("ndjson", None)),
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
    assert {name for _, name in DIALECT_BY_PATH} == set(DIALECTS)
