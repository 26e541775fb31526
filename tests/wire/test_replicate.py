"""Replicate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgauge.record import Fault
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated


def sse(*events: tuple[str, str]) -> bytes:
    made = []
    for name, data in events:
        rows = "".join(f"data: {row}\n" for row in data.split("\n"))
        made.append(f"event: {name}\nid: 1:0\n{rows}\n")
    return "".join(made).encode()


def test_the_data_is_the_text(cut: Cut) -> None:
    """Whatever it looks like; line ends and blanks are part of it."""
    raw = sse(("output", ""), ("output", " {1}\n"), ("output", "\n 2"), ("done", "{}"))
    got = accumulated("replicate", "sse", raw, cut)
    assert got.text() == " {1}\n\n 2"
    assert (got.has_terminal, got.finish_reasons(), got.unknown) == (True, (), 0)


def test_a_stream_may_be_done_before_its_time() -> None:
    """Then it says why."""
    raw = sse(("output", "a"), ("logs", "l1"), ("logs", "l2"), ("done", '{"reason":"canceled"}'))
    got = accumulated("replicate", "sse", raw, whole)
    assert (got.finish_reasons(), got.has_terminal) == (("canceled",), True)
    assert got.reply().choices[0].extra == {"logs": "l1\nl2\n"}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("CUDA out of memory", Fault(message="CUDA out of memory")),
        ('{"detail":"gone"}', Fault(message="gone")),
    ],
)
def test_an_error_event_is_a_fault(data: str, fault: Fault, cut: Cut) -> None:
    """As text or as JSON."""
    raw = sse(("output", "half"), ("error", data), ("done", '{"reason":"error"}'))
    got = accumulated("replicate", "sse", raw, cut)
    assert (got.text(), got.faults) == ("half", [fault])


def prediction(**said: Any) -> bytes:
    made = {"id": "p1", "model": "o/m", "status": "succeeded", "error": None, "logs": ""}
    return json.dumps(made | said).encode()


def test_a_prediction_is_a_whole_answer(cut: Cut) -> None:
    """Its output is a list of pieces, or one thing."""
    metrics = {"input_token_count": 5, "output_token_count": 2, "predict_time": 0.5}
    raw = prediction(output=["Hel", "lo"], metrics=metrics, logs="l")
    got = accumulated("replicate", "plain", raw, cut)
    assert (got.text(), got.id, got.model) == ("Hello", "p1", "o/m")
    assert (got.usage, got.finish_reasons()) == (metrics, ("succeeded",))
    assert got.has_terminal
    assert accumulated("replicate", "plain", prediction(output="Hi"), cut).text() == "Hi"
    assert accumulated("replicate", "plain", prediction(output={"a": 1}), cut).text() == '{"a":1}'


def test_a_prediction_that_has_only_begun_is_no_end() -> None:
    """It answers a call that asked for a stream."""
    got = accumulated("replicate", "plain", prediction(status="starting"), whole)
    assert (got.has_terminal, got.has_finish, got.unknown) == (False, False, 0)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (prediction(status="failed", error="boom"), Fault(message="boom")),
        (b'{"title":"Unauthenticated","detail":"no token","status":401}',
         Fault(type="Unauthenticated", message="no token")),
    ],
)  # fmt: skip
def test_what_failed_is_a_fault(raw: bytes, fault: Fault) -> None:
    """A prediction, and a request."""
    got = accumulated("replicate", "plain", raw, whole)
    assert got.faults == [fault]


def test_an_event_of_tomorrow_is_one_unknown() -> None:
    """The rest goes on."""
    got = accumulated("replicate", "sse", sse(("x", "1"), ("output", "a"), ("done", "{}")), whole)
    assert (got.unknown, got.text(), got.has_terminal) == (1, "a", True)
