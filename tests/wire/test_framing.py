"""What all framings keep to."""

from __future__ import annotations

import tracemalloc

import pytest

from streamgauge.wire.framing import FRAMINGS

SIZE = 128 * 1024

# How one frame of that size may come: in thousands of lines, or in pieces of two bytes each.
ENDLESS = {
    "sse, lines": ("sse", b"data: x\n" * 1024, b"\n"),
    "sse, empty lines": ("sse", b"data\n" * 1024, b"\n"),
    "sse": ("sse", b"xx", b"\n\n"),
    "ndjson": ("ndjson", b"xx", b"\n"),
    "jsonarray": ("jsonarray", b"1 ", b"]"),
    "plain": ("plain", b"xx", b""),
}
BEGINNINGS = {"sse": b"data: ", "jsonarray": b"["}


@pytest.mark.parametrize(("framing", "piece", "end"), ENDLESS.values(), ids=ENDLESS)
def test_a_frame_holds_little_more_than_its_bytes(framing: str, piece: bytes, end: bytes) -> None:
    """However many lines and pieces it comes in: a limit in bytes is one of the memory."""
    decoder = FRAMINGS[framing]()
    decoder.feed(BEGINNINGS.get(framing, b""))
    tracemalloc.start()
    try:
        for _ in range(SIZE // len(piece)):
            # A piece of its own each time, as the network makes them.
            assert decoder.feed(bytes(bytearray(piece))) == []
        frames = decoder.feed(end) + decoder.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(frames) == 1
    assert peak < 5 * SIZE
