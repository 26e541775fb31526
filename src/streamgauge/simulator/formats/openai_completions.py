"""OpenAI's legacy completions: plain text in, plain text out.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from streamgauge.simulator.answer import Answer, Saying
from streamgauge.simulator.formats.base import DONE, Piece, sse
from streamgauge.simulator.formats.openai_chat import usage_of
from streamgauge.simulator.providers import PLAIN, Json

FINISH = {"stop": "stop", "length": "length", "tool": "stop"}


class OpenAICompletions:
    """Chunks of ``choices[].text``, ended by ``[DONE]``."""

    content_type = "text/event-stream; charset=utf-8"

    def stream(self, answer: Answer) -> Iterator[Piece]:
        """Yield the chunks; the usage has its own, if asked for."""
        base = _base(answer)
        for turn in zip_longest(*answer.sayings):
            for saying, token in zip(answer.sayings, turn, strict=True):
                if token is not None:
                    chunk = {**base, "choices": [_choice(saying, token, None)]}
                    yield Piece(sse(chunk), is_content=True)
        for saying in answer.sayings:
            end = _choice(saying, "", FINISH[saying.ending])
            yield Piece(sse({**base, "choices": [end]}))
        if answer.wants_usage:
            yield Piece(sse({**base, "choices": [], "usage": usage_of(answer, PLAIN)}))
        yield Piece(DONE)

    def body(self, answer: Answer) -> Json:
        """Return the ``text_completion`` object."""
        choices = [_choice(one, one.text, FINISH[one.ending]) for one in answer.sayings]
        return {**_base(answer), "choices": choices, "usage": usage_of(answer, PLAIN)}


def _base(answer: Answer) -> Json:
    return {
        "id": f"cmpl-{answer.id}",
        "object": "text_completion",
        "created": answer.created,
        "model": answer.model,
    }


def _choice(saying: Saying, text: str, finish: str | None) -> Json:
    return {"text": text, "index": saying.index, "logprobs": None, "finish_reason": finish}
