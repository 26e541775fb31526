"""A client that speaks HTTP in bytes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

BODY = b'{"model":"m","stream":true,"messages":[]}'


class Wire:
    """A client that speaks in bytes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.read = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Read up to and with *end*."""
        while end not in self.read:
            data = self.socket.recv(65536)
            assert data, f"the connection ended before {end!r}; there was {self.read!r}"
            self.read += data
        found, _, self.read = self.read.partition(end)
        return found + end

    def rest(self) -> bytes:
        """Read to the end of the connection."""
        while data := self.socket.recv(65536):
            self.read += data
        return self.read


@contextmanager
def client(simulator) -> Iterator[Wire]:
    connected = Wire(simulator.port)
    try:
        yield connected
    finally:
        connected.socket.close()


def post(*headers: str, body: bytes = BODY, path: str = "/v1/chat/completions") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: s", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunks_of(body: bytes) -> list[bytes]:
    """Take a chunked body apart, and check that it is one."""
    found = []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        assert body[length : length + 2] == b"\r\n"
        if length == 0:
            assert body == b"\r\n"
            return found
        found.append(body[:length])
        body = body[length + 2 :]
