"""Breakers and budgets, on a clock of the test's own."""

from __future__ import annotations

from streamgauge.gateway.breaker import (
    FAILURES,
    FIRST_WAIT_NS,
    LONGEST_WAIT_NS,
    MOST_SAVED,
    MOST_TARGETS,
    Breaker,
    Budget,
    Watch,
)


def opened(at: int = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(at)
    return breaker


def test_a_few_failures_in_a_row_open_it() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    assert breaker.allows(0)
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(0)
    assert not breaker.allows(0)


def test_one_probe_per_wait() -> None:
    breaker = opened()
    assert not breaker.allows(FIRST_WAIT_NS - 1)
    assert [breaker.allows(FIRST_WAIT_NS) for _ in range(3)] == [True, False, False]
    assert breaker.allows(2 * FIRST_WAIT_NS), "a probe that nobody reports on is not the last"


def test_a_probe_that_fails_doubles_the_wait_up_to_a_bound() -> None:
    breaker, at, waits = opened(), 0, []
    for _ in range(8):
        since = at
        while not breaker.allows(at):
            at += FIRST_WAIT_NS // 10
        waits.append(at - since)
        breaker.failed(at)
    assert waits == sorted(waits)
    assert waits[0] == FIRST_WAIT_NS
    assert waits[-1] == LONGEST_WAIT_NS


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows(0)


def test_a_target_that_asks_for_time_gets_it_within_reason() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(0, not_before_ns=FIRST_WAIT_NS * 3)
    assert not breaker.allows(FIRST_WAIT_NS * 3 - 1)
    assert breaker.allows(FIRST_WAIT_NS * 3)
    for _ in range(FAILURES):
        breaker.failed(0, not_before_ns=LONGEST_WAIT_NS * 100)
    assert breaker.allows(LONGEST_WAIT_NS)


def test_a_budget_is_a_share_of_the_traffic() -> None:
    budget = Budget()
    saved = 0
    while budget.spend():
        saved += 1
    assert saved == MOST_SAVED
    for _ in range(1000):
        budget.earn()
    spent = 0
    while budget.spend():
        spent += 1
    assert spent == MOST_SAVED, "what is saved is bounded"
    granted = 0
    for _ in range(1000):
        budget.earn()
        granted += budget.spend()
    assert 190 <= granted <= 210


def test_made_up_targets_do_not_grow_the_table() -> None:
    watch = Watch()
    for number in range(MOST_TARGETS * 2):
        watch.of(f"https://a {number}")
    assert len(watch._of) <= MOST_TARGETS
    assert watch.of("https://a x") is watch.of("https://a x")
