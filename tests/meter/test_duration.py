"""The length of a recording is read from its file, and from nothing that looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.meter.duration import seconds_of
from tests.meter import files

ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (files.wav(2.5), 2.5),
        (files.wav(2.5, told=0xFFFFFFFF), 2.5),
        (files.mp3(100), 100 * 1152 / 44100),
        (files.mp3(100, tag=ID3), 100 * 1152 / 44100),
        (files.mp3(100, end=b"TAG" + bytes(125)), 100 * 1152 / 44100),
        (files.flac(96_000, 48_000), 2.0),
        (files.mp4(5_000, 1_000), 5.0),
        (files.mp4(5_000, 1_000, long=True), 5.0),
    ],
)
def test_the_length_is_read(data: bytes, seconds: float) -> None:
    """Also where the header was written before the end was known, and around tags."""
    assert seconds_of(data) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no recording",
        files.wav(0),
        files.flac(0, 48_000),
        files.flac(5, 0),
        files.mp3(3, end=b"something else"),
        files.mp4(5_000, 0),
        files.mp4(5_000, 1_000)[:40],
        b"\xff\xfb\x00\x00" + bytes(500),
    ],
)
def test_what_does_not_tell_has_no_length(data: bytes) -> None:
    """Nor what breaks off where it should go on."""
    assert seconds_of(data) is None


@given(
    st.sampled_from([b"RIFF\0\0\0\0WAVE", b"fLaC", b"ID3", b"\0\0\0\x0cftyp", b"\xff\xfb"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_read_without_a_fault(magic: bytes, rest: bytes) -> None:
    """They come from whoever sends requests."""
    seconds = seconds_of(magic + rest)
    assert seconds is None or seconds > 0
