"""Anthropic's messages.

https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from streamgauge.simulator.answer import Answer, Saying
from streamgauge.simulator.formats.base import Piece, sse
from streamgauge.simulator.providers import Json

STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}


class Anthropic:
    """Named events from ``message_start`` to ``message_stop``; one choice, as the API has."""

    content_type = "text/event-stream; charset=utf-8"

    def stream(self, answer: Answer) -> Iterator[Piece]:
        """Yield the events; output tokens are 1 at the start and whole at the end."""
        saying = answer.sayings[0]
        start = {**_message(answer), "content": [], "usage": _usage(answer, 1)}
        yield _event({"type": "message_start", "message": start})
        yield _event({"type": "content_block_start", "index": 0, "content_block": _block(saying)})
        yield _event({"type": "ping"})
        for token in saying:
            delta = {"type": "content_block_delta", "index": 0, "delta": _delta(saying, token)}
            yield _event(delta, is_content=True)
        yield _event({"type": "content_block_stop", "index": 0})
        end = {"stop_reason": STOP[saying.ending], "stop_sequence": None}
        usage = {"output_tokens": saying.count}
        yield _event({"type": "message_delta", "delta": end, "usage": usage})
        yield _event({"type": "message_stop"})

    def body(self, answer: Answer) -> Json:
        """Return the ``message`` object."""
        saying = answer.sayings[0]
        block = _block(saying)
        if saying.tool is None:
            block["text"] = saying.text
        elif not saying.is_cut:
            block["input"] = msgspec.json.decode(saying.text)
        return {
            **_message(answer),
            "content": [block],
            "stop_reason": STOP[saying.ending],
            "usage": _usage(answer, saying.count),
        }


def _event(value: Json, *, is_content: bool = False) -> Piece:
    return Piece(sse(value, value["type"]), is_content)


def _message(answer: Answer) -> Json:
    return {
        "id": f"msg_01{answer.id[:22]}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(answer: Answer, output: int) -> Json:
    return {
        "input_tokens": answer.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
        "service_tier": "standard",
    }


def _block(saying: Saying) -> Json:
    if saying.tool is None:
        return {"type": "text", "text": ""}
    block: dict[str, Any] = {"type": "tool_use", "id": f"toolu_01{saying.seed:022x}"}
    return block | {"name": saying.tool, "input": {}}


def _delta(saying: Saying, token: str) -> Json:
    if saying.tool is None:
        return {"type": "text_delta", "text": token}
    return {"type": "input_json_delta", "partial_json": token}
