"""Recordings give the replies that were reviewed, and say where they are from."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
import pytest

from streamgauge.record import Reply
from tests.wire.goldens import FOLDER, MANIFEST, READABLE, golden, reply_of


def name_of(recording: dict[str, Any]) -> str:
    return recording["file"]


@pytest.mark.parametrize("recording", READABLE, ids=name_of)
def test_a_recording_gives_its_golden_reply(recording: dict[str, Any]) -> None:
    """`python -m tests.wire.goldens` writes them anew; look at what changed before you keep it."""
    expected = msgspec.json.decode(golden(recording).read_bytes(), type=Reply)
    assert msgspec.to_builtins(reply_of(recording)) == msgspec.to_builtins(expected)


def test_there_is_no_golden_reply_without_its_recording() -> None:
    """What nothing checks would lie there for ever."""
    assert set(FOLDER.rglob("*.reply.json")) == {golden(one) for one in READABLE}


@pytest.mark.parametrize("recording", MANIFEST, ids=name_of)
def test_a_recording_is_the_one_that_was_recorded(recording: dict[str, Any]) -> None:
    """Its bytes are unchanged, and its origin and licence are known."""
    raw = (FOLDER / recording["file"]).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == recording["sha256"]
    assert recording["origin"] in (FOLDER / "README.md").read_text()
    assert recording["licence"] in ("MIT", "Apache-2.0")


# Keys as providers and clouds make them. Encrypted reasoning is base64 and may hold any few
# letters, so a key must begin where a word does.
SECRET = re.compile(
    rb"(?<![A-Za-z0-9+/_-])"
    rb"(sk-(proj|ant|or|svcacct)?-?[A-Za-z0-9_-]{20,}|gsk_\w{20,}|xai-\w{20,}|AIza[\w-]{30,}"
    rb"|AKIA[0-9A-Z]{16}|hf_\w{30,}|r8_\w{30,}|gh[pousr]_\w{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\."
    rb"|[Bb]earer [\w.-]{16,}|__cf_bm=|_cfuvid=|X-Amz-(Signature|Credential)=)"
)


def test_no_recording_holds_a_key() -> None:
    """Nor a cookie, in requests and answers."""
    found = {
        str(file.relative_to(FOLDER)): match.group()
        for file in FOLDER.rglob("*")
        if file.is_file() and (match := SECRET.search(file.read_bytes()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "leak",
    [
        b'"api_key": "sk-proj-abcdefghijklmnopqrstuvwxyz"',
        b"Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
        b"?X-Amz-Signature=ab",
    ],
)
def test_a_key_would_be_found(leak: bytes) -> None:
    """The search itself works."""
    assert SECRET.search(leak)
