"""What the simulator saw of each request, for tests to ask: GET /simulator/requests."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic

from msgspec import Struct

from streamgauge.secrets import is_secret

# Enough to look back over a test; a soak must not grow it.
MOST_ACCOUNTS = 100

# As much of a body as a test wants to read; the digest covers all of it.
MOST_BODY = 16 * 1024


class Account(Struct, kw_only=True):
    """One request and how its answer went; times in ms from the end of the request.

    ``connection`` numbers the connection that it came on, from 1: requests on one have the same.
    ``first_content_ms`` is when the write with the first content was handed to the socket.
    ``ended``: ``open``, ``finished``, ``client_left``, or ``broken`` by the ``fault`` asked for.
    """

    number: int
    connection: int
    received_at: datetime
    method: str
    target: str
    headers: dict[str, str]
    body: str
    body_bytes: int
    body_sha256: str
    provider: str = ""
    model: str | None = None
    recording: str | None = None
    fault: str | None = None
    status: int = 0
    head_ms: float | None = None
    first_content_ms: float | None = None
    last_content_ms: float | None = None
    duration_ms: float | None = None
    writes: int = 0
    bytes_out: int = 0
    ended: str = "open"
    ended_at: datetime | None = None
    started: float = 0.0

    def since(self) -> float:
        """Milliseconds since the end of the request."""
        return (monotonic() - self.started) * 1000

    def end(self, how: str) -> None:
        """Note how it ended, once."""
        if self.ended == "open":
            self.ended, self.ended_at = how, datetime.now(UTC)
            self.duration_ms = self.since()


class Book:
    """The last accounts, oldest first."""

    def __init__(self) -> None:
        self._accounts: deque[Account] = deque(maxlen=MOST_ACCOUNTS)
        self._count = 0

    def open(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        started: float,
        connection: int,
    ) -> Account:
        """Begin the account of a request; *started* is monotonic time, in seconds."""
        self._count += 1
        account = Account(
            number=self._count,
            connection=connection,
            received_at=datetime.now(UTC),
            method=method,
            target=target,
            headers={n: value for n, value in headers.items() if not is_secret(n.encode())},
            body=body[:MOST_BODY].decode(errors="replace"),
            body_bytes=len(body),
            body_sha256=sha256(body).hexdigest(),
            started=started,
        )
        self._accounts.append(account)
        return account

    def accounts(self) -> list[Account]:
        """Return the accounts, oldest first."""
        return list(self._accounts)
