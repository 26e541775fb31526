"""How long a provider goes on for a client that has left: `make bench-cancel`.

A client leaves with FIN or RST, before the head, within the stream, and while it takes nothing
so that the stream stands still. The simulator notes when its connection ended, by the same clock
of the same machine. One stream at a time, so that waiting in a queue is not in it.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple
from uuid import uuid4

from processes import stop

ROUNDS = 100
TARGET_MS = 100.0

PATIENCE_S = 60.0
STREAMGAUGE = Path(sys.executable).with_name("streamgauge")
BODY = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}'
RESET = struct.pack("ii", 1, 0)


class Moment(NamedTuple):
    """When the client leaves: the wish that brings it about, and what has been read by then."""

    name: str
    wish: str
    reads: bytes
    is_standing: bool = False


MOMENTS = (
    Moment("before the head", "Simulate-Fault: stall; after=request", b""),
    Moment("within the stream", "Simulate-Fault: stall; after=6 events", b"data: "),
    Moment("while it takes nothing", "Simulate-Bytes: 50000000", b"data: ", is_standing=True),
)


class Stage:
    """A simulator and a server, on the ports that they announce."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.provider = self._start("simulate", "--ttft-ms=0", "--itl-ms=0")
        self.gateway = self._start(
            "serve", f"--data={folder / 'data'}", f"--provider=openai={self.provider}"
        )

    def stop(self) -> None:
        """End both."""
        for process in reversed(self._processes):
            stop(process)

    def account(self, name: str) -> dict[str, Any] | None:
        """Return what the simulator noted of the request of that name."""
        with urllib.request.urlopen(f"{self.provider}/simulator/requests") as answer:
            accounts = json.load(answer)
        return next((one for one in accounts if one["headers"].get("x-name") == name), None)

    def _start(self, command: str, *arguments: str) -> str:
        log = self._folder / f"{command}.log"
        with log.open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [STREAMGAUGE, command, "--port=0", *arguments],
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )
        said = until(lambda: re.search(r"listens on (http://[\d.:]+)", log.read_text()))
        return str(said[1])


def until(look: Any) -> Any:
    """Look until there is something."""
    for _ in range(int(PATIENCE_S / 0.01)):
        if found := look():
            return found
        sleep(0.01)
    raise SystemExit("it never came")


def leave(stage: Stage, moment: Moment, how: str) -> float:
    """Ask, leave, and return after how many milliseconds the provider's connection was closed."""
    name = uuid4().hex
    host, port = stage.gateway.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as client:
        head = (
            "POST /openai/v1/chat/completions HTTP/1.1",
            "Host: g",
            f"Content-Length: {len(BODY)}",
            f"X-Name: {name}",
            moment.wish,
        )
        client.sendall("\r\n".join((*head, "", "")).encode() + BODY)
        read = b""
        while moment.reads not in read:
            read += client.recv(1024)
        until(lambda: stage.account(name))
        if moment.is_standing:
            until(lambda: stands_still(stage, name))
        if how == "RST":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            left = datetime.now(UTC)
        else:
            left = datetime.now(UTC)
            client.shutdown(socket.SHUT_WR)
    account = until(lambda: ended(stage, name))
    closed = datetime.fromisoformat(account["ended_at"].replace("Z", "+00:00"))
    return (closed - left).total_seconds() * 1000


def stands_still(stage: Stage, name: str) -> bool:
    """Whether the provider can send no more."""
    before = (stage.account(name) or {}).get("bytes_out")
    sleep(0.2)
    return before == (stage.account(name) or {}).get("bytes_out")


def ended(stage: Stage, name: str) -> dict[str, Any] | None:
    """Return the account once its connection is closed."""
    account = stage.account(name)
    return account if account and account["ended"] == "client_left" else None


def main() -> int:
    """Measure, print a table, and say whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    is_met = True
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        try:
            print(f"| a client that leaves | with | p50 ms | p99 ms | most ms (< {TARGET_MS:g}) |")
            print("|---|---|---|---|---|")
            for moment in MOMENTS:
                for how in ("FIN", "RST"):
                    times = sorted(leave(stage, moment, how) for _ in range(rounds))
                    p50, p99 = times[rounds // 2], times[rounds * 99 // 100]
                    is_met = is_met and times[-1] < TARGET_MS
                    print(f"| {moment.name} | {how} | {p50:.2f} | {p99:.2f} | {times[-1]:.2f} |")
        finally:
            stage.stop()
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
