"""The size of a picture is read from its file, and from nothing that looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.meter.picture import size_of
from tests.meter import files

PICTURES = [
    files.png(1024, 768),
    files.gif(1024, 768),
    files.jpeg(1024, 768),
    files.jpeg(1024, 768, kind=0xC2),
    files.jpeg(1024, 768, preview=files.jpeg(160, 120)),
    files.webp(b"VP8 ", 1024, 768),
    files.webp(b"VP8L", 1024, 768),
    files.webp(b"VP8X", 1024, 768),
]


@pytest.mark.parametrize("picture", PICTURES)
def test_the_size_is_read(picture: bytes) -> None:
    """In every format that providers take; a preview inside is not the picture."""
    assert size_of(picture) == (1024, 768)


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_that_is_cut_off_has_no_size(picture: bytes) -> None:
    """Or its own: never another."""
    for end in range(len(picture)):
        assert size_of(picture[:end]) in (None, (1024, 768))
    assert size_of(picture[:9]) is None


@pytest.mark.parametrize("data", [b"", b"no picture", files.png(0, 5), files.wav(0.01)])
def test_what_is_no_picture_has_no_size(data: bytes) -> None:
    """Nor has one without pixels."""
    assert size_of(data) is None


@given(st.sampled_from([one[:8] for one in PICTURES]), st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fault(magic: bytes, rest: bytes) -> None:
    """They come from whoever sends requests."""
    size = size_of(magic + rest)
    assert size is None or min(size) > 0
