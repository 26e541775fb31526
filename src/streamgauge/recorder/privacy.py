"""What is left out of a record: bodies as a whole, or what a rule's patterns match.

A reply is searched once it is whole, so that nothing hides at the border of two chunks. Its raw
bytes are another matter: what a pattern matches may be spread over many events there, and cannot
be cut out of them. So where anything matched, they are left out; and so is what a provider says
beside the text, which may spell it token by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from streamgauge.journal.format import Open, Retried
from streamgauge.record import Reply
from streamgauge.recorder.labels import Labels
from streamgauge.recorder.outcome import Verdict
from streamgauge.recorder.spool import MAX_KEPT
from streamgauge.settings import PrivacyRule
from streamgauge.settings.privacy import compiled
from streamgauge.wire.decoding import Decoding, inflated

REDACTED = "[redacted]"

Why = TypeVar("Why", Retried, Verdict)


class Privacy(NamedTuple):
    """What of one exchange is left out."""

    omit_request: bool = False
    omit_response: bool = False
    patterns: tuple[Any, ...] = ()

    def __or__(self, other: Privacy) -> Privacy:
        """What either leaves out."""
        patterns = self.patterns + tuple(p for p in other.patterns if p not in self.patterns)
        return Privacy(
            self.omit_request or other.omit_request,
            self.omit_response or other.omit_response,
            patterns,
        )

    @property
    def is_shown(self) -> bool:
        """Whether the answer may be seen by others while it runs: patterns need all of it."""
        return not self.omit_response and not self.patterns

    # -- redaction -------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Return *text* without what matches; in JSON, also what its escapes hide."""
        if not self.patterns:
            return text
        if text[:1] in ("{", "[", '"'):
            try:
                said = msgspec.json.decode(text)
                cleaned = self.value(said)
                if cleaned != said:
                    text = msgspec.json.encode(cleaned).decode()
            except (msgspec.DecodeError, UnicodeEncodeError):
                pass  # then it is text and no more
            except RecursionError:
                return REDACTED  # nobody nests like that who has something to say
        return self._plain(text)

    def maybe_text(self, text: str | None) -> str | None:
        """Return *text* without what matches, None where there is none."""
        return None if text is None else self.text(text)

    def value(self, value: Any) -> Any:
        """Return a value of JSON without what matches in its texts."""
        if not self.patterns:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return type(value)(self.value(one) for one in value)
        if isinstance(value, dict):
            return {self.text(name): self.value(one) for name, one in value.items()}
        return value

    def reply(self, reply: Reply) -> Reply:
        """Return *reply* without what matches; it is the same one where nothing does."""
        if not self.patterns:
            return reply
        try:
            said = msgspec.to_builtins(reply)
            cleaned = self.value(said)
            if cleaned == said:
                return reply
            clean = msgspec.convert(cleaned, Reply)
        except RecursionError:
            return Reply(id=reply.id, model=reply.model, usage=reply.usage)
        choices = tuple(replace(choice, extra={}) for choice in clean.choices)
        return replace(clean, choices=choices, extra={})

    def said(self, why: Why) -> Why:
        """Return *why* something failed, without what matches in its message."""
        if not self.patterns:
            return why
        return replace(why, error_message=self.maybe_text(why.error_message))

    def may_keep(self, raw: bytes, encoding: str | None, decoding: Decoding) -> bool:
        """Whether *raw*, in whose reply nothing matches, is without a match, too.

        Nobody can tell of a stream that could not be read, or of what cannot be unpacked.
        """
        if not self.patterns:
            return True
        if decoding.is_stream and (not decoding.is_read or decoding.trouble is not None):
            return False
        plain = inflated(raw, encoding, limit=MAX_KEPT)
        if (encoding and plain is raw) or len(plain) > MAX_KEPT:
            return False
        text = plain.decode("utf-8", "replace")
        return self.text(text) == text

    def matches(self, data: bytes) -> bool:
        """Whether something in *data* would have to be redacted."""
        return any(pattern.search(data) is not None for pattern in self.patterns)

    def _plain(self, text: str) -> str:
        data = text.encode("utf-8", "replace")
        if not self.matches(data):
            return text
        for pattern in self.patterns:
            data = pattern.sub(REDACTED.encode(), data)
        return data.decode("utf-8", "replace")


class Rules:
    """The rules of the settings, ready for use; raises `ConfigurationError` for a bad pattern."""

    def __init__(self, rules: Sequence[PrivacyRule] = ()) -> None:
        self._rules = [(rule, tuple(map(compiled, rule.redact))) for rule in rules]

    def of(self, opening: Open, labels: Labels) -> Privacy:
        """Return what its rules, and its client's own wishes, leave out of an exchange."""
        found = Privacy(labels.omit_request, labels.omit_response)
        for rule, patterns in self._rules:
            if _is_for(rule, opening, labels.properties):
                found |= Privacy(rule.omit_request, rule.omit_response, patterns)
        return found


def _is_for(rule: PrivacyRule, opening: Open, properties: dict[str, str]) -> bool:
    named = {name.lower(): value for name, value in properties.items()}
    return (
        fnmatchcase(opening.provider, rule.provider)
        and fnmatchcase(opening.path.partition("?")[0], rule.path)
        and all(
            name.lower() in named and fnmatchcase(named[name.lower()], value)
            for name, value in rule.properties.items()
        )
    )
