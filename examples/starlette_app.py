"""Starlette and FastAPI: an answer is streamed to the browser, and logged when it has ended.

uvicorn --app-dir examples starlette_app:app
"""

from __future__ import annotations

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from streamgauge import AsyncManualLogger

client = AsyncOpenAI()
logger = AsyncManualLogger()


async def chat(request: Request) -> StreamingResponse:
    """Answer with the provider's stream, as server-sent events."""
    asked = {**await request.json(), "stream": True}
    async with logger.log_builder(asked, {"Streamgauge-User-Id": "ann"}) as log:
        stream = await client.chat.completions.create(**asked)
        return StreamingResponse(
            log.to_readable_stream(stream).bytes(),
            media_type="text/event-stream",
            # Without it the log is sent as well, when the stream ends. A task of your own can
            # add what is known only then.
            background=BackgroundTask(log.send_log),
        )


app = Starlette(routes=[Route("/chat", chat, methods=["POST"])])
