"""What providers publish about their formats is read as they mean it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EventStreamError
from google.genai.errors import ServerError
from ollama import ResponseError

from tests.wire.accumulators import ACCUMULATORS, loads, without_nulls
from tests.wire.cuts import Cut, whole
from tests.wire.judges import as_seen, judge_of, with_values
from tests.wire.published import FOLDER, PUBLISHED, answer_of, golden, name_of
from tests.wire.reading import accumulated
from tests.wire.test_recordings import CALLS


@pytest.mark.parametrize("case", PUBLISHED, ids=name_of)
def test_a_published_case_gives_its_golden_answer(case: dict[str, Any], cut: Cut) -> None:
    """Reply, usage and end; `python -m tests.wire.published` writes them anew."""
    assert answer_of(case, cut) == json.loads(golden(case).read_text(encoding="utf-8"))


def test_every_file_is_a_case_or_its_answer() -> None:
    """What nothing reads would lie there for ever."""
    known = {Path(case["file"]) for case in PUBLISHED} | {golden(case) for case in PUBLISHED}
    others = {"README.md", "manifest.jsonl", "__init__.py", "__main__.py"}
    assert {file for file in FOLDER.iterdir() if file.is_file()} == known | {
        FOLDER / name for name in others
    }


# What the SDKs themselves do not read, or lose: transcripts, parts of a content, Azure's chunks
# without a kind, usage in a choice, order of choices, ends that are no `completed`, fields of a
# usage, events of others. On faults they raise.
BEYOND_THEM = (
    "openai-audio", "openai-custom", "azure", "mistral", "perplexity-concise", "watsonx",
    "completions-two", "responses-incomplete", "responses-cancelled", "responses-reasoning-text",
    "anthropic-compaction", "anthropic-overloaded", "groq-error", "openrouter-mid", "vllm-error",
    "responses-failed", "responses-error", "minimax", "moonshot", "anthropic-json-error",
    "vertex-claude", "deepseek-speaks",
)  # fmt: skip
JUDGED = [
    case
    for case in PUBLISHED
    if case["dialect"] in ACCUMULATORS
    and case["framing"] == "sse"
    and not name_of(case).startswith(BEYOND_THEM)
]


@pytest.mark.parametrize("case", JUDGED, ids=name_of)
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
def test_the_sdks_accumulator_adds_up_to_the_same(case: dict[str, Any]) -> None:
    """Texts, calls, finish reasons and usage, of what the SDKs can read."""
    raw = Path(case["file"]).read_bytes()
    got = accumulated(case["dialect"], case["framing"], raw, whole)
    sums = ACCUMULATORS[case["dialect"]](raw)
    choices = got.reply().choices
    calls = [call for choice in choices for call in choice.tool_calls if call.type in CALLS]
    assert [choice.text for choice in choices] == sums.texts
    assert [(call.name, loads(call.arguments)) for call in calls] == sums.calls
    assert list(got.finish_reasons()) == sums.finishes
    if sums.usage:
        assert without_nulls(got.usage) == sums.usage


# Broken on purpose, or wrapped by a client of its own.
UNREADABLE = ("bedrock-converse-crc", "gemini-cli")
RAISED = (ServerError, EventStreamError, ResponseError)
SEEN = [case for case in PUBLISHED if judge_of(case) and not name_of(case).startswith(UNREADABLE)]


@pytest.mark.parametrize("case", SEEN, ids=name_of)
def test_the_providers_sdk_sees_the_same(case: dict[str, Any]) -> None:
    """Text, thoughts and calls; where we find a fault, the SDK raises it."""
    raw = Path(case["file"]).read_bytes()
    got = accumulated(case["dialect"], case["framing"], raw, whole)
    judge = judge_of(case)
    assert judge is not None
    try:
        seen = judge(raw)
    except RAISED:
        assert got.stream_faults
    else:
        assert with_values(as_seen(got.reply())) == with_values(seen)
