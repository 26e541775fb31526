"""A stream again: what each chunk said, when it came."""

from __future__ import annotations

import gzip
import json

from streamgauge.record import Transcript
from streamgauge.recorder.replay import Piece, pieces

PATH = "/v1/chat/completions"
SSE = {"Content-Type": "text/event-stream"}


def delta(**fields: object) -> bytes:
    event = {"choices": [{"index": 0, "delta": fields}]}
    return f"data: {json.dumps(event)}\n\n".encode()


def told(*timed: tuple[float, bytes], headers: dict[str, str] = SSE) -> list[Piece]:
    transcript = Transcript(
        response_headers=headers,
        raw=b"".join(data for _, data in timed),
        chunk_ms=tuple(ms for ms, _ in timed),
        chunk_bytes=tuple(len(data) for _, data in timed),
    )
    return pieces(transcript, path=PATH)


def test_each_chunk_says_its_part_at_its_time() -> None:
    """Several deltas of one chunk arrived together, so they are one piece."""
    found = told(
        (10, delta(role="assistant")), (20, delta(content="Hel") + delta(content="lo")),
        (30, delta(content="!")), (40, b"data: [DONE]\n\n"),
    )  # fmt: skip
    assert found == [Piece(20, "text", "Hello"), Piece(30, "text", "!")]


def test_a_frame_cut_in_two_speaks_when_it_is_whole() -> None:
    """The time is that of the chunk that completed it."""
    whole = delta(content="late")
    assert told((10, whole[:20]), (90, whole[20:])) == [Piece(90, "text", "late")]


def test_reasoning_and_tools_are_told_apart() -> None:
    """Each kind is a piece of its own."""
    call = {"index": 0, "function": {"name": "look", "arguments": "{}"}}
    found = told(
        (1, delta(reasoning_content="hm") + delta(content="ok")), (2, delta(tool_calls=[call]))
    )
    assert found == [
        Piece(1, "reasoning", "hm"),
        Piece(1, "text", "ok"),
        Piece(2, "tool", "look: {}"),
    ]


def test_a_compressed_answer_and_a_plain_one_can_be_played() -> None:
    """The bytes are kept as they came."""
    packed = gzip.compress(delta(content="packed"))
    assert told((5, packed), headers=SSE | {"Content-Encoding": "gzip"})[0].text == "packed"
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "all"}}]}
    plain = told((7, json.dumps(body).encode()), headers={"Content-Type": "application/json"})
    assert plain == [Piece(7, "text", "all")]


def test_what_is_no_model_answer_says_nothing() -> None:
    """And raises nothing."""
    assert told((1, b"<html>"), headers={"Content-Type": "text/html"}) == []
