"""Requests through the product, as its users' clients send them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any

import httpx

from tests.product import Product

CHAT = "/openai/v1/chat/completions"
MODEL = "gpt-4o-mini"
ABSENT = "\N{EN DASH}"  # how the page shows what nobody knows


def nonce() -> str:
    """Return a name that no other test uses."""
    return f"user-{secrets.token_hex(4)}"


def ask(
    product: Product,
    user: str,
    *,
    text: str = "Say something.",
    model: str = MODEL,
    session: str | None = None,
    is_stream: bool = True,
    **wishes: Any,
) -> str:
    """Send a request, read the answer to its end, and return the record's id."""
    headers = _headers(user, wishes)
    if session is not None:
        headers |= {"Streamgauge-Session-Id": session, "Streamgauge-Session-Path": "/a/b"}
    answer = product.http.post(CHAT, json=_body(text, model, is_stream), headers=headers)
    return answer.headers["streamgauge-id"]


@contextmanager
def asking(
    product: Product, user: str, *, text: str = "Go on and on.", itl_ms: int = 30
) -> Iterator[Endless]:
    """Hold a stream open that has no end in sight; leaving closes the connection."""
    headers = _headers(user, {"tokens": 100_000, "itl_ms": itl_ms})
    with (
        httpx.Client(base_url=product.url, trust_env=False, timeout=30) as http,
        http.stream("POST", CHAT, json=_body(text, MODEL, True), headers=headers) as answer,
    ):
        yield Endless(answer)


class Endless:
    """The stream that `asking` holds."""

    def __init__(self, answer: httpx.Response) -> None:
        self.id = answer.headers["streamgauge-id"]
        self._bytes = answer.iter_raw()

    def read(self, chunks: int) -> None:
        """Read some more of it."""
        for _ in range(chunks):
            next(self._bytes)


def tell(
    product: Product,
    path: str,
    *,
    request: dict[str, Any],
    response: dict[str, Any],
    user: str | None = None,
    hours_ago: float = 0.0,
    **more: Any,
) -> dict[str, Any]:
    """Log a call that did not pass the gateway, with *more* of its fields; return its record."""
    log = {
        "id": str(uuid7()),
        "started_at": (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat(),
        "provider": None,
        "path": path,
        "request": request,
        "response": {"status": 200} | response,
        "ended_ms": 5.0,
        "labels": {"user_id": user},
    } | more
    answer = product.http.post("/api/v1/log", json=log)
    assert answer.status_code == 200, answer.text
    return product.record(log["id"])


def uuid7() -> uuid.UUID:
    """Return an id of this moment."""
    tail = uuid.uuid4().int & ((1 << 76) - 1)
    value = (time_ns() // 1_000_000) << 80 | 7 << 76 | tail
    return uuid.UUID(int=value & ~(3 << 62) | 2 << 62)


def _body(text: str, model: str, is_stream: bool) -> dict[str, Any]:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    body: dict[str, Any] = {"model": model, "messages": said, "stream": is_stream}
    return body | {"stream_options": {"include_usage": True}} if is_stream else body


def _headers(user: str, wishes: dict[str, Any]) -> dict[str, str]:
    named = {f"Simulate-{name.replace('_', '-')}": str(value) for name, value in wishes.items()}
    return {"Streamgauge-User-Id": user, "Authorization": "Bearer none"} | named
