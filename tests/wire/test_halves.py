"""Characters that a provider cut in two."""

from __future__ import annotations

import json

import pytest

from streamgauge.wire.dialects.values import decoded
from streamgauge.wire.halves import joined, moved


def test_two_halves_from_two_chunks_are_one_character() -> None:
    first, second = decoded(rb'"a\ud83d"'), decoded(rb'"\ude00b"')
    assert joined([first, second]) == "a😀b"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\uDE00x"', "\ufffdx"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (rb'"\\ud83d\ud83d"', "\\ud83d\ufffd"),
        (rb'"\\\ud83d\n"', "\\\ufffd\n"),
        (rb'"\ud83d\u0041\u00e9"', "\ufffdAé"),
    ],
)
def test_a_half_that_stays_alone_is_a_replacement_character(text: bytes, read: str) -> None:
    assert joined([decoded(text)]) == read


@pytest.mark.parametrize(
    "data", [rb'{"a": "\ud83d\ude00 \n \\ud83d \u00e9"}', "{'é': '😀'}".encode(), b"\\", b""]
)
def test_what_is_whole_is_left_alone(data: bytes) -> None:
    assert moved(data) == data


@pytest.mark.parametrize("data", [b"{oops", rb'{"\ud83d', b"[" * 20_000, rb"[\ud83d" * 20_000])
def test_what_is_no_json_stays_none(data: bytes) -> None:
    assert decoded(data) is None


def test_a_half_can_be_stored_wherever_it_is() -> None:
    """An id is not joined with anything, but it must not stop the record."""
    json.dumps(decoded(rb'{"id": "\ud83d"}'), ensure_ascii=False).encode()
