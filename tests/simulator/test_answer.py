from __future__ import annotations

import msgspec
import pytest

from streamgauge.simulator.answer import (
    FEWEST,
    MOST,
    MOST_CHOICES,
    Answer,
    answer_to,
    count_input,
    words,
)

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "How are you?"}]}

TOOLS = [
    {"name": "other", "input_schema": {}},
    {
        "name": "weather",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
]


def answer(body: dict, *, tokens: int | None = None, seed: int = 1) -> Answer:
    return answer_to(body, provider="openai", model="m", tokens=tokens, seed=seed, created=0)


def test_the_same_request_and_seed_give_the_same_answer():
    """Also when one is streamed and the other is not."""
    streamed = {**REQUEST, "stream": True, "stream_options": {"include_usage": True}}
    plain, again = answer(REQUEST), answer(streamed)
    assert plain.sayings == again.sayings
    assert plain.input_tokens == again.input_tokens
    assert plain.sayings[0].text == again.sayings[0].text


@pytest.mark.parametrize("other", [{"temperature": 1}, {"model": "n"}, {"user": "u"}])
def test_another_request_gives_another_answer(other):
    """What is asked decides what is said."""
    assert answer(REQUEST).sayings[0].text != answer({**REQUEST, **other}).sayings[0].text


def test_another_seed_gives_another_answer():
    """The seed decides too."""
    assert answer(REQUEST, seed=1).sayings[0].text != answer(REQUEST, seed=2).sayings[0].text


def test_without_a_number_an_answer_has_a_few_lines():
    """Between the named bounds."""
    assert FEWEST <= answer(REQUEST).output_tokens <= MOST


def test_the_tokens_counted_are_the_tokens_said():
    """Each is made lazily, and a second pass says the same."""
    saying = answer(REQUEST, tokens=500).sayings[0]
    assert len(list(saying)) == saying.count == 500
    assert list(saying) == list(saying)


def test_words_hold_characters_of_many_bytes():
    """Cuts must be able to fall inside a character."""
    text = "".join(words(seed=3, count=2000))
    assert {len(character.encode()) for character in text} == {1, 2, 3, 4}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_a_limit_cuts_the_answer(name):
    """The answer ends early and says why."""
    saying = answer({**REQUEST, name: 5}, tokens=9).sayings[0]
    assert (saying.count, saying.ending) == (5, "length")
    assert len(list(saying)) == 5


def test_a_limit_that_is_not_reached_changes_nothing():
    """The answer comes to its own end."""
    saying = answer({**REQUEST, "max_tokens": 9}, tokens=9).sayings[0]
    assert (saying.count, saying.ending) == (9, "stop")


def test_several_choices_say_different_things():
    """`n` answers, each with all its tokens."""
    made = answer({**REQUEST, "n": 3}, tokens=10)
    assert len({saying.text for saying in made.sayings}) == 3
    assert made.output_tokens == 30


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("required", "other"),
        ({"type": "any"}, "other"),
        ({"type": "tool", "name": "weather"}, "weather"),
        ({"type": "function", "function": {"name": "weather"}}, "weather"),
        ("auto", None),
        ({"type": "auto"}, None),
        (None, None),
    ],
)
def test_a_tool_is_called_where_one_must_be(choice, called):
    """OpenAI's and Anthropic's ways of saying so."""
    assert answer({**REQUEST, "tools": TOOLS, "tool_choice": choice}).sayings[0].tool == called


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": ["integer", "null"]}, 42),
        ({"type": "boolean"}, True),
        ({"type": []}, str),
        ({"anyOf": []}, str),
        ("odd", str),
    ],
)
def test_arguments_of_odd_schemas_are_made_too(schema, value):
    """Several types, none, or nonsense."""
    tool = {"name": "t", "parameters": {"properties": {"x": schema}}}
    saying = answer({"tools": [tool], "tool_choice": "required"}).sayings[0]
    made = msgspec.json.decode(saying.text)["x"]
    assert made == value or isinstance(made, value)


def test_the_number_of_choices_is_bounded():
    """Nobody makes us say a billion things."""
    assert len(answer({**REQUEST, "n": 10**9}, tokens=1).sayings) == MOST_CHOICES


def test_arguments_fit_the_schema():
    """They are JSON, in several pieces, and each piece is a token."""
    choice = {"type": "tool", "name": "weather"}
    saying = answer({**REQUEST, "tools": TOOLS, "tool_choice": choice}).sayings[0]
    arguments = msgspec.json.decode(saying.text)
    assert arguments["days"] == 42
    assert isinstance(arguments["city"], str)
    assert saying.count == len(list(saying)) > 1
    assert saying.ending == "tool"


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({}, 0),
        ({"prompt": "one two, three"}, 4),
        ({"messages": [{"role": "user", "content": "one two"}]}, 6),
        ({"messages": [{"content": [{"type": "text", "text": "one"}, {"type": "image"}]}]}, 5),
        ({"system": "be brief", "messages": []}, 2),
        ({"system": [{"type": "text", "text": "be brief"}], "messages": []}, 2),
        ({"contents": [{"parts": [{"text": "漢字 é"}]}]}, 2),
        ({"messages": "not a list", "n": "x", "tools": 1}, 3),
        ({"tools": [1, {"function": "x"}], "tool_choice": {"function": 1, "type": "any"}}, 0),
    ],
)
def test_input_is_counted_by_words(body, tokens):
    """Words and marks, and a little for each message; odd bodies do no harm."""
    assert count_input(body) == tokens
    assert answer(body, tokens=1).input_tokens == tokens
