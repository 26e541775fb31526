"""GET /api/v1/sessions, /users, /models, /properties: the records that share one, added up."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, get

from streamgauge.api.errors import answers
from streamgauge.api.guard import READ
from streamgauge.api.params import PropertiesOperation, Query, RollupOperation
from streamgauge.api.parts import Given, Parts
from streamgauge.api.records import BAD_QUESTION
from streamgauge.api.schemas import Models, Properties, Sessions, Users
from streamgauge.store import rollups


async def _answer(request: Request[Any, Any, Any], parts: Parts, name: str) -> dict[str, Any]:
    query = Query(request)
    sort, cursor = query.take("sort"), query.take("cursor")
    limit = query.number("limit", rollups.DEFAULT_LIMIT)
    filters = query.filters()
    return await run_sync(
        lambda: rollups.rollup(parts.store, name, filters, sort=sort, limit=limit, cursor=cursor)
    )


@get(
    "/sessions",
    operation_id="listSessions",
    operation_class=RollupOperation,
    summary="Sessions",
    description="Records of a session added up, the latest sessions first. The records of one, "
    "with their paths, are `/records?session_id=…`.",
    responses={200: answers(Sessions, "The sessions"), 400: BAD_QUESTION},
    opt=READ,
)
async def list_sessions(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Sessions."""
    return await _answer(request, parts, "sessions")


@get(
    "/users",
    operation_id="listUsers",
    operation_class=RollupOperation,
    summary="Users",
    description="Records of a user added up, the latest users first.",
    responses={200: answers(Users, "The users"), 400: BAD_QUESTION},
    opt=READ,
)
async def list_users(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Users."""
    return await _answer(request, parts, "users")


@get(
    "/models",
    operation_id="listModels",
    operation_class=RollupOperation,
    summary="Models",
    description="Records of a provider's model added up, the most used first: latency, errors, "
    "tokens, cost, and the cost per 1,000 tokens of output.",
    responses={200: answers(Models, "The models"), 400: BAD_QUESTION},
    opt=READ,
)
async def list_models(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Models."""
    return await _answer(request, parts, "models")


@get(
    "/properties",
    operation_id="listProperties",
    operation_class=PropertiesOperation,
    summary="Properties",
    description="The names of the properties of the records that match, with the commonest values.",
    responses={200: answers(Properties, "The properties"), 400: BAD_QUESTION},
    opt=READ,
)
async def list_properties(request: Request[Any, Any, Any], parts: Given) -> dict[str, Any]:
    """Properties."""
    query = Query(request)
    limit, cursor = query.number("limit", rollups.MAX_LIMIT), query.take("cursor")
    filters = query.filters()
    return await run_sync(
        lambda: rollups.properties(parts.store, filters, limit=limit, cursor=cursor)
    )
