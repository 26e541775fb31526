"""POST /api/v1/records/{id}/stop: end a running stream on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.params import FromPath
from msgspec import Struct

from streamgauge.api.answer import is_young
from streamgauge.api.errors import ErrorAnswer, NotFound, answers, error_response
from streamgauge.api.guard import LOG
from streamgauge.api.params import Query
from streamgauge.api.parts import Given

# A worker ends a stream in the same turn in which it hears of it; the journal and the recorder
# come after that.
WAIT_S = 5.0
LOOK_S = 0.02
HEARD_S = 1.0


class Stopped(Struct, frozen=True):
    """What became of it: ``open`` where its worker has not ended it yet."""

    id: str
    outcome: str


class Workers:
    """The workers' sockets in *folder*, one for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stop(self, exchange: bytes) -> int:
        """Name *exchange* to all workers; return how many have heard of it."""
        heard = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for path in self._folder.glob("stop-*.sock"):
                # A worker that was killed has left its socket behind.
                with contextlib.suppress(OSError):
                    sender.sendto(exchange, os.fspath(path))
                    heard += 1
        return heard


@post(
    "/records/{record_id:str}/stop",
    status_code=200,
    operation_id="stopRecord",
    summary="Stop a running stream",
    description="The provider is let go, and the client gets the error event of its dialect. "
    "A stream that has ended by itself meanwhile keeps its end.",
    responses={
        200: answers(Stopped, "How it ended"),
        404: answers(ErrorAnswer, "There is no such stream, or it does not run any more"),
        503: answers(ErrorAnswer, "No worker has heard of it; ask again"),
    },
    opt=LOG,
)
async def stop_record(
    request: Request[Any, Any, Any], parts: Given, record_id: FromPath[str]
) -> Response[Any]:
    """Name it to the workers, and wait until it is over."""
    Query(request).end()
    known = parts.live.get(record_id)
    patience = asyncio.get_running_loop().time() + HEARD_S
    while known is None and is_young(record_id):
        if asyncio.get_running_loop().time() > patience:
            break
        await asyncio.sleep(LOOK_S)  # the recorder has yet to hear of it
        known = parts.live.get(record_id)
    if known is None or known["outcome"] != "open":
        raise NotFound(f"there is no stream {record_id} that runs")
    if not parts.stop(UUID(record_id).bytes):
        return error_response(503, "no worker has heard of it; ask again")
    return Response(Stopped(record_id, await _ended(parts, record_id)))


async def _ended(parts: Given, record_id: str) -> str:
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_S
    outcome = "stopped"
    while (known := parts.live.get(record_id)) is not None:
        outcome = known["outcome"]
        if outcome != "open" or loop.time() > until:
            break
        await asyncio.sleep(LOOK_S)
    return outcome
