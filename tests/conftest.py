"""Fixtures that several packages use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator

# A busy machine makes single examples slow, and that is no failure.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its parameter where its value is binary.

    What is packed has the time in it, and the workers of one run must collect the same names.
    """
    if isinstance(val, bytes) and not (val.isascii() and val.decode("ascii").isprintable()):
        return argname
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is long first: no worker has such a test left when the other has finished."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    """A simulator with all recordings, shared by the tests of a session."""
    running = RunningSimulator()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def product(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A server in front of the simulator, shared by tests that do not disturb it."""
    running = Product(
        tmp_path_factory.mktemp("product"), providers=providers_of(simulator), arguments=PROMPT
    )
    yield running
    assert running.stop() == 0


def providers_of(simulator: RunningSimulator) -> dict[str, str]:
    """Return where each provider is to be found: all at the simulator."""
    return {
        "openai": simulator.url,
        "anthropic": simulator.url,
        "together": f"{simulator.url}/together",
        "groq": f"{simulator.url}/groq",
        "openrouter": f"{simulator.url}/openrouter",
    }
