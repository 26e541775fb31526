"""What an exception says about how a call ended.

Exceptions are known by the names of their classes, so that no provider's package has to be
imported: those of httpx, requests and aiohttp, of the OpenAI, Anthropic and Together SDKs,
and of Python itself. What they mean depends on whether an answer had begun.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# An outcome, and who closed.
End = tuple[str, str]


class Fault(NamedTuple):
    """How a call ended that did not end well; `status` where there was one."""

    outcome: str
    closed_by: str
    type: str | None
    message: str | None
    status: int | None = None


# What the server takes for a status of HTTP.
STATUSES = range(100, 1000)
# Helicone's numbers for ends that HTTP has none for, as the server reads them.
NUMBERED: dict[int, End] = {
    -1: ("stalled", "client"),
    -2: ("stalled", "client"),
    -3: ("client_left", "client"),
    -4: ("refused", "gateway"),
}
OTHER_NUMBER: End = ("truncated", "upstream")

# Rows are tried in this order: a timeout is often a connection error too. Who closed: a
# time limit is the client's own patience.
LEFT = ("CancelledError", "KeyboardInterrupt", "GeneratorExit", "SystemExit", "ClientDisconnect")
BROKEN = (
    "APIConnectionError", "ClientError", "ConnectionError", "IncompleteRead", "ProtocolError",
    "RequestException", "TransportError",
)  # fmt: skip
FAULTS = (
    #                                                   before the answer              within it
    (LEFT, ("client_left", "client"), ("client_left", "client")),
    (
        ("ConnectTimeout", "PoolTimeout", "ConnectError"),
        ("connect_failed", "upstream"),
        ("truncated", "upstream"),
    ),
    (
        ("TimeoutException", "APITimeoutError", "TimeoutError", "Timeout"),
        ("no_first_token", "client"),
        ("stalled", "client"),
    ),
    (
        BROKEN,
        ("connect_failed", "upstream"),
        ("truncated", "upstream"),
    ),
    (("APIError",), ("http_error", "upstream"), ("fault_in_stream", "upstream")),
)
# What nobody knows is an error that was told, as it is to the server: a cut has a name above.
OTHERWISE = (("http_error", "upstream"), ("fault_in_stream", "upstream"))
# The code around a call failed, and not the call.
BY_READER = (("http_error", "upstream"), ("client_left", "client"))

# An error of nobody knows what, before any answer: what Helicone's clients write.
UNKNOWN_STATUS = 500


def fault_of(
    error: BaseException | str,
    *,
    began: bool,
    answered: bool = False,
    status: int | None = None,
    otherwise: tuple[End, End] = OTHERWISE,
) -> Fault:
    """Return what *error* means; *began* tells whether a part of the answer was there.

    *answered*: its head was, at least. *otherwise* is for what no row knows.
    """
    names: frozenset[str] = frozenset()
    kind, message = None, str(error) or None
    if isinstance(error, BaseException):
        names = frozenset(one.__name__ for one in type(error).__mro__)
        kind = type(error).__name__
        status = status or (None if began else status_of(error))
    if status is not None and status >= 400 and not began:
        return Fault("http_error", "upstream", kind, message, status)
    ends = next((ends for row, *ends in FAULTS if names.intersection(row)), otherwise)
    outcome, closed_by = ends[began]
    if answered and outcome in ("connect_failed", "http_error"):
        outcome, closed_by = ends[True]  # it had been no error until then
    if outcome == "http_error" and status is None:
        status = UNKNOWN_STATUS
    return Fault(outcome, closed_by, kind, message, status)


def read_status(given: Any) -> tuple[int | None, End | None]:
    """Return the HTTP status that a caller gave, or the end that it stands for; else neither."""
    try:
        number = int(given)
    except (TypeError, ValueError, OverflowError):
        return None, None
    if number < 0:
        return None, NUMBERED.get(number, OTHER_NUMBER)
    return (number if number in STATUSES else None), None


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an exception carries, of an error."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "http_status", "code"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and 400 <= status <= 599:
                return status
    return None
