"""A stream that passes on the very same items, and notes each with its time of arrival.

All that a stream can do besides (``response``, ``close``, ``get_final_message`` …) is still
its own. The end is noted whichever way it comes: exhausted, an error of the source, an error
or a ``break`` of the reader, ``close``, a cancelled task, garbage collection, the end of the
program.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from streamgauge.sdk.plain import json_text

if TYPE_CHECKING:
    from streamgauge.sdk.builder import LogBuilder

T = TypeVar("T")

Format = Literal["sse", "ndjson"]

# What ends a stream of OpenAI's chat on the wire, and what their SDKs keep to themselves.
DONE = b"data: [DONE]\n\n"
ENDS_WITH_DONE = ("chat.completion.chunk", "text_completion")


class Note:
    """Tells a log what passes in one stream, and once how that ended.

    A *spare* one, which an operation returned, is for want of what it gives the log itself. If it
    is a generator, that may be as late as when it is read.
    """

    def __init__(self, log: LogBuilder, *, spare: bool = False) -> None:
        self._log = log
        self._is_spare = spare
        self.add = log._add_spare if spare else log._account.add
        self.miss = log._account.miss
        self.is_open = True
        log._stream_began(spare=spare)

    def end(self, error: BaseException | None = None, *, left: bool = False) -> None:
        """Say that the stream is at its end, that it failed, or that its reader left."""
        if self.is_open:
            self.is_open = False
            self._log._stream_ended(error, left=left, spare=self._is_spare)

    def __del__(self) -> None:
        if self.is_open:
            self.is_open = False
            self._log._stream_dropped(spare=self._is_spare)


class _Noted:
    """What streams of both kinds share."""

    def __init__(self, source: Any, log: LogBuilder, *, spare: bool = False) -> None:
        self._source = source
        self._log = log
        self._note = Note(log, spare=spare)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_source"], name)


class LoggedStream(_Noted, Generic[T]):
    """An iterator of the same items as *source*; `bytes` gives them for a web response."""

    def __init__(self, source: Iterable[T], log: LogBuilder, *, spare: bool = False) -> None:
        self._next = iter(source).__next__
        super().__init__(source, log, spare=spare)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            item = self._next()
        except StopIteration:
            self._note.end()
            raise
        except BaseException as error:
            self._note.end(error)
            raise
        self._note.add(item, perf_counter())
        return item

    def bytes(self, format: Format = "sse") -> Encoded:  # noqa: A002 - the word for it
        """Return an iterator of bytes for a web response: server-sent events, or JSON lines."""
        return Encoded(self, format)

    def drain(self) -> None:
        """Read the stream to its end for the log alone; its error is raised, as to any reader."""
        for _ in self:
            pass

    def close(self) -> None:
        """Leave the stream, and close the source if it can be closed."""
        self._note.end(left=True)
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> LoggedStream[T]:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None:
            self._log._reader_failed(error)
        self.close()


class AsyncLoggedStream(_Noted, Generic[T]):
    """An async iterator of the same items as *source*; `bytes` gives them for a web response."""

    def __init__(self, source: AsyncIterable[T], log: LogBuilder, *, spare: bool = False) -> None:
        self._anext = aiter(source).__anext__
        super().__init__(source, log, spare=spare)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            item = await self._anext()
        except StopAsyncIteration:
            self._note.end()
            raise
        except BaseException as error:
            self._note.end(error)
            raise
        self._note.add(item, perf_counter())
        return item

    def bytes(self, format: Format = "sse") -> AsyncEncoded:  # noqa: A002 - the word for it
        """Return an async iterator of bytes: server-sent events, or JSON lines."""
        return AsyncEncoded(self, format)

    async def drain(self) -> None:
        """Read the stream to its end for the log alone; its error is raised, as to any reader."""
        async for _ in self:
            pass

    def __await__(self) -> Generator[Any, None, None]:
        """Do the same."""
        return AsyncLoggedStream.drain(self).__await__()

    async def aclose(self) -> None:
        """Leave the stream, and close the source if it can be closed."""
        self._note.end(left=True)
        for name in ("aclose", "close"):
            close = getattr(self._source, name, None)
            if close is not None:
                await close()
                return

    async def close(self) -> None:
        """The same, under the name that SDKs have for it."""
        await self.aclose()

    async def __aenter__(self) -> AsyncLoggedStream[T]:
        return self

    async def __aexit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> None:
        if error is not None:
            self._log._reader_failed(error)
        await self.aclose()


class EitherStream(AsyncLoggedStream[T], LoggedStream[T]):
    """Of a source that can be read in both ways, as LiteLLM's can: so can this."""

    def __init__(self, source: Any, log: LogBuilder, *, spare: bool = False) -> None:
        self._next, self._anext = iter(source).__next__, aiter(source).__anext__
        _Noted.__init__(self, source, log, spare=spare)

    def bytes(self, format: Format = "sse") -> EitherEncoded:  # noqa: A002 - the word for it
        """Return an iterator of bytes, of both kinds."""
        return EitherEncoded(self, format)

    def drain(self) -> None:  # type: ignore[override]
        """Read the stream to its end for the log alone; async code awaits the stream itself."""
        LoggedStream.drain(self)

    def close(self) -> None:  # type: ignore[override]
        """Leave the stream; `aclose` does so in async code."""
        LoggedStream.close(self)


# -- as bytes --------------------------------------------------------------------------------


class _Encoder:
    """Turns items into bytes of a format, and knows what is still to be said at the end."""

    def __init__(self, format: Format) -> None:  # noqa: A002
        self._encoded: Callable[[Any], bytes] = FORMATS[format]
        self._ending = b""
        self._is_sse = format == "sse"

    def encode(self, item: Any) -> bytes:
        if self._is_sse and getattr(item, "object", None) in ENDS_WITH_DONE:
            self._ending = DONE
        return self._encoded(item)

    def ending(self) -> bytes:
        ending, self._ending = self._ending, b""
        return ending


def _sse(item: Any) -> bytes:
    if isinstance(item, bytes):
        return item
    kind = getattr(item, "type", None)
    event = f"event: {kind}\n" if isinstance(kind, str) else ""
    lines = (item if isinstance(item, str) else json_text(item)).split("\n")
    data = "\n".join(f"data: {line}" for line in lines)
    return f"{event}{data}\n\n".encode(errors="replace")


def _ndjson(item: Any) -> bytes:
    return item if isinstance(item, bytes) else f"{json_text(item)}\n".encode(errors="replace")


FORMATS = {"sse": _sse, "ndjson": _ndjson}


class Encoded:
    """The items of a stream as bytes. A WSGI server calls ``close``, however the answer ended."""

    def __init__(self, stream: LoggedStream[Any], format: Format) -> None:  # noqa: A002
        self._stream: Any = stream
        self._encoder = _Encoder(format)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return self._encoder.encode(next(self._stream))
        except StopIteration:
            ending = self._encoder.ending()
            if not ending:
                raise
            return ending

    def close(self) -> None:
        """Leave the stream."""
        self._stream.close()


class AsyncEncoded:
    """The items of an async stream as bytes."""

    def __init__(self, stream: AsyncLoggedStream[Any], format: Format) -> None:  # noqa: A002
        self._stream: Any = stream
        self._encoder = _Encoder(format)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return self._encoder.encode(await anext(self._stream))
        except StopAsyncIteration:
            ending = self._encoder.ending()
            if not ending:
                raise
            return ending

    async def aclose(self) -> None:
        """Leave the stream."""
        await self._stream.aclose()


class EitherEncoded(AsyncEncoded, Encoded):
    """The items of a stream of both kinds as bytes."""
