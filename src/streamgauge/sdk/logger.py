"""The loggers: where logs go, and one method for each way of calling a provider.

Both are the same but for the two methods that run an operation of yours, and those that
wait (`flush`, `close`).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from time import time
from typing import Any, TypeVar, cast, overload

from streamgauge.sdk.builder import LogBuilder
from streamgauge.sdk.delivery import EXIT_TIMEOUT_S, MAX_QUEUED, TIMEOUT_S, Delivery
from streamgauge.sdk.ids import LogId
from streamgauge.sdk.labels import Headers
from streamgauge.sdk.plain import measured
from streamgauge.sdk.streams import AsyncLoggedStream, LoggedStream

T = TypeVar("T")

BASE_URL = "http://127.0.0.1:4284"

# Seconds by which a call may begin in the future, because clocks differ. The server allows a day.
AHEAD_S = 3600.0

# Seconds that `flush` and `close` wait unless told otherwise.
FLUSH_TIMEOUT_S = 10.0


_delivery = cache(Delivery)


class _Logger:
    """What both loggers have in common: everything that does not wait."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        headers: Headers | None = None,
        *,
        provider: str | None = None,
        spool: str | Path | None = None,
        max_queued: int = MAX_QUEUED,
        timeout: float = TIMEOUT_S,
        exit_timeout: float = EXIT_TIMEOUT_S,
    ) -> None:
        folder = spool or os.environ.get("STREAMGAUGE_SPOOL")
        self.headers = dict(headers or {})
        self.provider = provider
        # Who makes a logger for each request has one thread all the same.
        self.delivery = _delivery(
            base_url or os.environ.get("STREAMGAUGE_BASE_URL") or BASE_URL,
            api_key=api_key
            or os.environ.get("STREAMGAUGE_API_KEY")
            or os.environ.get("HELICONE_API_KEY"),
            spool=Path(folder) if folder else None,
            max_queued=max_queued,
            timeout=timeout,
            exit_timeout=exit_timeout,
        )

    def log_builder(
        self, request: Any, headers: Headers | None = None, provider: str | None = None
    ) -> LogBuilder:
        """Begin the log of a call, now: the recommended way."""
        return LogBuilder(
            self.delivery, request, self.headers, headers, provider=provider or self.provider
        )

    @overload
    def log_single_stream(
        self,
        request: Any,
        stream: AsyncIterable[T],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> AsyncLoggedStream[T]: ...
    @overload
    def log_single_stream(
        self,
        request: Any,
        stream: Iterable[T],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> LoggedStream[T]: ...
    def log_single_stream(
        self,
        request: Any,
        stream: AsyncIterable[T] | Iterable[T],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> AsyncLoggedStream[T] | LoggedStream[T]:
        """Return *stream*, to be read instead of it; its log is sent when it ends.

        Its `drain` reads it for the log alone, and so does awaiting it if it is async.
        """
        return self.log_builder(request, headers, provider).to_readable_stream(stream)

    def log_single_request(
        self,
        request: Any,
        body: Any,
        latency_ms: float | None = None,
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> LogId:
        """Log a call that is over, whose answer took *latency_ms*."""
        return self.send_log(
            request, body, duration_ms=latency_ms, headers=headers, provider=provider
        )

    def send_log(
        self,
        request: Any,
        response: Any = None,
        *,
        chunks: Iterable[tuple[float, Any]] = (),
        started_at: float | None = None,
        duration_ms: float | None = None,
        ttft_ms: float | None = None,
        status: int | None = None,
        error: BaseException | str | None = None,
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> LogId:
        """Log a call that is over, with the times that you have measured.

        *chunks* are pieces of a stream with the milliseconds after which they came; where a
        stream is one text, *ttft_ms* says when its first token did. *started_at* is in seconds
        since 1970; without it the call is taken to end now. What cannot be a time is left out.
        """
        started_at = measured(started_at, time() + AHEAD_S)
        duration_ms = measured(duration_ms)
        log = self.log_builder(request, headers, provider)
        log._backdate(started_at, duration_ms)
        log._given()
        for ms, chunk in chunks:
            log._account.add(chunk, log._account.started_at + (measured(ms) or 0.0) / 1000)
        if response is not None:
            log.set_response(response)
            log._account.ttft_ms = measured(ttft_ms)
        if error is not None:
            log.set_error(error, status)
        log._note_status(status)
        if duration_ms is not None:
            log._account.ended_at = log._account.started_at + duration_ms / 1000
        return log.send_log()


class ManualLogger(_Logger):
    """Logs calls that do not pass the gateway. Nothing that it does raises or waits.

    *api_key* and *base_url* come from ``STREAMGAUGE_API_KEY`` (or ``HELICONE_API_KEY``) and
    ``STREAMGAUGE_BASE_URL`` where they are not given. *headers* go with every log. *spool*
    (``STREAMGAUGE_SPOOL``) is a folder for what cannot be delivered. *timeout* (seconds) is
    for one attempt, *exit_timeout* for the end of the program.
    """

    def log_request(
        self,
        request: Any,
        operation: Callable[[LogBuilder], T],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> T:
        """Call *operation* with a log builder; what it returns is the answer.

        If that is an iterator, an iterator of the same items is returned in its place.
        """
        with self.log_builder(request, headers, provider) as log:
            return cast(T, noted(log, operation(log)))

    def log_stream(
        self,
        request: Any,
        operation: Callable[[LogBuilder], T],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> T:
        """Call *operation*, which gives its streams to the log builder, or else returns one.

        What it gives is the log; a stream that it returns is logged where it gives nothing.
        """
        with self.log_builder(request, headers, provider) as log:
            return cast(T, noted(log, operation(log), is_answer=False))

    def flush(self, timeout: float = FLUSH_TIMEOUT_S) -> bool:
        """Wait up to *timeout* seconds; tell whether all logs so far have arrived."""
        return self.delivery.flush(timeout)

    def close(self, timeout: float = FLUSH_TIMEOUT_S) -> None:
        """Flush, and end the thread; a log after that begins a new one."""
        self.delivery.close(timeout)

    def __enter__(self) -> ManualLogger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncManualLogger(_Logger):
    """The same for async code; what takes an operation, and what waits, is awaited."""

    async def log_request(
        self,
        request: Any,
        operation: Callable[[LogBuilder], Awaitable[T]],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> T:
        """Await *operation* with a log builder; what it returns is the answer.

        If that is an async iterator, one of the same items is returned in its place.
        """
        with self.log_builder(request, headers, provider) as log:
            return cast(T, noted(log, await awaited(operation(log))))

    async def log_stream(
        self,
        request: Any,
        operation: Callable[[LogBuilder], Awaitable[T]],
        headers: Headers | None = None,
        provider: str | None = None,
    ) -> T:
        """Await *operation*, which gives its streams to the log builder, or else returns one.

        What it gives is the log; a stream that it returns is logged where it gives nothing.
        """
        with self.log_builder(request, headers, provider) as log:
            return cast(T, noted(log, await awaited(operation(log)), is_answer=False))

    async def flush(self, timeout: float = FLUSH_TIMEOUT_S) -> bool:  # noqa: ASYNC109
        """Wait up to *timeout* seconds; tell whether all logs so far have arrived."""
        return await in_thread(self.delivery.flush, timeout)

    async def close(self, timeout: float = FLUSH_TIMEOUT_S) -> None:  # noqa: ASYNC109
        """Flush, and end the thread; a log after that begins a new one."""
        await in_thread(self.delivery.close, timeout)

    async def __aenter__(self) -> AsyncManualLogger:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def noted(log: LogBuilder, result: Any, *, is_answer: bool = True) -> Any:
    """Note what an operation returned: a stream to be passed on, or the answer itself."""
    if isinstance(result, LoggedStream | AsyncLoggedStream):
        return result
    if isinstance(result, Iterator | AsyncIterator):
        return log._passed_on(result, spare=True)
    if is_answer and result is not None and not log._is_given:
        log.set_response(result)
    return result


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a function that waits, without holding up the event loop."""
    import asyncio  # half of the time that importing us would take

    return await asyncio.to_thread(function, *args)


async def awaited(value: Any) -> Any:
    """Await *value* if it can be, and is no stream of ours, which would be read to its end."""
    is_stream = isinstance(value, AsyncLoggedStream)
    return await value if inspect.isawaitable(value) and not is_stream else value
