"""Tokens that nobody reported: counted from what was asked and what was answered.

What cannot be counted is unknown, never a guess: images, audio and files whose formula is
not public or whose size the request does not have, earlier turns that the provider keeps
itself, and the answers of models that reason without showing it, whose hidden tokens are most
of what they bill.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from streamgauge.meter.media import Kind, medium_of, resolution, tokens_of
from streamgauge.meter.media_rates import rate_of
from streamgauge.meter.tokenizer import Family, count, family_of
from streamgauge.record import Choice, Reply, Usage, UsageSource

# Models that think before they speak, and bill that, while the reply shows little or none.
HIDDEN_REASONING = re.compile(
    r"(?:^|[/.:_-])(?:o[134](?:-|$)|gpt-5(?!.*chat)|gemini-(?:2\.5|3)|grok-(?:3-mini|4))",
    re.IGNORECASE,
)

# What stands around the parts of a prompt, in tokens, beside what the family knows.
PER_NAME = 1
# A call of the Responses API and what came of it, each, by our recordings.
PER_ITEM = 10
# What tells Claude to think, by our recordings.
CLAUDE_THINKS = 26
# https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview (pricing)
CLAUDE_TOOLS = 346

# Parts that are no text: counted by the provider's formula, if it has one.
NOT_TEXT = frozenset(
    {
        "audio", "document", "file", "fileData", "file_data", "image", "image_url", "images",
        "inlineData", "inline_data", "input_audio", "input_file", "input_image", "video",
    }
)  # fmt: skip
# Fields of a message that say where it belongs, not what it says.
NOT_SAID = frozenset(
    {
        "cachePoint", "cache_control", "call_id", "id", "index", "qualifiers", "role", "status",
        "toolUseId", "tool_call_id", "tool_use_id", "type",
        # Sealed: long, and not what is billed.
        "encrypted_content", "signature", "thoughtSignature", "thought_signature",
    }
)  # fmt: skip

# A schema is looked into so deep, and for so many fields: one may name itself.
DEEPEST = 8
MOST_FIELDS = 1000

# Since Gemini 3 the thoughts of earlier turns, of which a request has the sealed signatures, are
# part of the prompt: https://ai.google.dev/gemini-api/docs/thought-signatures.
THINKS_ON = re.compile(r"(?:^|[/.:_-])gemini-(?![12])", re.IGNORECASE)
THOUGHTS = frozenset({"thoughtSignature", "thought_signature"})

# Tools that run at the provider's, who bills what they find; ours are these.
OUR_TOOLS = (None, "function", "custom")
GEMINI_TOOLS = ("functionDeclarations", "function_declarations")

# Earlier turns that are not in the request.
ELSEWHERE = (
    "previous_response_id", "conversation", "cachedContent", "cached_content", "thread_id",
    "mcp_servers", "plugins", "connectors", "documents", "context_management",
)  # fmt: skip

# A prompt of these goes to the model as it is.
NO_CHAT = ("openai_completions", "watsonx")

# OpenAI wraps several calls at once into one of `multi_tool_use`.
ONE_CALL = 7
SEVERAL_CALLS, EACH_OF_SEVERAL = 9, 12
# Around each answer of the Responses API.
PER_RESPONSE = 1


class Unknowable(Exception):  # noqa: N818 - it is no fault
    """Part of a prompt cannot be counted."""


def estimated(
    reported: Usage, *, request: bytes, reply: Reply, dialect: str | None, model: str | None
) -> Usage:
    """Return *reported*, with what it lacks counted from *request* and *reply*.

    A count of a stream that broke off stands if it is the larger one.
    """
    if is_whole(reported):
        return reported
    is_final = reported.usage_source is UsageSource.REPORTED
    family = family_of(model)
    asked, said = reported.input_tokens, reported.output_tokens
    heard = reported.audio_input_tokens
    if asked is None:
        prompt = prompt_of(request, dialect, model)
        if prompt is not None:
            asked, heard = prompt.tokens, prompt.audio_tokens or heard
    if not is_final or said is None:
        counted = output_tokens(reply, dialect, model, family)
        said = counted if said is None or (counted or 0) > said else said
    if (asked, said) == (reported.input_tokens, reported.output_tokens):
        return reported
    return msgspec.structs.replace(
        reported,
        input_tokens=asked,
        output_tokens=said,
        audio_input_tokens=heard,
        usage_source=UsageSource.ESTIMATED,
    )


def is_whole(usage: Usage) -> bool:
    """Whether there is nothing left to count."""
    is_final = usage.usage_source is UsageSource.REPORTED
    return is_final and usage.input_tokens is not None and usage.output_tokens is not None


def output_tokens(
    reply: Reply, dialect: str | None, model: str | None, family: Family
) -> int | None:
    """Return the tokens of an answer, None if much of it may be hidden."""
    if not reply.choices or any(_is_sealed(choice) for choice in reply.choices):
        return None
    shows_reasoning = any(choice.reasoning for choice in reply.choices)
    if model and HIDDEN_REASONING.search(model) and not shows_reasoning:
        return None
    tokens = 0.0
    for choice in reply.choices:
        for text in (choice.text, choice.reasoning, choice.refusal):
            tokens += count(text, family) if text else 0
        for call in choice.tool_calls:
            tokens += count((call.name or "") + call.arguments, family)
        tokens += _around(len(choice.tool_calls), family)
    return round(tokens) + (PER_RESPONSE if dialect == "openai_responses" else 0)


def _around(calls: int, family: Family) -> int:
    if family.vocabulary != "o200k_base" or family.name != "gpt-4o":
        return family.per_answer + calls * family.per_call
    if calls > 1:
        return SEVERAL_CALLS + calls * EACH_OF_SEVERAL
    return ONE_CALL if calls else 0


def _is_sealed(choice: Choice) -> bool:
    """Whether some of the reasoning came as a sealed block, whose length tells nothing."""
    if any("redacted" in name for name in choice.extra):
        return True
    blocks = choice.extra.get("blocks")
    return any(map(_is_sealed_block, blocks if isinstance(blocks, list) else ()))


def _is_sealed_block(block: Any) -> bool:
    """Whether a *block* of Anthropic's API, or of Bedrock's, is sealed thinking."""
    if not isinstance(block, dict):
        return False
    thought = block.get("reasoningContent")
    is_redacted = isinstance(thought, dict) and "redactedContent" in thought
    return is_redacted or block.get("type") == "redacted_thinking"


class Prompt(NamedTuple):
    """The tokens of a prompt, and those of them that are audio, which has prices of its own."""

    tokens: int
    audio_tokens: int = 0


def prompt_of(request: bytes, dialect: str | None, model: str | None) -> Prompt | None:
    """Return the tokens of a prompt, None if part of it cannot be counted."""
    try:
        body = msgspec.json.decode(request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(body, dict) or any(body.get(name) for name in ELSEWHERE):
        return None
    try:
        return _prompt(body, dialect, model)
    except Unknowable:
        return None


def _prompt(body: dict[str, Any], dialect: str | None, model: str | None) -> Prompt:
    messages = _first(body, "messages", "input", "contents", "prompt", "inputs", "inputText")
    if isinstance(messages, str):
        messages = [messages]
    if not isinstance(messages, list) or not messages:
        raise Unknowable
    tools = _first(body, "tools", "functions", "toolConfig")
    if _has_servers(tools):
        raise Unknowable
    counter = _Counter(model, _resolution(body))
    family = counter.family
    around = 0
    is_chat = dialect not in NO_CHAT
    for message in messages:
        counter.add(message)
        if is_chat:
            around += family.per_message
        if isinstance(message, dict):
            around += PER_NAME if "name" in message else 0
            around += PER_ITEM if str(message.get("type")).startswith("function_call") else 0
    system = _first(body, "system", "instructions", "systemInstruction", "system_instruction")
    if system:
        counter.add(system)
        around += family.per_message
    if tools:
        counter.add(_tools_text(tools))
        around += CLAUDE_TOOLS if family.name == "claude" else family.per_tools
    if family.name == "claude" and _thinks(body):
        around += CLAUDE_THINKS
    around += family.per_prompt if is_chat else 0
    return Prompt(round(counter.tokens + around), counter.audio)


def _thinks(body: dict[str, Any]) -> bool:
    """Whether Claude is to think, as its own API, Bedrock's or OpenRouter's says it."""
    fields = body.get("additionalModelRequestFields")
    asked = _first(body | fields if isinstance(fields, dict) else body, "thinking", "reasoning")
    return isinstance(asked, dict) and asked.get("type") != "disabled"


def _resolution(body: dict[str, Any]) -> str | None:
    """Return how closely Gemini is to look at all media of a request."""
    config = _first(body, "generationConfig", "generation_config")
    if not isinstance(config, dict):
        return None
    return resolution(_first(config, "mediaResolution", "media_resolution"))


class _Counter:
    """What the parts of a prompt add up to: texts by the vocabulary, media by the formula."""

    def __init__(self, model: str | None, detail: str | None) -> None:
        self.family = family_of(model)
        self.tokens = 0.0
        self.audio = 0
        self._rate = rate_of(model)
        self._thinks_on = bool(model and THINKS_ON.search(model))
        self._detail = detail

    def add(self, part: Any) -> None:
        """Count *part*; raises `Unknowable` for what has no number."""
        if isinstance(part, str):
            self.tokens += count(part, self.family)
        elif isinstance(part, list):
            for one in part:
                self.add(one)
        elif isinstance(part, dict):
            if part.get("type") in NOT_TEXT or part.keys() & NOT_TEXT:
                self._see(part)
                return
            if self._thinks_on and part.keys() & THOUGHTS:
                raise Unknowable
            for name, value in part.items():
                if name not in NOT_SAID:
                    self.add(value)
        elif part is not None and not isinstance(part, bool):
            self.tokens += count(str(part), self.family)

    def _see(self, part: dict[str, Any]) -> None:
        medium = medium_of(part)
        if medium is None or self._rate is None:
            raise Unknowable
        if medium.detail is None:
            medium = medium._replace(detail=self._detail)
        tokens = tokens_of(medium, self._rate)
        if tokens is None:
            raise Unknowable
        self.tokens += tokens
        if medium.kind is Kind.AUDIO:
            self.audio += tokens


def _has_servers(tools: Any) -> bool:
    """Whether some of the *tools* run at the provider's."""
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict) or tool.get("type") not in OUR_TOOLS:
            return True
        if len(tool) == 1 and not tool.keys() & {*GEMINI_TOOLS, "toolSpec", "function"}:
            return True
    return False


def _tools_text(tools: Any) -> str:
    """Return tool definitions about as models see them: TypeScript, without JSON's quotes."""
    listed = tools if isinstance(tools, list) else _first(tools, "tools") or []
    return "\n".join(_tool(tool) for tool in listed if isinstance(tool, dict))


def _tool(tool: dict[str, Any]) -> str:
    for inner in ("function", "toolSpec"):
        if isinstance(tool.get(inner), dict):
            tool = tool[inner]
    declared = _first(tool, *GEMINI_TOOLS)
    if isinstance(declared, list):
        return _tools_text(declared)
    schema = _first(tool, "parameters", "input_schema", "inputSchema", "parameter_definitions")
    if isinstance(schema, dict) and isinstance(schema.get("json"), dict):
        schema = schema["json"]
    fields = _Schema(schema).fields() if isinstance(schema, dict) else ""
    comment = f"// {tool['description']}\n" if isinstance(tool.get("description"), str) else ""
    given = f"_: {{\n{fields}}}" if fields else ""
    return f"{comment}type {tool.get('name', '')} = ({given}) => any;"


class _Schema:
    """The parameters of a tool, as models see them."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._named = _first(schema, "$defs", "definitions")
        self._left = MOST_FIELDS

    def fields(self) -> str:
        return self._fields(self._schema, 0)

    def _fields(self, schema: dict[str, Any], depth: int) -> str:
        properties = schema.get("properties", {} if depth or "type" in schema else schema)
        if not isinstance(properties, dict) or depth > DEEPEST:
            return ""
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        lines = []
        for name, field in properties.items():
            self._left -= 1
            if not isinstance(field, dict) or self._left < 0:
                continue
            if isinstance(field.get("description"), str):
                lines.append(f"// {field['description']}\n")
            mark = "" if name in needed else "?"
            lines.append(f"{name}{mark}: {self._type(field, depth)},\n")
        return "".join(lines)

    def _type(self, field: dict[str, Any], depth: int) -> str:
        named = str(field.get("$ref", "")).rpartition("/")[2]
        if named and isinstance(self._named, dict) and depth <= DEEPEST:
            meant = self._named.get(named)
            field = meant if isinstance(meant, dict) and "$ref" not in meant else {}
        choices = field.get("enum")
        if isinstance(choices, list):
            return " | ".join(msgspec.json.encode(one).decode() for one in choices)
        kind = field.get("type")
        if kind == "object":
            return "{\n" + self._fields(field, depth + 1) + "}"
        if kind == "array" and isinstance(field.get("items"), dict) and depth <= DEEPEST:
            return self._type(field["items"], depth + 1) + "[]"
        return "number" if kind == "integer" else str(kind or "any")


def _first(body: dict[str, Any], *names: str) -> Any:
    return next((body[name] for name in names if body.get(name) is not None), None)
