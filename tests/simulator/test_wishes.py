from __future__ import annotations

import pytest

from streamgauge.simulator.wishes import WISHES, Jitter, WishError, Wishes, read_wishes


def test_no_headers_are_no_wishes():
    """A request without our headers is left to us in everything."""
    assert read_wishes({"content-type": "application/json"}) == Wishes()


@pytest.mark.parametrize(
    ("header", "value", "field", "meaning"),
    [
        ("simulate-recording", " chat_streaming ", "recording", "chat_streaming"),
        ("simulate-provider", "Together", "provider", "together"),
        ("simulate-tokens", "0", "tokens", 0),
        ("simulate-bytes", "52428800", "bytes", 52428800),
        ("simulate-status", "429", "status", 429),
        ("simulate-ttft-ms", "12.5", "ttft_ms", 12.5),
        ("simulate-itl-ms", "20", "itl_ms", 20.0),
        ("simulate-head-ms", "7", "head_ms", 7.0),
        ("simulate-jitter-ms", "5", "jitter_ms", Jitter(ms=5.0)),
        ("simulate-jitter-ms", "20%", "jitter_ms", Jitter(fraction=0.2)),
        ("simulate-chunks", "Ragged", "chunks", "ragged"),
        ("simulate-encoding", "zstd", "encoding", "zstd"),
        ("simulate-framing", "close", "framing", "close"),
    ],
)
def test_each_header_sets_its_field(header, value, field, meaning):
    """One header, one wish."""
    assert getattr(read_wishes({header: value}), field) == meaning


def test_every_wish_of_the_table_is_a_field():
    """The table and the struct cannot drift apart."""
    assert {wish.field for wish in WISHES.values()} == set(Wishes.__struct_fields__)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("simulate-tokens", "-1"),
        ("simulate-tokens", "many"),
        ("simulate-tokens", "99999999999"),
        ("simulate-bytes", "0"),
        ("simulate-status", "200"),
        ("simulate-ttft-ms", "nan"),
        ("simulate-ttft-ms", "1e3"),
        ("simulate-itl-ms", "999999999999"),
        ("simulate-jitter-ms", "%"),
        ("simulate-chunks", "events,bytes"),
        ("simulate-encoding", "lzma"),
        ("simulate-provider", "nobody"),
        ("simulate-nonsense", "1"),
    ],
)
def test_a_wish_that_makes_no_sense_is_named(header, value):
    """The error names the header, so that a misspelt wish never goes unnoticed."""
    with pytest.raises(WishError, match=header):
        read_wishes({header: value})


def test_an_endless_stream_cannot_be_one_write():
    """What is made lazily is never held whole."""
    with pytest.raises(WishError, match="lazily"):
        read_wishes({"simulate-bytes": "1000", "simulate-chunks": "whole"})
