"""Reading an answer on while it runs, by the right of a key of this server."""

from __future__ import annotations

import asyncio
from time import time

import httpx
import pytest

from streamgauge.keys import Keys, Scope

PATH = "/api/v1/records/one/bytes?follow=true"


class Endless:
    """An answer that nobody's key made; it says something whenever it is asked to."""

    key_hash = None
    is_shown = True
    response_headers = {"content-type": "text/event-stream"}  # noqa: RUF012 - as the protocol has it
    ending = None
    size = 0

    def __init__(self) -> None:
        self.words: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_closed = False

    async def find(self, record_id, /):
        return self

    async def read(self, answer, offset, *, is_following, is_numbering):
        try:
            while True:
                yield await self.words.get()
        finally:
            self.is_closed = True

    async def say(self, word: bytes) -> None:
        self.words.put_nowait(word)

    def resume(self) -> None:
        """Somebody has come."""


def test_a_revoked_key_ends_what_it_reads(api, served, monkeypatch):
    """Cut, so that nobody takes it for whole."""
    monkeypatch.setattr("streamgauge.api.live.ASK_AGAIN_S", 0.0)
    endless = Endless()
    monkeypatch.setattr(served.parts, "answers", endless)
    keys = Keys(served.journal.directory.parent)
    monkeypatch.setattr(served.parts, "keys", keys)
    key, secret = keys.create("reader", [Scope.READ])
    api.headers["Authorization"] = f"Bearer {secret}"
    with api.stream("GET", PATH) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        served.call(lambda: endless.say(b"data: 1\n\n"))
        assert next(pieces) == b"data: 1\n\n"
        keys.revoke(key.id)
        served.call(lambda: endless.say(b"data: 2\n\n"))
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    assert endless.is_closed
    assert api.get(PATH).status_code == 401


def test_an_answer_that_is_not_to_be_kept_is_for_its_client_alone(
    api, served, monkeypatch, tmp_path
):
    """Who may read records sees nothing of it while it runs; a signature opens it."""
    endless = Endless()
    endless.is_shown = False
    monkeypatch.setattr(served.parts, "keys", Keys(tmp_path))
    monkeypatch.setattr(served.parts, "answers", endless)
    assert api.get(PATH).status_code == 403
    served.live.open["one"] = {"id": "one", "outcome": "open"}
    answer = api.get(PATH.removesuffix("?follow=true"))
    assert answer.status_code == 404
    assert "for its client alone" in answer.json()["error"]["message"]
    expires = int(time()) + 60
    signature = served.parts.signer.sign("one", expires)
    signed = f"{PATH}&expires={expires}&signature={signature}"
    with api.stream("GET", signed) as answer:
        assert answer.status_code == 200
        served.call(lambda: endless.say(b"data: 1\n\n"))
        assert next(answer.iter_raw()) == b"data: 1\n\n"
