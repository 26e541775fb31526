"""Whether a stream is whole, by its last bytes."""

from __future__ import annotations

from typing import Any

import pytest

from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.looks.ending import Ending
from tests.wire.goldens import FOLDER, MANIFEST

OF_LINES = [
    one
    for one in MANIFEST
    if one["dialect"] in DIALECTS
    and one["framing"] in ("sse", "ndjson")
    and one["http_status"] == 200
]


def ending(dialect: str, framing: str, raw: bytes, size: int) -> Ending:
    kept = Ending(Choice(framing, dialect))
    at = 0
    while at < len(raw):
        # As the gateway does: whole lines.
        end = raw.find(b"\n", min(at + size, len(raw)) - 1) + 1 or len(raw)
        kept.keep(raw[at:end])
        at = end
    return kept


@pytest.mark.parametrize("recording", OF_LINES, ids=lambda one: one["file"])
@pytest.mark.parametrize("size", [1, 5000, 10**9], ids=["lines", "blocks", "whole"])
def test_every_recording_is_whole(recording: dict[str, Any], size: int) -> None:
    """A false alarm would put an error behind a good stream."""
    raw = (FOLDER / recording["file"]).read_bytes()
    assert ending(recording["dialect"], recording["framing"], raw, size).is_reached()


@pytest.mark.parametrize("recording", OF_LINES, ids=lambda one: one["file"])
def test_its_first_half_is_not(recording: dict[str, Any]) -> None:
    """Unless that was all but the usage."""
    raw = (FOLDER / recording["file"]).read_bytes()
    half = raw[: raw.find(b"\n", len(raw) // 3) + 1]
    said = (
        b'"finish_reason":"' in half.replace(b" ", b"")
        or b'"done_reason"' in half
        or b'"finishReason"' in half
        or b"error" in half
    )
    assert ending(recording["dialect"], recording["framing"], half, 1000).is_reached() <= said


def test_a_dialect_that_nobody_knows_is_never_broken() -> None:
    """Silence, rather than an error at a guess."""
    assert Ending(Choice("sse", None)).is_reached()


def test_a_last_line_without_its_end_counts() -> None:
    """Some leave out the last line end."""
    kept = Ending(Choice("sse", "openai_chat"))
    assert not kept.is_reached()
    assert kept.is_reached(b"data: [DONE]")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b"data: {}\n\n", b"data: [DONE]\n\n"], True),
        ([b"data: {}\n\ndata: [DONE]\n\n"], True),
        ([b"data: [DONE]\n\n"], True),
        ([b'data: {"choices": [\n', b"data: [DONE]\n\n"], False),
        ([b'data: {"choices": [\ndata: [DONE]\n\n'], False),
        ([b"data: {}\n\n: data: [DONE]\n\n"], False),
    ],
)
def test_the_usual_last_word_is_a_frame_of_its_own(chunks: list[bytes], *, expected: bool) -> None:
    """The short look at the last chunk says what reading it all would say."""
    kept = Ending(Choice("sse", "openai_chat"))
    kept.keep(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n')
    for chunk in chunks:
        kept.keep(chunk)
    assert kept.is_reached() is expected
    assert kept.is_said() is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"data: 1\n\n", False),
        (b"data: 1\n", True),
        (b"event: x\n", False),
        (b"event: x\ndata: 1\n", True),
        (b"data: 1\r\n\r\nevent: y\r\n", False),
        (b": data\n", False),
    ],
)
def test_a_frame_with_data_is_to_be_finished_first(lines: bytes, *, expected: bool) -> None:
    """An event name alone is not: the next one replaces it."""
    kept = Ending(Choice("sse", "anthropic"))
    kept.keep(lines)
    assert kept.is_within_data() is expected


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([], True),
        ([b"data: 1\n\n"], True),
        ([b"data: 1\r\n\r\n"], True),
        ([b"data: 1\n", b"\n"], True),
        ([b"data: 1\n"], False),
        ([b"data: 1\n\n", b"event: x\n"], False),
    ],
)
def test_a_border_is_where_a_frame_has_ended(chunks: list[bytes], *, expected: bool) -> None:
    """There something of ours can stand."""
    kept = Ending(Choice("sse", "openai_chat"))
    for chunk in chunks:
        kept.keep(chunk)
    assert kept.is_at_border() is expected


@pytest.mark.parametrize(
    ("dialect", "last", "is_said"),
    [
        ("openai_chat", b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', False),
        ("openai_chat", b"data: [DONE]\n\n", True),
        ("openai_chat", b'data: {"error":{"message":"overloaded"}}\n\n', True),
        ("anthropic", b'event: message_stop\ndata: {"type":"message_stop"}\n\n', True),
        ("anthropic", b'event: ping\ndata: {"type":"ping"}\n\n', False),
        (None, b"data: [DONE]\n\n", False),
    ],
)
def test_a_broken_connection_is_no_matter_once_all_is_said(dialect, last, is_said) -> None:
    """Only the stream's own last word counts; a reason to end may be followed by usage."""
    kept = Ending(Choice("sse", dialect))
    kept.keep(last)
    assert kept.is_said() == is_said


@pytest.mark.parametrize(
    ("kept", "rest", "is_whole"),
    [
        (b"", b"", False),
        (b"", b'data: {"id":"cut', False),
        (b": ping\n\n", b"", False),
        (b"event: message_start\n", b"", False),
        (b"data: what nobody knows\n\n", b"", True),
        (b"data: what nobody knows\n\n", b'data: {"id":"cut', False),
    ],
)
def test_a_stream_of_which_nothing_is_understood_needs_whole_events(kept, rest, is_whole) -> None:
    """Where all of it is here, what is missing can be told."""
    one = Ending(Choice("sse", "openai_chat"))
    if kept:
        one.keep(kept)
    assert one.is_reached(rest) == is_whole


def test_the_end_of_one_giant_line_tells_nothing() -> None:
    """Its beginning is forgotten; a false alarm would be worse."""
    one = Ending(Choice("sse", "openai_chat"))
    for _ in range(20):
        one.keep(b"a" * 100)
    assert one.is_reached(b"b")
