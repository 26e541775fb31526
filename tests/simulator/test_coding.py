from __future__ import annotations

import gzip
from random import Random

import brotli
import pytest
import zstandard

from streamgauge.simulator.coding import CUTS, ENCODERS, FRAMINGS, coded_length

EVENTS = [f"data: événement 漢字 {n}\n\n".encode() for n in range(50)]
WHOLE = b"".join(EVENTS)

DECODERS = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_coded_stream_decodes_to_what_went_in(name):
    """Each coding, against its library's own decoder."""
    encoder = ENCODERS[name]()
    coded = b"".join(encoder.feed(event) for event in EVENTS) + encoder.close()
    assert DECODERS[name](coded) == WHOLE
    assert coded_length(EVENTS, ENCODERS[name]()) == len(coded)


def test_each_event_can_be_read_before_the_next():
    """The coder is flushed after each event, or a stream would not be one."""
    encoder, decoder = ENCODERS["zstd"](), zstandard.ZstdDecompressor().decompressobj()
    for event in EVENTS:
        assert decoder.decompress(encoder.feed(event)) == event


@pytest.mark.parametrize("name", CUTS)
def test_cuts_lose_nothing(name):
    """The pieces of a cut are the bytes, in order."""
    assert b"".join(CUTS[name](WHOLE, Random(3))) == WHOLE
    assert all(CUTS[name](WHOLE, Random(3)))


def test_ragged_cuts_come_from_the_seed():
    """The same seed cuts at the same places, another elsewhere."""
    ragged = CUTS["ragged"]
    assert ragged(WHOLE, Random(3)) == ragged(WHOLE, Random(3)) != ragged(WHOLE, Random(4))
    assert len({len(cut) for cut in ragged(WHOLE, Random(3))}) > 5


def test_framings_delimit_the_body():
    """RFC 9112 §6: chunks, a length, or the end of the connection."""
    chunked, length, close = (FRAMINGS[name] for name in ("chunked", "length", "close"))
    assert chunked.frame(b"x" * 17) + chunked.end() == b"11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
    assert length.header(lambda: 17) == ("content-length", "17")
    assert close.header(lambda: 17) == ("connection", "close")
    assert [one.is_last for one in (chunked, length, close)] == [False, False, True]
