"""Tokens of pictures, against the examples on the providers' own pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.meter.media_rates import RATES, rate_of
from streamgauge.meter.picture import Size


def image(model: str, width: int, height: int, detail: str | None = None) -> int | None:
    rate = rate_of(model)
    assert rate is not None
    return rate.image(Size(width, height), detail)


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "tokens"),
    [
        # Four tiles of 512 in 768 x 768; six in 768 x 1536; low detail at any size.
        ("gpt-4o", 1024, 1024, "high", 85 + 4 * 170),
        ("gpt-4o", 2048, 4096, "high", 85 + 6 * 170),
        ("gpt-4o", 4096, 8192, "low", 85),
        ("gpt-4o-mini", 1024, 1024, "high", 2833 + 4 * 5667),
        ("gpt-5.1", 512, 512, None, 70 + 140),
        ("o3-2025-04-16", 1024, 1024, "auto", 75 + 4 * 150),
        # One pixel of height decides, after the width was made to fit: 513 or 512.
        ("gpt-4.1", 2049, 513, "high", 85 + 8 * 170),
        ("gpt-4.1", 2050, 513, "high", 85 + 4 * 170),
        # "ceil(1024 x 1.2) = 1229"; "the patch budget reduces it to 1600 x 1600, 2500 patches".
        ("gpt-5.4", 1024, 1024, "high", 1229),
        ("gpt-5.4", 2048, 2048, "high", 3000),
        # 188 x 1.2, and 128 x 96 patches of which the budget leaves 115 x 86.
        ("gpt-5.5", 500, 375, "original", 231),
        ("gpt-5.5", 4032, 3024, None, 11_868),
        # 57 x 43 patches, after 2048 x 1536; without a budget 126 x 95; in 512 x 384.
        ("gpt-5.6-sol", 4032, 3024, "high", 2942),
        ("gpt-5.6-sol", 4032, 3024, None, 14_364),
        ("gpt-5.6-sol", 4032, 3024, "low", 231),
        # "1056 x 1408 pixels, 33 x 44 = 1452 patches", before the factor of the model.
        ("o4-mini", 1800, 2400, "high", 2498),
        ("gpt-4.1-nano", 1800, 2400, None, 3572),
        # 1.62 for each of 1,000 is 1,620, whatever a computer makes of it.
        ("gpt-4.1-mini", 800, 1280, None, 1620),
    ],
)
def test_openai_counts_tiles_or_patches(
    model: str, width: int, height: int, detail: str | None, tokens: int
) -> None:
    """By the model, after the picture was made to fit."""
    assert image(model, width, height, detail) == tokens


@pytest.mark.parametrize(
    ("width", "height", "standard", "high"),
    [
        (200, 200, 64, 64),
        (1000, 1000, 1296, 1296),
        (1092, 1092, 1521, 1521),
        (1920, 1080, 1560, 2691),
        (2000, 1500, 1564, 3888),
        (3840, 2160, 1560, 4784),
        # A page of A4 at 130 dpi: 924 x 1307 is 33 x 47 patches.
        (1075, 1520, 1551, 39 * 55),
    ],
)
def test_claude_counts_patches_within_two_limits(
    width: int, height: int, standard: int, high: int
) -> None:
    """The table of Anthropic's page."""
    for model in ("claude-haiku-4-5", "claude-3-5-sonnet-20241022", "anthropic/claude-sonnet-4.5"):
        assert image(model, width, height) == standard
    for model in (
        "claude-opus-4-8",
        "claude-opus-5-20260801",
        "us.anthropic.claude-opus-4-7-v1:0",
        "claude-sonnet-5",
    ):
        assert image(model, width, height) == high


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "tokens"),
    [
        ("gemini-2.5-flash", 384, 384, None, 258),
        # "a crop unit of 360: 3 x 2 = 6 tiles"
        ("gemini-2.5-flash", 960, 540, None, 6 * 258),
        ("models/gemini-2.0-flash", 385, 100, None, 12 * 258),
        ("gemini-2.5-pro", 4000, 3000, "low", 64),
        ("gemini-2.5-pro", 4000, 3000, "medium", 256),
        ("gemini-1.5-pro", 4000, 3000, None, 258),
        ("gemini-3-pro", 10, 10, None, 1120),
        ("gemini-3-pro", 4000, 3000, "ultra_high", 2240),
    ],
)
def test_gemini_counts_tiles_or_resolutions(
    model: str, width: int, height: int, detail: str | None, tokens: int
) -> None:
    """By the generation of the model."""
    assert image(model, width, height, detail) == tokens


@pytest.mark.parametrize(
    ("model", "width", "height", "detail"),
    [
        ("gpt-4o", 100, 100, "original"),
        ("gpt-5-mini", 100, 100, "low"),
        ("gpt-5.6-sol", 8000, 8000, "original"),
        ("gemini-2.0-flash", 100, 100, "low"),
        ("gemini-1.5-flash", 100, 100, "low"),
        ("gemini-3-pro", 100, 100, "tiny"),
    ],
)
def test_what_is_not_published_has_no_number(
    model: str, width: int, height: int, detail: str
) -> None:
    """A detail that the model does not have, or a picture that the provider refuses."""
    assert image(model, width, height, detail) is None


@pytest.mark.parametrize(
    "model",
    [
        None, "", "gpt-4o-audio-preview", "gpt-5.3-codex", "gpt-6", "o3-mini", "claude-haiku-5",
        "claude-opus-5-5",
        "gemini-4-carbon", "llama-4-maverick", "pixtral-large", "my-gpt-4o",
    ],
)  # fmt: skip
def test_a_model_without_a_formula_has_no_rate(model: str | None) -> None:
    """A name that is like another's is not that other."""
    assert rate_of(model) is None


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o", "gpt-4o-2024-08-06", "ft:gpt-4o-2024-08-06:mine::id", "GPT-4o"]
)
def test_snapshots_and_fine_tunes_count_as_their_model(model: str) -> None:
    """Owners in front, too."""
    assert image(model, 1024, 1024) == 765


@given(
    st.sampled_from([rate for _, rate in RATES]),
    st.integers(1, 20_000),
    st.integers(1, 20_000),
    st.sampled_from([None, "low", "high", "auto", "original", "medium"]),
)
def test_every_picture_has_tokens_or_none(
    rate: object, width: int, height: int, detail: str | None
) -> None:
    """However long and thin; standing or lying, it is as many."""
    formula = rate.image  # type: ignore[attr-defined]
    tokens = formula(Size(width, height), detail)
    assert tokens is None or tokens > 0
    assert formula(Size(height, width), detail) == tokens


def test_every_row_has_its_source() -> None:
    """A page of the provider, and the day on which it was read."""
    for _, rate in RATES:
        assert rate.source.url.startswith("https://")
        assert rate.source.read_on >= "2026-11-23"
