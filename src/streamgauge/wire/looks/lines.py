"""Whole lines of a stream, so that something of ours can stand between two of them.

No client can use half a line, so nothing is lost by holding it until the rest is there:
then a stream that breaks can still be ended with an error that its client understands.
Where an event may be hidden, its name and id wait for its data, too: left behind, they would be
those of the next event.
"""

from __future__ import annotations

# A line that is longer (an image in base64) is passed on as it comes.
MAX_HELD = 64 * 1024

# Lines that stand beside the data of an event, and at most so many of them.
FIELDS = (b"event:", b"id:", b"retry:")
MOST_FIELDS = 8

# A chunk that ends so ends with an event; nearly all do.
BORDERS = (b"\n\n", b"\r\n\r\n")


class Lines:
    """Passes on whole lines; linear in the bytes, and holds at most `MAX_HELD` of them."""

    __slots__ = ("_held", "_holds_fields", "is_within")

    def __init__(self, *, holds_fields: bool = False) -> None:
        self._holds_fields = holds_fields
        self._held = bytearray()
        self.is_within = False  # a line that is too long to hold is on its way

    @property
    def is_clean(self) -> bool:
        """Whether the last line is whole: then a chunk of whole lines need not come here."""
        return not self._held and not self.is_within

    def feed(self, chunk: bytes) -> bytes:
        """Take in *chunk* and return what can be passed on: *chunk* itself, as a rule."""
        if not self._held and chunk.endswith(BORDERS if self._holds_fields else b"\n"):
            self.is_within = False
            return chunk
        return self._carefully(chunk)

    def close(self) -> bytes:
        """Return what is held: the beginning of a line whose end never came."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def _carefully(self, chunk: bytes) -> bytes:
        end = 1 + max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        if not end and self.is_within:
            return chunk
        if end:
            self.is_within = False
            passed = bytes(self._held) + chunk[:end]
            self._held = bytearray(chunk[end:])
            if self._holds_fields:
                end = _without_fields(passed)
                self._held[:0] = passed[end:]
                passed = passed[:end]
        else:
            passed = b""
            self._held += chunk
        if len(self._held) > MAX_HELD:
            passed += self.close()
            self.is_within = True
        return passed


def _without_fields(lines: bytes) -> int:
    """Return where the last lines begin that only say whose data are to come."""
    end = len(lines)
    for _ in range(MOST_FIELDS):
        last = max(end - (2 if lines.endswith(b"\r\n", 0, end) else 1), 0)
        begin = 1 + max(lines.rfind(b"\n", 0, last), lines.rfind(b"\r", 0, last))
        if not lines.startswith(FIELDS, begin):
            break
        end = begin
    return end
