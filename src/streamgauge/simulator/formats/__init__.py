"""How an answer is said: one module per dialect, one table."""

from __future__ import annotations

from streamgauge.simulator.formats.anthropic import Anthropic
from streamgauge.simulator.formats.base import Format
from streamgauge.simulator.formats.openai_chat import OpenAIChat
from streamgauge.simulator.formats.openai_completions import OpenAICompletions

FORMATS: dict[str, Format] = {
    "openai_chat": OpenAIChat(),
    "openai_completions": OpenAICompletions(),
    "anthropic": Anthropic(),
}

__all__ = ["FORMATS", "Format"]
