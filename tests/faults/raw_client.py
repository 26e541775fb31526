"""A client that reads bytes, and ends its connection in every way there is."""

from __future__ import annotations

import json
import re
import socket
import struct
from typing import NamedTuple

WAIT_S = 30.0

RESET = struct.pack("ii", 1, 0)


class Got(NamedTuple):
    """What a client got: the head's status and headers, the body, and whether it ended well."""

    status: int | None
    headers: dict[str, str]
    body: bytes
    is_whole: bool

    @property
    def events(self) -> list[bytes]:
        """The whole events of the body."""
        return self.body.split(b"\n\n")[:-1]


class RawClient:
    """One connection to *port*, one request."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self._read = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, path: str, headers: tuple[str, ...], body: bytes, *, is_half: bool) -> None:
        """Send a request; only half of its body, if *is_half*."""
        is_chunked = "Transfer-Encoding: chunked" in headers
        length = () if is_chunked else (f"Content-Length: {len(body)}",)
        head = [f"POST {path} HTTP/1.1", "Host: g", "Content-Type: application/json"]
        part = body[: len(body) // 2] if is_half else body
        part = b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part
        lines = "\r\n".join([*head, *length, *headers, "", ""])
        self.socket.sendall(lines.encode() + part)

    def read_until(self, moment: str) -> None:
        """Read up to a number of events, or to the event of that name."""
        found = re.fullmatch(r"(\d+) events?", moment)
        while True:
            body = self._read.partition(b"\r\n\r\n")[2]
            if found and body.count(b"\n\n") >= int(found[1]):
                return
            if not found and moment.encode() in body:
                return
            data = self.socket.recv(65536)
            assert data, f"the end came before {moment}: {self._read[-300:]!r}"
            self._read += data

    def rest(self) -> Got:
        """Read to the end of the answer, or of the connection."""
        while not self.got().is_whole:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                return self.got(is_closed=True)
            self._read += data
        return self.got()

    def leave(self, how: str) -> None:
        """End the connection with FIN or RST."""
        if how == "RST":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:  # closing with something unread would be a reset, too
            self.socket.shutdown(socket.SHUT_WR)
        self.socket.close()

    def got(self, *, is_closed: bool = False) -> Got:
        """Return what has come so far."""
        return read_answer(self._read, is_closed=is_closed)


def read_answer(raw: bytes, *, is_closed: bool) -> Got:
    """Take an answer apart, as far as it came; *is_closed*: with FIN."""
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        return Got(None, {}, b"", is_whole=False)
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    status = int(first.split()[1])
    if "chunked" in headers.get("transfer-encoding", ""):
        return Got(status, headers, *_dechunked(rest))
    if "content-length" in headers:
        return Got(status, headers, rest, len(rest) == int(headers["content-length"]))
    return Got(status, headers, rest, is_closed)


def _dechunked(coded: bytes) -> tuple[bytes, bool]:
    body = []
    while (found := re.match(rb"([0-9a-f]+)\r\n", coded)) is not None:
        size, start = int(found[1], 16), found.end()
        if not size:
            return b"".join(body), coded[start:] == b"\r\n"
        body.append(coded[start : start + size])
        coded = coded[start + size + 2 :]
    return b"".join(body), False


def text_of(events: list[bytes]) -> str:
    """Return the text that chunks of an OpenAI stream say."""
    words = []
    for event in events:
        for line in event.splitlines():
            if line.startswith(b'data: {"id"'):
                choices = json.loads(line[6:]).get("choices", ())
                words += [choice["delta"].get("content") or "" for choice in choices]
    return "".join(words)
