"""A provider's client whose every call is logged, in one line.

Every SDK of today sends its requests with an httpx client; its ``send`` is the one place
that all calls pass: plain, streamed, with helpers, with raw responses, each retry. What is
noted there is what a gateway would see: the request's body, the answer's bytes, decoded,
and when they came. So the record is the same as for a proxied call. Nothing of the SDK is
replaced: its objects, and what it does on errors, stay its own.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit

from streamgauge.errors import ConfigurationError
from streamgauge.sdk.builder import LogBuilder
from streamgauge.sdk.inflate import Inflate, inflater
from streamgauge.sdk.labels import Headers, is_label
from streamgauge.sdk.logger import ManualLogger, _Logger
from streamgauge.sdk.streams import Note

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
            provider = self._provider or _provider_of(request.url.host)
            made = self._logger.log_builder(_body(request), {**self._headers, **labels}, provider)
        except Exception:
            log.warning("streamgauge: a call could not be logged", exc_info=True)
            return None
        made._account.path = request.url.path
        return made


def _provider_of(host: str) -> str | None:
    return "azure" if host.endswith(".openai.azure.com") else HOSTS.get(host)


def _body(request: Any) -> bytes | None:
    """Return a body that is in memory; an upload that streams is not read for us."""
    try:
        return bytes(request.content)
    except Exception:
        return None


def _began(made: LogBuilder, response: Any, noting: Callable[[Any], Any] | None) -> None:
    """Note the head of an answer, and its body: now, or as it is read by a class of *noting*."""
    headers = response.headers
    account = made._account
    account.status = response.status_code
    account.content_type = headers.get("content-type")
    account.headers = {name: headers[name] for name in ID_HEADERS if name in headers} or None
    if noting is None:
        made.set_response(response.content)
    else:
        response.reading, response.__class__ = _Reading(made), noting(response.__class__)


class _Reading:
    """Notes the body of a streamed answer while somebody reads it, and how that ends."""

    def __init__(self, log: LogBuilder) -> None:
        self._note = Note(log)
        # Whether the next piece is being asked for: a client may close itself meanwhile.
        self.is_asking = False

    def noted(self, pieces: Iterator[bytes], inflate: Inflate = bytes) -> Iterator[bytes]:
        """Yield the pieces of the body; bytes that are asked for decoded ask for raw ones."""
        with self:
            for piece in pieces:
                self._came(inflate(piece))
                yield piece
                self.is_asking = True

    async def noted_async(
        self, pieces: AsyncIterator[bytes], inflate: Inflate = bytes
    ) -> AsyncIterator[bytes]:
        """The same, async."""
        with self:
            async for piece in pieces:
                self._came(inflate(piece))
                yield piece
                self.is_asking = True

    def __enter__(self) -> None:
        self.is_asking = True

    def _came(self, piece: bytes | None) -> None:
        if piece is None:
            self._note.miss()
        elif piece:
            self._note.add(piece, perf_counter())
        self.is_asking = False

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, GeneratorExit):
            self._note.end(left=True)
        else:
            self._note.end(error)

    def leave(self) -> None:
        """Note that the answer is closed: by its reader, unless it is at its end or broken."""
        if not self.is_asking:
            self._note.end(left=True)


# -- sync ------------------------------------------------------------------------------------


def _send(send: Callable[..., Any], calls: _Calls) -> Callable[..., Any]:
    def logged_send(request: Any, *args: Any, **options: Any) -> Any:
        made = calls.begin(request)
        if made is None:
            return send(request, *args, **options)
        with made:
            response = send(request, *args, **options)
            _began(made, response, _noting if options.get("stream") else None)
        return response

    return logged_send


@cache
def _noting(kind: Any) -> Any:
    """Return a class of responses like *kind* that note their bodies as they are read."""

    class Noting(kind):  # type: ignore[misc]
        reading: _Reading

        def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
            return self.reading.noted(super().iter_bytes(chunk_size))

        def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
            raw: Iterator[bytes] = super().iter_raw(chunk_size)
            if self.reading.is_asking:
                return raw
            return self.reading.noted(raw, inflater(self.headers.get("content-encoding")))

        def close(self) -> None:
            self.reading.leave()
            super().close()

    return Noting


# -- async -----------------------------------------------------------------------------------


def _async_send(send: Callable[..., Any], calls: _Calls) -> Callable[..., Any]:
    async def logged_send(request: Any, *args: Any, **options: Any) -> Any:
        made = calls.begin(request)
        if made is None:
            return await send(request, *args, **options)
        with made:
            response = await send(request, *args, **options)
            _began(made, response, _async_noting if options.get("stream") else None)
        return response

    return logged_send


@cache
def _async_noting(kind: Any) -> Any:
    """The same, async."""

    class Noting(kind):  # type: ignore[misc]
        reading: _Reading

        def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
            return self.reading.noted_async(super().aiter_bytes(chunk_size))

        def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
            raw: AsyncIterator[bytes] = super().aiter_raw(chunk_size)
            if self.reading.is_asking:
                return raw
            return self.reading.noted_async(raw, inflater(self.headers.get("content-encoding")))

        async def aclose(self) -> None:
            self.reading.leave()
            await super().aclose()

    return Noting
