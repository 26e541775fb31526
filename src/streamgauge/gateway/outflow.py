"""What goes to the client of one streamed answer, where a look at it is needed.

Only streams in a dialect that we know have one. It passes whole lines on, takes out the
usage event that exists because of us, and ends a stream that breaks with an error that the
client's SDK understands, instead of a cut.
"""

from __future__ import annotations

from streamgauge.wire.detect import Choice
from streamgauge.wire.looks import native_error
from streamgauge.wire.looks.continuation import Spoken, is_continuable
from streamgauge.wire.looks.ending import Ending
from streamgauge.wire.looks.event_ids import EventIds
from streamgauge.wire.looks.lines import Lines
from streamgauge.wire.looks.stream_usage import Hider

FRAMINGS = ("sse", "ndjson")  # those made of lines

HEARTBEAT = b": keep-alive\n\n"
# Providers say the same; who counts bytes to resume must know what was never in the stream.
RESUMABLE_HEARTBEAT = b": keep-alive streamgauge\n\n"
PING = b"event: ping"

# What a heartbeat may begin with: the first byte says of most chunks that they are none.
MAY_BE_HEARTBEAT = b":e"
DATA_BEGINS = 0x64  # "data: …", which most of them are
LF = 0x0A


def is_heartbeat(lines: bytes) -> bool:
    """Whether *lines* only say that the provider is still there: comments, Anthropic's ping."""
    if lines[:1] == b":":
        return lines.find(b"\ndata") < 0 and lines.find(b"\nevent") < 0
    return lines[:11] == PING and lines.count(b"\n\n") <= 1


class Outflow:
    """The lines of one stream in *choice*'s framing and dialect."""

    __slots__ = ("_ending", "_lines", "choice", "hider", "ids", "keep", "kept", "spoken")

    def __init__(
        self,
        choice: Choice,
        *,
        is_hiding: bool,
        is_numbering: bool = False,
        is_rescuing: bool = False,
    ) -> None:
        self.choice = choice
        self._lines = Lines(holds_fields=is_hiding and choice.framing == "sse")
        self._ending = Ending(choice)
        self.keep = self._ending.keep
        self.kept = self._ending.kept
        self.hider = Hider() if is_hiding else None
        # What the client has, where a second answer may go on from there.
        self.spoken = Spoken(choice) if is_rescuing and is_continuable(choice) else None
        self.ids = EventIds() if is_numbering and choice.framing == "sse" else None

    @property
    def is_plain(self) -> bool:
        """Whether a chunk of whole lines without a usage event need only be kept."""
        is_hiding = self.hider is not None and self.hider.is_ending
        return self._lines.is_clean and self.ids is None and self.spoken is None and not is_hiding

    def feed(self, chunk: bytes) -> bytes:
        """Take in *chunk* and return the whole lines that can be passed on."""
        return self._lines.feed(chunk)

    def may_beat(self) -> bool:
        """Whether a heartbeat can stand here: between two events of a server-sent stream."""
        return (
            self.choice.framing == "sse"
            and not self._lines.is_within
            and self._ending.is_at_border()
        )

    def closing(self) -> bytes:
        """Return what ends the event that has begun, and let go of half a line after it."""
        self._lines.close()
        return b"" if self._ending.is_at_border() else b"\n"

    def rest(self) -> bytes:
        """Return the line that never ended; it has not been passed on."""
        return self._lines.close()

    def is_whole_with(self, rest: bytes) -> bool:
        """Return whether the stream has had its last word, *rest* included."""
        return self._ending.is_reached(rest)

    def has_last_word(self) -> bool:
        """Return whether the stream has said that it is over, although HTTP has not."""
        return not self._lines.is_within and self._ending.is_said()

    def last_word(self, kind: str, message: str) -> bytes:
        """Return the event that tells the client of a broken stream; empty if none can."""
        if self._lines.is_within:
            return b""
        event = native_error.event(
            self.choice.framing, self.choice.dialect, kind=kind, message=message
        )
        # A frame whose data are all there is finished first, or the two would be one.
        return b"\n" + event if event and self._ending.is_within_data() else event
