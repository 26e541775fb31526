"""How a picture's size and detail become tokens: the formulas that providers publish.

The figures in them are rows of `media_rates`. A detail that a formula does not have, or a size
that is not known where it matters, has no number.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from streamgauge.meter.picture import Size


class ImageFormula(Protocol):
    """Called with the size of a picture, None if unknown, and the detail asked for, if any."""

    def __call__(self, size: Size | None, detail: str | None, /) -> int | None: ...


# -- OpenAI: tiles ---------------------------------------------------------------------------------

TILE = 512
TILED_BOX = 2048
TILED_SHORT_SIDE = 768


@dataclass(frozen=True, slots=True)
class Tiles:
    """A base, and as much again for every square of 512 pixels. Low detail is the base alone."""

    base: int
    tile: int

    def __call__(self, size: Size | None, detail: str | None, /) -> int | None:
        if detail == "low":
            return self.base
        if size is None or detail not in (None, "auto", "high"):
            return None
        width, height = _within(size, TILED_BOX)
        short = min(width, height)
        if short > TILED_SHORT_SIDE:
            width, height = (side * TILED_SHORT_SIDE // short for side in (width, height))
        return self.base + self.tile * math.ceil(width / TILE) * math.ceil(height / TILE)


# -- OpenAI: patches -------------------------------------------------------------------------------

PATCH = 32
# Beyond it the request is refused.
MOST_PATCHES = 30_000


class Fit(NamedTuple):
    """What a picture is made to fit into: pixels of its longer side, and patches, None for any."""

    side: int
    patches: int | None = None


@dataclass(frozen=True, slots=True)
class Patches:
    """A token for every patch of 32 pixels, times a factor, after the picture was made to fit."""

    factor: float
    fits: Mapping[str, Fit]

    def __call__(self, size: Size | None, detail: str | None, /) -> int | None:
        fit = self.fits.get(detail or "auto")
        if size is None or fit is None:
            return None
        width, height = _within(size, fit.side)
        if fit.patches is not None and _cells(width, height, PATCH) > fit.patches:
            width, height = _shrunk(width, height, fit.patches)
        patches = _cells(width, height, PATCH)
        # 1,000 times 1.62 is a trifle more than 1,620 to a computer, and no token more.
        return math.ceil(round(patches * self.factor, 6)) if patches <= MOST_PATCHES else None


def _shrunk(width: int, height: int, patches: int) -> tuple[int, int]:
    """Return the size that *patches* can cover, as the page has it, step by step."""
    factor = math.sqrt(PATCH**2 * patches / (width * height))
    across, down = width * factor / PATCH, height * factor / PATCH
    factor *= min(math.floor(across) / across, math.floor(down) / down)
    # What is a whole number on paper may be a trifle less to a computer.
    return math.floor(width * factor + 1e-6) or 1, math.floor(height * factor + 1e-6) or 1


def _within(size: Size, side: int) -> tuple[int, int]:
    """Return *size* scaled into a square of *side* pixels, never enlarged."""
    longest = max(size)
    if longest <= side:
        return size
    width, height = (max(round(one * side / longest), 1) for one in size)
    return width, height


def _cells(width: int, height: int, side: int) -> int:
    return math.ceil(width / side) * math.ceil(height / side)


# -- Anthropic -------------------------------------------------------------------------------------

CLAUDE_PATCH = 28


@dataclass(frozen=True, slots=True)
class VisualTokens:
    """A token for every patch of 28 pixels, after the picture was made to fit both limits."""

    side: int
    tokens: int

    def __call__(self, size: Size | None, _detail: str | None, /) -> int | None:
        if size is None:
            return None
        long, short = max(size), min(size)

        def is_too_large(side: int) -> bool:
            other = max(round(side * short / long), 1)
            return (
                math.ceil(side / CLAUDE_PATCH) * CLAUDE_PATCH > self.side
                or _cells(side, other, CLAUDE_PATCH) > self.tokens
            )

        # The longest side at which it fits, its shape kept.
        side = bisect_right(range(1, long + 1), False, key=is_too_large)
        return _cells(side, max(round(side * short / long), 1), CLAUDE_PATCH)


@dataclass(frozen=True, slots=True)
class Always:
    """The same for every picture, where no detail is asked for."""

    tokens: int

    def __call__(self, _size: Size | None, detail: str | None, /) -> int | None:
        return None if detail else self.tokens


# -- Gemini ----------------------------------------------------------------------------------------

GEMINI_SMALL = 384


@dataclass(frozen=True, slots=True)
class GeminiTiles:
    """So many for a small picture, else for each tile; fewer where less resolution is asked for."""

    tile: int
    resolutions: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, size: Size | None, detail: str | None, /) -> int | None:
        if detail is not None and detail in self.resolutions:
            return self.resolutions[detail]
        if size is None or detail not in (None, "high"):
            return None
        if max(size) <= GEMINI_SMALL:
            return self.tile
        unit = max(int(min(size) / 1.5), 1)
        return self.tile * _cells(*size, unit)


@dataclass(frozen=True, slots=True)
class ByResolution:
    """So many for each picture, by the resolution that was asked for."""

    resolutions: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, _size: Size | None, detail: str | None, /) -> int | None:
        return self.resolutions.get(detail or "high")
