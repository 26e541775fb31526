"""Content encodings."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard

from streamgauge.wire import encoding
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
    "gzip and padding": ("gzip", gzip.compress(TEXT) + b"\0" * 40),
    "two frames": ("zstd", zstandard.compress(TEXT[:99]) + zstandard.compress(TEXT[99:])),
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


def test_what_came_before_the_fault_is_kept() -> None:
    """The rest is given up."""
    stage = inflater("gzip")
    assert stage is not None
    good = gzip.compress(TEXT)
    assert stage.feed(good) == TEXT
    assert not stage.failed
    assert stage.feed(good[:4] + b"\xff" * 40) == b""
    assert stage.failed
    assert stage.feed(good) == b""


def test_each_flush_of_the_server_comes_through_at_once() -> None:
    """A token that waits in an inflater would be late."""
    packer = zlib.compressobj(wbits=31)
    stage = inflater("gzip")
    assert stage is not None
    for number in range(5):
        event = b"data: %d\n\n" % number
        assert stage.feed(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)) == event


NOTHING = b"\0" * 5_000_000
BARE = zlib.compressobj(wbits=-15)
BOMBS = {
    "gzip": ("gzip", gzip.compress(NOTHING)),
    "members": ("gzip", gzip.compress(NOTHING[:90_000]) * 50),
    "deflate": ("deflate", zlib.compress(NOTHING)),
    "bare deflate": ("deflate", BARE.compress(NOTHING) + BARE.flush()),
    "br": ("br", brotli.compress(NOTHING)),
    "zstd": ("zstd", zstandard.compress(NOTHING)),
    "stacked": ("br, gzip", gzip.compress(brotli.compress(NOTHING))),
}


@pytest.mark.parametrize(("name", "raw"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_given_up_on(name: str, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small chunk must not become a large one."""
    monkeypatch.setattr(encoding, "MAX_INFLATED", 100_000)
    stage = inflater(name)
    assert stage is not None
    assert stage.feed(raw) == b""
    assert stage.failed


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_long_stream_may_go_beyond_the_limit_of_a_chunk(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is one of memory, not of length."""
    monkeypatch.setattr(encoding, "MAX_INFLATED", len(TEXT) + 1)
    stage = inflater(name)
    assert stage is not None
    assert b"".join(stage.feed(CODED[name][1]) for _ in range(3)) == TEXT * 3
