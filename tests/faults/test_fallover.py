"""An outage of the primary provider, seen by an unmodified client of a route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import openai
import pytest

from tests.product import Product
from tests.simulating import RunningSimulator

REQUESTS = 20
OUTAGE_S, SOAK_OUTAGE_S = 10, 60
RECOVERY_S = 30

# A breaker opens after three failures, and then probes after 2, 4, 8, 16 and 20 seconds.
MOST_ASKED = {OUTAGE_S: 7, SOAK_OUTAGE_S: 10}

ROUTE = """
[routes.chat]
targets = [{ provider = "primary" }, { provider = "openai", model = "gpt-4.1-mini" }]
retries = 1
"""


class Outage:
    """A route in front of a primary that fails for *lasting_s* from its first request on."""

    def __init__(self, folder: Path, lasting_s: int) -> None:
        script = folder / "faults.toml"
        script.write_text(f'[[fault]]\npath = "/v1/*"\ndo = "status; code=503; for={lasting_s}s"\n')
        config = folder / "streamgauge.toml"
        config.write_text(ROUTE)
        self.lasting_s = lasting_s
        self.primary = RunningSimulator(faults=script)
        self.backup = RunningSimulator()
        self.product = Product(
            folder,
            providers={"primary": self.primary.url, "openai": self.backup.url},
            arguments=(f"--config={config}",),
        )
        self._client = openai.OpenAI(
            api_key="sk-none", base_url=f"{self.product.url}/chat/v1", max_retries=0
        )

    def ask(self) -> tuple[str, Any]:
        """Stream one answer; return the id of its record, and what it said of its model."""
        made = self._client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            extra_headers={"Simulate-Tokens": "5"},
        )
        models = {chunk.model for chunk in made.parse()}
        assert len(models) == 1
        return made.headers["streamgauge-id"], models.pop()

    def stop(self) -> None:
        assert self.product.stop() == 0
        self.primary.stop()
        self.backup.stop()


def survives(outage: Outage) -> None:
    """All are served; the primary is left alone, and used again soon after."""
    began = monotonic()
    ids = []
    for number in range(REQUESTS):
        record_id, model = outage.ask()
        assert model.startswith("gpt-4.1-mini")
        ids.append(record_id)
        sleep(max(began + (number + 1) * (outage.lasting_s - 1) / REQUESTS - monotonic(), 0))
    assert monotonic() - began < outage.lasting_s, "too slow for this to be an outage"
    assert outage.primary.attempts("gpt-4o-mini") <= MOST_ASKED[outage.lasting_s]
    sleep(max(began + outage.lasting_s - monotonic(), 0))
    recovered = monotonic()
    while True:
        record_id, model = outage.ask()
        if model.startswith("gpt-4o-mini"):
            break
        assert monotonic() - recovered < RECOVERY_S
        sleep(0.5)
    record = outage.product.record(record_id)
    assert (record["provider"], record["retries"], record["attempts"]) == ("primary", 0, [])
    records = [outage.product.record(one) for one in ids]
    for record in records:
        assert (record["provider"], record["model"]) == ("openai", "gpt-4.1-mini")
        assert record["outcome"] == "completed"
        assert record["output_tokens"] > 0
        assert record["cost_usd"] > 0
        failures = [one["error_type"] for one in record["attempts"][:-1]]
        assert failures == ["http_503"] * record["retries"]
    assert records[0]["retries"] == 2, "the primary twice, then the backup"


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    running = Outage(tmp_path, OUTAGE_S)
    yield running
    running.stop()


@pytest.fixture
def long_outage(tmp_path: Path) -> Iterator[Outage]:
    running = Outage(tmp_path, SOAK_OUTAGE_S)
    yield running
    running.stop()


@pytest.mark.long
def test_an_outage_is_served_by_the_fallback(outage: Outage) -> None:
    """While it lasts, and no longer."""
    survives(outage)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_minute_of_outage_is_served_by_the_fallback(long_outage: Outage) -> None:
    """The same, for a minute."""
    survives(long_outage)
