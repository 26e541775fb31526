"""What can go wrong, and how a request or a script asks for it.

    cut; after=3 events
    status; code=429; retry-after=2; times=2, stall; after=opening; lasting=5s; once
    status; code=503; for=5s; every=20s

A comma stands between faults, a semicolon between a fault and its options. Of a list, the first
fault that is not used up is played, so a list is an order of events; where all are used up, the
answer is as it should be. Uses are counted for each model. One table says which faults there are,
another which options: whatever is in neither is refused in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from msgspec import Struct

# Nobody waits a day for a byte.
MAX_SECONDS = 24 * 3600.0

MAX_BYTES = 1 << 30

# Where in an answer a fault may come.
EARLY = ("request",)
WITHIN = ("head", "opening", "events", "bytes")
LATE = ("all", "end")
# Known before there is a request: a script may name it, a header cannot.
CONNECT = "connect"

STREAMS = frozenset({"sse", "ndjson", "eventstream"})
ALL = STREAMS | {"json"}


class Place(NamedTuple):
    """Where a fault comes: after *number* of a *kind* of thing."""

    kind: str
    number: int = 0


class Fault(Struct, frozen=True, kw_only=True):
    """One fault of a list, read; times in seconds."""

    name: str
    after: Place = Place("head")
    model: str = "*"
    times: int | None = None
    period: float | None = None
    every: float | None = None
    code: int = 500
    kind: str | None = None
    retry_after: int | None = None
    retry_after_date: int | None = None
    lasting: float | None = None
    gap: float = 0.0
    bytes: int = 1
    last: int = 1
    by: int = 0

    def fits(self, model: str) -> bool:
        """Return whether it is meant for *model*."""
        return fnmatchcase(model, self.model)


class Kind(Struct, frozen=True):
    """One row: what the fault does, its options, where it may come, and to which bodies."""

    meaning: str
    options: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    bodies: frozenset[str] = ALL
    # How the body must be delimited, or the fault would be another one.
    framing: str | None = None
    given: dict[str, Any] = {}


KINDS: dict[str, Kind] = {
    "none": Kind("nothing: this attempt is answered as it should be"),
    "cut": Kind("closes the connection (FIN)", ("after",), (CONNECT, *EARLY, *WITHIN, *LATE)),
    "rst": Kind("resets the connection (RST)", ("after",), (CONNECT, *EARLY, *WITHIN, *LATE)),
    "tls-abort": Kind(
        "closes the connection without TLS's goodbye", ("after",), (*EARLY, *WITHIN, *LATE)
    ),
    "stall": Kind(
        "says nothing, for ever or for a time, and goes on",
        ("after", "lasting"),
        (CONNECT, *EARLY, *WITHIN, "all"),
    ),
    "pings": Kind(
        "sends heartbeats instead of content, for ever or for a time, and goes on",
        ("after", "lasting", "gap"),
        WITHIN,
        frozenset({"sse"}),
        "chunked",
        {"after": Place("opening"), "gap": 1.0},
    ),
    "drip": Kind(
        "sends the rest in small pieces, slowly",
        ("after", "bytes", "gap"),
        WITHIN,
        given={"gap": 0.02},
    ),
    "status": Kind(
        "answers with an error status and the provider's error body",
        ("code", "kind", "retry-after", "retry-after-date"),
    ),
    "error": Kind(
        "sends an error event of the dialect, and ends",
        ("after", "code", "kind"),
        (*WITHIN, "all"),
        STREAMS,
    ),
    "garbage": Kind(
        "sends an event that cannot be read, and goes on; instead of a head, only that",
        ("after",),
        (*EARLY, *WITHIN, "all"),
        STREAMS,
    ),
    "giant": Kind(
        "makes the next event with content this large, with blanks",
        ("after", "bytes"),
        WITHIN,
        frozenset({"sse", "ndjson"}),
        given={"bytes": 1 << 20},
    ),
    "drop": Kind("leaves the last events out, and ends", ("last",), (), STREAMS),
    "end": Kind("ends the body in due form, too early", ("after",), WITHIN, framing="chunked"),
    "overrun": Kind(
        "ends the body too early, and sends the rest all the same",
        ("after",),
        WITHIN,
        framing="chunked",
    ),
    "length": Kind(
        "states a length that is wrong by so many bytes; too long a one ends with FIN",
        ("by",),
        framing="length",
        given={"by": 10},
    ),
    "gzip-cut": Kind(
        "compresses, and ends the body in due form within the compressed data",
        ("after",),
        WITHIN,
        framing="chunked",
        given={"after": Place("events", 3)},
    ),
    "crlf": Kind("ends lines with CR LF", (), (), frozenset({"sse"})),
    "split": Kind("cuts within each character of more than one byte"),
}

# What every fault may say.
COMMON = ("times", "once", "always", "for", "every", "model")


def read_faults(text: str) -> tuple[Fault, ...]:
    """Read a list of faults; raises `ValueError`, which says what is wrong."""
    faults = tuple(_fault(part.strip()) for part in text.split(","))
    for fault in faults:
        if fault.after.kind == CONNECT:
            raise ValueError("asks for a fault before there is a request; only a script can")
    return faults


def read_script_faults(text: str) -> tuple[Fault, ...]:
    """Read a list of faults that may also come before there is a request."""
    return tuple(_fault(part.strip()) for part in text.split(","))


# -- how options are read ---------------------------------------------------------------


def _fault(text: str) -> Fault:
    name, *options = (part.strip() for part in text.split(";"))
    row = KINDS.get(name)
    if row is None:
        raise ValueError(f"has no fault {name!r}; there are {', '.join(KINDS)}")
    found: dict[str, Any] = {"name": name, **row.given}
    for option in options:
        key, _, value = (part.strip() for part in option.partition("="))
        if key not in (*row.options, *COMMON):
            may = ", ".join((*row.options, *COMMON))
            raise ValueError(f"has {key!r}, which {name} does not know; it knows {may}")
        row_of_option = OPTIONS[key]
        found[row_of_option.field] = row_of_option.read(value)
    fault = Fault(**found)
    _check(fault, row)
    return fault


def _check(fault: Fault, row: Kind) -> None:
    if row.places and fault.after.kind not in row.places:
        places = ", ".join(row.places)
        raise ValueError(f"wants {fault.name} after {fault.after.kind}; it may come after {places}")
    if fault.every is not None and (fault.period is None or fault.every <= fault.period):
        raise ValueError("has every=, which wants a for= that is shorter")


def _place(value: str) -> Place:
    if value in (CONNECT, "request", "head", "opening", *LATE):
        return Place(value)
    found = re.fullmatch(r"(\d{1,12}) ?(event|events|byte|bytes)", value)
    if found is None:
        raise ValueError(
            f"has after={value}; it is request, head, opening, all, end, N events or N bytes"
        )
    return Place(found[2].rstrip("s") + "s", int(found[1]))


def _seconds(value: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", value)
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else None
    if seconds is None or seconds > MAX_SECONDS:
        raise ValueError(f"has the duration {value!r}; write 250ms or 1.5s, up to a day")
    return seconds


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,12}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"has {value!r}, not a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _word(value: str) -> str:
    if not re.fullmatch(r"[\w.*?\[\]/:@ -]{1,200}", value):
        raise ValueError(f"has {value!r}, not a name")
    return value


def _flag(meaning: int | None) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        if value:
            raise ValueError(f"has {value!r} where no value belongs")
        return meaning

    return read


class Option(NamedTuple):
    """One row: the field of `Fault`, how it is read, what it says."""

    field: str
    read: Callable[[str], Any]
    meaning: str


OPTIONS: dict[str, Option] = {
    "after": Option(
        "after",
        _place,
        "where: request (no head yet), head (the default), opening (the next would be content), "
        "3 events, 400 bytes, all (the body is not ended), end (it is)",
    ),
    "code": Option("code", _whole(400, 599), "the status, 500 unless given"),
    "kind": Option("kind", _word, "the error's type or code, in the provider's words"),
    "retry-after": Option("retry_after", _whole(0, 86400), "`Retry-After` in seconds"),
    "retry-after-date": Option(
        "retry_after_date", _whole(0, 86400), "`Retry-After` as the date so many seconds ahead"
    ),
    "lasting": Option("lasting", _seconds, "for how long; for ever unless given"),
    "gap": Option("gap", _seconds, "the time between two pieces or pings"),
    "bytes": Option("bytes", _whole(1, MAX_BYTES), "the size of a piece, or of a giant event"),
    "last": Option("last", _whole(1, 10_000), "how many events are missing"),
    "by": Option("by", _whole(-MAX_BYTES, MAX_BYTES), "how many bytes too many (or too few: -10)"),
    "times": Option("times", _whole(1, 1_000_000), "so many attempts of a model, then no more"),
    "once": Option("times", _flag(1), "the same as times=1"),
    "always": Option("times", _flag(None), "every attempt: the default"),
    "for": Option("period", _seconds, "so long, from the first attempt that meets it"),
    "every": Option("every", _seconds, "with for: again each time this much has passed"),
    "model": Option("model", _word, "only for this model; * and ? stand for anything"),
}
