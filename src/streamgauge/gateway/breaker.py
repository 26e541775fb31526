"""Whom to leave alone for a while: circuit breakers and budgets, one of each per target.

A breaker opens after a few failures in a row. Then one request at a time may try whether
the target is back, after waits that double; the others go elsewhere. A budget bounds the
second tries: what an outage gets on top of its usual traffic is a fraction of that. Both are
the worker's own; there is no clock here, times are arguments in ns.
"""

from __future__ import annotations

FAILURES = 3  # in a row, and the breaker opens
FIRST_WAIT_NS = 2_000_000_000
LONGEST_WAIT_NS = 20_000_000_000

# A request earns this much of a retry, and so many may be saved up.
SHARE = 0.2
MOST_SAVED = 10.0

# Targets may be named in headers; made-up ones must not grow the table.
MOST_TARGETS = 4096


class Breaker:
    """Whether one target is worth asking."""

    __slots__ = ("_failures", "_until_ns", "_wait_ns")

    def __init__(self) -> None:
        self._failures = 0
        self._wait_ns = FIRST_WAIT_NS
        self._until_ns = 0

    @property
    def is_open(self) -> bool:
        """Whether it has failed too often."""
        return self._failures >= FAILURES

    def allows(self, at: int) -> bool:
        """Whether to ask it now; while it is open that grants one probe per wait."""
        if not self.is_open:
            return True
        if at < self._until_ns:
            return False
        self._until_ns = at + self._wait_ns
        return True

    def failed(self, at: int, *, not_before_ns: int = 0) -> None:
        """It did not answer, or asked to be left alone until *not_before_ns*."""
        self._failures += 1
        if not self.is_open:
            return
        if self._failures > FAILURES:
            self._wait_ns = min(self._wait_ns * 2, LONGEST_WAIT_NS)
        self._until_ns = max(at + self._wait_ns, min(not_before_ns, at + LONGEST_WAIT_NS))

    def succeeded(self) -> None:
        """It has answered."""
        self._failures = 0
        self._wait_ns = FIRST_WAIT_NS
        self._until_ns = 0


class Budget:
    """How many second tries one target may still get."""

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved = MOST_SAVED

    def earn(self) -> None:
        """A request goes there for the first time."""
        self._saved = min(self._saved + SHARE, MOST_SAVED)

    def spend(self) -> bool:
        """Take one retry; false if there is none left."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Watch:
    """The breakers and budgets of one worker, by target."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Breaker, Budget]] = {}

    def of(self, target: str) -> tuple[Breaker, Budget]:
        """Return those of *target*, which is a URL and a model."""
        found = self._of.get(target)
        if found is None:
            if len(self._of) >= MOST_TARGETS:
                self._of.clear()
            found = self._of[target] = Breaker(), Budget()
        return found
