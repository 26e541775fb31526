"""The same bytes, cut in different ways."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

Cut = Callable[[bytes], Iterator[bytes]]


def whole(raw: bytes) -> Iterator[bytes]:
    yield raw


def bytewise(raw: bytes) -> Iterator[bytes]:
    for position in range(len(raw)):
        yield raw[position : position + 1]


def ragged(raw: bytes) -> Iterator[bytes]:
    dice = random.Random(len(raw))
    start = 0
    while start < len(raw):
        size = dice.choice([1, 2, 3, 7, 20, 100, 1000])
        yield raw[start : start + size]
        start += size


CUTS: dict[str, Cut] = {"whole": whole, "bytewise": bytewise, "ragged": ragged}
