"""The simulator: a provider on a port of this machine.

simulator = Simulator(recordings=None, seed=1, host="127.0.0.1", port=0)
await simulator.start()
… point any client, or a gateway, at simulator.url …
await simulator.stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import secrets
import signal
from collections.abc import Callable
from pathlib import Path

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.http import Connection
from streamgauge.simulator.recordings import Library
from streamgauge.simulator.respond import Responder

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4290

# A gateway may open thousands of connections at once.
BACKLOG = 4096


class Simulator:
    """Answers on the real paths of all providers; *seed* makes what it says repeatable."""

    def __init__(
        self,
        recordings: Path | None = None,
        seed: int | None = None,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
    ) -> None:
        self._responder = Responder(
            Library(recordings), secrets.randbits(32) if seed is None else seed
        )
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    @property
    def port(self) -> int:
        """The port that it listens on; with port 0, the one the system chose."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL for clients."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen; raises `ConfigurationError` where the address cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self._responder, self._connections),
                self._host,
                self._port,
                backlog=BACKLOG,
            )
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise ConfigurationError(f"cannot listen on {where}: {error.strerror}") from None
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end all connections at once."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None

    async def run(self, on_ready: Callable[[Simulator], None] | None = None) -> None:
        """Serve until SIGINT, SIGTERM or cancellation; *on_ready* is told when it listens."""
        allow_many_files()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(name, stopped.set)
        await self.start()
        try:
            if on_ready is not None:
                on_ready(self)
            await stopped.wait()
        finally:
            await self.stop()


def run(
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    recordings: Path | None = None,
    seed: int | None = None,
    on_ready: Callable[[Simulator], None] | None = None,
) -> None:
    """Run a simulator until it is told to stop, on uvloop where there is one."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Simulator(recordings, seed, host, port).run(on_ready))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's event loop, or asyncio's where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def allow_many_files() -> None:
    """Raise the soft limit on open files: each stream is a socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
