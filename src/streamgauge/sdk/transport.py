"""httpx transports under which a stream through Streamgauge survives broken connections.

The SDK above them notices nothing: what arrives is byte for byte what one connection would
have brought. A server that is not Streamgauge is passed through. They serve clients of httpx
and of httpx2, which some SDKs use: everything of a library is taken from the one that a
request is of.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from functools import cache
from time import monotonic, sleep
from typing import Any, cast

import httpx

Library = Any  # httpx or httpx2, which have the same names

GIVE_UP_AFTER_S = 30.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0

# Where the server says how to come back, and what asks it to.
RESUME_URL = "Streamgauge-Resume-Url"
RESUME = "Streamgauge-Resume"

# Not yet on its way, or nobody there for a moment: ask again.
PASSING = frozenset({404, 408, 429, 500, 502, 503, 504})

# What the gateway says in silence when asked for heartbeats; it is not part of the stream.
HEARTBEAT = b": keep-alive streamgauge\n\n"


class _Course:
    """Where one stream is: how many bytes have come, and what is left of patience."""

    def __init__(self, request: httpx.Request, response: httpx.Response, patience_s: float) -> None:
        self._request = request
        self.library = _library_of(request)
        self._url = request.url.join(response.headers[RESUME_URL])
        self._patience_s = patience_s
        self._offset = 0
        self._error: httpx.TransportError | None = None
        self._until = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._has_beats = "Streamgauge-Heartbeat" in request.headers
        self._held = b""

    def arrived(self, piece: bytes) -> bytes:
        """Take note of *piece* and return what of it is the stream's."""
        self._error = None
        self._pause_s = FIRST_PAUSE_S
        if self._has_beats:
            piece = self._without_beats(piece)
        self._offset += len(piece)
        return piece

    def rest(self) -> bytes:
        """Return what looked like the beginning of a heartbeat and was none."""
        held, self._held = self._held, b""
        self._offset += len(held)
        return held

    def broke(self, error: httpx.TransportError) -> float:
        """Return how many seconds to wait before coming back; raises *error* where in vain."""
        now = monotonic()
        self._held = b""
        if self._error is None:
            self._error = error
            self._until = now + self._patience_s
        if isinstance(error, self.library.TimeoutException) or now > self._until:
            raise self._error
        pause_s = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return pause_s

    def request(self) -> httpx.Request:
        """Return the request for what is missing."""
        url = self._url.copy_merge_params({"offset": str(self._offset)})
        made: httpx.Request = self.library.Request(
            "GET",
            url,
            headers={"Accept-Encoding": "identity"},
            extensions=dict(self._request.extensions),
        )
        return made

    def is_back(self, response: httpx.Response) -> bool:
        """Whether *response* goes on where the stream broke; raises what broke it if none will."""
        if response.status_code == 200:
            return True
        if response.status_code not in PASSING and self._error is not None:
            raise self._error
        return False

    def _without_beats(self, piece: bytes) -> bytes:
        piece = (self._held + piece).replace(HEARTBEAT, b"")
        size = next(
            (size for size in range(len(HEARTBEAT) - 1, 0, -1) if piece.endswith(HEARTBEAT[:size])),
            0,
        )
        self._held = piece[len(piece) - size :]
        return piece[: len(piece) - size]


def _is_resumable(request: httpx.Request, response: httpx.Response) -> bool:
    return RESUME_URL in response.headers and request.method != "HEAD"


def _library_of(request: httpx.Request) -> Library:
    return sys.modules[type(request).__module__.partition(".")[0]]


@cache
def _stream_of(library: Library) -> type[_Stream]:
    """Return the stream class for clients of *library*, which look whether it is one of theirs."""
    return type("ResumingStream", (_Stream, library.SyncByteStream), {})


@cache
def _async_stream_of(library: Library) -> type[_AsyncStream]:
    return type("AsyncResumingStream", (_AsyncStream, library.AsyncByteStream), {})


class _Stream:
    def __init__(
        self, transport: httpx.BaseTransport, response: httpx.Response, course: _Course
    ) -> None:
        self._transport = transport
        self._response = response
        self._course = course

    def __iter__(self) -> Iterator[bytes]:
        course = self._course
        while True:
            try:
                for piece in cast("Iterable[bytes]", self._response.stream):
                    yield course.arrived(piece)
            except course.library.TransportError as error:
                self._come_back(error)
                continue
            if rest := course.rest():
                yield rest
            return

    def _come_back(self, error: httpx.TransportError) -> None:
        while True:
            self._response.close()
            sleep(self._course.broke(error))
            try:
                response = self._transport.handle_request(self._course.request())
            except self._course.library.TransportError as failure:
                error = failure
                continue
            if self._course.is_back(response):
                self._response = response
                return
            response.close()

    def close(self) -> None:
        self._response.close()


class ResumingTransport(httpx.BaseTransport):
    """Resumes streams: ``OpenAI(http_client=httpx.Client(transport=ResumingTransport()))``.

    A stream that breaks is continued at the next byte. It gives up *give_up_after* seconds after
    the last byte, with the error that broke it; a timeout that the client has set is no break.
    *transport* makes the connections: the library's own `HTTPTransport` unless given.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        *,
        give_up_after: float = GIVE_UP_AFTER_S,
    ) -> None:
        self._transport = transport
        self._patience_s = give_up_after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*; the answer's stream resumes itself."""
        library = _library_of(request)
        transport = self._transport = self._transport or library.HTTPTransport()
        request.headers.setdefault(RESUME, "true")
        response = transport.handle_request(request)
        if not _is_resumable(request, response):
            return response
        course = _Course(request, response, self._patience_s)
        resuming: httpx.Response = library.Response(
            response.status_code,
            headers=response.headers,
            stream=_stream_of(library)(transport, response, course),
            extensions=response.extensions,
        )
        return resuming

    def close(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            self._transport.close()


class _AsyncStream:
    def __init__(
        self, transport: httpx.AsyncBaseTransport, response: httpx.Response, course: _Course
    ) -> None:
        self._transport = transport
        self._response = response
        self._course = course

    async def __aiter__(self) -> AsyncIterator[bytes]:
        course = self._course
        while True:
            try:
                async for piece in cast("AsyncIterable[bytes]", self._response.stream):
                    yield course.arrived(piece)
            except course.library.TransportError as error:
                await self._come_back(error)
                continue
            if rest := course.rest():
                yield rest
            return

    async def _come_back(self, error: httpx.TransportError) -> None:
        while True:
            await self._response.aclose()
            await asyncio.sleep(self._course.broke(error))
            try:
                response = await self._transport.handle_async_request(self._course.request())
            except self._course.library.TransportError as failure:
                error = failure
                continue
            if self._course.is_back(response):
                self._response = response
                return
            await response.aclose()

    async def aclose(self) -> None:
        await self._response.aclose()


class AsyncResumingTransport(httpx.AsyncBaseTransport):
    """`ResumingTransport` for `httpx.AsyncClient`."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        give_up_after: float = GIVE_UP_AFTER_S,
    ) -> None:
        self._transport = transport
        self._patience_s = give_up_after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*; the answer's stream resumes itself."""
        library = _library_of(request)
        transport = self._transport = self._transport or library.AsyncHTTPTransport()
        request.headers.setdefault(RESUME, "true")
        response = await transport.handle_async_request(request)
        if not _is_resumable(request, response):
            return response
        course = _Course(request, response, self._patience_s)
        resuming: httpx.Response = library.Response(
            response.status_code,
            headers=response.headers,
            stream=_async_stream_of(library)(transport, response, course),
            extensions=response.extensions,
        )
        return resuming

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()
