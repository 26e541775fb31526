"""Helicone's ``providerRequest`` and ``providerResponse`` as a `Log` of ours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from streamgauge.api.helicone.checks import NUMBER, check, times_of
from streamgauge.api.ids import id_at
from streamgauge.api.log import Log, LoggedError, LoggedLabels, LoggedResponse
from streamgauge.api.told import joined, split_error, type_of
from streamgauge.record import ClosedBy, Outcome
from streamgauge.recorder.labels import labels_of
from streamgauge.secrets import OURS

# The provider that a path names; on the others the body may name one.
PROVIDERS = {"oai": "openai", "anthropic": "anthropic", "googleapis": "google"}

# What Helicone writes for ends that HTTP has no number for.
ENDS = {
    -1: (Outcome.STALLED, ClosedBy.CLIENT),
    -2: (Outcome.STALLED, ClosedBy.CLIENT),
    -3: (Outcome.CLIENT_LEFT, ClosedBy.CLIENT),
    -4: (Outcome.REFUSED, ClosedBy.GATEWAY),
}
OTHER_END = (Outcome.TRUNCATED, ClosedBy.UPSTREAM)

# What its builders write for every error that has no status.
ERROR_STATUS = 500

# Dollars; what is more is a mistake, or in another unit.
MAX_COST = 1e6

EVENTS = ("tool", "vector_db", "data")
NO_TYPE = "unknown"  # where a request is none of these

# Where a stream may be in an answer, as a list.
CHUNKS = ("streamed_data", "chunks")
_NOTHING_SAID = (("_type", NO_TYPE), ("toolName", NO_TYPE))  # as its Python client writes

_encode = msgspec.json.encode


def log_of(
    told: dict[str, Any], *, api: str, headers: Iterable[tuple[str, str]]
) -> tuple[Log, str]:
    """Return *told* as a `Log`, and the id that the caller gets; raises `Invalid`.

    *api*: the first part of the path. *headers*: of the HTTP request; they win over ``meta``.
    """
    check(told)
    asked, answered = told["providerRequest"], told["providerResponse"]
    started_at, ended_ms = times_of(told.get("timing"))
    request = asked.get("json")
    fields = request if isinstance(request, dict) else {}
    labels = labels_of([*_texts(asked["meta"]), *headers])
    log = Log(
        id=id_at(started_at, _noise(labels.client_request_id)),
        started_at=started_at,
        request=request,
        provider=_provider(api, told.get("provider")),
        path=_path(asked["url"]),
        ended_ms=ended_ms,
        labels=msgspec.convert(labels, LoggedLabels, from_attributes=True),
        event=fields if fields.get("_type") in EVENTS else None,
    )
    _answer(log, answered)
    log.response.ttft_ms = _ttft(told, answered)
    return log, _own_id(labels.client_request_id) or str(log.id)


def _answer(log: Log, answered: dict[str, Any]) -> None:
    """Fill in what was answered, and how it ended."""
    status = answered["status"]
    body, kind, trouble = _said(log, answered, failed=status >= 400)
    has_begun = body is not None
    if trouble is not None:
        log.error = trouble
        status = _status_of_error(status, has_begun=has_begun)
        log.outcome = Outcome.FAULT_IN_STREAM if has_begun else Outcome.HTTP_ERROR
        log.closed_by = ClosedBy.UPSTREAM
    elif status >= 400:
        log.error = _error_of(body)
    elif status < 0:
        log.outcome, log.closed_by = ENDS.get(int(status), OTHER_END)
        status = 200 if has_begun else 0
    log.response = LoggedResponse(
        status=int(status) if 100 <= status <= 999 else None,
        content_type=kind,
        headers=_headers(answered["headers"]),
        body=body,
        cost_usd=_cost(answered.get("cost")),
    )


def _cost(told: Any) -> float | None:
    is_number = isinstance(told, NUMBER) and not isinstance(told, bool)
    return float(told) if is_number and 0 < told < MAX_COST else None


def _error_of(body: Any) -> LoggedError | None:
    """Return the error in an answer that is none, if its words are where they use to be."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        kind, message = error.get("type"), error.get("message")
        return LoggedError(*(one if isinstance(one, str) else None for one in (kind, message)))
    return LoggedError(None, error) if isinstance(error, str) else None


def _status_of_error(status: float, *, has_begun: bool) -> float:
    """Return the provider's own status behind an error that a builder was given.

    Its 500 stands for any error, and Python's client says 200 all the same: an answer that had
    begun was a 200.
    """
    if status in (200, ERROR_STATUS):
        return 200 if has_begun else ERROR_STATUS
    return status


def _said(
    log: Log, answered: dict[str, Any], *, failed: bool
) -> tuple[Any, str | None, LoggedError | None]:
    """Return the answer, its content type, and the error that was told with it."""
    text = answered.get("textBody")
    if isinstance(text, str) and text:
        trouble, rest = split_error(text, failed=failed)
        error = LoggedError(trouble.type, trouble.message) if trouble else None
        if not rest.strip():
            return None, None, error
        is_stream = isinstance(log.request, dict) and log.request.get("stream") is True
        return rest, type_of(rest, is_stream=is_stream), error
    said = answered.get("json")
    if isinstance(said, dict):
        said = {k: v for k, v in said.items() if (k, v) not in _NOTHING_SAID}
        chunks = next((said[k] for k in CHUNKS if isinstance(said.get(k), list)), None)
        if chunks and log.event is None:
            return *joined(chunks), None
    return said or None, None, None


def _ttft(told: dict[str, Any], answered: dict[str, Any]) -> float | None:
    """Return the time to the first token; 0 is what is written where nobody measured it."""
    said = answered.get("json")
    beside = said.get("time_to_first_token_ms") if isinstance(said, dict) else None
    measured = (told.get("timing") or {}).get("timeToFirstToken")
    for value in (measured, beside):
        if isinstance(value, NUMBER) and not isinstance(value, bool) and 0 < value < 1e9:
            return float(value)
    return None


def _provider(api: str, named: Any) -> str | None:
    return PROVIDERS.get(api) or (named.lower() if isinstance(named, str) else None)


def _path(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None  # its clients write a word of their own
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _texts(meta: Any) -> list[tuple[str, str]]:
    """Return Helicone's options in *meta*, which may hold anything beside them."""
    given = meta.items() if isinstance(meta, Mapping) else ()
    return [
        (name, value if isinstance(value, str) else _encode(value).decode())
        for name, value in given
        if value is not None
    ]


def _headers(headers: Any) -> dict[str, str]:
    """Return the provider's headers, without those of the client that stand among them."""
    ours = tuple(prefix.decode() for prefix in OURS)
    return {name: value for name, value in _texts(headers) if not name.lower().startswith(ours)}


def _noise(own: str | None) -> bytes:
    """Return what tells the log's id from others; the same call told again has the same."""
    return blake2b(own.encode(), digest_size=10).digest() if own else os.urandom(10)


def _own_id(given: str | None) -> str | None:
    try:
        return str(UUID(given)) if given else None
    except ValueError:
        return None
