"""Flushing after a response, where a process is frozen or ends as soon as it has answered.

A log never delays an answer, so a server that stays needs nothing of this. On AWS Lambda
and its like, what has not been sent when the handler returns may wait for hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from inspect import iscoroutinefunction
from time import monotonic
from typing import Any, ParamSpec, TypeVar, cast

from streamgauge.sdk.logger import in_thread
from streamgauge.sdk.process import everyone

P = ParamSpec("P")
T = TypeVar("T")

# Seconds: what a warm function may pay at most for logs of a server that is away.
FLUSH_AFTER_S = 2.0


def flush_all(timeout: float = FLUSH_AFTER_S) -> bool:
    """Wait up to *timeout* seconds for the logs of all loggers; tell whether they arrived."""
    end = monotonic() + timeout
    arrived = [one.flush(max(end - monotonic(), 0.0)) for one in list(everyone)]
    return all(arrived)


def flush_after(handler: Callable[P, T]) -> Callable[P, T]:
    """Flush after each call of *handler*: a function, an async one, or an ASGI application."""
    if iscoroutinefunction(handler) or iscoroutinefunction(type(handler).__call__):

        @wraps(handler)
        async def handle_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return await cast("Any", handler(*args, **kwargs))
            finally:
                await in_thread(flush_all)

        return cast("Callable[P, T]", handle_async)

    @wraps(handler)
    def handle(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return handler(*args, **kwargs)
        finally:
            flush_all()

    return handle


def flush_after_wsgi(application: Callable[..., Iterable[bytes]]) -> Callable[..., _Answer]:
    """Flush after each answer of a WSGI *application*, when the server has closed it."""
    return lambda environ, start_response: _Answer(application(environ, start_response))


class _Answer:
    """A WSGI answer; PEP 3333 has the server call ``close``, however it ended."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            flush_all()
