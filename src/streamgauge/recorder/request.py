"""What was asked: one request as far as it has come, who asks, and who is to answer."""

from __future__ import annotations

from msgspec.structs import replace

from streamgauge.journal.format import Body, Open, Retried, headers_of
from streamgauge.recorder.labels import Labels, labels_of
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.spool import MAX_KEPT, Memory, Spool
from streamgauge.wire.decoding import inflated
from streamgauge.wire.request import RequestFacts, read_request


class Request:
    """Begins with *opening*; its body is kept in *memory*."""

    __slots__ = ("_body", "_facts", "headers", "labels", "opening", "privacy", "rules", "size")

    def __init__(self, opening: Open, memory: Memory, rules: Rules) -> None:
        self.opening = opening
        self.headers = headers_of(opening.headers)
        said = opening.labels
        self.labels = labels_of(self.headers) if said is None else Labels(**said)
        self.rules = rules
        self.privacy = rules.of(opening, self.labels)
        self.size = 0
        self._body = Spool(memory)
        self._facts = RequestFacts()

    def add(self, body: Body) -> None:
        """Take in more of the body."""
        self.size += len(body.data)
        self._body.add(body.data)
        if body.complete:
            self._facts = read_request(self.plain(), self.opening.path)

    def retried(self, entry: Retried) -> None:
        """It goes somewhere else, or there again."""
        self.opening = replace(
            self.opening,
            provider=entry.provider,
            upstream=entry.upstream,
            path=entry.path,
            model=entry.model,
        )
        self.privacy |= self.rules.of(self.opening, self.labels)

    def plain(self) -> bytes:
        """Return the body without its content encoding."""
        encoding = next((v for n, v in self.headers if n.lower() == "content-encoding"), None)
        return inflated(self._body.peek(), encoding, limit=MAX_KEPT)

    def drop(self) -> None:
        """Let go of the body."""
        self._body.drop()

    @property
    def lost(self) -> int:
        """How many bytes of the body are counted but not kept."""
        return self._body.lost

    @property
    def model(self) -> str | None:
        """The model that was asked for, by the client or in its place."""
        return self.opening.model or self._facts.model

    @property
    def user(self) -> str | None:
        """Who asks, by the label or by the body."""
        return self.labels.user_id or self.privacy.maybe_text(self._facts.user)

    @property
    def is_streaming(self) -> bool:
        """Whether a stream was asked for."""
        return self._facts.streaming
