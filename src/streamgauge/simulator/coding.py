"""From a piece to the bytes of single writes: compressed, cut, framed. Three tables."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

# Ragged cuts: from inside a character to a few events.
RAGGED_MOST = 96


class Encoder(Protocol):
    """A content coding that can be flushed, so that each event can be read at once."""

    def feed(self, data: bytes) -> bytes:
        """Return the coded bytes of *data*, flushed."""
        ...

    def close(self) -> bytes:
        """Return what ends the coded stream."""
        ...


class Identity:
    """No coding at all."""

    def feed(self, data: bytes) -> bytes:
        """Return *data*."""
        return data

    def close(self) -> bytes:
        """Return nothing."""
        return b""


class Gzip:
    """RFC 1952, with a sync flush after each event."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(wbits=31)

    def feed(self, data: bytes) -> bytes:
        """Return the coded bytes of *data*, flushed."""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def close(self) -> bytes:
        """Return the trailer."""
        return self._deflate.flush()


class Brotli:
    """RFC 7932, quick rather than small."""

    def __init__(self) -> None:
        self._brotli = brotli.Compressor(quality=3)

    def feed(self, data: bytes) -> bytes:
        """Return the coded bytes of *data*, flushed."""
        return bytes(self._brotli.process(data) + self._brotli.flush())

    def close(self) -> bytes:
        """Return the last block."""
        return bytes(self._brotli.finish())


class Zstd:
    """RFC 8878."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=3).compressobj()

    def feed(self, data: bytes) -> bytes:
        """Return the coded bytes of *data*, flushed."""
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return self._zstd.compress(data) + self._zstd.flush(flush)

    def close(self) -> bytes:
        """Return the end of the frame."""
        return self._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


ENCODERS: dict[str, Callable[[], Encoder]] = {
    "identity": Identity,
    "gzip": Gzip,
    "br": Brotli,
    "zstd": Zstd,
}


# -- cuts: what one write holds -------------------------------------------------------------

Cut = Callable[[bytes, Random], list[bytes]]


def _uncut(data: bytes, pick: Random) -> list[bytes]:
    del pick
    return [data]


def _ragged(data: bytes, pick: Random) -> list[bytes]:
    cuts, start = [], 0
    while start < len(data):
        end = start + pick.randint(1, RAGGED_MOST)
        cuts.append(data[start:end])
        start = end
    return cuts


def _within_characters(data: bytes, pick: Random) -> list[bytes]:
    del pick
    # 0b10xxxxxx goes on with a character (RFC 3629 §3).
    borders = [0, *(at for at, byte in enumerate(data) if byte & 0xC0 == 0x80), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]


def _bytewise(data: bytes, pick: Random) -> list[bytes]:
    del pick
    return [data[at : at + 1] for at in range(len(data))]


CUTS: dict[str, Cut] = {
    "events": _uncut,
    "whole": _uncut,
    "ragged": _ragged,
    "bytes": _bytewise,
    "characters": _within_characters,
}


# -- framing: how the body is delimited (RFC 9112 §6) ----------------------------------------


class Framing(Protocol):
    """How the writes of one body become HTTP."""

    is_last: bool

    def header(self, length: Callable[[], int]) -> tuple[str, str]:
        """Return the header that announces it; *length* counts the body, if needed."""
        ...

    def frame(self, data: bytes) -> bytes:
        """Return one write."""
        ...

    def end(self) -> bytes:
        """Return what ends the body."""
        ...


class Chunked:
    """One chunk for each write."""

    is_last = False

    def header(self, length: Callable[[], int]) -> tuple[str, str]:
        """Return the transfer coding."""
        del length
        return "transfer-encoding", "chunked"

    def frame(self, data: bytes) -> bytes:
        """Return *data* as one chunk."""
        return b"%x\r\n%b\r\n" % (len(data), data)

    def end(self) -> bytes:
        """Return the last chunk."""
        return b"0\r\n\r\n"


class Length:
    """Counted in advance: a lazy body is made twice."""

    is_last = False

    def header(self, length: Callable[[], int]) -> tuple[str, str]:
        """Return the length."""
        return "content-length", str(length())

    def frame(self, data: bytes) -> bytes:
        """Return *data*."""
        return data

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class Close(Length):
    """Ended by the end of the connection."""

    is_last = True

    def header(self, length: Callable[[], int]) -> tuple[str, str]:
        """Say that the connection ends with the body."""
        del length
        return "connection", "close"


FRAMINGS: dict[str, Framing] = {"chunked": Chunked(), "length": Length(), "close": Close()}


def coded_length(pieces: Iterable[bytes], encoder: Encoder) -> int:
    """Count the bytes that *pieces* come to when coded, holding one at a time."""
    return sum(len(encoder.feed(data)) for data in pieces) + len(encoder.close())
