"""The providers: those that are built in, and what one may have of its own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

PLACEHOLDERS = ("resource", "region")

# What follows /NAME in a request's path is appended to these.
BUILT_IN_PROVIDERS: dict[str, str] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "together": "https://api.together.xyz",
    "groq": "https://api.groq.com",
    "mistral": "https://api.mistral.ai",
    "google": "https://generativelanguage.googleapis.com",
    "cohere": "https://api.cohere.com",
    "deepseek": "https://api.deepseek.com",
    "xai": "https://api.x.ai",
    "openrouter": "https://openrouter.ai",
    "fireworks": "https://api.fireworks.ai",
    "perplexity": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai",
    # {resource} is the next segment of the path: /azure/RESOURCE/openai/deployments/…
    "azure": "https://{resource}.openai.azure.com",
    # {region} is the one that the client has signed for, else us-east-1.
    "bedrock": "https://bedrock-runtime.{region}.amazonaws.com",
    "ollama": "http://127.0.0.1:11434",
    "vllm": "http://127.0.0.1:8000",
}

# Who says nothing of usage in a stream unless asked, and is known to understand the question.
# Others tell it anyway, or would refuse a field that they do not know.
ASKED_FOR_USAGE = frozenset(["openai", "ollama", "vllm"])

# What may happen to a provider's stream when its client leaves.
ON_DISCONNECT = r"^(cancel|detach|grace=[0-9]{1,5}(\.[0-9]+)?)$"

Seconds = Annotated[float, Meta(gt=0)]
Retries = Annotated[int, Meta(ge=0, le=10)]
OnDisconnect = Annotated[str, Meta(pattern=ON_DISCONNECT)]


class Own(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one provider or route may have of its own, instead of the settings for all."""

    connect_timeout_s: Seconds | None = None
    first_token_timeout_s: Seconds | None = None
    idle_timeout_s: Seconds | None = None
    total_timeout_s: Seconds | None = None
    on_disconnect: OnDisconnect | None = None
    # How often a request that failed before its first byte is sent again to the same place.
    retries: Retries = 0

    def timeouts(self) -> dict[str, float | None]:
        """Return its own limits by name, None where the usual one holds."""
        return {
            "connect": self.connect_timeout_s,
            "first_token": self.first_token_timeout_s,
            "idle": self.idle_timeout_s,
            "total": self.total_timeout_s,
        }


class Provider(Own, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one provider is."""

    url: Annotated[str, Meta(description="Base URL; what follows /NAME in a path is appended.")]
    # Whether it takes `stream_options` in a chat request; None is what is known of the name.
    stream_usage: bool | None = None
