"""IBM watsonx.ai."""

from __future__ import annotations

import json
from typing import Any

from streamgauge.record import Fault
from tests.wire.cuts import Cut, whole
from tests.wire.reading import accumulated


def chunk(text: str, made: int, asked: int = 0, stop: str = "not_finished") -> dict[str, Any]:
    result = {
        "generated_text": text,
        "generated_token_count": made,
        "input_token_count": asked,
        "stop_reason": stop,
    }
    return {"model_id": "ibm/granite", "created_at": "now", "results": [result]}


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(
        b"id: 1\nevent: message\ndata: " + json.dumps(one).encode() + b"\n\n" for one in chunks
    )


def test_text_and_counts(cut: Cut) -> None:
    """The input is counted in the first chunk only, the output so far in each."""
    warned = {"warnings": [{"message": "w"}]}
    first = chunk("", 0, 8) | {"system": warned}
    raw = sse(first, chunk("Hel", 1), chunk("lo", 2), chunk("", 3, stop="eos_token"))
    got = accumulated("watsonx", "sse", raw, cut)
    assert (got.text(), got.model, got.finish_reasons()) == ("Hello", "ibm/granite", ("eos_token",))
    assert got.usage == {"input_token_count": 8, "generated_token_count": 3}
    assert (got.is_usage_final, got.unknown) == (True, 0)
    assert got.reply().extra == {"system": warned}


def test_a_stream_that_was_cut_has_no_finish() -> None:
    """And its count is a running one."""
    got = accumulated("watsonx", "sse", sse(chunk("", 0, 8), chunk("Hel", 1)), whole)
    assert (got.has_finish, got.is_usage_final) == (False, False)
    assert got.usage == {"input_token_count": 8, "generated_token_count": 1}


def test_a_whole_answer_is_read_too(cut: Cut) -> None:
    """It is one chunk."""
    raw = json.dumps(chunk("Hello", 3, 8, stop="max_tokens")).encode()
    got = accumulated("watsonx", "plain", raw, cut)
    assert (got.text(), got.finish_reasons()) == ("Hello", ("max_tokens",))
    assert got.usage == {"input_token_count": 8, "generated_token_count": 3}


def test_an_error_is_a_fault(cut: Cut) -> None:
    """As a body and as an event."""
    body = b'{"errors":[{"code":"not_found","message":"no model"}],"trace":"t","status_code":404}'
    fault = Fault(type="not_found", message="no model")
    assert accumulated("watsonx", "plain", body, cut).faults == [fault]
    raw = sse(chunk("half", 1)) + b"event: error\ndata: " + body + b"\n\n"
    got = accumulated("watsonx", "sse", raw, cut)
    assert (got.text(), got.faults) == ("half", [fault])


def test_what_is_not_of_watsonx_is_a_fault_or_unknown() -> None:
    """An empty event says nothing."""
    raw = b'data: {}\n\ndata: {"x":1}\n\ndata: {"message":"Forbidden"}\n\n'
    got = accumulated("watsonx", "sse", raw + b'event: error\ndata: {"error":"m"}\n\n', whole)
    assert (got.unknown, got.stream_faults) == (1, 2)
    assert got.faults[1:] == [Fault(message="Forbidden"), Fault(message="m")]
