"""Tokens that nobody reported: what is counted, and what stays unknown."""

from __future__ import annotations

from statistics import median

import msgspec
import pytest

from streamgauge.meter import tokenizer
from streamgauge.meter.estimate import estimated, output_tokens, prompt_of
from streamgauge.meter.tokenizer import count, counted_as, family_of
from streamgauge.record import Choice, Reply, ToolCall, Usage, UsageSource
from tests.meter.estimates import NOTES, PAGE, Compared, compared, error, page
from tests.wire.cuts import whole
from tests.wire.goldens import FOLDER, MANIFEST
from tests.wire.reading import accumulated

GPT = family_of("gpt-4o-mini")
HELLO = Reply(choices=(Choice(text="Hello there, how are you?"),))


def ask(**body: object) -> bytes:
    return msgspec.json.encode({"messages": [{"role": "user", "content": "Say hello."}], **body})


@pytest.fixture(scope="module")
def comparisons() -> list[Compared]:
    return [one for one in map(compared, MANIFEST) if one is not None]


def test_the_table_of_errors_is_current() -> None:
    """`python -m tests.meter.estimates` writes it anew."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize(
    ("family", "most"),
    [("gpt-4o", 0.01), ("llama3", 0.01), ("gpt-oss", 0.01), ("deepseek", 0.1), ("claude", 0.1)],
)
def test_answers_are_counted_well(comparisons: list[Compared], family: str, most: float) -> None:
    """The median error of what the provider says; the table has the others."""
    errors = [
        found
        for one in comparisons
        if one.family == family and (found := error(one.counted_output, one.output)) is not None
    ]
    assert len(errors) > 3
    assert median(errors) <= most


@pytest.mark.parametrize(
    ("family", "most"), [("gpt-4o", 0.02), ("llama3", 0.01), ("claude", 0.1), ("command", 0.1)]
)
def test_prompts_are_counted_well(comparisons: list[Compared], family: str, most: float) -> None:
    """With what their chat templates put around them, and their tools; the median error."""
    errors = [
        found
        for one in comparisons
        if one.family == family and (found := error(one.counted_input, one.input)) is not None
    ]
    assert len(errors) > 3
    assert median(errors) <= most


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("amazon.titan-text-express-v1", "titan"),
        ("text-davinci-003", "gpt-4"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o"),
        ("openai/gpt-4.1", "gpt-4o"),
        ("o3-mini", "gpt-4o"),
        ("gpt-4-turbo", "gpt-4"),
        ("gpt-3.5-turbo", "gpt-4"),
        ("openai/gpt-oss-120b", "gpt-oss"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude"),
        ("models/gemini-2.5-flash", "gemini"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3"),
        ("deepseek-ai/DeepSeek-V3", "deepseek"),
        ("deepseek-r1-distill-llama-70b", "llama3"),
        ("Qwen/Qwen3-32B", "qwen"),
        ("mistral-large-latest", "mistral"),
        ("something-new", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_model_has_the_vocabulary_of_its_family(model: str | None, family: str) -> None:
    """By its name, whoever serves it."""
    assert family_of(model).name == family


def test_every_vocabulary_is_there() -> None:
    """They come with the library; nothing is downloaded."""
    assert all(count("hello world", family) > 1 for _, family in tokenizer.FAMILIES)


def test_what_is_reported_stands() -> None:
    """Nothing is counted then."""
    usage = Usage(input_tokens=1, output_tokens=2, usage_source=UsageSource.REPORTED)
    assert (
        estimated(usage, request=ask(), reply=HELLO, dialect="openai_chat", model="gpt-4o") is usage
    )


def test_what_is_not_reported_is_counted_and_says_so() -> None:
    """Both sides, or the one that lacks."""
    found = estimated(Usage(), request=ask(), reply=HELLO, dialect="openai_chat", model="gpt-4o")
    assert (found.input_tokens, found.output_tokens) == (10, 7)
    assert found.usage_source is UsageSource.ESTIMATED
    half = Usage(input_tokens=99, usage_source=UsageSource.REPORTED)
    found = estimated(half, request=ask(), reply=HELLO, dialect="openai_chat", model="gpt-4o")
    assert (found.input_tokens, found.output_tokens) == (99, 7)


@pytest.mark.parametrize(("running", "output"), [(3, 7), (50, 50)])
def test_the_larger_count_of_a_broken_stream_stands(running: int, output: int) -> None:
    """What the provider had counted so far, or what has arrived."""
    usage = Usage(input_tokens=10, output_tokens=running, usage_source=UsageSource.RUNNING)
    found = estimated(usage, request=ask(), reply=HELLO, dialect="openai_chat", model="gpt-4o")
    assert found.output_tokens == output
    expected = UsageSource.RUNNING if running == output else UsageSource.ESTIMATED
    assert found.usage_source is expected


@pytest.mark.parametrize(
    "body",
    [
        ask(
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
            ]
        ),
        ask(messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]),
        ask(previous_response_id="resp_1"),
        ask(tools=[{"type": "web_search"}]),
        b'{"contents":[{"parts":[{"inlineData":{"data":"x"}}]}]}',
        b'{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"googleSearch":{}}]}',
        b"[]",
        b"not json",
        b'{"messages":[]}',
    ],
)
def test_a_prompt_with_something_uncountable_is_unknown(body: bytes) -> None:
    """Never a number for half of it."""
    assert prompt_of(body, "openai_chat", "gpt-4o-mini") is None


@pytest.mark.parametrize("model", ["o3-mini", "gpt-5", "openai/gpt-5.2", "gemini-2.5-pro"])
def test_answers_with_hidden_reasoning_are_unknown(model: str) -> None:
    """Most of what is billed cannot be seen; shown reasoning is counted."""
    assert output_tokens(HELLO, "openai_chat", model, family_of(model)) is None
    shown = Reply(choices=(Choice(text="Hi", reasoning="I should greet."),))
    assert output_tokens(shown, "openai_chat", model, family_of(model))


def test_sealed_thinking_is_unknown() -> None:
    """Redacted blocks of Anthropic, and of Bedrock."""
    for name in (
        "anthropic/anthropic/anthropic_model_thinking_part_redacted_stream.sse",
        "bedrock/bedrock_converse/bedrock_model_thinking_part_redacted_stream.eventstream",
    ):
        (recording,) = (one for one in MANIFEST if one["file"] == name)
        raw = (FOLDER / name).read_bytes()
        said = accumulated(recording["dialect"], recording["framing"], raw, whole).reply()
        assert said.choices[0].text
        assert output_tokens(said, None, "claude-sonnet-4", family_of("claude")) is None


def test_tool_calls_and_definitions_count() -> None:
    """Names, arguments and what stands around them."""
    call = ToolCall(index=0, name="weather", arguments='{"city":"Paris"}')
    reply = Reply(choices=(Choice(tool_calls=(call,)),))
    assert (output_tokens(reply, "openai_chat", "gpt-4o", GPT) or 0) > 10
    schema = {"type": "object", "properties": {"city": {"type": "string", "description": "Where"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    plain = prompt_of(ask(), "openai_chat", "gpt-4o")
    tooled = prompt_of(ask(tools=[tool]), "openai_chat", "gpt-4o")
    assert plain is not None
    assert tooled is not None
    assert tooled.tokens > plain.tokens + 10


def tokens_of(**body: object) -> int:
    prompt = prompt_of(ask(**body), "openai_chat", "gpt-4o")
    assert prompt is not None
    return prompt.tokens


def tool(**schema: object) -> list[object]:
    return [{"type": "function", "function": {"name": "f", "parameters": schema}}]


def test_no_system_prompt_counts_as_none() -> None:
    """Nova's "Hello!" is two tokens, by Bedrock's own count."""
    hello = {"messages": [{"role": "user", "content": [{"text": "Hello!"}]}]}
    for body in (hello, hello | {"system": []}):
        prompt = prompt_of(msgspec.json.encode(body), "bedrock_converse", "amazon.nova-micro-v1:0")
        assert prompt is not None
        assert prompt.tokens == 2


def test_thoughts_that_gemini_is_given_back_are_unknown() -> None:
    """Gemini 3 reads them again, and nobody else can; earlier ones forget them."""
    part = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2VhbGVk"}
    body = msgspec.json.encode({"contents": [{"role": "model", "parts": [part]}]})
    assert prompt_of(body, "gemini", "gemini-3-pro-preview") is None
    assert prompt_of(body, "gemini", "gemini-2.5-pro") is not None


def test_the_first_model_whose_family_is_known_counts() -> None:
    """A router answers with another model than was asked; a deployment has any name."""
    assert counted_as("x-ai/grok-4", "google/gemini-2.0-flash") == "x-ai/grok-4"
    assert counted_as("my-deployment", "gpt-4o") == "gpt-4o"
    assert counted_as(None, "", "mine") == "mine"
    assert counted_as(None) is None


def test_what_is_far_off_has_a_note(comparisons: list[Compared]) -> None:
    """Every family whose median error is beyond a tenth."""
    for family in {one.family for one in comparisons}:
        ones = [one for one in comparisons if one.family == family]
        outputs = (error(one.counted_output, one.output) for one in ones)
        inputs = (error(one.counted_input, one.input) for one in ones)
        for errors in (outputs, inputs):
            found = [one for one in errors if one is not None]
            assert family in NOTES or not found or median(found) <= 0.1, family


def test_a_prompt_that_is_a_text_counts_as_a_message() -> None:
    """The Responses API takes both."""
    text = msgspec.json.encode({"input": "Say hello."})
    assert prompt_of(text, "openai_responses", "gpt-4o") == prompt_of(
        ask(), "openai_chat", "gpt-4o"
    )


def test_a_schema_that_names_its_parts_counts_as_if_it_had_them() -> None:
    """`$ref`, as pydantic writes it. One that names itself comes to an end."""
    recipe = {"type": "object", "properties": {"name": {"type": "string"}}}
    named = {"properties": {"recipe": {"$ref": "#/$defs/Recipe"}}, "type": "object"}
    plain = tokens_of(tools=tool(type="object", properties={"recipe": recipe}))
    assert tokens_of(tools=tool(**named, **{"$defs": {"Recipe": recipe}})) == plain
    endless = {"Recipe": {"type": "object", "properties": {"a": {"$ref": "#/$defs/Recipe"}}}}
    assert tokens_of(tools=tool(**named, **{"$defs": endless})) < 200
    wide = {f"a{n}": {"$ref": "#/$defs/Recipe"} for n in range(50)}
    endless = {"Recipe": {"type": "object", "properties": wide}}
    assert tokens_of(tools=tool(**named, **{"$defs": endless})) < 20_000
    itself = {"Recipe": {"$ref": "#/$defs/Recipe"}}
    assert tokens_of(tools=tool(**named, **{"$defs": itself})) < 200


def test_claude_is_told_to_think() -> None:
    """Which takes some tokens, whoever passes the wish on."""
    body = {"messages": [{"role": "user", "content": "Say hello."}]}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    counts = []
    for more in (
        {},
        {"thinking": {"type": "disabled"}},
        thinking,
        {"additionalModelRequestFields": thinking},
    ):
        prompt = prompt_of(msgspec.json.encode(body | more), "anthropic", "claude-sonnet-4-0")
        assert prompt is not None
        counts.append(prompt.tokens)
    plain, disabled, enabled, by_bedrock = counts
    assert plain == disabled < enabled == by_bedrock


def test_a_very_long_text_is_counted_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces, and beyond the limit by what came before."""
    text = "The quick brown fox jumps over the lazy dog. " * 1000
    whole = count(text, GPT)
    monkeypatch.setattr(tokenizer, "PIECE", 1000)
    assert count(text, GPT) == pytest.approx(whole, rel=0.01)
    monkeypatch.setattr(tokenizer, "MOST_COUNTED", 5000)
    assert count(text, GPT) == pytest.approx(whole, rel=0.01)
    assert count("a" * 300_000, GPT) > 0
