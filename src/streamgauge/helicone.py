"""Helicone's manual logger under its own names: changing the import is the whole migration.

The signatures are those of ``helicone_helpers`` 1.2.1, and of ``manual_logger`` there, where
its documentation looks for them. Logs go to a streamgauge server, in the background; an
error's status reaches them, SDK objects are logged as JSON, and nothing blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

from streamgauge.sdk.builder import LogBuilder, quiet
from streamgauge.sdk.logger import ManualLogger
from streamgauge.sdk.plain import json_text, measured

__all__ = [
    "HeliconeLogBuilder",
    "HeliconeManualLogger",
    "HeliconeResultRecorder",
    "LoggingOptions",
]

T = TypeVar("T")

# Where their documentation puts a stream's chunks and its first token's time among the results.
CHUNKS, TTFT = ("chunks", "streamed_data"), "time_to_first_token_ms"

# What their endpoint may end with; ours is added to the rest.
SUFFIXES = ("/custom/v1/log", "/oai/v1/log", "/anthropic/v1/log", "/googleapis/v1/log")


class LoggingOptions(TypedDict, total=False):
    """Times of `HeliconeManualLogger.send_log`: seconds since 1970, and milliseconds."""

    start_time: float
    end_time: float
    additional_headers: dict[str, str]
    time_to_first_token_ms: float | None


class HeliconeResultRecorder:
    """What an operation wants to have logged."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.results: dict[str, Any] = {}

    def append_results(self, data: dict[str, Any]) -> None:
        """Add to the results."""
        self.results.update(data)

    def get_results(self) -> dict[str, Any]:
        """Return the results so far."""
        return self.results


class HeliconeLogBuilder(LogBuilder):
    """Helicone's log builder; it can do what ours can besides."""

    def __init__(
        self,
        logger: HeliconeManualLogger,
        request: dict[str, Any],
        additional_headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(logger._logger.delivery, request, logger.headers, additional_headers)
        self.was_cancelled = False  # for callers to set, as in theirs

    def add_response(self, body: Any) -> None:
        """Note a whole answer: a dict, an SDK object, or text."""
        self.set_response(body)

    async def send_log(self) -> None:  # type: ignore[override]
        """Send the log; it only joins a queue."""
        if self.was_cancelled:
            self.cancel()
        super().send_log()


class HeliconeManualLogger:
    """Helicone's manual logger, against a streamgauge server."""

    def __init__(
        self,
        api_key: str | None = None,
        headers: dict[str, str] | None = None,
        logging_endpoint: str | None = None,
    ) -> None:
        self.api_key = api_key
        self.headers = dict(headers or {})
        self.logging_endpoint = logging_endpoint
        self._logger = ManualLogger(api_key, _base(logging_endpoint), self.headers)

    def log_request(
        self,
        request: dict[str, Any],
        operation: Callable[[HeliconeResultRecorder], T],
        additional_headers: dict[str, str] | None = None,
        provider: str | None = None,
    ) -> T:
        """Call *operation* with a recorder, log what it recorded, and return its result."""
        recorder = HeliconeResultRecorder(request)
        with self._logger.log_builder(request, additional_headers, provider) as log:
            result = operation(recorder)
            _note(log, recorder.get_results())
        return result

    def log_builder(
        self, request: dict[str, Any], additional_headers: dict[str, str] | None = None
    ) -> HeliconeLogBuilder:
        """Begin the log of a call."""
        return HeliconeLogBuilder(self, request, additional_headers)

    def new_builder(
        self, request: dict[str, Any], additional_headers: dict[str, str] | None = None
    ) -> HeliconeLogBuilder:
        """Begin the log of a call; the older name."""
        return self.log_builder(request, additional_headers)

    def send_log(
        self,
        provider: str | None,
        request: dict[str, Any],
        response: dict[str, Any] | str,
        options: LoggingOptions | None = None,
    ) -> None:
        """Log a call that is over, with the times in *options*."""
        options = options or {}
        start, end = options.get("start_time"), options.get("end_time")
        duration = (end - start) * 1000 if start is not None and end is not None else None
        self._logger.send_log(
            request,
            response,
            started_at=start,
            duration_ms=duration,
            ttft_ms=options.get("time_to_first_token_ms"),
            headers=options.get("additional_headers"),
            provider=provider,
        )

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait up to *timeout* seconds; tell whether all logs so far have arrived."""
        return self._logger.flush(timeout)


@quiet
def _note(log: LogBuilder, results: dict[str, Any]) -> None:
    """Note what an operation recorded: an answer, or the chunks of a stream in a list."""
    chunks = next((results[name] for name in CHUNKS if isinstance(results.get(name), list)), None)
    if not chunks:
        log.set_response(results)
        return
    log.set_response("\n".join(one if isinstance(one, str) else json_text(one) for one in chunks))
    log._account.ttft_ms = measured(results.get(TTFT))


def _base(endpoint: str | None) -> str | None:
    """Return the server's address, whatever of Helicone's path is behind it."""
    base = (endpoint or "").rstrip("/")
    for suffix in SUFFIXES:
        base = base.removesuffix(suffix)
    return base or None
