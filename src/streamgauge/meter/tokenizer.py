"""Counting tokens the way a model's family does, with the vocabularies that come with splintr.

Anthropic, Google, Cohere and Writer publish no vocabulary of their present models; the
nearest public one stands in, with a factor measured over our recordings (docs/estimates.md).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

# A text is counted in pieces, so that the memory is bounded; beyond the limit the rest is taken
# to be like what came before.
PIECE = 256 * 1024
MOST_COUNTED = 8 * 1024 * 1024


class Family(NamedTuple):
    """A vocabulary, and what models of a family add to the tokens of a text.

    ``factor``: tokens of the model for one of the vocabulary. ``per_answer`` and ``per_call``
    are what an answer and each of its tool calls have around them, by our recordings, or by the
    chat template where that is public; so are ``per_message``, ``per_prompt``, and ``per_tools``
    where there are any.
    """

    name: str
    vocabulary: str
    factor: float = 1.0
    per_answer: int = 1
    per_call: int = 10
    # https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
    per_message: int = 4
    per_prompt: int = 3
    per_tools: int = 3


UNKNOWN_FAMILY = Family("unknown", "o200k_base")

# The first that is found in the model's name, which may have a provider or owner in front.
FAMILIES: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(rf"(?:^|[/.:_-])(?:{names})", re.IGNORECASE), family)
    for names, family in (
        (
            "gpt-oss",
            # Its system message, https://cookbook.openai.com/articles/openai-harmony, and what
            # opens the answer.
            Family("gpt-oss", "gpt_oss", per_answer=10, per_prompt=64),
        ),
        (
            "gpt-3|gpt-35|gpt-4(?![o.])|(?:text-)?(?:davinci|babbage|curie|ada)",
            Family("gpt-4", "cl100k_base", per_answer=0),
        ),
        ("gpt-|chatgpt|o1|o3|o4|codex", Family("gpt-4o", "o200k_base", per_answer=0, per_tools=16)),
        ("claude", Family("claude", "cl100k_base", 1.18, per_call=35)),
        ("gemini", Family("gemini", "gemma3", per_answer=0, per_message=0, per_prompt=1)),
        ("gemma-?4", Family("gemma4", "gemma4")),
        ("gemma", Family("gemma", "gemma3")),
        ("llama-?2|vicuna|tinyllama", Family("llama2", "llama2")),
        ("codellama|code-llama", Family("codellama", "codellama")),
        ("deepseek-r1-distill-llama", Family("llama3", "llama3", per_message=1, per_prompt=2)),
        ("deepseek-r1-distill-qwen|qwen|qwq", Family("qwen", "qwen3")),
        # Since 3.1 its template says what day it is.
        (r"(?:meta-)?llama-?3[.p-][123]", Family("llama3", "llama3", per_message=5, per_prompt=30)),
        ("llama|hermes", Family("llama3", "llama3", per_message=5, per_prompt=5)),
        ("deepseek", Family("deepseek", "deepseek_v3", per_call=33, per_message=1, per_prompt=2)),
        ("mixtral|mistral-7b|open-mi", Family("mistral-v1", "mistral_v1")),
        ("mistral|ministral|codestral|pixtral|devstral|magistral", Family("mistral", "mistral_v3")),
        ("kimi|moonshot", Family("kimi", "kimi_k2")),
        ("glm", Family("glm", "glm4")),
        ("phi-?4", Family("phi4", "phi4")),
        ("olmo", Family("olmo", "olmo2")),
        # What Cohere bills is what was sent; its own preamble comes on top, and is free.
        (
            "command|c4ai",
            Family("command", "o200k_base", 1.05, per_call=20, per_message=0, per_prompt=0),
        ),
        # Bedrock counts no template, but the text that Nova has around tools.
        (
            "nova",
            Family("nova", "o200k_base", 1.1, per_message=0, per_prompt=0, per_tools=440),
        ),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html:
        # a conversation ends with "Bot:".
        ("titan", Family("titan", "cl100k_base", per_answer=0, per_message=0, per_prompt=3)),
        ("palmyra", Family("palmyra", "o200k_base", 1.1)),
        ("grok", Family("grok", "o200k_base")),
    )
)


def family_of(model: str | None) -> Family:
    """Return the family of a model by its name."""
    for name, family in FAMILIES:
        if model and name.search(model):
            return family
    return UNKNOWN_FAMILY


def counted_as(*models: str | None) -> str | None:
    """Return the first of *models* whose family is known, else the first that has a name."""
    named = [model for model in models if model]
    known = (model for model in named if family_of(model) is not UNKNOWN_FAMILY)
    return next(known, named[0] if named else None)


def count(text: str, family: Family) -> float:
    """Return how many tokens *text* is; a fraction where the vocabulary is a stand-in."""
    encode = _tokenizer(family.vocabulary).encode_ordinary
    counted = text[:MOST_COUNTED]
    tokens = sum(len(encode(counted[at : at + PIECE])) for at in range(0, len(counted), PIECE))
    if len(text) > len(counted):
        tokens = tokens * len(text) // len(counted)
    return tokens * family.factor


@cache
def _tokenizer(vocabulary: str) -> Any:
    # Only who has to estimate pays for loading it.
    from splintr import Tokenizer

    return Tokenizer.from_pretrained(vocabulary)
