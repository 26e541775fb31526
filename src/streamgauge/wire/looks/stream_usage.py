"""Stream usage: asking an OpenAI-style provider for it, and hiding the one event it adds.

Usage of a stream comes only when ``stream_options.include_usage`` asks for it
(https://platform.openai.com/docs/api-reference/chat/create); then one more event comes,
with the usage and no choices. A client that did not ask may stumble over that event.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from streamgauge.wire.looks.lines import FIELDS
from streamgauge.wire.looks.member import place_of

ASK = b'"stream_options":{"include_usage":true},'
ASK_WITHIN = b'"include_usage":true,'

OPTIONS = "stream_options"
STREAM = b'"stream"'
ESCAPE = b"\\u"  # with which it could be spelled otherwise

USAGE = b'"usage"'
_USAGE = re.compile(rb'"usage"[ \t]*:[ \t]*\{')
# Once asked, OpenAI says this in every other event.
_NONE = b'"usage":null'
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")


class _Request(Struct):
    stream: bool | None = None
    stream_options: Any = msgspec.UNSET


class _Chunk(Struct):
    choices: list[msgspec.Raw] | None = None
    usage: dict[str, Any] | None = None


_request = msgspec.json.Decoder(_Request).decode
_chunk = msgspec.json.Decoder(_Chunk).decode


def ask(body: bytes) -> bytes | None:
    """Return *body* with the wish for usage spliced in; None if it is to be left alone.

    All other bytes stay. Left alone are requests that do not stream, that ask already or
    say ``include_usage: false`` themselves, and what is not a JSON object.
    """
    if body.find(STREAM) < 0 and body.find(ESCAPE) < 0:
        return None  # finding that out costs a tenth of reading it
    try:
        request = _request(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not request.stream:
        return None
    options = request.stream_options
    if options is msgspec.UNSET:
        start = body.index(b"{") + 1
        return body[:start] + ASK + body[start:]
    if options is not None and (not isinstance(options, dict) or "include_usage" in options):
        return None
    return _ask_within(body, options)


def _ask_within(body: bytes, options: dict[str, Any] | None) -> bytes | None:
    """Splice into the ``stream_options`` that are there, or replace their ``null``."""
    place = place_of(body, OPTIONS)
    if place is None:
        return None
    at, _ = place
    if options is None:
        return body[:at] + b'{"include_usage":true}' + body[at + 4 :]
    wish = ASK_WITHIN if options else ASK_WITHIN.rstrip(b",")
    return body[: at + 1] + wish + body[at + 1 :]


def tells_usage(lines: bytes) -> bool:
    """Whether *lines* may have a usage that is not null; counting is faster than the pattern."""
    return lines.count(USAGE) > lines.count(_NONE) and _USAGE.search(lines) is not None


class Hider:
    """Takes the usage events out of a stream that comes in whole lines."""

    __slots__ = ("is_ending",)

    def __init__(self) -> None:
        self.is_ending = False  # a hidden event still lacks its blank line

    def split(self, lines: bytes) -> list[tuple[bytes, bool]]:
        """Return *lines* in pieces, in order: the bytes, and whether they are to be hidden."""
        if not self.is_ending and not tells_usage(lines):
            return [(lines, False)]
        pieces: list[tuple[bytes, bool]] = []
        start = at = 0
        fields: int | None = None  # where the name or the id of an event began
        was_hidden = False
        for found in _LINE.finditer(lines):
            line = found.group()
            if not line:
                break
            is_hidden = self._is_hidden(line)
            if is_hidden is not was_hidden:
                border = fields if is_hidden and fields is not None else at
                if border > start:
                    pieces.append((lines[start:border], was_hidden))
                start, was_hidden = border, is_hidden
            if not line.startswith(FIELDS):
                fields = None
            elif fields is None:
                fields = at
            at = found.end()
        pieces.append((lines[start:], was_hidden))
        return pieces

    def _is_hidden(self, line: bytes) -> bool:
        if self.is_ending:
            is_over = not line.strip(b"\r\n")
            self.is_ending = not is_over and line.startswith(FIELDS)
            if is_over or self.is_ending:
                return True
        if line.startswith(b"data:") and USAGE in line and is_usage_alone(line[5:]):
            self.is_ending = True
            return True
        return False


def is_usage_alone(data: bytes) -> bool:
    """Return whether an event has usage and, by an empty list, no choices."""
    try:
        chunk = _chunk(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(chunk.usage) and chunk.choices == []
