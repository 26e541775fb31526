"""Real streams: the same reply for every cut, and the one that the provider's SDK sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.accumulators import ACCUMULATORS, loads, without_nulls
from tests.wire.cuts import bytewise, ragged, whole
from tests.wire.goldens import FOLDER, READABLE
from tests.wire.judges import as_seen, judge_of, with_values
from tests.wire.reading import accumulated


def ids(recording: dict[str, Any]) -> str:
    return recording["file"]


# They give their finish reason and close; these say that it is done, and not why.
WITHOUT_TERMINAL = ("writer", "watsonx")
WITHOUT_FINISH = ("snowflake", "replicate")


@pytest.mark.parametrize("recording", READABLE, ids=ids)
def test_a_recording_reads_the_same_however_it_is_cut(recording: dict[str, Any]) -> None:
    """Nothing in it is unknown, it says something, and its usage is found."""
    raw = (FOLDER / recording["file"]).read_bytes()
    got = accumulated(recording["dialect"], recording["framing"], raw, whole)
    for cut in (bytewise, ragged):
        cut_up = accumulated(recording["dialect"], recording["framing"], raw, cut)
        assert cut_up.reply() == got.reply()
    assert got.unknown == 0
    assert got.text() or got.tool_names() or got.stream_faults
    assert bool(got.usage) == recording["usage_in_stream"]
    assert got.is_usage_final == recording["usage_in_stream"]
    if not got.stream_faults:
        assert got.has_terminal == (recording["provider"] not in WITHOUT_TERMINAL)
        assert got.has_finish == (recording["provider"] not in WITHOUT_FINISH)


@pytest.mark.parametrize("recording", list(filter(judge_of, READABLE)), ids=ids)
def test_the_providers_sdk_sees_the_same(recording: dict[str, Any]) -> None:
    """Text, thoughts and calls."""
    raw = (FOLDER / recording["file"]).read_bytes()
    got = accumulated(recording["dialect"], recording["framing"], raw, whole)
    if got.stream_faults:
        pytest.skip("the SDK raises on it")
    judge = judge_of(recording)
    assert judge is not None
    assert with_values(as_seen(got.reply())) == with_values(judge(raw))


SUMMED = [recording for recording in READABLE if recording["dialect"] in ACCUMULATORS]

# The kinds of calls that the SDKs put together.
CALLS = (None, "function", "function_call", "code_interpreter", "tool_use", "server_tool_use")


@pytest.mark.parametrize("recording", SUMMED, ids=ids)
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_the_sdks_accumulator_adds_up_to_the_same(recording: dict[str, Any]) -> None:
    """Texts, calls, finish reasons, and the usage but for Groq's, which has its own place."""
    raw = (FOLDER / recording["file"]).read_bytes()
    got = accumulated(recording["dialect"], recording["framing"], raw, whole)
    if got.stream_faults:
        pytest.skip("the SDK raises on it")
    sums = ACCUMULATORS[recording["dialect"]](raw)
    choices = got.reply().choices
    calls = [call for choice in choices for call in choice.tool_calls if call.type in CALLS]
    assert [choice.text for choice in choices] == sums.texts
    assert [(call.name, loads(call.arguments)) for call in calls] == sums.calls
    assert list(got.finish_reasons()) == sums.finishes
    if sums.usage:
        assert without_nulls(got.usage) == sums.usage
