"""How many tokens a picture, a recording or a film is, as each provider publishes it.

Every row has the page that says so and the day it was read. A model that no row fits, a detail
that its row does not have and a size that cannot be known have no number: unknown, not guessed.
OpenAI says how audio counts for its Realtime API only, so its audio is not here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streamgauge.meter.image_formulas import (
    Always,
    ByResolution,
    Fit,
    GeminiTiles,
    ImageFormula,
    Patches,
    Tiles,
    VisualTokens,
)


class Source(NamedTuple):
    """A page of a provider, and the day on which it said so."""

    url: str
    read_on: str


OPENAI_IMAGES = Source("https://developers.openai.com/api/docs/guides/images-vision", "2026-11-23")
CLAUDE_IMAGES = Source("https://platform.claude.com/docs/en/build-with-claude/vision", "2026-11-23")
GEMINI_IMAGES = Source("https://ai.google.dev/gemini-api/docs/image-understanding", "2026-11-23")
GEMINI_TOKENS = Source("https://ai.google.dev/gemini-api/docs/tokens", "2026-11-23")
GEMINI_MEDIA = Source("https://ai.google.dev/gemini-api/docs/media-resolution", "2026-11-23")


class Rate(NamedTuple):
    """What a model takes for media; None for what its provider does not publish.

    ``audio`` and ``video`` are tokens for a second; a film's include its sound.
    """

    source: Source
    image: ImageFormula
    audio: int | None = None
    video: int | None = None


LARGE = Fit(2048, 2500)
ORIGINAL = Fit(6000, 10_000)
ALL_THE_SAME = dict.fromkeys(("low", "high", "auto"), Fit(2048, 6144))
# What the page said of the older small models, before it dropped them from its table of sizes.
OLDER_SMALL = dict.fromkeys(("high", "auto"), Fit(2048, 1536))


def _openai(names: str) -> re.Pattern[str]:
    """Match *names* whole but for a snapshot's date, an owner in front, a fine-tune's id behind."""
    dated = r"(?:-\d{4}-\d{2}-\d{2})?"
    return re.compile(rf"(?:^|[/:])(?:{names}){dated}(?:$|:)", re.IGNORECASE)


def _named(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[/.:])(?:{names})", re.IGNORECASE)


# The first that fits. What is called deprecated on a page is kept: old records are estimated too.
RATES: tuple[tuple[re.Pattern[str], Rate], ...] = (
    (_openai(r"gpt-5\.1|gpt-5|gpt-5-chat-latest"), Rate(OPENAI_IMAGES, Tiles(70, 140))),
    (_openai(r"(?:chat)?gpt-4o(?:-latest)?|gpt-4\.1"), Rate(OPENAI_IMAGES, Tiles(85, 170))),
    (_openai(r"gpt-4\.5-preview"), Rate(OPENAI_IMAGES, Tiles(85, 170))),
    (_openai("gpt-4o-mini"), Rate(OPENAI_IMAGES, Tiles(2833, 5667))),
    (_openai("o1|o1-pro|o3"), Rate(OPENAI_IMAGES, Tiles(75, 150))),
    (_openai("computer-use-preview"), Rate(OPENAI_IMAGES, Tiles(65, 129))),
    (
        _openai(r"gpt-5\.6-(?:sol|terra|luna)"),
        Rate(
            OPENAI_IMAGES,
            Patches(
                1.2, {"low": Fit(512), "high": LARGE, "original": Fit(65_535), "auto": Fit(65_535)}
            ),
        ),
    ),
    (
        _openai(r"gpt-5\.5"),
        Rate(
            OPENAI_IMAGES,
            Patches(1.2, {"low": Fit(512), "high": LARGE, "original": ORIGINAL, "auto": ORIGINAL}),
        ),
    ),
    (
        _openai(r"gpt-5\.4(?:-mini|-nano)?"),
        Rate(
            OPENAI_IMAGES,
            Patches(
                1.2, {"low": Fit(2048, 6144), "high": LARGE, "original": ORIGINAL, "auto": LARGE}
            ),
        ),
    ),
    (_openai(r"gpt-5\.2"), Rate(OPENAI_IMAGES, Patches(1.2, ALL_THE_SAME))),
    (_openai(r"gpt-4\.1-mini"), Rate(OPENAI_IMAGES, Patches(1.62, ALL_THE_SAME))),
    (_openai("gpt-5-mini"), Rate(OPENAI_IMAGES, Patches(1.2, OLDER_SMALL))),
    (_openai("gpt-5-nano"), Rate(OPENAI_IMAGES, Patches(1.5, OLDER_SMALL))),
    (_openai(r"gpt-4\.1-nano"), Rate(OPENAI_IMAGES, Patches(2.46, OLDER_SMALL))),
    (_openai("o4-mini"), Rate(OPENAI_IMAGES, Patches(1.72, OLDER_SMALL))),
    (
        # "Claude 4.7 and later"; those since 5.5 are said to count large pictures otherwise.
        _named(
            r"claude-(?:opus-4[-.][789]|(?:fable|mythos|opus|sonnet)-5(?![-.]\d(?!\d)))",
        ),
        Rate(CLAUDE_IMAGES, VisualTokens(2576, 4784)),
    ),
    (
        _named(r"claude-(?:3|(?:opus|sonnet|haiku)-4)"),
        Rate(CLAUDE_IMAGES, VisualTokens(1568, 1568)),
    ),
    (_named(r"gemini-1\.5"), Rate(GEMINI_TOKENS, Always(258), audio=32, video=263)),
    (_named(r"gemini-2\.0"), Rate(GEMINI_IMAGES, GeminiTiles(258), audio=32, video=263)),
    (
        _named(r"gemini-2\.5"),
        Rate(GEMINI_IMAGES, GeminiTiles(258, {"low": 64, "medium": 256}), audio=32, video=263),
    ),
    (
        # Films are counted by frames, of which a request may ask for more or fewer.
        _named("gemini-3"),
        Rate(
            GEMINI_MEDIA,
            ByResolution({"low": 280, "medium": 560, "high": 1120, "ultra_high": 2240}),
            audio=25,
        ),
    ),
)


def rate_of(model: str | None) -> Rate | None:
    """Return what *model* takes for media, None if its provider does not say."""
    return next((rate for name, rate in RATES if model and name.search(model)), None)
