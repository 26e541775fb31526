"""What the handlers are given: the store, the live view, the health, the page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from anyio import CapacityLimiter
from litestar.di import NamedDependency

from streamgauge.keys import Keys
from streamgauge.secrets import KeyHasher, Signer
from streamgauge.store.loader import Store
from streamgauge.store.sql import Guest

if TYPE_CHECKING:
    from streamgauge.api.log import Entry, Journal
    from streamgauge.recorder.health import Health


class Live(Protocol):
    """The exchanges that run now, as the recorder sees them. For the event loop only."""

    def snapshot(self) -> list[dict[str, Any]]:
        """What "opened" said of every open exchange."""

    def get(self, record_id: str, /, *, with_bodies: bool = False) -> dict[str, Any] | None:
        """One open exchange, in columns of a record as far as they are known; else None."""

    def subscribe(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Everything from now on, as ``(event, data)``."""


class Answer(Protocol):
    """The answer of one exchange, running or stored."""

    @property
    def key_hash(self) -> str | None:
        """Whose it is."""

    @property
    def is_shown(self) -> bool:
        """Whether others than its client may see it."""

    @property
    def response_headers(self) -> dict[str, str]:
        """The provider's headers."""

    @property
    def ending(self) -> object | None:
        """How it ended, None while it runs."""

    @property
    def size(self) -> int:
        """How many bytes there are by now."""

    def piece(self, offset: int, limit: int, /) -> bytes:
        """Up to *limit* bytes from *offset* on."""

    async def news(self) -> None:
        """Wait until there is more, or the end."""

    def resume(self) -> None:
        """Somebody has come back for it."""


class Answers(Protocol):
    """The answers as their clients got them. For the event loop only."""

    async def find(self, record_id: str, /) -> Answer | None:
        """The answer of a record."""

    def read(
        self, answer: Any, offset: int, *, is_following: bool, is_numbering: bool
    ) -> AsyncGenerator[bytes]:
        """Its bytes from *offset* on, until now or until its end."""


class Parts:
    """The assembly behind the API."""

    def __init__(
        self,
        store: Store,
        live: Live,
        *,
        health: Callable[[], Health],
        ui_dir: Path | None,
        journal: Journal,
        answers: Answers,
        secret: bytes,
        stop: Callable[[bytes], int],
        keys: Keys,
        is_local: bool,
    ) -> None:
        """Take them in.

        *live* is used on the event loop only; *health* is called there as well and must not
        block. *ui_dir*: the built page, None when there is none. *journal* takes what is logged.
        *answers* are read by clients that come back; *secret* tells their keys and signatures.
        *stop* names an exchange to the workers, and returns how many have heard of it. *keys* say
        who may do what; *is_local*: without any, only this machine may.
        """
        self.store = store
        self.guest = Guest(store)
        self.guests_limit = CapacityLimiter(1)  # the others wait, without a thread each
        self.live = live
        self.health = health
        self.ui_dir = ui_dir
        self.journal = journal
        self.answers = answers
        self.stop = stop
        self.keys = keys
        self.is_local = is_local
        self.hash_key = KeyHasher(secret)
        self.signer = Signer(secret)

    def keep(self, entries: list[Entry]) -> bool:
        """Append *entries* to the journal; whether its disk took them."""
        lost = self.journal.lost()
        self.journal.append_all(entries)
        return self.journal.lost() == lost


# What a handler writes for "the argument `parts`".
Given = NamedDependency[Parts]
