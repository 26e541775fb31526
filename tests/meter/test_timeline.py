"""Marks, gaps and rates, with exact times."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamgauge.meter.timeline import STALL_NS, Timeline, percentile

MS = 1_000_000
T0 = 5_000 * MS


def played(*content_ms: float) -> Timeline:
    timeline = Timeline(T0)
    timeline.connected(T0 + 2 * MS)
    timeline.headers(T0 + 30 * MS)
    timeline.chunk(T0 + 31 * MS, 100)
    timeline.event(T0 + 31 * MS)
    for at in content_ms:
        timeline.chunk(T0 + int(at * MS), 10)
        timeline.event(T0 + int(at * MS))
        timeline.content(T0 + int(at * MS))
    timeline.end(T0 + 500 * MS)
    return timeline


def test_marks_count_from_the_end_of_the_request() -> None:
    """The role chunk is the first byte and the first event, but not the first token."""
    timing = played(100, 120).timing()
    assert timing.connect_ms == 2
    assert timing.headers_ms == 30
    assert timing.first_byte_ms == 31
    assert timing.first_event_ms == 31
    assert timing.ttft_ms == 100
    assert timing.last_token_ms == 120
    assert timing.duration_ms == 500
    assert timing.first_reasoning_ms is None


def test_gaps_are_between_arrivals_of_content() -> None:
    """Nearest rank: of the gaps 10, 20, 30 and 40 ms the middle is 20."""
    timing = played(100, 110, 130, 160, 200).timing()
    assert timing.itl_p50_ms == 20
    assert timing.itl_p95_ms == 40
    assert timing.itl_p99_ms == 40
    assert timing.max_gap_ms == 40
    assert timing.stalls == 0


def test_deltas_of_one_chunk_arrived_together() -> None:
    """There is no gap of nothing between them."""
    timing = played(100, 100, 100, 150).timing()
    assert timing.itl_p50_ms == 50


def test_a_pause_over_two_seconds_is_a_stall() -> None:
    """Exactly two are not."""
    timeline = Timeline(0)
    for at in (0, STALL_NS, 2 * STALL_NS + 1):
        timeline.content(at)
    assert timeline.timing().stalls == 1


def test_the_rate_leaves_the_first_token_out() -> None:
    """Eleven tokens, ten of them in one second."""
    assert played(100, 600, 1100).timing(output_tokens=11).tokens_per_second == 10


def test_reasoning_that_was_streamed_counts_with_its_time() -> None:
    """Its tokens are output: 3,001 of them, 3,000 in three seconds."""
    timeline = played(2100, 3100)
    timeline.reasoning(T0 + 100 * MS)
    assert timeline.timing(output_tokens=3001, reasoning_tokens=2000).tokens_per_second == 1000


def test_reasoning_that_was_hidden_does_not_count() -> None:
    """A second for 1,001 tokens that were seen says nothing of the 2,000 before them."""
    timing = played(2100, 3100).timing(output_tokens=3001, reasoning_tokens=2000)
    assert timing.tokens_per_second == 1000


@pytest.mark.parametrize("tokens", [None, 0, 1])
def test_there_is_no_rate_of_nothing(tokens: int | None) -> None:
    """Unknown is not zero."""
    assert played(100, 200).timing(output_tokens=tokens).tokens_per_second is None
    assert played(100).timing(output_tokens=5).tokens_per_second is None


def test_what_never_came_is_absent() -> None:
    """No zeros."""
    timing = Timeline(T0).timing()
    assert [getattr(timing, name) for name in timing.__struct_fields__] == [None] * 16


def test_overhead_is_the_middle_and_the_worst() -> None:
    """In microseconds."""
    timing = Timeline(T0).timing(overheads_ns=[9_000, 1_000, 5_000])
    assert timing.overhead_p50_us == 5
    assert timing.overhead_max_us == 9


def test_chunks_are_kept_with_time_and_size() -> None:
    """In order."""
    timeline = played(100)
    assert (timeline.chunk_ms, timeline.chunk_bytes) == ((31.0, 100.0), (100, 10))


def test_chunks_may_be_noted_one_by_one_or_together() -> None:
    """Also those that came at the same moment."""
    times, sizes = [5, 5, 7, 2_000_000_009, 2_000_000_009], [1, 0, 3, 4, 5]
    one, other = Timeline(0), Timeline(0)
    for at, size in zip(times, sizes, strict=True):
        one.chunk(at, size)
        one.content(at)
    other.chunks(times[:2], sizes[:2])
    other.content(*times[:2])
    other.chunks(times[2:], sizes[2:])
    other.content(*times[2:])
    assert one.timing() == other.timing()
    assert (one.chunk_ms, one.chunk_bytes) == (other.chunk_ms, other.chunk_bytes)
    assert one.timing().stalls == 1


@given(st.lists(st.integers(-(10**9), 10**15), min_size=1))
@example([-500, 500, 1500, 2500, 499, 501, 4_500])
def test_the_time_of_a_chunk_is_that_of_a_mark(times: list[int]) -> None:
    """To the last digit, for eleven days."""
    timeline = Timeline(T0)
    for at in times:
        timeline.chunks([T0 + at], [1])
        timeline.end(T0 + at)
        assert timeline.chunk_ms[-1] == timeline.timing().duration_ms


def test_no_more_chunks_are_timed_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes later counts for the gaps alone."""
    monkeypatch.setattr("streamgauge.meter.timeline.MAX_TIMED_CHUNKS", 3)
    timeline = Timeline(0)
    for first in (1, 3, 5):
        timeline.chunks([first * MS, (first + 1) * MS], [10, 10])
        timeline.content(first * MS, (first + 1) * MS)
    assert timeline.chunk_ms == (1, 2, 3)
    assert timeline.timing().last_token_ms == 6


@pytest.mark.parametrize(
    ("numbers", "percent", "expected"),
    [([], 50, None), ([7], 1, 7), ([7], 99, 7), ([1, 2], 50, 1), ([1, 2], 51, 2)],
)
def test_nearest_rank(numbers: list[int], percent: int, expected: int | None) -> None:
    """The smallest number that so many percent are not above."""
    assert percentile(numbers, percent) == expected


def test_the_last_gaps_are_told_while_it_runs() -> None:
    """Between chunks, the newest at the end, and how long ago the last one came."""
    timeline = Timeline(0)
    assert timeline.recent_gaps(2) == []
    assert timeline.idle_ms(5 * MS) is None
    for at in (10, 12, 17, 27):
        timeline.chunk(at * MS, 1)
    assert timeline.recent_gaps(2) == [5, 10]
    assert timeline.recent_gaps(9) == [2, 5, 10]
    assert timeline.idle_ms(30 * MS) == 3
