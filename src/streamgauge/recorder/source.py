"""What a reader of an answer needs of it, whether it runs or is stored."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from streamgauge.record import Outcome


class Ending(Struct, frozen=True):
    """How an answer ended."""

    outcome: Outcome
    error_type: str | None
    error_message: str | None


class Source(Protocol):
    """Where the bytes of an answer are: an exchange that runs, or a stored record."""

    @property
    def path(self) -> str:
        """The path that was asked for."""

    @property
    def key_hash(self) -> str | None:
        """Whose answer it is, None where the request had no key."""

    @property
    def is_shown(self) -> bool:
        """Whether others than its client may see it."""

    @property
    def response_headers(self) -> dict[str, str]:
        """The answer's headers."""

    @property
    def ending(self) -> Ending | None:
        """How it ended, None while it runs."""

    @property
    def size(self) -> int:
        """How many bytes there are by now."""

    def piece(self, offset: int, limit: int, /) -> bytes:
        """Return up to *limit* bytes from *offset* on."""

    async def news(self) -> None:
        """Wait until there is more, or the end."""

    def resume(self) -> None:
        """Somebody has come back for it."""
