"""When each piece is due, in seconds from the end of the request.

The k-th content is due at ``ttft + k·itl``, strayed by the jitter: every due time is counted
from the same start, so lateness never adds up. Pieces without content follow the one
before them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from streamgauge.simulator.formats.base import Piece
from streamgauge.simulator.wishes import Wishes


class Timed(NamedTuple):
    """A piece and when it is due; a *deed* is what a fault does there, beside or instead."""

    due: float
    data: bytes
    is_content: bool
    deed: str = ""


def timed(pieces: Iterable[Piece], wishes: Wishes, seed: int) -> Iterator[Timed]:
    """Yield *pieces* with their due times, which never go back."""
    gap, reach = wishes.itl_ms / 1000, _reach(wishes)
    stray = Random(seed) if reach else None  # noqa: S311 - timing, not secrets
    due = wishes.head_ms / 1000
    nominal = max(wishes.ttft_ms / 1000, due)
    is_first = True
    for data, is_content in pieces:
        if is_content:
            # The first content is not strayed: a test that asks for a TTFT gets it.
            shift = stray.uniform(-reach, reach) if stray and not is_first else 0.0
            due = max(due, nominal + shift)
            nominal += gap
            is_first = False
        yield Timed(due, data, is_content)


def in_one(pieces: Iterable[Timed]) -> Iterator[Timed]:
    """Hold everything back until the last piece is due, as a buffering proxy would."""
    due, data = 0.0, []
    for piece in pieces:
        due = piece.due
        data.append(piece.data)
    yield Timed(due, b"".join(data), is_content=True)


def last_due(wishes: Wishes, contents: int) -> float:
    """Return when the last of *contents* pieces is due: when a plain answer is ready."""
    first = max(wishes.ttft_ms, wishes.head_ms)
    return (first + wishes.itl_ms * max(contents - 1, 0)) / 1000


def _reach(wishes: Wishes) -> float:
    """Return how far a gap may stray, in seconds."""
    jitter = wishes.jitter_ms
    return (jitter.ms + jitter.fraction * wishes.itl_ms) / 1000
