"""Which attempts a record lists."""

from __future__ import annotations

from streamgauge.journal.format import Open, Retried
from streamgauge.record import ClosedBy, Outcome
from streamgauge.recorder.attempts import MAX_ATTEMPTS, Attempts
from streamgauge.recorder.outcome import Verdict

MS = 1_000_000
VERDICT = Verdict(outcome=Outcome.COMPLETED, closed_by=ClosedBy.UPSTREAM)


def opening(provider: str) -> Open:
    return Open(
        started_at_ns=0,
        provider=provider,
        method="POST",
        path="/",
        upstream=f"https://{provider}.example",
        headers=b"",
        body=b"",
        complete=True,
    )


def failed(begins_ns: int) -> Retried:
    return Retried(
        error_type="overloaded",
        error_message="529",
        status=529,
        provider="b",
        upstream="",
        path="/",
        model=None,
        begins_ns=begins_ns,
    )


def test_one_attempt_is_no_list() -> None:
    """The record itself tells of it."""
    attempts = Attempts(0)
    assert attempts.listed(9, opening("a"), status=200, verdict=VERDICT, t0=0) == ()
    assert len(attempts) == 0


def test_what_failed_comes_before_the_last() -> None:
    """Each with its times, from when the request was complete, and with how it ended."""
    attempts = Attempts(0)
    attempts.failed(7 * MS, opening("a"), failed(begins_ns=9 * MS))
    first, last = attempts.listed(12 * MS, opening("b"), status=200, verdict=VERDICT, t0=2 * MS)
    assert (first.provider, first.http_status, first.error_type) == ("a", 529, "overloaded")
    assert (last.provider, last.http_status, last.error_type) == ("b", 200, None)
    assert (first.started_ms, first.ended_ms) == (0, 5)
    assert (last.started_ms, last.ended_ms) == (7, 10)


def test_attempts_are_bounded() -> None:
    """The last is always there, with its own beginning."""
    attempts = Attempts(0)
    for number in range(MAX_ATTEMPTS + 5):
        attempts.failed(number * MS, opening("a"), failed(begins_ns=(number + 1) * MS))
    found = attempts.listed(999 * MS, opening("b"), status=200, verdict=VERDICT, t0=0)
    assert len(found) == MAX_ATTEMPTS + 1
    assert (found[-1].provider, found[-1].started_ms) == ("b", MAX_ATTEMPTS + 5)
