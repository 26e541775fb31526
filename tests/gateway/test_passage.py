"""Whichever way a chunk takes, client, journal and the end of the stream see the same."""

from __future__ import annotations

import pytest

from streamgauge.gateway.delimiter import CHUNKED, delimited
from streamgauge.gateway.exchange import Exchange, Patience
from streamgauge.gateway.outflow import Outflow
from streamgauge.gateway.passage import Passage
from streamgauge.wire.detect import Choice

CHAT = Choice("sse", "openai_chat")
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}\n\n'
PING = b"event: ping\ndata: {}\n\n"
COMMENT = b": still there\n\n"
NAMED = b'event: delta\ndata: {"x":1}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"


class Collected:
    """In the place of a turn: what would be journaled and sent."""

    def __init__(self) -> None:
        self.journal: list[bytes] = []
        self.sent = b""

    def note(self, entries: list[tuple[int, bytes, int, bytes]]) -> None:
        self.journal += (payload for _, _, _, payload in entries)

    def chunk(self, passage: Passage, at: int, body: bytes, framed: bytes) -> None:
        self.journal.append(body)
        self.sent += framed


def passed(
    chunks: list[bytes], *, framed: bool, is_hiding: bool
) -> tuple[Collected, list[bytes], int]:
    """Pass *chunks* on, as HTTP chunks that came whole (*framed*) or not."""
    turn = Collected()
    exchange = Exchange(upstream="", patience=Patience(connect_ns=1, idle_ns=1))
    passage = Passage(turn, exchange, b"", lambda _: None, is_recorded=True)
    passage.delimiter = CHUNKED
    outflow = Outflow(CHAT, is_hiding=is_hiding)
    passage.look_into(outflow)
    for at, chunk in enumerate(chunks):
        passage.chunk(at, chunk, delimited(CHUNKED, chunk) if framed else None)
    return turn, outflow.kept, exchange.active_ns


@pytest.mark.parametrize("is_hiding", [False, True])
@pytest.mark.parametrize(
    "chunks",
    [
        [TEXT] * 20,
        [TEXT, PING, COMMENT, NAMED, TEXT, DONE],
        [TEXT, USAGE, DONE],
        [TEXT[:30], TEXT[30:], TEXT, USAGE[:-1], USAGE[-1:], TEXT, DONE],
        [TEXT + USAGE + DONE],
        [NAMED * 3, TEXT * 3, USAGE + TEXT],
    ],
    ids=["text", "heartbeats", "usage", "cut", "one", "several"],
)
def test_both_ways_lead_to_the_same(chunks, is_hiding):
    """To the client and the journal, and to what is kept for the end."""
    short, kept, active = passed(chunks, framed=True, is_hiding=is_hiding)
    long, kept_too, active_too = passed(chunks, framed=False, is_hiding=is_hiding)
    assert short.journal == long.journal
    assert short.sent == long.sent
    assert (kept, active) == (kept_too, active_too)
    assert (b'"completion_tokens":2' in short.sent) is (USAGE in b"".join(chunks) and not is_hiding)
