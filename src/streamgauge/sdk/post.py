"""Posting logs to a server, and what its answers mean."""

from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING, NamedTuple

from streamgauge.sdk.spool import Letter

if TYPE_CHECKING:
    import httpx

# Below this, packing costs more than it saves.
GZIP_FROM_BYTES = 16 * 1024

# Answers after which trying again is no use: the log itself is at fault.
PERMANENT = frozenset([400, 413, 415, 422])

DELIVERED, REFUSED, LATER = "delivered", "refused", "later"


class Answer(NamedTuple):
    """How posting a log went, why, and the seconds that the server wants us to wait."""

    result: str
    reason: str = ""
    pause: float = 0.0


class Post:
    """Posts to *url*, from any thread."""

    def __init__(self, url: str, *, api_key: str | None, timeout: float) -> None:
        self._url = url
        self._api_key = api_key
        self._timeout = timeout
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def all(self, letters: list[Letter]) -> list[Answer]:
        """Post some logs at the same time, so that a far server does not slow us down."""
        answers = [Answer(LATER)] * len(letters)

        def post(number: int) -> None:
            answers[number] = self.one(letters[number])

        # Threads of a pool would hold the program at its end.
        hands = []
        for number in range(1, len(letters)):
            hand = threading.Thread(target=post, args=(number,), daemon=True)
            try:
                hand.start()
            except RuntimeError:  # no more threads, or the interpreter is ending
                post(number)
            else:
                hands.append(hand)
        post(0)
        for hand in hands:
            hand.join()
        return answers

    def one(self, letter: Letter) -> Answer:
        """Post one log."""
        import httpx

        headers = {
            name.encode(errors="replace"): value.encode(errors="replace")
            for name, value in letter.headers.items()
        }
        body = letter.body
        if len(body) >= GZIP_FROM_BYTES:
            body = gzip.compress(body, compresslevel=1)
            headers[b"content-encoding"] = b"gzip"
        try:
            answer = self.connected().post(self._url, content=body, headers=headers)
        except httpx.LocalProtocolError as error:  # a header that HTTP does not allow
            return Answer(REFUSED, str(error))
        except Exception as error:
            return Answer(LATER, str(error) or type(error).__name__)
        if answer.is_success:
            return Answer(DELIVERED)
        reason = f"the server answered {answer.status_code}: {answer.text[:200]}"
        if answer.status_code in PERMANENT:
            return Answer(REFUSED, reason)
        return Answer(LATER, reason, _seconds(answer.headers.get("retry-after")))

    def connected(self) -> httpx.Client:
        """Return the one client, made when it is first needed."""
        import httpx

        with self._lock:
            if self._client is not None:
                return self._client
            headers = {"user-agent": "streamgauge-python", "content-type": "application/json"}
            if self._api_key:
                headers["authorization"] = f"Bearer {self._api_key}"
            self._client = httpx.Client(headers=headers, timeout=self._timeout)
            return self._client

    def close(self) -> None:
        """Close the client, if there is one; a later log gets another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _seconds(retry_after: str | None) -> float:
    try:
        return max(float(retry_after or 0), 0.0)
    except ValueError:  # a date; our own pauses are short enough
        return 0.0
