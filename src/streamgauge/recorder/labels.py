"""What a client's headers say about a request: who, which session, what to leave out."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

# Where both are given, ours wins over Helicone's; so it is read last.
PREFIXES = ("helicone-", "streamgauge-")
PROPERTY = "property-"

# Header without its prefix → field.
FIELDS = {
    "user-id": "user_id",
    "session-id": "session_id",
    "session-path": "session_path",
    "session-name": "session_name",
    "request-id": "client_request_id",
    "model-override": "priced_as",
}
FLAGS = {"omit-request": "omit_request", "omit-response": "omit_response"}

# The property that tells a custom event (a tool, a database, data) from a model's answer.
EVENT_TYPE = "_type"

# Where providers put the id of a request, the most specific first.
PROVIDER_ID = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-together-request-id",
    "x-goog-request-id",
)

Headers = Iterable[tuple[str, str]]


class Labels(Struct, frozen=True, kw_only=True):
    """The labels of one request."""

    user_id: str | None = None
    session_id: str | None = None
    session_path: str | None = None
    session_name: str | None = None
    client_request_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    priced_as: str | None = None  # the model whose prices count
    omit_request: bool = False
    omit_response: bool = False


def labels_of(headers: Headers) -> Labels:
    """Read ``Streamgauge-*`` and ``Helicone-*`` headers; names are case-insensitive."""
    lowered = [(name.lower(), _text(value)) for name, value in headers]
    values: dict[str, str | bool] = {}
    properties: dict[str, str] = {}
    for prefix in PREFIXES:
        for name, value in lowered:
            if not name.startswith(prefix):
                continue
            name = name[len(prefix) :]
            if name.startswith(PROPERTY):
                if name != PROPERTY:
                    properties[name[len(PROPERTY) :]] = value
            elif name in FIELDS:
                values[FIELDS[name]] = value
            elif name in FLAGS:
                values[FLAGS[name]] = value.strip().lower() == "true"
    return Labels(properties=properties, **values)  # type: ignore[arg-type]


def _text(value: str) -> str:
    """Return a header's value, read as Latin-1 (RFC 9110 §5.5), as the UTF-8 that it may be."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def provider_request_id(headers: dict[str, str]) -> str | None:
    """Return the provider's own id of the request, from lower-cased response headers."""
    return next((headers[name] for name in PROVIDER_ID if name in headers), None)


def joined(headers: Headers) -> dict[str, str]:
    """Return headers by lower-cased name; repeated ones are joined (RFC 9110 §5.3)."""
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
