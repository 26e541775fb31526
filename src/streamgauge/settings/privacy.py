"""The rules of privacy: whose requests are recorded without what was said, or not all of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from streamgauge.errors import ConfigurationError


class PrivacyRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests, and what is left out of their records.

    ``provider``, ``path`` and the values of ``properties`` may have ``*`` and ``?`` in them; what
    is not given is any. ``redact`` has regular expressions in RE2's syntax.
    """

    provider: str = "*"
    path: str = "*"
    properties: dict[str, str] = {}
    omit_request: bool = False
    omit_response: bool = False
    redact: list[str] = []

    def fault(self) -> str | None:
        """Return what is wrong with it, in words; None if nothing is."""
        if not (self.omit_request or self.omit_response or self.redact):
            return "it leaves nothing out; it needs omit_request, omit_response or redact"
        for pattern in self.redact:
            try:
                matches_nothing = compiled(pattern).search(b"") is not None
            except ConfigurationError as error:
                return str(error)
            if matches_nothing:
                return f"redact: {pattern!r} matches where there is nothing"
        return None


def compiled(pattern: str) -> Any:
    """Return *pattern* for use on UTF-8; raises `ConfigurationError`.

    RE2's time is linear in the text, whatever the pattern: what is searched comes from outside,
    and with Python's own a common pattern can take days on an image in base64.
    """
    import re2  # type: ignore[import-untyped]  # costs memory that no worker needs

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0]
        why = said.decode(errors="replace") if isinstance(said, bytes) else error
        raise ConfigurationError(
            f"redact: {pattern!r} is no regular expression of RE2: {why}"
        ) from None
