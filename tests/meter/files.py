"""The smallest files that have a size or a length: headers as the formats' specifications say."""

from __future__ import annotations

import struct
from base64 import b64encode


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(
        ">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0
    )


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)


def jpeg(width: int, height: int, *, preview: bytes = b"", kind: int = 0xC0) -> bytes:
    """Return a JPEG, which may have a camera's *preview*, a whole JPEG itself, in front."""
    app1 = b"\xff\xe1" + struct.pack(">H", 2 + len(preview)) + preview
    tables = b"\xff\xc4\x00\x04\x00\x00"
    frame = bytes((0xFF, kind)) + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + app1 + tables + b"\xff" + frame + b"\xff\xda"


def webp(kind: bytes, width: int, height: int) -> bytes:
    body = {
        b"VP8 ": b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height),
        b"VP8L": b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14),
        b"VP8X": bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
    }[kind]
    return b"RIFF" + struct.pack("<I4s4sI", 12 + len(body), b"WEBP", kind, len(body)) + body


def wav(seconds: float, *, rate: int = 16_000, told: int | None = None) -> bytes:
    """Return silence in 16 bits; *told* is the length its header has, if another."""
    data = bytes(int(seconds * rate) * 2)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    note = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    length = len(data) if told is None else told
    return b"RIFF\0\0\0\0WAVE" + form + note + struct.pack("<4sI", b"data", length) + data


def mp3(frames: int, *, tag: bytes = b"", end: bytes = b"") -> bytes:
    """Return frames of 1,152 samples, 128 kbit/s at 44.1 kHz: 417 bytes each."""
    return tag + (b"\xff\xfb\x90\x00" + bytes(413)) * frames + end


def flac(samples: int, rate: int) -> bytes:
    facts = rate << 44 | 1 << 41 | 15 << 36 | samples
    return b"fLaC\x80\x00\x00\x22" + bytes(10) + struct.pack(">Q", facts) + bytes(16)


def mp4(ticks: int, scale: int, *, long: bool = False) -> bytes:
    if long:
        header = b"\x01\0\0\0" + bytes(16) + struct.pack(">IQ", scale, ticks)
    else:
        header = bytes(12) + struct.pack(">II", scale, ticks)
    mvhd = struct.pack(">I4s", 8 + len(header), b"mvhd") + header
    moov = struct.pack(">I4s", 8 + len(mvhd), b"moov") + mvhd
    data = struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4)
    return struct.pack(">I4s4s", 12, b"ftyp", b"isom") + data + moov


def text(data: bytes) -> str:
    return b64encode(data).decode()


def url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{text(data)}"
