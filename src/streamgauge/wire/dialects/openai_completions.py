"""OpenAI text completions: https://platform.openai.com/docs/api-reference/completions.

Older than chat, and still spoken by vLLM and others. A choice has ``text`` where a chat has a
message; each of several prompts has choices of its own, and ``echo`` puts the prompt in front.
"""

from __future__ import annotations

from streamgauge.wire.dialects.openai_chat import OpenAIChat


class OpenAICompletions(OpenAIChat):
    """Reads the frames of one answer."""

    name = "openai_completions"
