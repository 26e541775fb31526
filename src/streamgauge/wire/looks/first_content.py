"""Whether a stream has begun to say something: text, a refusal or a tool call's arguments.

Roles, comments and pings are no content, and neither is reasoning that is shown.
"""

from __future__ import annotations

from streamgauge.wire.detect import Choice
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import CONTENT, Finish, StreamFault, Terminal
from streamgauge.wire.framing import FRAMINGS

# Who ends, or fails, without a word has kept nobody waiting for one.
ENOUGH = (*CONTENT, Finish, StreamFault, Terminal)


class FirstContent:
    """Reads a stream until its first content; what cannot be read counts as content."""

    __slots__ = ("_framing", "_reader", "fault")

    def __init__(self, choice: Choice) -> None:
        is_stream = choice.framing not in (None, "plain")
        self._framing = FRAMINGS[choice.framing]() if is_stream and choice.framing else None
        self._reader = DIALECTS[choice.dialect]() if choice.dialect else None
        self.fault: str | None = None  # the stream has begun with an error

    def feed(self, data: bytes) -> bool:
        """Return whether there is content in *data*, or was nothing to look into."""
        if self._framing is None or self._reader is None:
            return True
        read = self._reader.read
        for frame in self._framing.feed(data):
            for event in read(frame):
                if isinstance(event, ENOUGH):
                    if isinstance(event, StreamFault):
                        self.fault = event.message or event.type or "an error"
                    return True
        return False
