"""AWS eventstream, the binary framing of Bedrock: bytes to frames.

https://smithy.io/2.0/aws/amazon-eventstream.html. A message is

    total length | length of the headers | CRC of these two | headers | payload | CRC of all

with every number four bytes, big-endian. The first CRC vouches for the lengths: as long as
it is right, a message whose own CRC is wrong is one frame without a name, which no dialect
can read, and the next message begins where it should. Once it is wrong, nobody knows where
anything begins: the stream has ``failed``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from streamgauge.wire.events import Frame

# As for SSE: somebody has to bound the memory. AWS itself stays below 16 MiB.
MAX_FRAME = 64 * 1024 * 1024

# Of a stream that is none, so much is shown.
MAX_SHOWN = 1024

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_SMALLEST = _PRELUDE.size + _CRC.size

# Types of header values, and how long they are.
_STRING = 7
_LENGTH_BEFORE = (6, _STRING)  # bytes and strings say their length themselves
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class EventStreamDecoder:
    """Incremental decoder. Feed it chunks cut anywhere; the frames are the same."""

    is_at_rest = False  # its frames are no lines

    def __init__(self) -> None:
        self.dropped = 0
        self.failed = False
        self._held = bytearray()
        self._skip = 0  # bytes of a message over the limit that are still to come

    # -- feed ------------------------------------------------------------------------------

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take in *chunk* and return the frames it completed."""
        frames: list[Frame] = []
        if self.failed:
            return frames
        if self._skip:
            skipped = min(self._skip, len(chunk))
            self._skip -= skipped
            chunk = chunk[skipped:]
        held = self._held
        held += chunk
        start = 0
        while not self.failed and len(held) - start >= _PRELUDE.size:
            total, headers, checksum = _PRELUDE.unpack_from(held, start)
            prelude = bytes(held[start : start + 8])
            if zlib.crc32(prelude) != checksum or not _fits(total, headers):
                self.failed = True
                # What is behind it may have come or not; the prelude has.
                frames.append(Frame(bytes(held[start : start + _PRELUDE.size])))
            elif total > MAX_FRAME:
                self.dropped += 1
                self._skip = max(0, total - (len(held) - start))
                start = min(start + total, len(held))
            elif len(held) - start >= total:
                frames.append(_frame(bytes(held[start : start + total]), headers))
                start += total
            else:
                break
        # A bytearray gives up its front without moving the rest.
        del held[: len(held) if self.failed else start]
        return frames

    def close(self) -> list[Frame]:
        """The stream has ended; half a message says nothing."""
        self._held.clear()
        return []


def _fits(total: int, headers: int) -> bool:
    return total >= _SMALLEST + headers


# -- one message ---------------------------------------------------------------------------------


def _frame(message: bytes, length: int) -> Frame:
    """Return the frame of a whole *message* whose headers have *length* bytes."""
    end = len(message) - _CRC.size
    (checksum,) = _CRC.unpack_from(message, end)
    if zlib.crc32(message[:end]) != checksum:
        return Frame(message[:MAX_SHOWN])
    payload = _PRELUDE.size + length
    headers = _headers(message[_PRELUDE.size : payload])
    read = _KINDS.get(headers.get(":message-type", "event"), _event)
    return read(headers, message[payload:end])


def _headers(raw: bytes) -> dict[str, str]:
    """Return those headers that are text, as all are whose name begins with a colon."""
    found: dict[str, str] = {}
    at = 0
    while at < len(raw):
        end = at + 1 + raw[at]
        name = raw[at + 1 : end]
        kind = raw[end] if end < len(raw) else -1
        at = end + 1
        if kind in _LENGTH_BEFORE:
            size = int.from_bytes(raw[at : at + 2], "big")
            at += 2
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            break  # a type of tomorrow: where the next header begins is not known
        if kind == _STRING:
            found[name.decode("utf-8", "replace")] = raw[at : at + size].decode("utf-8", "replace")
        at += size
    return found


def _event(headers: dict[str, str], payload: bytes) -> Frame:
    return Frame(payload, headers.get(":event-type"))


def _exception(headers: dict[str, str], payload: bytes) -> Frame:
    return Frame(payload, headers.get(":exception-type", "exception"), is_fault=True)


def _error(headers: dict[str, str], payload: bytes) -> Frame:
    # An error that nobody modelled has its text in a header.
    text = headers.get(":error-message", "")
    return Frame(payload or text.encode(), headers.get(":error-code", "error"), is_fault=True)


_KINDS: dict[str, Callable[[dict[str, str], bytes], Frame]] = {
    "event": _event,
    "exception": _exception,
    "error": _error,
}
