"""The attempts at one exchange: whom to ask first, and whom after a failure, and when.

No sockets and no clock, as in `exchange`. All of it happens before the first byte has
reached the client; what fails later is not tried again here.
"""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from time import time

from msgspec import Struct

from streamgauge.gateway.breaker import Breaker, Budget, Watch
from streamgauge.gateway.head import ResponseHead
from streamgauge.gateway.targets import Plan, Target

# A target that wants to be left alone for longer than this is not waited for.
LONGEST_RETRY_AFTER_NS = 30_000_000_000

# A 429 that no waiting helps against.
NO_QUOTA = b"insufficient_quota"


class Failure(Struct, frozen=True):
    """Why an attempt did not succeed."""

    type: str
    message: str
    status: int | None = None
    wait_ns: int | None = None  # before which the target does not want to be asked again
    is_lasting: bool = False  # the same target would only fail, or be silent, again


class Attempts:
    """Where one exchange stands in its plan."""

    __slots__ = ("_index", "_may_rescue", "_plan", "_retries", "_watch", "number")

    def __init__(self, plan: Plan, watch: Watch) -> None:
        self._plan = plan
        self._watch = watch
        self._index = 0
        self._retries = plan.retries
        self._may_rescue = plan.is_rescuing
        self.number = 1

    @property
    def plan(self) -> Plan:
        """What may be tried."""
        return self._plan

    @property
    def target(self) -> Target:
        """Who is asked now."""
        return self._plan.targets[self._index]

    @property
    def index(self) -> int:
        """Which of the targets that is, from 0."""
        return self._index

    def begin(self, at: int) -> None:
        """Choose the first target that is worth asking, or the very first if none is."""
        self._index = self._next(0, at) or 0
        self._of(self._index)[1].earn()

    def failed(self, failure: Failure, at: int) -> int | None:
        """Return in how many ns to ask whoever is `target` then; None if that was all."""
        breaker, budget = self._of(self._index)
        breaker.failed(at, not_before_ns=at + (failure.wait_ns or 0))
        wait = self._wait(failure)
        is_again = not failure.is_lasting and self._retries > 0 and not breaker.is_open
        if is_again and wait <= LONGEST_RETRY_AFTER_NS and budget.spend():
            self._retries -= 1
            self.number += 1
            return wait
        following = self._next(self._index + 1, at)
        if following is None:
            return None
        self._index = following
        self._retries = self._plan.retries
        self._of(following)[1].earn()
        self.number += 1
        return 0

    def interrupted(self, failure: Failure, at: int) -> int | None:
        """A stream broke in the middle: as `failed`, with one more try at the same target."""
        self._retries = max(self._retries, 1) if self._may_rescue else self._retries
        self._may_rescue = False
        return self.failed(failure, at)

    def is_failure(self, status: int) -> bool:
        """Whether an answer of that status is worth another attempt."""
        return status in self.target.codes

    def succeeded(self) -> None:
        """The target has answered."""
        self._of(self._index)[0].succeeded()

    def _of(self, index: int) -> tuple[Breaker, Budget]:
        return self._watch.of(self._plan.targets[index].name)

    def _next(self, start: int, at: int) -> int | None:
        """Return the first target from *start* on whose breaker allows it."""
        for index in range(start, len(self._plan.targets)):
            if self._of(index)[0].allows(at):
                return index
        return None

    def _wait(self, failure: Failure) -> int:
        """Return the back-off: at least what the target asks for, with jitter on ours."""
        backoff = self._plan.backoff
        done = self._plan.retries - self._retries
        ours = min(backoff.first_ns * backoff.factor**done, backoff.most_ns)
        jittered = int(ours * random.uniform(0.5, 1.0))  # noqa: S311 - nobody gains by guessing
        return max(jittered, failure.wait_ns or 0)


def refusal(head: ResponseHead, body: bytes) -> Failure:
    """Return what an answer of failure means; *body* is as much of it as has come."""
    said = {name.lower(): value for name, _, value in (_split(line) for line in head.forward)}
    is_final = said.get(b"x-should-retry") == b"false"
    return Failure(
        type=f"http_{head.status}",
        message=body[:300].decode("utf-8", "replace"),
        status=head.status,
        wait_ns=_wait_of(said),
        is_lasting=is_final or NO_QUOTA in body,
    )


def _split(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b": ")


def _wait_of(said: dict[bytes, bytes]) -> int | None:
    """Return what `Retry-After` asks for in ns: seconds or a date (RFC 9110 §10.2.3), or ms."""
    try:
        if b"retry-after-ms" in said:
            return int(max(float(said[b"retry-after-ms"]), 0) * 1e6)
        value = said[b"retry-after"].decode("latin-1")
        if value.strip().replace(".", "", 1).isdigit():
            return int(float(value) * 1e9)
        return int(max(parsedate_to_datetime(value).timestamp() - time(), 0) * 1e9)
    except (KeyError, ValueError, OverflowError):
        return None
