"""Raw bytes of an answer, unpacked for its log."""

from __future__ import annotations

import gzip
import zlib

import pytest

from streamgauge.sdk import inflate
from streamgauge.sdk.inflate import inflater

TEXT = b"data: He said hello.\n\n" * 20


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (None, TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("X-GZip ", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_pieces_are_unpacked_as_they_come(coding, packed, size):
    """However they are cut."""
    unpack = inflater(coding)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(unpack(piece) for piece in pieces) == TEXT


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "gzip"])
def test_what_cannot_be_read_is_nothing(coding):
    """An unknown coding, or bytes that are not what they are said to be."""
    assert inflater(coding)(b"not packed") is None


def test_a_piece_does_not_become_more_than_a_log(monkeypatch):
    """A kilobyte may say a megabyte of nothing."""
    monkeypatch.setattr(inflate, "MAX_INFLATED", 1000)
    assert inflater("gzip")(gzip.compress(bytes(5000))) is None
    assert inflater("gzip")(gzip.compress(bytes(900))) == bytes(900)
