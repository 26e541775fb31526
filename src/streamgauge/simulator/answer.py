"""What is said: plausible words, counted, the same for the same request and seed.

A real tokenizer is not needed: one word, mark or symbol of our list is one token, with the
space before it. So the usage that an answer states is what was said, exactly, and a
streamed and a plain answer to the same request hold the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

# Words of more than one byte per character are in on purpose: cuts fall inside them.
VOCABULARY = (
    "the of and to a in is that it for was on are as with at by from this stream token first "
    "answer model question light water time small large city river garden window morning story "
    "paper number system reason simple quiet bright later often always never under over between "
    "because however therefore about after before café naïve Zürich señor 漢字 東京 здравствуй "
    "🙂 🚀 can may will should find make take give keep show turn read write learn wait"
)
WORDS = tuple(VOCABULARY.split())
MARKS = (".", ".", ".", ",", ",", ",", ":", ";", "!", "?", " …", ".\n\n")
MARK_EVERY = 9

# Unless asked for a number, an answer has a few lines.
FEWEST, MOST = 24, 160

# What the chat template of a real model adds around each message.
TOKENS_PER_MESSAGE = 4

# OpenAI's own bound on `n`.
MOST_CHOICES = 128

# Fields that say how an answer is delivered, not what it says.
DELIVERY = frozenset({"stream", "stream_options"})

WORD = re.compile(r"\w+|[^\w\s]")


class Saying(Struct, frozen=True):
    """One choice of an answer: text, or the arguments of a tool call, in tokens."""

    index: int
    seed: int
    count: int
    is_cut: bool
    tool: str | None = None
    arguments: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        """Yield the tokens, made as they are needed; each pass yields the same."""
        if self.tool is not None:
            return iter(self.arguments[: self.count])
        return words(self.seed, self.count)

    @property
    def text(self) -> str:
        """All tokens together."""
        return "".join(self)

    @property
    def ending(self) -> str:
        """Why it ends: ``length``, ``tool`` or ``stop``."""
        if self.is_cut:
            return "length"
        return "stop" if self.tool is None else "tool"


class Answer(Struct, frozen=True, kw_only=True):
    """Everything a format needs to state an answer in its provider's way."""

    provider: str
    model: str
    id: str
    created: int
    input_tokens: int
    sayings: tuple[Saying, ...]
    wants_usage: bool

    @property
    def output_tokens(self) -> int:
        """The tokens of all choices."""
        return sum(saying.count for saying in self.sayings)


def answer_to(
    body: Mapping[str, Any],
    *,
    provider: str,
    model: str,
    tokens: int | None,
    seed: int,
    created: int,
) -> Answer:
    """Think of an answer to the request *body*; *created* is Unix time in seconds."""
    spirit = Random(_seed_of(body, seed))  # noqa: S311 - words, not secrets
    wanted = tokens if tokens is not None else spirit.randint(FEWEST, MOST)
    tool = _required_tool(body)
    sayings = tuple(
        _saying(index, spirit, wanted, _limit(body), tool)
        for index in range(min(_positive(body.get("n")) or 1, MOST_CHOICES))
    )
    options = body.get("stream_options")
    return Answer(
        provider=provider,
        model=model,
        id=f"{spirit.getrandbits(120):030x}",
        created=created,
        input_tokens=count_input(body),
        sayings=sayings,
        wants_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def words(seed: int, count: int) -> Iterator[str]:
    """Yield *count* tokens of plausible English."""
    pick = Random(seed)  # noqa: S311 - words, not secrets
    starts_sentence, space = True, ""
    for position in range(count):
        if position and not starts_sentence and pick.randrange(MARK_EVERY) == 0:
            mark = pick.choice(MARKS)
            starts_sentence = mark[0] in ".!?"
            space = "" if mark.endswith("\n") else " "
            yield mark
            continue
        word = pick.choice(WORDS)
        yield space + (word.capitalize() if starts_sentence else word)
        starts_sentence, space = False, " "


def count_input(body: Mapping[str, Any]) -> int:
    """Count the tokens of a request: words and marks, and a little for each message."""
    messages = body.get("messages")
    around = TOKENS_PER_MESSAGE * len(messages) if isinstance(messages, list) else 0
    parts = (body.get(name) for name in ("system", "messages", "prompt", "input", "contents"))
    return around + sum(len(WORD.findall(text)) for part in parts for text in _texts(part))


# -- the request, read tolerantly -------------------------------------------------------


def _seed_of(body: Mapping[str, Any], seed: int) -> int:
    said = {name: value for name, value in body.items() if name not in DELIVERY}
    data = msgspec.json.encode(said, order="deterministic")
    key = seed.to_bytes(16, "big", signed=True)
    return int.from_bytes(blake2b(data, digest_size=8, key=key).digest(), "big")


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, Mapping):
        for name in ("content", "text", "parts"):
            yield from _texts(part.get(name))


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _type_of(kind: Any) -> str:
    """Return a JSON schema's type; the first, where it allows several."""
    found = _mapping(kind).get("type")
    return str(found[0] if isinstance(found, list) and found else found)


def _limit(body: Mapping[str, Any]) -> int | None:
    names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    return next((found for name in names if (found := _positive(body.get(name)))), None)


def _saying(
    index: int, spirit: Random, wanted: int, limit: int | None, tool: Mapping[str, Any] | None
) -> Saying:
    seed = spirit.getrandbits(48)
    arguments = _arguments(tool, Random(seed)) if tool else ()  # noqa: S311
    whole = len(arguments) if tool else wanted
    count = whole if limit is None else min(whole, limit)
    name = str(tool.get("name", "tool")) if tool else None
    return Saying(index, seed, count, count < whole, name, arguments)


# -- tool calls ---------------------------------------------------------------------------


def _required_tool(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the tool that must be called, if one must: OpenAI's and Anthropic's ways."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if not isinstance(tools, list):
        return None
    offered = [_mapping(_mapping(tool).get("function", tool)) for tool in tools]
    if isinstance(choice, Mapping):
        named = _mapping(choice.get("function", choice)).get("name")
        by_name = [tool for tool in offered if tool.get("name") == named]
        offered = by_name if named else offered
        choice = choice.get("type")
    must = choice in ("required", "any", "function", "tool")
    return offered[0] if must and offered else None


MADE_UP: dict[str, Any] = {
    "integer": 42,
    "number": 4.2,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def _arguments(tool: Mapping[str, Any], pick: Random) -> tuple[str, ...]:
    """Make arguments that fit the tool's schema roughly, as pieces of JSON text."""
    schema = _mapping(tool.get("parameters") or tool.get("input_schema"))
    values = {
        name: MADE_UP.get(_type_of(kind), f"{pick.choice(WORDS)} {pick.choice(WORDS)}")
        for name, kind in _mapping(schema.get("properties")).items()
    }
    text = msgspec.json.encode(values).decode()
    return tuple(text[at : at + 5] for at in range(0, len(text), 5))
