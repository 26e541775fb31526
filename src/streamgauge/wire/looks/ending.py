"""Whether a stream that has ended had its last word, as far as its last bytes tell."""

from __future__ import annotations

import re

from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Finish, Frame, StreamFault, Terminal, Unknown
from streamgauge.wire.framing import FRAMINGS

# So many of the last chunks are kept, as they are. The last word and the reason to end are in
# the last few events, whatever the dialect.
MAX_CHUNKS = 8

# Stands before the first chunk for as long as none was forgotten.
BEGINNING = b""

# Most streams end with this very frame, and then nothing needs to be read.
DONE = b"data: [DONE]\n\n"
SAYS_DONE = frozenset({"openai_chat"})

FRAME_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
FRAME_END = re.compile(rb"\n\r?\n|\r\r")
DATA_LINE = re.compile(rb"(?:^|[\r\n])data")


class Ending:
    """Keeps the last bytes of a stream in *choice*'s framing and dialect."""

    __slots__ = ("_choice", "kept")

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        # A list, which is small as long as it is short; a deque takes half a kilobyte empty.
        self.kept: list[bytes] = [BEGINNING]

    def keep(self, chunk: bytes) -> None:
        """Remember *chunk*, of whole lines, and forget what came long before it."""
        kept = self.kept
        kept.append(chunk)
        if len(kept) > MAX_CHUNKS:
            del kept[0]

    def is_reached(self, rest: bytes = b"") -> bool:
        """Return whether the stream, *rest* included, is whole, or tells of an error of its own.

        Who gave a reason to end is whole without ``[DONE]``. Where nothing could be understood,
        nobody can tell, and then it is: events of a kind that we do not know, or the end of one
        giant line. A stream that is here from its beginning must have had whole events, though.
        """
        framing, dialect = self._choice.framing, self._choice.dialect
        if framing is None or dialect is None:
            return True  # nobody knows
        if dialect in SAYS_DONE and not rest and self._is_done():
            return True
        frames, reader = _frames(framing, self._tail() + rest), DIALECTS[dialect]()
        is_understood = False
        for frame in frames:
            for event in reader.read(frame):
                if isinstance(event, Terminal | StreamFault):
                    return True
                if isinstance(event, Finish) and reader.ends_without_terminal:
                    return True
                is_understood = is_understood or not isinstance(event, Unknown)
        is_all = self.kept[0] == BEGINNING
        is_broken = is_all and (bool(rest) or not frames)
        return not is_understood and not is_broken

    def _is_done(self) -> bool:
        """Return whether the last chunk ends with a frame that is nothing but ``[DONE]``."""
        if len(self.kept) < 2:
            return False
        before, last = self.kept[-2:]
        if last == DONE:
            return before == BEGINNING or before.endswith(FRAME_ENDS)
        return last.endswith(b"\n\n" + DONE)

    def is_said(self) -> bool:
        """Return whether the stream itself has said that it is over, or told of an error.

        A reason to end does not count here: usage may follow.
        """
        framing, dialect = self._choice.framing, self._choice.dialect
        if framing is None or dialect is None:
            return False
        reader = DIALECTS[dialect]()
        return any(
            isinstance(event, Terminal | StreamFault)
            for frame in _frames(framing, self._tail())
            for event in reader.read(frame)
        )

    def is_at_border(self) -> bool:
        """Return whether a frame has just ended, or none has begun."""
        tail = self._tail()
        return not tail or tail.endswith(FRAME_ENDS)

    def is_within_data(self) -> bool:
        """Return whether a frame has begun, and some of its data come."""
        last = FRAME_END.split(self._tail())[-1]
        return self._choice.framing == "sse" and DATA_LINE.search(last) is not None

    def _tail(self) -> bytes:
        return b"".join(self.kept)


def _frames(framing: str, data: bytes) -> list[Frame]:
    decoder = FRAMINGS[framing]()
    return [*decoder.feed(data), *decoder.close()]
