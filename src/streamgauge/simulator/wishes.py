"""What a request asks of the simulator, in headers that a gateway passes on unchanged.

One table: header, how its value is read, what it does. A value that makes no sense is
answered 400 with the name of the header, so that a test never runs on a misspelt wish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from streamgauge.errors import ConfigurationError, StreamgaugeError
from streamgauge.simulator.faults import Fault, read_faults
from streamgauge.simulator.providers import PROVIDERS

PREFIX = "simulate-"

# Generous bounds that catch a slip of the keyboard: nobody waits a day for a token.
MAX_WAIT_MS = 24 * 3600 * 1000.0
MAX_TOKENS = 10_000_000
MAX_BYTES = 1 << 40

NAMES = tuple(sorted(PROVIDERS))
CHUNKS = ("events", "whole", "ragged", "bytes", "characters")
ENCODINGS = ("identity", "gzip", "br", "zstd")
FRAMINGS = ("chunked", "length", "close")


class WishError(StreamgaugeError):
    """A Simulate-* header that we do not know, or whose value we cannot read."""


class Jitter(NamedTuple):
    """How far a gap may stray: by *ms* milliseconds, or by a *fraction* of the gap."""

    ms: float = 0.0
    fraction: float = 0.0


class Wishes(Struct, frozen=True, kw_only=True):
    """The Simulate-* headers of one request; ``None`` where the request left it to us."""

    recording: str | None = None
    provider: str | None = None
    tokens: int | None = None
    bytes: int | None = None
    status: int | None = None
    head_ms: float = 0.0
    ttft_ms: float = 0.0
    itl_ms: float = 0.0
    jitter_ms: Jitter = Jitter()
    chunks: str = "events"
    encoding: str = "identity"
    framing: str | None = None
    faults: tuple[Fault, ...] | None = None

    @property
    def is_made_to_measure(self) -> bool:
        """Whether the request wants an answer made for it, not a recording of the model."""
        return (self.tokens, self.bytes, self.status) != (None, None, None)


NOTHING = Wishes()


def read_wishes(headers: Mapping[str, str], otherwise: Wishes = NOTHING) -> Wishes:
    """Read the wishes in *headers* (names in lower case); raises `WishError`.

    What they leave out is as in *otherwise*.
    """
    found: dict[str, Any] = {}
    for name, value in headers.items():
        if not name.startswith(PREFIX):
            continue
        wish = WISHES.get(name)
        if wish is None:
            raise WishError(f"{name} is not a wish we know; there are {', '.join(WISHES)}")
        try:
            found[wish.field] = wish.read(value.strip())
        except ValueError as error:
            raise WishError(f"{name}: {value!r} {error}") from None
    wishes = replace(otherwise, **found)
    if wishes.bytes is not None and wishes.chunks == "whole":
        raise WishError("simulate-bytes makes a stream lazily; it cannot be one whole write")
    return wishes


# -- how values are read --------------------------------------------------------------


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,15}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"is not a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _milliseconds(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) > MAX_WAIT_MS:
        raise ValueError("is not a number of milliseconds, such as 250 or 12.5")
    return float(value)


def _jitter(value: str) -> Jitter:
    if value.endswith("%"):
        return Jitter(fraction=_milliseconds(value[:-1]) / 100)
    return Jitter(ms=_milliseconds(value))


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"is none of {', '.join(words)}")
        return value.lower()

    return read


class Wish(NamedTuple):
    """One row of the table: the field of `Wishes`, how to read it, what it does."""

    field: str
    read: Callable[[str], Any]
    meaning: str


WISHES: dict[str, Wish] = {
    "simulate-recording": Wish(
        "recording", str, "play this recording, named with or without its folder and suffix"
    ),
    "simulate-provider": Wish(
        "provider", _one_of(NAMES), "answer as this provider where the path alone does not tell"
    ),
    "simulate-tokens": Wish("tokens", _whole(0, MAX_TOKENS), "make an answer of this many tokens"),
    "simulate-bytes": Wish(
        "bytes",
        _whole(1, MAX_BYTES),
        "make a stream of at least this many bytes, by repeating its text",
    ),
    "simulate-status": Wish(
        "status", _whole(400, 599), "answer with this status and the provider's error body"
    ),
    "simulate-head-ms": Wish(
        "head_ms", _milliseconds, "when the head and the opening events leave (default: at once)"
    ),
    "simulate-ttft-ms": Wish(
        "ttft_ms", _milliseconds, "when the first content leaves, from the end of the request"
    ),
    "simulate-itl-ms": Wish("itl_ms", _milliseconds, "the gap between tokens"),
    "simulate-jitter-ms": Wish(
        "jitter_ms", _jitter, "how far a gap may stray: milliseconds (5) or a share (20%)"
    ),
    "simulate-chunks": Wish(
        "chunks",
        _one_of(CHUNKS),
        "what one write holds: an event, all, a ragged cut, a byte, up to within a character",
    ),
    "simulate-encoding": Wish("encoding", _one_of(ENCODINGS), "compress the body, event by event"),
    "simulate-framing": Wish("framing", _one_of(FRAMINGS), "how the body is delimited"),
    "simulate-fault": Wish("faults", read_faults, "what goes wrong: a list of faults, as below"),
}


def pace_of(**options: str) -> Wishes:
    """Return the pace that *options* name, which read as the headers do: ``itl_ms="18"``.

    Raises `ConfigurationError`.
    """
    found = {}
    for field, value in options.items():
        name = field.replace("_", "-")
        try:
            found[field] = WISHES[PREFIX + name].read(value)
        except ValueError as error:
            raise ConfigurationError(f"--{name}: {value!r} {error}") from None
    return Wishes(**found)
