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
import ssl
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import monotonic

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.attempts import Attempts
from streamgauge.simulator.door import Abortable, Door, Refused
from streamgauge.simulator.http import Connection
from streamgauge.simulator.recordings import Library
from streamgauge.simulator.respond import Responder
from streamgauge.simulator.script import read_script
from streamgauge.simulator.wishes import NOTHING, Wishes

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4290


class Simulator:
    """Answers on the real paths of all providers; *seed* makes what it says repeatable.

    *faults* is a script of what goes wrong; with *tls* it speaks HTTPS only. Made answers come at
    once, or at *pace*, unless a request wishes otherwise.
    """

    def __init__(
        self,
        recordings: Path | None = None,
        seed: int | None = None,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        faults: Path | None = None,
        tls: ssl.SSLContext | None = None,
        pace: Wishes = NOTHING,
    ) -> None:
        self._attempts = Attempts(read_script(faults) if faults else ())
        seed = secrets.randbits(32) if seed is None else seed
        self._responder = Responder(Library(recordings), seed, self._attempts, pace)
        self._tls = tls
        self._numbers = count(1)
        self._host = host
        self._port = port
        self._door: Door | None = None
        self._connections: set[Abortable] = set()

    @property
    def port(self) -> int:
        """The port that it listens on; with port 0, the one the system chose."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL for clients."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    async def start(self) -> None:
        """Listen; raises `ConfigurationError` where the address cannot be had."""
        try:
            self._door = Door(self._choose, self._host, self._port)
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise ConfigurationError(f"cannot listen on {where}: {error.strerror}") from None
        self._port = self._door.port

    async def stop(self) -> None:
        """Stop listening and end all connections at once."""
        if self._door is None:
            return
        await self._door.close()
        for connection in tuple(self._connections):
            connection.abort()
        self._door = None

    def _choose(self) -> tuple[asyncio.Protocol, ssl.SSLContext | None]:
        """Return who speaks on the connection that was just accepted, and over which TLS."""
        fault = self._attempts.connected(monotonic())
        if fault is not None:
            return Refused(fault, self._connections), None
        number = next(self._numbers)
        return Connection(self._responder, self._connections, number), self._tls

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
    faults: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    pace: Wishes = NOTHING,
    on_ready: Callable[[Simulator], None] | None = None,
) -> None:
    """Run a simulator until it is told to stop, on uvloop where there is one."""
    tls = tls_context(certificate, key)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(Simulator(recordings, seed, host, port, faults, tls, pace).run(on_ready))


def tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the context of a PEM *certificate*, whose *key* may be in the same file."""
    if certificate is None:
        if key is not None:
            raise ConfigurationError("a TLS key needs its certificate: --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # SSLError, too
        raise ConfigurationError(f"cannot use the certificate {certificate}: {error}") from None
    return context


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
