"""Content encodings: the recorder's copy is inflated, the client's never touched."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

# zlib's windows: gzip's header, zlib's header, none.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_MAGIC = 0x1F

# What one chunk may inflate to. A kilobyte of brotli can say "a gigabyte of nothing"; the
# largest body the gateway takes, 100 MiB, still fits when it comes in one piece.
MAX_INFLATED = 128 * 1024 * 1024

# zstandard has no limit of its own; so much of its input cannot say more than 32 MiB.
_ZSTD_STEP = 1024


class _TooMuchError(Exception):
    """A chunk inflates beyond `MAX_INFLATED`."""


class Inflater(Protocol):
    """Inflates chunk by chunk. Corrupt or boundless data ends it: ``failed`` then says so."""

    failed: bool

    def feed(self, chunk: bytes) -> bytes:
        """Return what *chunk* inflates to; never raises."""


class _Stage(Protocol):
    def __call__(self, chunk: bytes, /) -> bytes: ...


def _gzip() -> _Stage:
    member = zlib.decompressobj(_GZIP)

    def feed(chunk: bytes) -> bytes:
        # A gzip body may have several members (RFC 1952 §2.2).
        nonlocal member
        out = []
        room = MAX_INFLATED
        while chunk:
            if member.eof:
                if chunk[0] != _GZIP_MAGIC:
                    break  # padding behind the last member, which everybody ignores
                member = zlib.decompressobj(_GZIP)
            out.append(member.decompress(chunk, room))
            room -= len(out[-1])
            if member.unconsumed_tail or room <= 0:
                raise _TooMuchError
            chunk = member.unused_data
        return b"".join(out)

    return feed


def _deflate() -> _Stage:
    # RFC 9110 §8.4.1.2 means zlib's format; some servers send the bare stream.
    decompress = zlib.decompressobj(_ZLIB)
    is_first = True

    def feed(chunk: bytes) -> bytes:
        nonlocal decompress, is_first
        if is_first and chunk:
            is_first = False
            if chunk[0] & 0x0F != 8:
                decompress = zlib.decompressobj(_RAW)
        if decompress.eof:
            return b""
        plain = decompress.decompress(chunk, MAX_INFLATED)
        if decompress.unconsumed_tail or len(plain) >= MAX_INFLATED:
            raise _TooMuchError
        return plain

    return feed


def _brotli() -> _Stage:
    decompressor = brotli.Decompressor()

    def feed(chunk: bytes) -> bytes:
        plain: bytes = decompressor.process(chunk, output_buffer_limit=MAX_INFLATED)
        # It may swallow its input and still have output to give.
        if len(plain) >= MAX_INFLATED or not decompressor.can_accept_more_data():
            raise _TooMuchError
        return plain

    return feed


def _zstd() -> _Stage:
    decompress = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress

    def feed(chunk: bytes) -> bytes:
        out = []
        size = 0
        for start in range(0, len(chunk), _ZSTD_STEP):
            out.append(decompress(chunk[start : start + _ZSTD_STEP]))
            size += len(out[-1])
            if size > MAX_INFLATED:
                raise _TooMuchError
        return b"".join(out)

    return feed


_STAGES: dict[str, Callable[[], _Stage]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


class _Chain:
    """One stage per coding; the last applied is the first undone (RFC 9110 §8.4)."""

    def __init__(self, stages: list[_Stage]) -> None:
        self._stages = stages
        self.failed = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what *chunk* inflates to; nothing after a fault."""
        if self.failed:
            return b""
        try:
            for stage in self._stages:
                chunk = stage(chunk)
        except (zlib.error, brotli.error, zstandard.ZstdError, _TooMuchError):
            self.failed = True
            return b""
        return chunk


class _Unknown:
    """A coding that nobody here knows: nothing can be read."""

    failed = True

    def feed(self, chunk: bytes) -> bytes:  # noqa: ARG002 - part of the protocol
        """Return nothing."""
        return b""


def inflater(content_encoding: str | None) -> Inflater | None:
    """Return what undoes a ``Content-Encoding``, None where there is nothing to undo."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name and name != "identity"]
    if not names:
        return None
    if not all(name in _STAGES for name in names):
        return _Unknown()
    return _Chain([_STAGES[name]() for name in reversed(names)])
