"""What holds for every dialect."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.wire.accumulate import Accumulator
from streamgauge.wire.dialects import DIALECTS
from streamgauge.wire.events import Frame

RUBBISH = [b"{oops", b"[" * 20_000, b'{"type":"\xff"}', b"\x00\x00\x00", b"3"]

# Names that mean something to somebody, so that the guesses go deep.
WORDS = """
    candidates content parts text thought functionCall args finishReason usageMetadata index error
    promptFeedback blockReason messageStart contentBlockStart contentBlockDelta messageStop output
    metadata usage message toolUse reasoningContent citationsContent delta start role bytes results
    choices generation outputText outputs completion generations completions event_type stream-end
    type message-start content-delta message-end tool-call-start tool_calls function arguments
    finish_reason response thinking done done_reason logprobs context status detail metrics
    generated_text stop_reason input_token_count errors model_id text-delta tool-input-delta finish
    toolCallId inputTextDelta messageMetadata totalUsage amazon-bedrock-invocationMetrics
"""
WORD = st.sampled_from(WORDS.split())

NAMES = [None, "chunk", "output", "done", "error", "logs", "messageStart", "contentBlockStart"]
NAMES += ["contentBlockDelta", "messageStop", "metadata", "message"]

ANY_JSON = st.recursive(
    st.none() | st.integers(-3, 3) | WORD | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("data", RUBBISH, ids=["JSON", "nesting", "UTF-8", "binary", "a number"])
def test_a_frame_that_cannot_be_read_is_one_unknown(dialect: str, data: bytes) -> None:
    """And nothing else."""
    reply = Accumulator()
    for event in DIALECTS[dialect]().read(Frame(data)):
        reply.add(event)
    assert (reply.unknown, reply.stream_faults, reply.has_terminal) == (1, 0, False)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(st.lists(st.tuples(ANY_JSON, st.sampled_from(NAMES), st.booleans()), max_size=4))
def test_no_json_whatever_is_an_error(
    dialect: str, said: list[tuple[Any, str | None, bool]]
) -> None:
    """Reading never raises, and what it gives can be stored."""
    reader, reply = DIALECTS[dialect](), Accumulator()
    for value, name, is_fault in said:
        for event in reader.read(Frame(json.dumps(value).encode(), name, None, is_fault)):
            reply.add(event)
    msgspec.json.encode(reply.reply())
