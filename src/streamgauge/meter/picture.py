"""How large a picture is, read from the first bytes of its file.

Formulas for image tokens need two numbers. They stand at fixed places of the four formats that
providers take, so no picture is decoded, and no library that could is needed.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class Size(NamedTuple):
    """Pixels; both are at least 1."""

    width: int
    height: int


def size_of(data: bytes) -> Size | None:
    """Return the size of a PNG, JPEG, GIF or WebP, None if *data* is none or is cut off."""
    for magic, reader in READERS:
        if data.startswith(magic):
            try:
                size = reader(data)
            except (struct.error, IndexError):
                return None
            return size if size is not None and min(size) > 0 else None
    return None


# https://www.w3.org/TR/png-3/#11IHDR
def _png(data: bytes) -> Size | None:
    return Size(*struct.unpack_from(">II", data, 16)) if data[12:16] == b"IHDR" else None


# https://www.w3.org/Graphics/GIF/spec-gif89a.txt, section 18
def _gif(data: bytes) -> Size:
    return Size(*struct.unpack_from("<HH", data, 6))


# https://developers.google.com/speed/webp/docs/riff_container
def _webp(data: bytes) -> Size | None:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return Size(width, height) if len(data) >= 30 else None
    if kind == b"WEBPVP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"WEBPVP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    return None


# ITU T.81, annex B: the size is in the frame header, which is any of SOF0 to SOF15 but for the
# three numbers in between that mean something else. Before it stand segments that say how long
# they are, such as a camera's preview.
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
FILL = 0xFF


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while data[at] == FILL:
        marker = data[at + 1]
        if marker == FILL:
            at += 1
        elif marker in STANDALONE:
            at += 2
        elif marker in FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Size(width, height)
        else:
            at += 2 + max(struct.unpack_from(">H", data, at + 2)[0], 2)
    return None


READERS = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
    (b"RIFF", _webp),
)
