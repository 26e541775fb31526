"""The sockets that the workers listen on, bound before there are any workers."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

from streamgauge.errors import ConfigurationError
from streamgauge.settings import Settings

LISTEN_BACKLOG = 4096


class Listeners(NamedTuple):
    """One listening socket per worker, and where this machine reaches them."""

    sockets: list[socket.socket]
    host: str
    port: int

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[Listeners]:
    """Bind one socket per worker; says so in one line if the port cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        # The first without SO_REUSEPORT: with it, a second server would share the port.
        with _bound(family, settings.host, settings.port, shared=False) as probe:
            port = probe.getsockname()[1]
        count = settings.workers if sys.platform == "linux" else 1
        sockets = [
            stack.enter_context(_bound(family, settings.host, port, shared=count > 1))
            for _ in range(count)
        ]
        for one in sockets:
            one.listen(LISTEN_BACKLOG)
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
        yield Listeners([sockets[number % count] for number in range(settings.workers)], host, port)


def check_host(settings: Settings) -> None:
    """Raise `ConfigurationError` if this machine has no such address; nobody can connect yet."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as one:
        try:
            one.bind((settings.host, 0))
        except OSError as error:
            raise ConfigurationError(_bind_fault(settings.host, settings.port, error)) from None


@contextlib.contextmanager
def _bound(
    family: socket.AddressFamily, host: str, port: int, *, shared: bool
) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            one.bind((host, port))
            if not shared:
                one.listen(1)
        except OSError as error:
            raise ConfigurationError(_bind_fault(host, port, error)) from None
        except OverflowError:
            raise ConfigurationError(f"port: {port} is not a port") from None
        yield one


def _bind_fault(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port: {port} on {host} is taken; stop who listens there or choose another --port"
    if isinstance(error, socket.gaierror):
        return f"host: there is no address {host}: {error.strerror}"
    return f"host: cannot listen on {host}:{port}: {error.strerror or error}"
