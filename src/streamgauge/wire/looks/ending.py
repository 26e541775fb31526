"""Whether a stream that has ended had its last word, as far as its last bytes tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS, Dialect
from streamgauge.wire.events import Event, Finish, StreamFault, Terminal, Unknown
from streamgauge.wire.framing import FRAMINGS

# So many of the last chunks are kept, as they are. The last word and the reason to end are in
# the last few events, whatever the dialect.
MAX_CHUNKS = 8

FRAME_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
FRAME_END = re.compile(rb"\n\r?\n|\r\r")
DATA_LINE = re.compile(rb"(?:^|[\r\n])data")


class Ending:
    """Keeps the last bytes of a stream in *choice*'s framing and dialect."""

    __slots__ = ("_choice", "_chunks")

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        # A list, which is small as long as it is short; a deque takes half a kilobyte empty.
        self._chunks: list[bytes] = []

    def keep(self, chunk: bytes) -> None:
        """Remember *chunk*, of whole lines, and forget what came long before it."""
        chunks = self._chunks
        chunks.append(chunk)
        if len(chunks) > MAX_CHUNKS:
            del chunks[0]

    def is_reached(self, rest: bytes = b"") -> bool:
        """Return whether the stream, *rest* included, is whole, or tells of an error of its own.

        Who gave a reason to end is whole without ``[DONE]``. Where the last bytes say nothing
        that could be understood, as the end of one giant line, nobody can tell: then it is.
        """
        if self._choice.framing is None or self._choice.dialect is None:
            return True  # nobody knows
        tail = self._tail() + rest
        is_understood = not tail
        for event, reader in self._events(tail):
            if isinstance(event, Terminal | StreamFault):
                return True
            if isinstance(event, Finish) and reader.ends_without_terminal:
                return True
            is_understood = is_understood or not isinstance(event, Unknown)
        return not is_understood

    def is_said(self) -> bool:
        """Return whether the stream itself has said that it is over, or told of an error.

        A reason to end does not count here: usage may follow.
        """
        events = self._events(self._tail())
        return any(isinstance(event, Terminal | StreamFault) for event, _ in events)

    def is_at_border(self) -> bool:
        """Return whether a frame has just ended, or none has begun."""
        tail = self._tail()
        return not tail or tail.endswith(FRAME_ENDS)

    def is_within_data(self) -> bool:
        """Return whether a frame has begun, and some of its data come."""
        last = FRAME_END.split(self._tail())[-1]
        return self._choice.framing == "sse" and DATA_LINE.search(last) is not None

    def _events(self, tail: bytes) -> Iterator[tuple[Event, Dialect]]:
        framing, dialect = self._choice.framing, self._choice.dialect
        if framing is None or dialect is None:
            return
        decoder, reader = FRAMINGS[framing](), DIALECTS[dialect]()
        for frame in [*decoder.feed(tail), *decoder.close()]:
            yield from ((event, reader) for event in reader.read(frame))

    def _tail(self) -> bytes:
        return b"".join(self._chunks)
