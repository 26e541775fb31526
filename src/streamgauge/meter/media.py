"""Pictures, recordings and films in a request, in every provider's way to put them there.

What is only named, by an address or a file's id, is not in the request and cannot be measured;
a few rates do not ask for its size.
"""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from streamgauge.meter.duration import seconds_of
from streamgauge.meter.media_rates import Rate
from streamgauge.meter.picture import size_of


class Kind(StrEnum):
    """What a medium is."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


class Medium(NamedTuple):
    """One of a request's media.

    *data* is None where the request only names it; *detail* is how closely it is to be looked
    at, if that is said.
    """

    kind: Kind
    data: bytes | None
    detail: str | None = None


def medium_of(part: dict[str, Any]) -> Medium | None:
    """Return the medium that *part* of a prompt carries, None if it carries none."""
    for name, reader in READERS.items():
        if part.get(name) is not None:
            return reader(part, part[name])
    return None


def tokens_of(medium: Medium, rate: Rate) -> int | None:
    """Return how many tokens *medium* is by *rate*, None if that cannot be known."""
    if medium.kind is Kind.IMAGE:
        size = None if medium.data is None else size_of(medium.data)
        return rate.image(size, medium.detail)
    seconds = None if medium.data is None else seconds_of(medium.data)
    if seconds is None:
        return None
    a_second = rate.audio if medium.kind is Kind.AUDIO else rate.video
    return None if a_second is None else math.ceil(seconds * a_second)


def resolution(value: Any) -> str | None:
    """Return Gemini's media resolution in a word, None for its default."""
    level = value.get("level") if isinstance(value, dict) else value
    if not isinstance(level, str):
        return None
    word = level.lower().removeprefix("media_resolution_")
    return None if word == "unspecified" else word


# -- the ways --------------------------------------------------------------------------------------


def _openai_image(part: dict[str, Any], image: Any) -> Medium:
    """Chat has the detail inside, Responses beside."""
    fields = image if isinstance(image, dict) else {"url": image, "detail": part.get("detail")}
    return Medium(Kind.IMAGE, _from_url(fields.get("url")), fields.get("detail"))


def _openai_file(part: dict[str, Any], _id: Any) -> Medium | None:
    is_image = part.get("type") == "input_image"
    return Medium(Kind.IMAGE, None, part.get("detail")) if is_image else None


def _openai_audio(_part: dict[str, Any], audio: Any) -> Medium:
    return Medium(Kind.AUDIO, _decoded(_get(audio, "data")))


def _claude_source(part: dict[str, Any], source: Any) -> Medium | None:
    return (
        Medium(Kind.IMAGE, _decoded(_get(source, "data"))) if part.get("type") == "image" else None
    )


def _converse_image(_part: dict[str, Any], image: Any) -> Medium:
    return Medium(Kind.IMAGE, _decoded(_get(_get(image, "source"), "bytes")))


def _gemini(part: dict[str, Any], blob: Any) -> Medium | None:
    # Which seconds of a film, and how many pictures of each.
    if part.keys() & {"videoMetadata", "video_metadata"}:
        return None
    kind = str(_get(blob, "mimeType") or _get(blob, "mime_type")).partition("/")[0]
    if kind not in tuple(Kind):
        return None
    asked = part.get("mediaResolution", part.get("media_resolution"))
    return Medium(Kind(kind), _decoded(_get(blob, "data")), resolution(asked))


READERS: dict[str, Callable[[dict[str, Any], Any], Medium | None]] = {
    "image_url": _openai_image,
    "file_id": _openai_file,
    "input_audio": _openai_audio,
    "source": _claude_source,
    "image": _converse_image,
    "inlineData": _gemini,
    "inline_data": _gemini,
    "fileData": _gemini,
    "file_data": _gemini,
}


def _get(fields: Any, name: str) -> Any:
    return fields.get(name) if isinstance(fields, dict) else None


def _from_url(url: Any) -> bytes | None:
    if not isinstance(url, str) or not url.startswith("data:"):
        return None
    head, _, data = url.partition(",")
    return _decoded(data) if head.endswith(";base64") else None


def _decoded(text: Any) -> bytes | None:
    """Return what *text* is in base64, in either alphabet, padded or not."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return b64decode(text.rstrip("=") + "==", altchars=b"-_" if _is_url_safe(text) else None)
    except (binascii.Error, ValueError):
        return None


def _is_url_safe(text: str) -> bool:
    return "-" in text or "_" in text
