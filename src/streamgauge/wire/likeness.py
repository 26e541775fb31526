"""Frames that are like the one before in all but their text, which nearly all of a stream are.

A frame that gave one piece of text is a pattern: what stands before the text, what behind. A
frame with the same bytes around another JSON string says that string and nothing else, so it
need not be taken apart. That is exact, not a guess: the pattern is only made where the text
stands in the frame once and nothing in it is escaped, and what is between must itself be one
whole JSON string. Everything else takes the long way, and may be the next pattern.

Where frames are lines, the same holds for a chunk that is nothing but such a frame, which nearly
all are that come live: there is no line end in a JSON string, so that a chunk with the same bytes
around another string falls into the same frame, and need not even be framed.
"""

from __future__ import annotations

import re

import msgspec

from streamgauge.wire.events import Event, Frame, TextDelta

# OpenAI's padding of random length, the last field of a chunk. Within a JSON string its quotes
# would be escaped, so it is a field wherever it is found.
PADDING = b',"obfuscation":"'
IS_PADDING = re.compile(rb',"obfuscation":"[A-Za-z0-9]*"\}').fullmatch
LONGEST_PADDING = 80

# Where so many frames in a row were of no use as patterns, the stream is not of that kind.
MOST_TRIES = 8

# A longer chunk is always framed: framings have limits of their own.
LONGEST_CHUNK = 1024 * 1024

_text = msgspec.json.Decoder(str).decode


class Likeness:
    """Reads the text of frames that are like the last one that was read the long way.

    For dialects where such a frame changes nothing else: ``are_texts_alike``.
    """

    __slots__ = ("_behind", "_event", "_front", "_head", "_tail", "_tries", "index")

    def __init__(self) -> None:
        self._head = b""  # up to the opening quote, and with it
        self._tail = b""  # from the closing quote on
        self._event: str | None = None
        self._front = b""  # of a chunk: what stands before the frame, and the frame's head
        self._behind = b""  # of a chunk: what stands behind the frame
        self._tries = MOST_TRIES
        self.index = 0  # whose text it is

    def read(self, frame: Frame) -> TextDelta | None:
        """Return what *frame* says, None if it is not like the pattern."""
        head, data = self._head, frame.data
        if not head or not data.startswith(head) or frame.event != self._event:
            return None
        text = self._between(head, data)
        return TextDelta(text, self.index) if text else None

    def read_chunk(self, chunk: bytes) -> str | None:
        """Return the text of *chunk*, None if it is not like the pattern.

        Whoever gets None has the chunk framed, and lets `learn_chunk` know.
        """
        front, behind = self._front, self._behind
        if not front or not chunk.startswith(front) or not chunk.endswith(behind):
            return None
        if len(chunk) > LONGEST_CHUNK:
            return None
        return self._between(front, chunk[: -len(behind)])

    def _between(self, head: bytes, data: bytes) -> str | None:
        tail = self._tail
        if not data.endswith(tail):
            data, is_whole = _parted(data)
            if not is_whole or not data.endswith(tail):
                return None
        try:
            text = _text(data[len(head) - 1 : len(data) - len(tail) + 1])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not text:
            return None
        self._tries = MOST_TRIES
        return text

    def learn(self, frame: Frame, events: list[Event]) -> None:
        """Take *frame*, which says *events*, as the pattern from now on, if it can be one."""
        self._head = b""
        if not self._tries or len(events) != 1 or type(events[0]) is not TextDelta:
            return
        self._tries -= 1
        data, is_whole = _parted(frame.data)
        quoted = b'"' + events[0].text.encode("utf-8", "surrogatepass") + b'"'
        at = data.find(quoted)
        if not is_whole or at < 0 or b"\\" in data or data.find(quoted, at + 1) >= 0:
            return
        self._head, self._tail = data[: at + 1], data[at + len(quoted) - 1 :]
        self._event, self.index = frame.event, events[0].index

    def learn_chunk(self, chunk: bytes, frames: list[Frame], *, is_alone: bool) -> None:
        """Take *chunk* as the pattern of chunks if its *frames* are one, and that is like the
        pattern. *is_alone*: the framing was at rest before it, and is again."""
        self._front = b""
        if not is_alone or not self._head or len(frames) != 1:
            return
        data = frames[0].data
        before, _, behind = chunk.partition(data)
        # Were it there twice, a comment could be taken for the frame.
        if behind and chunk.rfind(data) == len(before):
            self._front, self._behind = before + self._head, behind


def _parted(data: bytes) -> tuple[bytes, bool]:
    """Return *data* without its padding, and whether what was cut off is padding.

    Anthropic's are blanks before the last brace. They may as well stand in a string that has no
    end, but then what is left has not got the end of the pattern.
    """
    if data.endswith(b" }"):
        return data[:-1].rstrip(b" ") + b"}", True
    at = data.rfind(PADDING, -LONGEST_PADDING)
    if at < 0:
        return data, True
    return data[:at], IS_PADDING(data, at) is not None
