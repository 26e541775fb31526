"""The gateway's tests run on uvloop, as the gateway does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from streamgauge.settings import Limits
from tests.gateway.rig import Rig


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def limits() -> Limits:
    """The limits of the rig's gateway; a test that needs others overrides this."""
    return Limits()


@pytest.fixture
async def rig(tmp_path: Path, limits: Limits) -> AsyncIterator[Rig]:
    running = Rig(tmp_path, limits)
    await running.start()
    yield running
    await running.stop()
