"""The attempts of one exchange: those that failed, and the last, of which its record tells."""

from __future__ import annotations

from streamgauge.journal.format import Open, Retried
from streamgauge.record import Attempt
from streamgauge.recorder.outcome import Verdict

# More attempts than a plan can have.
MAX_ATTEMPTS = 300


class Attempts:
    """Takes what failed, and lists it at the end."""

    __slots__ = ("_begins_ns", "_failed")

    def __init__(self, t_ns: int) -> None:
        self._begins_ns = t_ns
        self._failed: list[tuple[Retried, Open, int, int]] = []  # begin, end

    def __len__(self) -> int:
        return len(self._failed)

    def failed(self, t_ns: int, opening: Open, why: Retried) -> None:
        """The attempt of *opening* has failed."""
        if len(self._failed) < MAX_ATTEMPTS:
            self._failed.append((why, opening, self._begins_ns, t_ns))
        self._begins_ns = why.begins_ns

    def listed(
        self, t_ns: int, opening: Open, *, status: int | None, verdict: Verdict, t0: int
    ) -> tuple[Attempt, ...]:
        """Return all there were, the last one by its *verdict*; nothing where there was but one.

        Their times count from *t0*.
        """
        if not self._failed:
            return ()
        failed = [
            _attempt(asked, begin - t0, end - t0, status=why.status, why=why)
            for why, asked, begin, end in self._failed
        ]
        last = _attempt(opening, self._begins_ns - t0, t_ns - t0, status=status, why=verdict)
        return (*failed, last)


def _attempt(
    asked: Open, begin_ns: int, end_ns: int, *, status: int | None, why: Retried | Verdict
) -> Attempt:
    return Attempt(
        provider=asked.provider,
        upstream=asked.upstream,
        model=asked.model,
        started_ms=max(begin_ns, 0) / 1e6,
        ended_ms=max(end_ns, 0) / 1e6,
        http_status=status,
        error_type=why.error_type,
        error_message=why.error_message,
    )
