"""A call while it runs: the recommended way to log.

A log is sent once. When: at the end of the ``with`` block or on ``send_log``, but never
before the stream that it passes on has ended; without either, when that stream ends or when
nobody holds the builder any more. Nothing here raises into the caller and nothing waits.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from functools import wraps
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from streamgauge.sdk.account import LEFT, Account
from streamgauge.sdk.delivery import Delivery
from streamgauge.sdk.faults import BY_READER, Fault, fault_of, read_status
from streamgauge.sdk.ids import LogId, new_id
from streamgauge.sdk.labels import Headers, labelled
from streamgauge.sdk.plain import http_answer, snapshot
from streamgauge.sdk.process import before_the_end
from streamgauge.sdk.streams import AsyncLoggedStream, EitherStream, LoggedStream

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("streamgauge")


def quiet(method: Callable[P, None]) -> Callable[P, None]:
    """Keep an odd argument, or a fault of ours, from the caller."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(*args, **kwargs)
        except Exception:
            name = method.__name__
            log.warning("streamgauge: %s failed; a log lacks something", name, exc_info=True)

    return call


class LogBuilder:
    """The log of one call. Make it with `ManualLogger.log_builder`."""

    def __init__(
        self,
        delivery: Delivery,
        request: Any,
        *headers: Headers | None,
        provider: str | None = None,
    ) -> None:
        self._delivery = delivery
        self._headers = list(headers)
        self._account = Account(
            new_id(),
            snapshot(request),
            labelled(*headers),
            provider=provider,
            at=perf_counter(),
            started_ns=time_ns(),
        )
        self._streams = 0
        self._has_stream = False
        # Whether we were given what is to be logged, and a stream of it.
        self._is_given = self._is_given_stream = False
        self._is_in_block = False
        # Taken once, never given back, and never waited for: whoever gets it sends.
        self._once = threading.Lock()
        self._own()
        delivery.start()
        _open.add(self)

    # -- what it is about ------------------------------------------------------------------

    @property
    def id(self) -> LogId:
        """The id of the record that will be."""
        return self._account.id

    @quiet
    def add_additional_headers(self, headers: Headers) -> None:
        """Add ``Streamgauge-*`` or ``Helicone-*`` labels, or headers for the log call itself."""
        self._headers.append(headers)
        self._account.labels, self._account.http_headers = labelled(*self._headers)

    @quiet
    def add_model(self, model: str) -> None:
        """Say which model was asked, where the request does not."""
        if isinstance(self._account.request, dict):
            self._account.request["model"] = model

    # -- what came back --------------------------------------------------------------------

    @quiet
    def add_chunk(self, chunk: Any) -> None:
        """Note one piece of a stream: an SDK object, a dict, or text or bytes as on the wire."""
        self._given()
        self._account.add(chunk, perf_counter())

    @quiet
    def set_response(self, body: Any, status: int | None = None) -> None:
        """Note a whole answer, and end the call's clock.

        It may be an SDK's object, a dict, text, or a response of httpx or requests, whose status
        counts unless another is given.
        """
        self._given()
        answer = http_answer(body)
        if answer is not None:
            body, self._account.status = answer
        self._account.answer(body, perf_counter())
        self._note_status(status)

    @overload
    def to_readable_stream(self, stream: AsyncIterable[T]) -> AsyncLoggedStream[T]: ...
    @overload
    def to_readable_stream(self, stream: Iterable[T]) -> LoggedStream[T]: ...
    def to_readable_stream(
        self, stream: AsyncIterable[T] | Iterable[T]
    ) -> AsyncLoggedStream[T] | LoggedStream[T]:
        """Return an iterator of the very same items; each is noted as it passes."""
        passed: AsyncLoggedStream[T] | LoggedStream[T] = self._passed_on(stream)
        return passed

    @overload
    def attach_stream(self, stream: AsyncIterable[Any]) -> Awaitable[None]: ...
    @overload
    def attach_stream(self, stream: Iterable[Any]) -> None: ...
    def attach_stream(self, stream: AsyncIterable[Any] | Iterable[Any]) -> Awaitable[None] | None:
        """Read a stream to its end for the log alone, which also has its error.

        An async one is read by a task of its own, which may be awaited; where no event loop of
        asyncio runs, it has to be. The end of a loop cancels what is still read: its log has what
        came so far, as of a reader that left (``client_left``, ``CancelledError``).
        """
        passed = self.to_readable_stream(stream)
        if isinstance(passed, AsyncLoggedStream) and (loop := _running_loop()) is not None:
            return _held(loop.create_task(_read(passed)))
        if not isinstance(passed, LoggedStream):
            return _read(passed)
        with suppress(Exception):
            passed.drain()
        return None

    @quiet
    def set_error(self, error: BaseException | str, status: int | None = None) -> None:
        """Note how the call failed; the outcome follows from the exception and its status."""
        known, end = read_status(status)
        fault = fault_of(error, status=known, began=self._account.began)
        if end is not None:
            fault = Fault(*end, fault.type, fault.message)
        self._account.end(perf_counter(), fault)

    @quiet
    def cancel(self) -> None:
        """Note that the reader left; what came so far is kept."""
        self._account.end(perf_counter(), LEFT)

    # -- its end ---------------------------------------------------------------------------

    def send_log(self) -> LogId:
        """Send the log, at once or when its stream has ended, and return its id.

        It only joins a queue, so it needs no ``await``, and allows one.
        """
        self._delivery.start()
        self._own()
        self._send_when_ended()
        return self.id

    def __enter__(self) -> LogBuilder:
        self._is_in_block = True
        self._own()
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        self._is_in_block = False
        if error is not None:
            self._reader_failed(error)
        self._send_when_ended()

    async def __aenter__(self) -> LogBuilder:
        return self.__enter__()

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.__exit__(kind, error, traceback)

    def _note_status(self, given: Any) -> None:
        status, end = read_status(given)
        self._account.status = status or self._account.status
        if end is not None:
            self._account.end(perf_counter(), Fault(*end, None, None))

    def _own(self) -> None:
        """Make this process the one that sends it: a copy in a forked child is not sent, unless
        it is used there."""
        self._pid = os.getpid()

    def _send_when_ended(self) -> None:
        is_over = self._streams <= 0 or self._account.outcome is not None
        if self._pid != os.getpid():
            return
        if is_over and not self._is_in_block and self._once.acquire(blocking=False):
            self._account.end(perf_counter())
            self._delivery.put(self._account)

    def _reader_failed(self, error: BaseException) -> None:
        """Note an exception of the code around: the call's own, or of somebody who reads it."""
        if self._account.ended_at is not None:
            return  # the answer was whole; what became of it is another matter
        fault = fault_of(error, began=self._account.began, otherwise=BY_READER)
        if self._has_stream:
            # The stream would have told us of an error of its own.
            fault = LEFT._replace(type=fault.type, message=fault.message)
        self._account.end(perf_counter(), fault)

    # -- its streams -----------------------------------------------------------------------

    def _passed_on(self, stream: Any, *, spare: bool = False) -> Any:
        """Return *stream* as one that is noted; a spare one, while we are given nothing else."""
        if not isinstance(stream, AsyncIterable):
            return LoggedStream(stream, self, spare=spare)
        kind = EitherStream if isinstance(stream, Iterable) else AsyncLoggedStream
        return kind(stream, self, spare=spare)

    def _given(self) -> None:
        """Let go what a spare stream said: what we are given is what is to be logged."""
        if not self._is_given:
            self._is_given = True
            self._account.forget()

    def _add_spare(self, chunk: Any, at: float) -> None:
        if not self._is_given:
            self._account.add(chunk, at)

    def _stream_began(self, *, spare: bool) -> None:
        if not spare:
            self._given()
            self._is_given_stream = True
        self._streams += 1
        self._has_stream = True
        self._own()

    def _stream_ended(self, error: BaseException | None, *, left: bool, spare: bool) -> None:
        self._streams -= 1
        if spare and self._is_given_stream:
            # The given one tells how the call ended, and this how the code around it did.
            if error is not None:
                self._reader_failed(error)
        elif error is not None:
            account = self._account
            answered = account.status is not None and account.status < 400
            account.end(perf_counter(), fault_of(error, began=account.began, answered=answered))
        elif left:
            self._account.leave(perf_counter())
        else:
            self._account.ended_at = perf_counter()
        self._send_when_ended()

    def _stream_dropped(self, *, spare: bool) -> None:
        """Note that a stream was forgotten: its reader left when it took the last item."""
        self._streams -= 1
        if not (spare and self._is_given_stream):
            self._account.leave()
        self._send_when_ended()

    def _backdate(self, started_at: float | None, duration_ms: float | None) -> None:
        """Move the beginning to where a caller has measured it, in the past."""
        account = self._account
        if started_at is not None:
            account.started_ns = int(started_at * 1_000_000_000)
        elif duration_ms is not None:
            account.started_ns -= int(duration_ms * 1_000_000)

    # -- when nobody ends it ---------------------------------------------------------------

    def _end_with_process(self) -> None:
        self._is_in_block = False
        if self._account.is_empty and not self._streams:
            return
        if self._streams:
            self._account.leave()
        self._streams = 0
        self._send_when_ended()

    def __del__(self) -> None:
        if self.__dict__.get("_pid") == os.getpid() and not self._account.is_empty:
            self._is_in_block = False
            self._streams = 0
            self._send_when_ended()


async def _read(stream: AsyncLoggedStream[Any]) -> None:
    with suppress(Exception):
        await stream


# An event loop forgets a task that nobody holds.
_reading: set[Task[None]] = set()


def _held(task: Task[None]) -> Task[None]:
    _reading.add(task)
    task.add_done_callback(_reading.discard)
    return task


def _running_loop() -> AbstractEventLoop | None:
    import asyncio  # half of the time that importing us would take

    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    return None


# Those that may still run when the program ends.
_open: weakref.WeakSet[LogBuilder] = weakref.WeakSet()


@before_the_end.append
def _end_all() -> None:
    for one in list(_open):
        one._end_with_process()
