"""Questions to a running server, over the same HTTP that everybody has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from streamgauge.errors import StreamgaugeError

ADDRESS = "http://127.0.0.1:4284"
VARIABLE = "STREAMGAUGE_BASE_URL"
KEY_VARIABLE = "STREAMGAUGE_API_KEY"

# A question about a million records takes its time.
PATIENCE_S = 60.0

Pairs = list[tuple[str, str | int | float | bool | None]]  # as httpx types it


class MissingError(StreamgaugeError):
    """The server has nothing under that address."""


class Server:
    """The server at *url*, else at ``STREAMGAUGE_BASE_URL``, else on this machine."""

    def __init__(self, url: str | None = None, api_key: str | None = None) -> None:
        self.url = (url or os.environ.get(VARIABLE) or ADDRESS).rstrip("/")
        self.api_key = api_key or os.environ.get(KEY_VARIABLE) or None
        self._headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def ask(self, path: str, parameters: Pairs | None = None) -> Any:
        """Return the JSON that it answers; raises `StreamgaugeError` in its own words."""
        return self._request("GET", path, params=parameters).json()

    def tell(self, path: str, body: dict[str, Any]) -> Any:
        """Post *body* as JSON, and return the JSON that it answers."""
        return self._request("POST", path, json=body).json()

    def raw(self, path: str) -> tuple[bytes, httpx.Headers]:
        """Return a body as it was sent, and its headers."""
        with self._stream(path) as answer:
            return b"".join(answer.iter_raw()), answer.headers

    @contextmanager
    def pieces(self, path: str, parameters: Pairs) -> Iterator[Iterator[bytes]]:
        """Give an answer in pieces, as they arrive, once it has begun."""
        with self._stream(path, parameters) as answer:
            yield answer.iter_bytes()

    @contextmanager
    def lines(self, path: str) -> Iterator[Iterator[str]]:
        """Give the lines of an answer that does not end by itself, once it has begun."""
        with self._stream(path, read_s=None) as answer:
            yield answer.iter_lines()

    def _request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = httpx.request(
                method,
                self.url + path,
                headers=self._headers,
                timeout=PATIENCE_S,
                trust_env=False,
                **sent,
            )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
            raise self._unreachable(error) from None
        return self._checked(answer)

    @contextmanager
    def _stream(
        self, path: str, parameters: Pairs | None = None, *, read_s: float | None = PATIENCE_S
    ) -> Iterator[httpx.Response]:
        try:
            with httpx.stream(
                "GET",
                self.url + path,
                params=parameters,
                headers=self._headers,
                timeout=httpx.Timeout(PATIENCE_S, read=read_s),
                trust_env=False,
            ) as answer:
                if answer.status_code >= httpx.codes.BAD_REQUEST:
                    answer.read()
                yield self._checked(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code < httpx.codes.BAD_REQUEST:
            return answer
        try:
            message = answer.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = f"{self.url} answered {answer.status_code}: is that Streamgauge?"
        is_missing = answer.status_code == httpx.codes.NOT_FOUND
        raise (MissingError if is_missing else StreamgaugeError)(message)

    def _unreachable(self, error: Exception) -> StreamgaugeError:
        return StreamgaugeError(
            f"cannot ask {self.url}: {error}; start `streamgauge serve`, or name the server with "
            f"--url or {VARIABLE}"
        )


def filters(said: list[str] | None) -> Pairs:
    """Return the filters of a command line, ``COLUMN=VALUE`` or ``COLUMN.gt=VALUE``."""
    pairs: Pairs = []
    for one in said or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise StreamgaugeError(
                f"{one!r} is no filter; write model=gpt-4o-mini, ttft_ms.gt=500, "
                "cost_usd.exists=false, q=word"
            )
        pairs.append((name, value))
    return pairs
