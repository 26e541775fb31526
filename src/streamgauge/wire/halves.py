"""Characters that a provider cut in two.

An emoji is two escapes in JSON (``\\ud83d\\ude00``), and some cut between them: one half ends
this chunk, the other begins the next. A half alone is no character, and no strict reader takes
it. So a half is moved to where private characters are, travels there like any other, and
becomes whole when the pieces of the text are joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# The last 2,048 code points there are; nobody has given them a meaning.
_MOVED = 0x110000 - 0x800 - 0xD800

# Whole pairs and escaped backslashes are looked at too, so that no half is found in them.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."
)
_HALVES = re.compile(
    "(?P<high>[\U0010f800-\U0010fbff])(?P<low>[\U0010fc00-\U0010ffff])|[\U0010f800-\U0010ffff]"
)


def moved(data: bytes) -> bytes:
    """Return JSON text with its lone halves moved; all else is as it was."""
    return _ESCAPE.sub(_move, data)


def joined(pieces: Iterable[str]) -> str:
    """Return the text that *pieces* are; a half without the other is U+FFFD."""
    text = "".join(pieces)
    return text if text.isascii() else _HALVES.sub(_join, text)


def _move(escape: re.Match[bytes]) -> bytes:
    half = escape["half"]
    return escape[0] if half is None else chr(int(half, 16) + _MOVED).encode()


def _join(found: re.Match[str]) -> str:
    if found["high"] is None:
        return "\ufffd"
    pair = "".join(chr(ord(half) - _MOVED) for half in found.groups())
    return pair.encode("utf-16", "surrogatepass").decode("utf-16")
