"""What an exchange can ask for: the words between `exchange`, which decides, and `performing`."""

from __future__ import annotations

from msgspec import Struct

from streamgauge.gateway.attempts import Failure
from streamgauge.record import ClosedBy, Outcome


class Connect(Struct, frozen=True):
    """Get a connection to the provider; a fresh one where a pooled one has just failed."""

    fresh: bool


class TryAgain(Struct, frozen=True):
    """Let the connection go, and ask whoever is next in *wait_ns*; *failure* is why."""

    failure: Failure
    wait_ns: int


class SendRequest(Struct, frozen=True):
    """Send the request, from its first byte."""


class SendHead(Struct, frozen=True):
    """Give the response's head to the client."""


class OpenTunnel(Struct, frozen=True):
    """Give the 101 to the client; from here on bytes pass both ways, unlooked at."""


class EndAnswer(Struct, frozen=True):
    """The answer is whole: end it properly, and keep both connections if they can be kept."""


class CutAnswer(Struct, frozen=True):
    """The answer is not whole, and nobody may take it for whole.

    An error in the client's own dialect ends it where there is one, else the connection is
    cut; at once if *is_abrupt*.
    """

    type: str
    message: str
    is_abrupt: bool = False


class Answer(Struct, frozen=True):
    """Answer in the provider's place; nothing has reached the client yet."""

    status: int
    type: str
    message: str


class CancelUpstream(Struct, frozen=True):
    """Close the connection to the provider at once, or stop trying to get one."""


class Detach(Struct, frozen=True):
    """Let go of the client, which has left; the provider's stream goes on."""


class Finish(Struct, frozen=True):
    """The one and only end."""

    outcome: Outcome
    closed_by: ClosedBy
    error_type: str | None = None
    error_message: str | None = None


Command = (
    Connect
    | TryAgain
    | SendRequest
    | SendHead
    | OpenTunnel
    | EndAnswer
    | CutAnswer
    | Answer
    | CancelUpstream
    | Detach
    | Finish
)
Commands = tuple[Command, ...]
