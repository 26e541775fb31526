"""The table of ends: who closes first, when, how, and what must come of it.

`docs/endings.md` is the same table for people; `test_endings.py` plays every row.
"""

from __future__ import annotations

from typing import NamedTuple

# When, in the order of a life.
BEFORE_CONNECT = "before the connection"
BEFORE_HEAD = "before the head"
BEFORE_CONTENT = "before the first content"
MIDDLE = "in the middle"
AFTER_TERMINAL = "after the last event"
AFTER_END = "after the end"

# What the client gets.
NOTHING = "nothing more"
WHOLE = "the whole answer"
ERROR = "an error event, then a clean end"
CUT = "a cut that shows"
AS_SENT = "what the provider sent"

# The provider's connection.
CLOSED = "closed"
KEPT = "kept"
NONE = "none"

# Text and tokens in the record.
NO_TEXT = "no text"
PART = "part, estimated"
ALL = "all, reported"
ALL_ESTIMATED = "all, estimated"


class Ending(NamedTuple):
    """One row. The last four fields say how a test brings it about."""

    by: str
    when: str
    how: str
    client: str
    outcome: str
    closed_by: str
    upstream: str
    text: str
    fault: str = "none"
    provider: str = "openai"
    headers: tuple[str, ...] = ()
    act: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """The three words by which people find it."""
        return f"{self.by}, {self.when}, {self.how}"


def limit(name: str) -> tuple[str, ...]:
    """Return the header that shortens a limit for the test's sake."""
    return (f"Streamgauge-Timeout-{name}: 0.3",)


IDLE, FIRST_TOKEN, TOTAL, CONNECT = map(limit, ("Idle", "First-Token", "Total", "Connect"))

ENDINGS = (
    # -- the provider ------------------------------------------------------------------------
    Ending("upstream", BEFORE_CONNECT, "refuses", "502", "connect_failed", "upstream", NONE,
           NO_TEXT, provider="nobody"),
    Ending("upstream", BEFORE_CONNECT, "FIN in the TLS handshake", "502", "connect_failed",
           "upstream", NONE, NO_TEXT, provider="tls-cut"),
    Ending("upstream", BEFORE_CONNECT, "RST in the TLS handshake", "502", "connect_failed",
           "upstream", NONE, NO_TEXT, provider="tls-rst"),
    Ending("upstream", BEFORE_CONNECT, "a certificate that nobody trusts", "502",
           "connect_failed", "upstream", NONE, NO_TEXT, provider="tls-untrusted"),
    Ending("upstream", BEFORE_HEAD, "FIN", "502", "truncated", "upstream", CLOSED, NO_TEXT,
           fault="cut; after=request"),
    Ending("upstream", BEFORE_HEAD, "RST", "502", "truncated", "upstream", CLOSED, NO_TEXT,
           fault="rst; after=request"),
    Ending("upstream", BEFORE_HEAD, "what is not HTTP", "502", "truncated", "upstream", CLOSED,
           NO_TEXT, fault="garbage; after=request"),
    Ending("upstream", BEFORE_HEAD, "an error status", "429", "http_error", "upstream", KEPT,
           NO_TEXT, fault="status; code=429; retry-after=1"),
    Ending("upstream", BEFORE_CONTENT, "FIN", ERROR, "truncated", "upstream", CLOSED, NO_TEXT,
           fault="cut; after=opening"),
    Ending("upstream", BEFORE_CONTENT, "RST", ERROR, "truncated", "upstream", CLOSED, NO_TEXT,
           fault="rst; after=opening"),
    Ending("upstream", BEFORE_CONTENT, "an error event", AS_SENT, "fault_in_stream", "upstream",
           KEPT, NO_TEXT, fault="error; after=opening; code=529"),
    Ending("upstream", BEFORE_CONTENT, "an early chunk terminator", ERROR, "truncated",
           "upstream", KEPT, NO_TEXT, fault="end; after=opening"),
    Ending("upstream", BEFORE_CONTENT, "FIN right behind the head", ERROR, "truncated",
           "upstream", CLOSED, NO_TEXT, fault="cut; after=head"),
    Ending("upstream", MIDDLE, "FIN", ERROR, "truncated", "upstream", CLOSED, PART,
           fault="cut; after=6 events"),
    Ending("upstream", MIDDLE, "FIN within an event", ERROR, "truncated", "upstream", CLOSED,
           PART, fault="cut; after=1500 bytes"),
    Ending("upstream", MIDDLE, "RST", ERROR, "truncated", "upstream", CLOSED, PART,
           fault="rst; after=6 events"),
    Ending("upstream", MIDDLE, "a TLS end without its goodbye", ERROR, "truncated", "upstream",
           CLOSED, PART, fault="tls-abort; after=6 events", provider="tls"),
    Ending("upstream", MIDDLE, "an error event", AS_SENT, "fault_in_stream", "upstream", KEPT,
           PART, fault="error; after=6 events; code=529"),
    Ending("upstream", MIDDLE, "an error event, then FIN", AS_SENT, "fault_in_stream",
           "upstream", CLOSED, PART, fault="error; after=6 events; code=529",
           headers=("Simulate-Framing: close",)),
    Ending("upstream", MIDDLE, "an event that cannot be read", AS_SENT, "completed", "upstream",
           KEPT, ALL, fault="garbage; after=6 events"),
    Ending("upstream", MIDDLE, "an early chunk terminator", ERROR, "truncated", "upstream",
           KEPT, PART, fault="end; after=6 events"),
    Ending("upstream", MIDDLE, "an early chunk terminator, and more", ERROR, "truncated",
           "upstream", CLOSED, PART, fault="overrun; after=6 events"),
    Ending("upstream", MIDDLE, "a length that is too short", ERROR, "truncated", "upstream",
           CLOSED, PART, fault="length; by=-1500"),
    Ending("upstream", MIDDLE, "FIN, compressed", CUT, "truncated", "upstream", CLOSED, PART,
           fault="cut; after=6 events", headers=("Simulate-Encoding: gzip",)),
    Ending("upstream", MIDDLE, "the end of a connection that was to be the end", ERROR,
           "truncated", "upstream", CLOSED, PART, fault="cut; after=6 events",
           headers=("Simulate-Framing: close",)),
    Ending("upstream", MIDDLE, "compressed data that end too early", AS_SENT, "truncated",
           "upstream", KEPT, PART, fault="gzip-cut; after=6 events"),
    Ending("upstream", MIDDLE, "no last event, a reason to end before it", AS_SENT, "completed",
           "upstream", KEPT, ALL_ESTIMATED, fault="drop; last=2"),
    Ending("upstream", MIDDLE, "no last event, and no reason", ERROR, "truncated", "upstream",
           KEPT, PART, fault="drop; last=3"),
    Ending("upstream", AFTER_TERMINAL, "FIN", WHOLE, "completed", "upstream", CLOSED, ALL,
           fault="cut; after=all"),
    Ending("upstream", AFTER_TERMINAL, "RST", WHOLE, "completed", "upstream", CLOSED, ALL,
           fault="rst; after=all"),
    Ending("upstream", AFTER_TERMINAL, "FIN before the length that it stated", WHOLE,
           "completed", "upstream", CLOSED, ALL, fault="length; by=10"),
    Ending("upstream", AFTER_END, "nothing: all is well", WHOLE, "completed", "upstream", KEPT,
           ALL),
    Ending("upstream", AFTER_END, "FIN", WHOLE, "completed", "upstream", CLOSED, ALL,
           fault="cut; after=end"),
    Ending("upstream", AFTER_END, "RST", WHOLE, "completed", "upstream", CLOSED, ALL,
           fault="rst; after=end"),
    # -- the client --------------------------------------------------------------------------
    Ending("client", BEFORE_CONNECT, "FIN", NOTHING, "client_left", "client", NONE, NO_TEXT,
           provider="tls-deaf", act=("asked", "FIN")),
    Ending("client", BEFORE_CONNECT, "RST", NOTHING, "client_left", "client", NONE, NO_TEXT,
           provider="tls-deaf", act=("asked", "RST")),
    Ending("client", BEFORE_HEAD, "FIN with half a request", NOTHING, "client_left", "client",
           NONE, NO_TEXT, act=("half", "FIN")),
    Ending("client", BEFORE_HEAD, "garbage for a request's rest", "400", "refused", "gateway",
           NONE, NO_TEXT, headers=("Transfer-Encoding: chunked",), act=("half", "garbage")),
    Ending("client", BEFORE_HEAD, "silence with half a request", "408", "client_left",
           "gateway", NONE, NO_TEXT, headers=IDLE, act=("half", "silence")),
    Ending("client", BEFORE_HEAD, "FIN", NOTHING, "client_left", "client", CLOSED, NO_TEXT,
           fault="stall; after=request", act=("asked", "FIN")),
    Ending("client", BEFORE_HEAD, "RST", NOTHING, "client_left", "client", CLOSED, NO_TEXT,
           fault="stall; after=request", act=("asked", "RST")),
    Ending("client", BEFORE_CONTENT, "FIN", NOTHING, "client_left", "client", CLOSED, NO_TEXT,
           fault="stall; after=opening", act=("1 event", "FIN")),
    Ending("client", BEFORE_CONTENT, "RST", NOTHING, "client_left", "client", CLOSED, NO_TEXT,
           fault="stall; after=opening", act=("1 event", "RST")),
    Ending("client", MIDDLE, "FIN", NOTHING, "client_left", "client", CLOSED, PART,
           fault="stall; after=6 events", act=("6 events", "FIN")),
    Ending("client", MIDDLE, "RST", NOTHING, "client_left", "client", CLOSED, PART,
           fault="stall; after=6 events", act=("6 events", "RST")),
    Ending("client", MIDDLE, "no more reading", CUT, "client_left", "gateway", CLOSED, PART,
           headers=(*IDLE, "Simulate-Bytes: 50000000"), act=("1 event", "silence")),
    Ending("client", MIDDLE, "FIN while it takes nothing", NOTHING, "client_left", "client",
           CLOSED, PART, headers=("Simulate-Bytes: 50000000",), act=("standing", "FIN")),
    Ending("client", MIDDLE, "RST while it takes nothing", NOTHING, "client_left", "client",
           CLOSED, PART, headers=("Simulate-Bytes: 50000000",), act=("standing", "RST")),
    Ending("client", AFTER_TERMINAL, "FIN", NOTHING, "completed", "client", CLOSED, ALL,
           fault="stall; after=all", act=("[DONE]", "FIN")),
    Ending("client", AFTER_TERMINAL, "RST", NOTHING, "completed", "client", CLOSED, ALL,
           fault="stall; after=all", act=("[DONE]", "RST")),
    Ending("client", AFTER_END, "FIN", WHOLE, "completed", "upstream", KEPT, ALL,
           act=("end", "FIN")),
    Ending("client", AFTER_END, "RST", WHOLE, "completed", "upstream", KEPT, ALL,
           act=("end", "RST")),
    # -- the network: nobody says anything, so the gateway ends it -----------------------------
    Ending("network", BEFORE_CONNECT, "silence", "504", "connect_failed", "gateway", NONE,
           NO_TEXT, provider="tls-deaf", headers=CONNECT),
    Ending("network", BEFORE_HEAD, "silence", "504", "stalled", "gateway", CLOSED, NO_TEXT,
           fault="stall; after=request", headers=IDLE),
    Ending("network", BEFORE_CONTENT, "silence", ERROR, "stalled", "gateway", CLOSED, NO_TEXT,
           fault="stall; after=opening", headers=IDLE),
    Ending("network", MIDDLE, "silence", ERROR, "stalled", "gateway", CLOSED, PART,
           fault="stall; after=6 events", headers=IDLE),
    Ending("network", MIDDLE, "silence within an event", ERROR, "stalled", "gateway", CLOSED,
           PART, fault="stall; after=1500 bytes", headers=IDLE),
    Ending("network", AFTER_TERMINAL, "silence", WHOLE, "completed", "gateway", CLOSED, ALL,
           fault="stall; after=all", headers=IDLE),
    # -- the gateway -------------------------------------------------------------------------
    Ending("gateway", BEFORE_HEAD, "the limit for the first token", "504", "no_first_token",
           "gateway", CLOSED, NO_TEXT, fault="stall; after=request", headers=FIRST_TOKEN),
    Ending("gateway", BEFORE_HEAD, "the limit for all of it", "504", "stalled", "gateway",
           CLOSED, NO_TEXT, fault="stall; after=request", headers=TOTAL),
    Ending("gateway", BEFORE_CONTENT, "the limit for the first token", ERROR, "no_first_token",
           "gateway", CLOSED, NO_TEXT, fault="pings; gap=50ms", headers=FIRST_TOKEN),
    Ending("gateway", BEFORE_CONTENT, "pings, and no progress", ERROR, "stalled", "gateway",
           CLOSED, NO_TEXT, fault="pings; gap=50ms", headers=IDLE),
    Ending("gateway", MIDDLE, "the limit for all of it", ERROR, "stalled", "gateway", CLOSED,
           PART, fault="drip; after=6 events; bytes=1; gap=50ms", headers=TOTAL),
    Ending("gateway", BEFORE_HEAD, "is asked to end it", "410", "stopped", "gateway", CLOSED,
           NO_TEXT, fault="stall; after=request", act=("asked", "stop")),
    Ending("gateway", MIDDLE, "is asked to end it", ERROR, "stopped", "gateway", CLOSED, PART,
           fault="stall; after=6 events", act=("6 events", "stop")),
    Ending("gateway", BEFORE_HEAD, "is stopped", "503", "gateway_restarted", "gateway", CLOSED,
           NO_TEXT, fault="stall; after=request", act=("asked", "SIGTERM")),
    Ending("gateway", MIDDLE, "is stopped", ERROR, "gateway_restarted", "gateway", CLOSED, PART,
           fault="stall; after=6 events", act=("6 events", "SIGTERM")),
    Ending("gateway", BEFORE_HEAD, "is killed", NOTHING, "gateway_restarted", "gateway", CLOSED,
           NO_TEXT, fault="stall; after=request", act=("asked", "SIGKILL")),
    Ending("gateway", MIDDLE, "is killed", CUT, "gateway_restarted", "gateway", CLOSED, PART,
           fault="stall; after=6 events", act=("6 events", "SIGKILL")),
)  # fmt: skip
