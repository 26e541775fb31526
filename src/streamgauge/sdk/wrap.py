"""A provider's client whose every call is logged, in one line.

Every SDK of today sends its requests with an httpx client; its ``send`` is the one place
that all calls pass: plain, streamed, with helpers, with raw responses, each retry. What is
noted there is what a gateway would see: the request's body, the answer's bytes, decoded,
and when they came. So the record is the same as for a proxied call. Nothing of the SDK is
replaced: its objects, and what it does on errors, stay its own.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from inspect import iscoroutinefunction
from typing import Any, TypeVar
from urllib.parse import urlsplit

from streamgauge.errors import ConfigurationError
from streamgauge.sdk.builder import LogBuilder
from streamgauge.sdk.labels import Headers, is_label
from streamgauge.sdk.logger import ManualLogger, _Logger

C = TypeVar("C")

log = logging.getLogger("streamgauge")

# Whose API a host is. A host that is not here is known by what it says.
HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "generativelanguage.googleapis.com": "google",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "openrouter.ai": "openrouter",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.cerebras.ai": "cerebras",
}
# Packages that speak to one provider only, wherever its base URL points.
PACKAGES = frozenset(["anthropic", "together"])

# Where providers put their id of a request.
ID_HEADERS = (
    "x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "x-together-request-id",
    "x-goog-request-id",
)  # fmt: skip


def wrap(
    client: C,
    logger: _Logger | None = None,
    headers: Headers | None = None,
    provider: str | None = None,
) -> C:
    """Log every call of an OpenAI, Anthropic or Together *client* from now on, and return it.

    Sync or async, streamed or not; an ``httpx.Client`` can be wrapped too. Labels come from
    *headers* and from a call's ``extra_headers``, which do not reach the provider. Raises
    `ConfigurationError` if there is no httpx client in it.
    """
    http: Any = client if callable(getattr(client, "send", None)) else None
    http = http or getattr(client, "_client", None)
    if not callable(getattr(http, "send", None)):
        raise ConfigurationError(f"wrap: {type(client).__name__} has no httpx client to log")
    if "send" in vars(http):
        return client  # it is wrapped already
    package = type(client).__module__.partition(".")[0]
    provider = provider or (package if package in PACKAGES else None)
    calls = _Calls(logger or default_logger(), headers, provider)
    http.send = (_async_send if iscoroutinefunction(http.send) else _send)(http.send, calls)
    return client


@cache
def default_logger() -> ManualLogger:
    """Return the logger of those who name none: configured by the environment."""
    return ManualLogger()


class _Calls:
    """Makes the log of each request of one client."""

    def __init__(self, logger: _Logger, headers: Headers | None, provider: str | None) -> None:
        self._logger = logger
        self._headers = headers or {}
        self._provider = provider
        self._own_origin = urlsplit(logger.delivery.url).netloc

    def begin(self, request: Any) -> LogBuilder | None:
        """Return the log of a request, if it is one to log; labels stay here."""
        try:
            labels = {name: one for name, one in request.headers.items() if is_label(name)}
            if request.method != "POST" or request.url.netloc.decode() == self._own_origin:
                return None  # a question without a body, or the gateway, which records it
            for name in labels:
                del request.headers[name]
            provider = self._provider or HOSTS.get(request.url.host)
            made = self._logger.log_builder(_body(request), {**self._headers, **labels}, provider)
        except Exception:
            log.warning("streamgauge: a call could not be logged", exc_info=True)
            return None
        made._account.path = request.url.path
        return made


def _body(request: Any) -> bytes | None:
    """Return a body that is in memory; an upload that streams is not read for us."""
    try:
        return bytes(request.content)
    except Exception:
        return None


def _head(made: LogBuilder, response: Any) -> None:
    headers = response.headers
    account = made._account
    account.status = response.status_code
    account.content_type = headers.get("content-type")
    account.headers = {name: headers[name] for name in ID_HEADERS if name in headers} or None


# -- sync ------------------------------------------------------------------------------------


def _send(send: Callable[..., Any], calls: _Calls) -> Callable[..., Any]:
    def logged_send(request: Any, *args: Any, **options: Any) -> Any:
        made = calls.begin(request)
        if made is None:
            return send(request, *args, **options)
        with made:
            response = send(request, *args, **options)
            _head(made, response)
            if not options.get("stream"):
                made.set_response(response.content)
                return response
        pieces = _Pieces(response)
        stream = made.to_readable_stream(pieces)

        def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
            pieces.size = chunk_size
            # From here on the stream holds the response, and not the other way round.
            del response.iter_bytes
            return stream

        response.iter_bytes = iter_bytes
        return response

    return logged_send


class _Pieces:
    """The body of a response, not asked for before it is read."""

    def __init__(self, response: Any) -> None:
        # Weak, since the response holds us: it shall go as soon as nobody reads it.
        self._response = weakref.ref(response)
        self._pieces: Iterator[bytes] | None = None
        self.size: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._response().iter_bytes(self.size)  # type: ignore[union-attr]
        return next(self._pieces)


# -- async -----------------------------------------------------------------------------------


def _async_send(send: Callable[..., Any], calls: _Calls) -> Callable[..., Any]:
    async def logged_send(request: Any, *args: Any, **options: Any) -> Any:
        made = calls.begin(request)
        if made is None:
            return await send(request, *args, **options)
        with made:
            response = await send(request, *args, **options)
            _head(made, response)
            if not options.get("stream"):
                made.set_response(response.content)
                return response
        pieces = _AsyncPieces(response)
        stream = made.to_readable_stream(pieces)

        def aiter_bytes(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            pieces.size = chunk_size
            del response.aiter_bytes
            return stream

        response.aiter_bytes = aiter_bytes
        return response

    return logged_send


class _AsyncPieces:
    """The same, async."""

    def __init__(self, response: Any) -> None:
        self._response = weakref.ref(response)
        self._pieces: AsyncIterator[bytes] | None = None
        self.size: int | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._response().aiter_bytes(self.size)  # type: ignore[union-attr]
        return await anext(self._pieces)
