"""One member of a JSON object, changed in place: all other bytes stay as the client wrote them."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")


def place_of(body: bytes, name: str) -> tuple[int, int] | None:
    """Return where the value of *name* begins and ends; the last one, which is what counts.

    *body* is a JSON object. Raises ValueError where it is not.
    """
    text = body.decode()
    # Numbers stay texts: Python refuses to read those of thousands of digits.
    decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
    found = None
    try:
        at = _after(text, text.index("{") + 1)
        while text[at] != "}":
            key, at = decode(text, at)
            begin = _after(text, _after(text, at) + 1)  # over the colon
            _, end = decode(text, begin)
            if key == name:
                found = begin, end
            at = _after(text, end)
            if text[at] == ",":
                at = _after(text, at + 1)
    except (IndexError, RecursionError) as error:
        raise ValueError("this is no JSON object") from error
    if found is None:
        return None
    begin, end = found
    start = len(text[:begin].encode())
    return start, start + len(text[begin:end].encode())


def replaced(body: bytes, members: dict[str, Any]) -> bytes:
    """Return *body* with *members* in it, whether or not it had them; as it is if no object."""
    for name, value in members.items():
        said = json.dumps(value, separators=(",", ":")).encode()
        try:
            place = place_of(body, name)
            start = body.index(b"{") + 1
        except ValueError:
            return body
        if place is not None:
            body = body[: place[0]] + said + body[place[1] :]
            continue
        is_empty = body[start:].lstrip()[:1] == b"}"
        body = (
            body[:start]
            + json.dumps(name).encode()
            + b":"
            + said
            + (body[start:] if is_empty else b"," + body[start:])
        )
    return body


def _after(text: str, at: int) -> int:
    """Return where the space at *at* ends."""
    found = _SPACE.match(text, at)
    return found.end() if found else at
