"""Content encodings."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from streamgauge.wire.encoding import inflater
from tests.wire.cuts import Cut

TEXT = b'data: {"content":"hello \xf0\x9f\x99\x82"}\n\n' * 50
RAW = zlib.compressobj(wbits=-15)

CODED = {
    "gzip": ("gzip", gzip.compress(TEXT)),
    "two members": ("gzip", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
    "upper case": ("GZIP", gzip.compress(TEXT)),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "bare deflate": ("deflate", RAW.compress(TEXT) + RAW.flush()),
    "br": ("br", brotli.compress(TEXT)),
    "zstd": ("zstd", zstandard.compress(TEXT)),
    "stacked": ("gzip, br", brotli.compress(gzip.compress(TEXT))),
}


@pytest.mark.parametrize(("name", "raw"), CODED.values(), ids=CODED)
def test_inflating_does_not_depend_on_the_cuts(name: str, raw: bytes, cut: Cut) -> None:
    """What went in comes out."""
    stage = inflater(name)
    assert stage is not None
    assert b"".join(stage.feed(chunk) for chunk in cut(raw)) == TEXT
    assert not stage.failed


@pytest.mark.parametrize("name", [None, "", "identity"])
def test_there_may_be_nothing_to_undo(name: str | None) -> None:
    """Then there is no inflater."""
    assert inflater(name) is None


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "compress"])
def test_what_cannot_be_inflated_says_so(name: str) -> None:
    """Once, without raising, and nothing more comes of it."""
    stage = inflater(name)
    assert stage is not None
    got = stage.feed(b"\x0f\xff this is not it, whatever it is") + stage.feed(b"more")
    assert stage.failed
    assert got == b""
