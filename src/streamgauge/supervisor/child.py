"""One process of the tree: its start, its end, and the pipe that ties it to us."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from typing import IO

import msgspec

from streamgauge.settings import Settings

# The exit code of a child that cannot work with its settings; nor could the next one.
MISCONFIGURED = 2

# The exit code of a recorder whose store is away, and the word for the next one to be silent of it.
STORE_AWAY, AGAIN = 3, "again"


class Child:
    """One process of the tree, in its slot."""

    def __init__(self, role: str, arguments: list[str], listener: socket.socket | None) -> None:
        self.role = role
        self.arguments = arguments
        self.listener = listener
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.deaths = 0

    def start(self, settings: Settings) -> None:
        """Start the process; *settings* go through its standard input."""
        arguments = list(self.arguments)
        keep: tuple[int, ...] = ()
        if self.listener is not None:
            keep = (self.listener.fileno(),)
            arguments.append(str(self.listener.fileno()))
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -P: a file in the folder we were started from must not pass for a module.
            [sys.executable, "-P", "-m", "streamgauge.app", *arguments],
            stdin=subprocess.PIPE,
            pass_fds=keep,
            # A Ctrl-C on the terminal is for the parent, which ends its children in order.
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        # One that is dead already is noticed like any other.
        with contextlib.suppress(BrokenPipeError):
            self.pipe.write(msgspec.json.encode(settings) + b"\n")
            self.pipe.flush()

    @property
    def pipe(self) -> IO[bytes]:
        """The child's standard input."""
        assert self.process is not None  # noqa: S101 - only asked of a started child
        assert self.process.stdin is not None  # noqa: S101
        return self.process.stdin

    def has_died(self) -> int | None:
        """Return the exit code of a process that has ended, once."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        self.process = None
        return code

    def close_listener(self) -> None:
        """Let go of our end of the listening socket; the process has its own."""
        if self.listener is not None:
            self.listener.close()

    def signal(self, number: int) -> None:
        """Send a signal if there is anyone to get it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
