"""POST /api/v1/sql: a question in ClickHouse's SQL over the stored records."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from litestar import Request, post
from msgspec import Struct

from streamgauge.api.bodies import read_json
from streamgauge.api.errors import ErrorAnswer, answers
from streamgauge.api.guard import READ
from streamgauge.api.params import Query
from streamgauge.api.parts import Given
from streamgauge.api.records import BAD_QUESTION
from streamgauge.errors import QueryError
from streamgauge.store.sql import DEFAULT_ROWS, Column

MAX_BODY = 100_000


class Question(Struct, forbid_unknown_fields=True):
    """One SELECT. ``sql`` is another name for ``query``."""

    query: str | None = None
    sql: str | None = None
    limit: int = DEFAULT_ROWS


class SqlAnswer(Struct, frozen=True, kw_only=True):
    """What it found: rows as objects, with the names and ClickHouse types of their columns.

    ``truncated``: there are more rows than ``limit``. ``rows_read``: how many were looked at.
    """

    columns: list[Column]
    rows: list[dict[str, Any]]
    truncated: bool
    rows_read: int
    elapsed_ms: float


@post(
    "/sql",
    status_code=200,
    operation_id="askSql",
    summary="Ask in SQL",
    description="The body is a `query`, one SELECT of ClickHouse's SQL over the tables `records` "
    "and `amendments`, and at most `limit` rows (up to 10,000). Read-only, with limits of time, "
    "memory and size; functions that reach outside of the tables are refused.",
    responses={
        200: answers(SqlAnswer, "The rows"),
        400: BAD_QUESTION,
        413: answers(ErrorAnswer, "The question is too long"),
        415: answers(ErrorAnswer, "The body is not JSON"),
    },
    opt=READ,
)
async def ask_sql(request: Request[Any, Any, Any], parts: Given) -> SqlAnswer:
    """What a SELECT finds."""
    Query(request).end()
    question = await read_json(request, Question, MAX_BODY)
    sql = question.query if question.sql is None else question.sql
    if not sql or None not in (question.query, question.sql):
        raise QueryError('the body must have one "query", a SELECT', param="query")
    found = await run_sync(
        lambda: parts.guest.ask(sql, limit=question.limit), limiter=parts.guests_limit
    )
    return SqlAnswer(
        columns=found.columns,
        rows=found.rows,
        truncated=found.is_cut,
        rows_read=found.rows_read,
        elapsed_ms=found.elapsed_ms,
    )
