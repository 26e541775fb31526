"""Headers that say who a call is for become labels of its log; the others are sent on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streamgauge.sdk.plain import json_text

# Where both are given, ours wins over Helicone's; so it is read last.
PREFIXES = ("helicone-", "streamgauge-")
PROPERTY = "property-"
PROPERTIES = tuple(prefix + PROPERTY for prefix in PREFIXES)

# Header without its prefix → label, as in the gateway.
FIELDS = {
    "user-id": "user_id",
    "session-id": "session_id",
    "session-path": "session_path",
    "session-name": "session_name",
    "request-id": "client_request_id",
    "model-override": "priced_as",
}
FLAGS = {"omit-request": "omit_request", "omit-response": "omit_response"}
AUTH = "auth"

Headers = Mapping[str, Any]


class Labelled(NamedTuple):
    """The labels of a call, and the HTTP headers that its log is sent with."""

    labels: dict[str, Any]
    headers: dict[str, str]


def labelled(*several: Headers | None) -> Labelled:
    """Read headers, the later ones winning; names are case-insensitive."""
    merged: dict[str, str] = {}
    for headers in several:
        if isinstance(headers, Mapping):
            merged |= _texts(headers)
    labels: dict[str, Any] = {}
    properties: dict[str, str] = {}
    kept = {name: value for name, value in merged.items() if not name.startswith(PREFIXES)}
    for prefix in PREFIXES:
        for name, value in merged.items():
            if not name.startswith(prefix):
                continue
            rest = name[len(prefix) :]
            if rest.startswith(PROPERTY):
                properties[rest[len(PROPERTY) :]] = value
            elif rest in FIELDS:
                labels[FIELDS[rest]] = value
            elif rest in FLAGS:
                labels[FLAGS[rest]] = value.strip().lower() == "true"
            elif rest == AUTH:
                kept.setdefault("authorization", value)
            else:
                kept[name] = value
    if properties:
        labels["properties"] = properties
    return Labelled(labels, kept)


def _texts(headers: Headers) -> dict[str, str]:
    """Return headers as text, true, false and null in JSON's words.

    None is a value of a property; any other header that has none is not there.
    """
    texts = {}
    for name, value in headers.items():
        lowered = str(name).lower()
        if value is not None or lowered.startswith(PROPERTIES):
            is_word = value is None or isinstance(value, bool)
            texts[lowered] = json_text(value) if is_word else str(value)
    return texts


def is_label(header: str) -> bool:
    """Whether a header is for us and not for a provider."""
    return header.lower().startswith(PREFIXES)
