"""OpenAI's chat completions, and through `providers.Variant` its many relatives.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from streamgauge.simulator.answer import Answer, Saying
from streamgauge.simulator.formats.base import DONE, Piece, sse
from streamgauge.simulator.providers import FILTERS, Json, Variant, variant_of

FINISH = {"stop": "stop", "length": "length", "tool": "tool_calls"}

# OpenAI pads each chunk with noise, so that its length does not tell the token.
OBFUSCATION = "kQ3vZ9xLw2TnRb7Y"

# List price of gpt-4o-mini in US dollars per token: OpenRouter states a cost.
INPUT_PRICE, OUTPUT_PRICE = 0.15e-6, 0.6e-6


class OpenAIChat:
    """Chunks of ``choices[].delta``, ended by ``[DONE]``."""

    content_type = "text/event-stream; charset=utf-8"

    def stream(self, answer: Answer) -> Iterator[Piece]:
        """Yield the chunks; several choices speak in turn."""
        variant = variant_of(answer.provider)
        say = _Chunks(answer, variant)
        for comment in variant.comments:
            yield Piece(comment)
        if variant.filter_chunk:
            yield Piece(sse(AZURE_FILTER_CHUNK))
        yield from say.roles()
        for turn in zip_longest(*answer.sayings):
            for saying, token in zip(answer.sayings, turn, strict=True):
                if token is not None:
                    yield Piece(say.token(saying, token), is_content=True)
        yield from say.ends()
        yield Piece(DONE)

    def body(self, answer: Answer) -> Json:
        """Return the ``chat.completion`` object."""
        variant = variant_of(answer.provider)
        return {
            "id": variant.id_prefix + answer.id,
            "object": "chat.completion",
            "created": answer.created,
            "model": answer.model,
            "choices": [_message(saying, variant) for saying in answer.sayings],
            "usage": usage_of(answer, variant),
            **variant.chunk,
        }


class _Chunks:
    """The chunks of one answer, with what its variant adds to each."""

    def __init__(self, answer: Answer, variant: Variant) -> None:
        self._answer = answer
        self._variant = variant
        self._base: Json = {
            "id": variant.id_prefix + answer.id,
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": answer.model,
            **variant.chunk,
        }
        says_null = {"never": False, "asked": answer.wants_usage, "always": True}
        self._tail: Json = {"usage": None} if says_null[variant.null_usage] else {}
        self._groq: Json = {"id": f"req_{answer.id[:26]}"}

    def roles(self) -> Iterator[Piece]:
        """Yield what stands before the first token of each choice."""
        for saying in self._answer.sayings:
            if saying.tool is not None:
                yield Piece(self._choice(saying, self._call(saying), extra=self._hello()))
            elif self._variant.role_chunk:
                yield Piece(self._choice(saying, self._variant.first_delta, extra=self._hello()))

    def token(self, saying: Saying, token: str) -> bytes:
        """Return the chunk of one token."""
        if saying.tool is not None:
            part = {"index": 0, "function": {"arguments": token}}
            return self._choice(saying, {**self._variant.delta, "tool_calls": [part]})
        return self._choice(saying, {**self._variant.delta, "content": token})

    def ends(self) -> Iterator[Piece]:
        """Yield the finish reasons, and the usage where this provider puts it."""
        answer, variant = self._answer, self._variant
        usage = usage_of(answer, variant)
        *_, last = answer.sayings
        for saying in answer.sayings:
            extra: Json = {}
            if saying is last and variant.usage == "finish":
                extra = {"usage": usage}
            elif saying is last and variant.x_groq:
                extra = {"x_groq": {**self._groq, "usage": usage}}
            delta = {**variant.delta, "content": ""} if variant.delta else {}
            finish = FINISH[saying.ending]
            yield Piece(self._choice(saying, delta, finish=finish, extra=extra))
        if variant.usage == "own" or (variant.usage == "asked" and answer.wants_usage):
            yield Piece(self._chunk([], {"usage": usage}))

    def _hello(self) -> Json:
        return {"x_groq": self._groq} if self._variant.x_groq else {}

    def _call(self, saying: Saying) -> Json:
        call = {
            "index": 0,
            "id": call_id(saying),
            "type": "function",
            "function": {"name": saying.tool, "arguments": ""},
        }
        return {**self._variant.first_delta, "content": None, "tool_calls": [call]}

    def _choice(
        self, saying: Saying, delta: Json, *, finish: str | None = None, extra: Json | None = None
    ) -> bytes:
        choice: Json = {
            "index": saying.index,
            "delta": delta,
            **self._variant.choice,
            "finish_reason": finish,
        }
        if self._variant.text_too:
            choice["text"] = delta.get("content", "")
        return self._chunk([choice], extra or {})

    def _chunk(self, choices: list[Json], extra: Json) -> bytes:
        chunk = {**self._base, "choices": choices, **self._tail, **extra}
        if self._variant.obfuscation:
            chunk["obfuscation"] = OBFUSCATION[: 4 + len(choices) * 7]
        return sse(chunk)


def usage_of(answer: Answer, variant: Variant) -> Json:
    """Return the usage object, with the provider's details."""
    usage: Json = {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        **variant.usage_details,
    }
    if variant.cost:
        cost = answer.input_tokens * INPUT_PRICE + answer.output_tokens * OUTPUT_PRICE
        usage["cost"] = round(cost, 9)
    return usage


def _message(saying: Saying, variant: Variant) -> Json:
    message: Any = {**variant.first_delta, "role": "assistant", "content": saying.text}
    if saying.tool is not None:
        function = {"name": saying.tool, "arguments": saying.text}
        call = {"id": call_id(saying), "type": "function", "function": function}
        message |= {"content": None, "tool_calls": [call]}
    finish = FINISH[saying.ending]
    return {"index": saying.index, "message": message, **variant.choice, "finish_reason": finish}


def call_id(saying: Saying) -> str:
    """Return the id of the saying's tool call, the same in a stream and in a body."""
    return f"call_{saying.seed:024x}"


AZURE_FILTER_CHUNK: Json = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERS}],
}
