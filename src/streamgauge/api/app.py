"""The assembly of the API: routes, errors, OpenAPI."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import BaseRoute
from litestar.types import Message, Send

from streamgauge import __version__
from streamgauge.api import (
    answer,
    errors,
    export,
    health,
    helicone,
    helicone_rest,
    live,
    log,
    metrics,
    otlp,
    records,
    rollups,
    sql,
    stats,
    stop,
    ui,
)
from streamgauge.api import keys as key_calls
from streamgauge.api.guard import EVERYBODY, Refused, guard, on_fault, on_refused
from streamgauge.api.parts import Parts
from streamgauge.errors import KeysError

PREFIX = "/api/v1"

# What is asked and told under /api/v1.
HANDLERS = (
    records.list_records,
    export.export_records,
    records.one_record,
    records.one_timeline,
    records.one_replay,
    answer.one_response,
    stop.stop_record,
    stats.get_stats,
    stats.get_heatmap,
    rollups.list_sessions,
    rollups.list_users,
    rollups.list_models,
    rollups.list_properties,
    sql.ask_sql,
    live.get_live,
    log.log_call,
    *key_calls.HANDLERS,
)
# What has an address of its own, and the page.
BESIDE = (
    otlp.export_traces,
    health.get_health,
    health.get_ready,
    metrics.get_metrics,
    ui.page,
    ui.page_of_view,
    ui.asset,
    ui.top_level,
)


class Api(Litestar):
    """The application; it answers HEAD wherever it answers GET."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _head_only(send)
        await super().__call__(scope, receive, send)


def _head_only(send: Send) -> Send:
    """Send the head of an answer and nothing else.

    The answer is complete with it, so the server lets the handler of an endless one know that
    nobody is there, as it does for a client that left.
    """

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head


class Documents(Router):
    """Where the framework puts openapi.json, without its own page for unknown addresses.

    That page would answer for everything under /api/v1, in HTML.
    """

    def register(self, value: Any) -> list[BaseRoute]:
        """Take in a handler, unless it is that page."""
        catches_all = "/{path:str}" in getattr(value, "paths", ())
        return [] if catches_all else super().register(value)


def create_app(parts: Parts) -> Api:
    """Make the ASGI application over its parts."""
    helicones = Router(
        "/",
        route_handlers=helicone.HANDLERS,
        exception_handlers={Refused: helicone.on_refused},
    )
    helicones_rest = Router(
        "/",
        route_handlers=helicone_rest.HANDLERS,
        exception_handlers={Refused: helicone_rest.on_refused},
    )
    return Api(
        route_handlers=[
            Router(PREFIX, route_handlers=HANDLERS),
            helicones,
            helicones_rest,
            *BESIDE,
        ],
        # For the handlers, and for the guard, which is given nothing.
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        state=State({"parts": parts}),
        guards=[guard],
        exception_handlers={**errors.HANDLERS, Refused: on_refused, KeysError: on_fault},
        openapi_config=OpenAPIConfig(
            title="Streamgauge",
            version=__version__,
            description="Records of LLM streams: what came when, how it ended, what it cost.",
            openapi_router=Documents(
                PREFIX, route_handlers=[], include_in_schema=False, opt=EVERYBODY
            ),
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
    )
