"""The dialects: what frames mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streamgauge.wire.dialects.ai_sdk import AiSdk
from streamgauge.wire.dialects.anthropic import Anthropic
from streamgauge.wire.dialects.bedrock_converse import BedrockConverse
from streamgauge.wire.dialects.bedrock_invoke import BedrockInvoke
from streamgauge.wire.dialects.cohere import Cohere
from streamgauge.wire.dialects.gemini import Gemini
from streamgauge.wire.dialects.ollama import Ollama
from streamgauge.wire.dialects.openai_assistants import OpenAIAssistants
from streamgauge.wire.dialects.openai_chat import OpenAIChat
from streamgauge.wire.dialects.openai_completions import OpenAICompletions
from streamgauge.wire.dialects.openai_responses import OpenAIResponses
from streamgauge.wire.dialects.replicate import Replicate
from streamgauge.wire.dialects.watsonx import Watsonx
from streamgauge.wire.events import Event, Frame


class Dialect(Protocol):
    """How one provider API speaks. One reader per stream."""

    name: str
    # Whether an answer that gave its finish reason is whole although no last word came.
    ends_without_terminal: bool
    # Whether a frame that differs from the one before in nothing but a text tells nothing else:
    # no numbers in a row, nothing kept about the texts (see `likeness`).
    are_texts_alike: bool

    def read(self, frame: Frame) -> list[Event]:
        """Return what *frame* says."""


DIALECTS: dict[str, Callable[[], Dialect]] = {
    OpenAIChat.name: OpenAIChat,
    OpenAICompletions.name: OpenAICompletions,
    OpenAIResponses.name: OpenAIResponses,
    OpenAIAssistants.name: OpenAIAssistants,
    Anthropic.name: Anthropic,
    Gemini.name: Gemini,
    BedrockConverse.name: BedrockConverse,
    BedrockInvoke.name: BedrockInvoke,
    Cohere.name: Cohere,
    Ollama.name: Ollama,
    Replicate.name: Replicate,
    Watsonx.name: Watsonx,
    AiSdk.name: AiSdk,
}
