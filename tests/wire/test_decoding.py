"""From bytes to a reply, and what happens when that fails."""

from __future__ import annotations

import gzip
import logging

import pytest

from streamgauge.wire.decoding import (
    EVENT,
    INFLATE_BYTES,
    SNIFFED,
    TEXT,
    Decoding,
    TextDecoding,
    decoding_of,
    inflated,
)
from streamgauge.wire.detect import Choice
from tests.recorder.desk import DONE, ROLE, STOP, event

CHAT = Choice("sse", "openai_chat")


def test_a_chunk_tells_what_it_brought() -> None:
    """Comments bring nothing, role chunks no text."""
    decoding = Decoding(CHAT, None)
    assert decoding.feed(b": ping\n\n") == 0
    assert decoding.feed(ROLE) == EVENT
    assert decoding.feed(event("a")[:20]) == 0
    assert decoding.feed(event("a")[20:] + event("b")) == EVENT | TEXT
    assert decoding.deltas == 2
    assert not decoding.is_whole
    assert decoding.feed(STOP + DONE) == EVENT
    assert decoding.is_whole


def test_an_unknown_dialect_has_events_but_no_reply() -> None:
    """Its frames can still be timed."""
    decoding = Decoding(Choice("sse", None), None)
    assert decoding.feed(b'data: {"said":"a"}\n\n') == EVENT
    assert decoding.reply.text() == ""
    assert decoding.is_stream
    assert not decoding.is_whole


def test_what_nobody_would_read_is_not_framed() -> None:
    """Plain bodies that are no JSON, of unknown dialects, cost nothing."""
    decoding = Decoding(Choice(None, None), "gzip")
    assert decoding.feed(b"anything") == 0
    decoding.close()
    assert decoding.trouble is None


def test_a_dialect_shows_in_the_first_frames_of_an_unknown_path() -> None:
    """What came before it showed is read, too."""
    first = b'data: {"object":"","prompt_filter_results":[1]}\n\n'
    named = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"a"}}]}\n\n'
    decoding = Decoding(Choice("sse", None), None)
    assert decoding.feed(first) == EVENT
    assert decoding.dialect is None
    assert decoding.feed(named + event("b") + DONE) == EVENT | TEXT
    assert decoding.reply.text() == "ab"
    assert decoding.reply.reply().extra == {"prompt_filter_results": [1]}
    assert decoding.is_whole


def test_what_the_dialect_of_a_path_cannot_read_is_told_by_its_content() -> None:
    """`/api/chat` is Ollama's path, and that of many an application; whole bytes or single ones."""
    data = b'f:{"messageId":"m1"}\n0:"He"\n0:"y"\nd:{"finishReason":"stop"}\n'
    for size in (1, len(data)):
        decoding = Decoding(Choice("ndjson", "ollama"), None)
        for at in range(0, len(data), size):
            decoding.feed(data[at : at + size])
        assert decoding.dialect is not None
        assert decoding.dialect.name == "ai_sdk"
        assert decoding.reply.text() == "Hey"
        assert decoding.reply.unknown == 0
        assert decoding.is_whole


def test_a_dialect_that_can_be_read_stays() -> None:
    """Though a piece of rubbish comes first, and though another dialect looks like it."""
    decoding = Decoding(CHAT, None)
    decoding.feed(b"data: rubbish\n\n" + ROLE + event("a"))
    decoding.feed(b'data: {"type":"message_start"}\n\n')
    assert decoding.dialect is not None
    assert decoding.dialect.name == "openai_chat"
    assert decoding.reply.text() == "a"


def test_who_leaves_out_what_a_chunk_is_has_said_it_by_its_choices() -> None:
    """As chunks are that somebody made by hand, and Azure's first one."""
    decoding = Decoding(Choice("sse", None), None)
    assert decoding.feed(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n') & TEXT
    assert decoding.reply.text() == "a"


def test_a_text_is_its_own_content() -> None:
    """Also where it is cut within a character; it has no last word to miss."""
    decoding = TextDecoding()
    raw = "é€".encode()
    heard = [decoding.feed(raw[at : at + 1]) for at in range(len(raw))]
    assert heard == [0, EVENT | TEXT, 0, 0, EVENT | TEXT]
    decoding.feed(raw[:1])
    decoding.close()
    assert decoding.reply.text() == "é€\ufffd"
    assert (decoding.is_read, decoding.dialect, decoding.is_stream) == (True, None, False)


@pytest.mark.parametrize(
    ("kind", "beginning", "is_told", "expected"),
    [
        ("text/event-stream", b"", False, (Decoding, True)),
        ("text/plain", b"", False, (Decoding, False)),
        ("text/plain", b"", True, (TextDecoding, False)),
        ("text/plain", b'data: {"a":1}\n\n', False, (Decoding, True)),
        (None, b"", False, (Decoding, False)),
        (None, gzip.compress(b'data: {"a":1}\n\n'), False, (Decoding, True)),
        ("application/json", b'data: {"a":1}\n\n', False, (Decoding, False)),
    ],
)
def test_the_type_says_how_an_answer_is_read(
    kind: str | None, beginning: bytes, is_told: bool, expected: tuple[type[Decoding], bool]
) -> None:
    """Else its first bytes, where they are here; text is the answer only where it is told."""
    encoding = "gzip" if beginning[:1] == b"\x1f" else None
    decoding = decoding_of(
        path="/elsewhere",
        content_type=kind,
        content_encoding=encoding,
        beginning=beginning,
        is_told=is_told,
    )
    assert (type(decoding), decoding.is_stream) == expected


def test_a_dialect_shows_in_a_plain_body() -> None:
    decoding = Decoding(Choice("plain", None), None)
    decoding.feed(b'{"object":"response","status":"completed",')
    decoding.feed(b'"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}')
    decoding.close()
    assert decoding.reply.text() == "a"
    assert not decoding.is_stream


def test_a_dialect_that_does_not_show_at_once_stays_unknown() -> None:
    """Nobody looks into a foreign stream for ever."""
    decoding = Decoding(Choice("sse", None), None)
    decoding.feed(b"data: {}\n\n" * SNIFFED)
    named = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"a"}}]}\n\n'
    assert decoding.feed(named) == EVENT
    assert decoding.dialect is None


def test_a_fault_of_ours_ends_the_decoding_not_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and what came before is kept."""
    decoding = Decoding(CHAT, None)
    decoding.feed(event("a"))

    def broken(_: object) -> None:
        raise RuntimeError("a fault in our own code")

    monkeypatch.setattr(decoding.dialect, "read", broken)
    with caplog.at_level(logging.ERROR):
        assert decoding.feed(event("b")) == 0
    monkeypatch.undo()
    assert decoding.feed(event("c")) == 0
    assert decoding.reply.text() == "a"
    assert decoding.trouble is not None
    assert "a fault in our own code" in caplog.text


def test_large_pieces_are_inflated_in_small_ones() -> None:
    """The same text, whatever the pieces."""
    words = [f"word {n} " for n in range(20_000)]
    raw = gzip.compress(b"".join(map(event, words)) + STOP + DONE, 0)
    assert len(raw) > 10 * INFLATE_BYTES
    decoding = Decoding(CHAT, "gzip")
    assert decoding.feed(raw) == EVENT | TEXT
    assert decoding.reply.text() == "".join(words)


def test_a_bomb_is_cut_off() -> None:
    """A request of a few kilobytes does not become gigabytes."""
    bomb = gzip.compress(bytes(200_000_000))
    assert len(inflated(bomb, "gzip", limit=1_000_000)) < 40_000_000
    assert inflated(b"not gzip", "gzip", limit=100) == b"not gzip"
    assert inflated(b"plain", None, limit=100) == b"plain"
