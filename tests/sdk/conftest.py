"""A log server, and loggers that send to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streamgauge import AsyncManualLogger, ManualLogger
from tests.sdk.server import LogServer


@pytest.fixture
def server() -> Iterator[LogServer]:
    """A log server of the test's own."""
    running = LogServer()
    yield running
    running.stop()


@pytest.fixture
def logger(server: LogServer) -> Iterator[ManualLogger]:
    """A logger that sends to it, and is done when the test is."""
    with ManualLogger(base_url=server.url) as one:
        yield one


@pytest.fixture
def async_logger(server: LogServer) -> Iterator[AsyncManualLogger]:
    """The same for async code."""
    one = AsyncManualLogger(base_url=server.url)
    yield one
    one.delivery.close(10)
