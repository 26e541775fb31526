"""Many streams at once, in plain HTTP, each with what its client received."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx

ASK = {
    "model": "gpt-4o-mini",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Say something long."}],
}


@dataclass
class Received:
    """What one client got."""

    id: str = ""
    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


async def stream(client: httpx.AsyncClient, url: str, received: Received, **wishes: str) -> None:
    """Stream one answer into *received*; a broken connection ends it quietly."""
    headers = {name.replace("_", "-"): value for name, value in wishes.items()}
    try:
        async with client.stream("POST", url, json=ASK, headers=headers) as answer:
            received.id = answer.headers.get("streamgauge-id", "")
            received.status = answer.status_code
            async for piece in answer.aiter_raw():
                received.body += piece
        received.is_whole = True
    except httpx.HTTPError:
        return


async def streams(count: int, url: str, **wishes: str) -> list[Received]:
    """Stream *count* answers at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    all_received = [Received() for _ in range(count)]
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:
        await asyncio.gather(*(stream(client, url, one, **wishes) for one in all_received))
    return all_received
