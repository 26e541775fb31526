"""How long a recording is, read from its file without decoding it.

WAV, FLAC and MP4 say it in their headers; an MP3 is as long as its frames, which are counted.
"""

from __future__ import annotations

import struct


def seconds_of(data: bytes) -> float | None:
    """Return the length of a WAV, FLAC, MP3 or MP4, None if *data* does not tell."""
    for offset, magic, reader in READERS:
        if data.startswith(magic, offset):
            try:
                seconds = reader(data)
            except (struct.error, IndexError, ZeroDivisionError):
                return None
            return seconds if seconds is not None and seconds > 0 else None
    return _mp3(data) if data[:1] == b"\xff" else None


def _wav(data: bytes) -> float | None:
    at, bytes_per_second = 12, 0
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"fmt ":
            (bytes_per_second,) = struct.unpack_from("<I", data, at + 8)
        elif name == b"data":
            # Who writes while recording puts the greatest number there.
            return float(min(length, len(data) - at) / bytes_per_second)
        at += length + length % 2
    return None


# RFC 9639, section 8.2: 20 bits of rate, 8 of others, 36 of samples.
def _flac(data: bytes) -> float | None:
    facts = struct.unpack_from(">Q", data, 18)[0]
    return float((facts & 0xF_FFFF_FFFF) / (facts >> 44))


# ISO 14496-12: boxes in boxes; the length of the whole is in moov/mvhd.
def _mp4(data: bytes, at: int = 0, end: int | None = None) -> float | None:
    end = len(data) if end is None else end
    while at + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, at)
        inside = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, inside)
            inside += 8
        if name == b"moov":
            return _mp4(data, inside, min(at + length, end))
        if name == b"mvhd":
            is_long = data[inside] == 1
            form, start = (">IQ", inside + 20) if is_long else (">II", inside + 12)
            scale, ticks = struct.unpack_from(form, data, start)
            return float(ticks / scale)
        if length < 8:
            return None
        at += length
    return None


# ISO 11172-3 and 13818-3, layer III. By the two bits of the version: thousands of bits a second,
# samples a second, samples in a frame.
V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
VERSIONS = {
    0b00: (V2, (11025, 12000, 8000), 576),
    0b10: (V2, (22050, 24000, 16000), 576),
    0b11: (V1, (44100, 48000, 32000), 1152),
}
LAYER_3 = 0b01
ID3V2_HEADER = 10
ID3V1_BYTES = 128


def _mp3(data: bytes) -> float | None:
    at, seconds = _after_id3(data), 0.0
    while at < len(data):
        frame = _frame(data, at)
        if frame is None:
            break
        at += frame[0]
        seconds += frame[1]
    # What is left may be a tag. Anything else, and it was no MP3 or a broken one.
    is_over = at >= len(data) or (data.startswith(b"TAG", at) and len(data) - at == ID3V1_BYTES)
    return seconds if is_over else None


def _frame(data: bytes, at: int) -> tuple[int, float] | None:
    """Return the bytes and the seconds of the frame that begins *at*."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
    rate, frequency = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version not in VERSIONS or layer != LAYER_3 or rate in (0, 15) or frequency == 3:
        return None
    rates, frequencies, samples = VERSIONS[version]
    hertz, padding = frequencies[frequency], data[at + 2] >> 1 & 1
    return samples * rates[rate] * 125 // hertz + padding, samples / hertz


def _after_id3(data: bytes) -> int:
    if not data.startswith(b"ID3"):
        return 0
    length = 0
    for byte in data[6:ID3V2_HEADER]:
        length = length << 7 | byte & 0x7F
    return ID3V2_HEADER + length


READERS = (
    (0, b"RIFF", _wav),
    (0, b"fLaC", _flac),
    (0, b"ID3", _mp3),
    (4, b"ftyp", _mp4),
)
