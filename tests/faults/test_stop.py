"""Streams that are stopped on purpose, whichever worker has them."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.conftest import providers_of
from tests.faults.raw_client import RawClient
from tests.product import Product
from tests.simulating import RunningSimulator, until

STREAMS = 8
BODY = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"x"}]}'


def test_each_worker_ends_its_own(simulator: RunningSimulator, tmp_path: Path) -> None:
    """Two workers, some streams on each; the others go on."""
    product = Product(tmp_path, providers=providers_of(simulator), arguments=("--workers=2",))
    name = uuid4().hex
    wishes = (f"X-Test: {name}", "Simulate-Tokens: 9", "Simulate-Fault: stall; after=3 events")
    clients = [RawClient(int(product.url.rpartition(":")[2])) for _ in range(STREAMS)]
    try:
        for client in clients:
            client.ask("/openai/v1/chat/completions", wishes, BODY, is_half=False)
            client.read_until("3 events")
        first, *others = clients
        for client in others:
            record_id = client.got().headers["streamgauge-id"]
            address = f"/api/v1/records/{record_id}/stop"
            assert product.http.post(address).json()["outcome"] == "stopped"
            assert b'"type":"stopped"' in client.rest().events[-1]
            assert product.http.post(address).status_code == 404
        open_one = first.got().headers["streamgauge-id"]
        assert product.http.get(f"/api/v1/records/{open_one}").json()["outcome"] == "open"
        until(lambda: let_go(simulator, name) == len(others) or None)
    finally:
        for client in clients:
            client.socket.close()
        assert product.stop() == 0


def let_go(simulator: RunningSimulator, name: str) -> int:
    """Return how many of the provider's streams have lost their client."""
    return sum(one["ended"] == "client_left" for one in simulator.requests(x_test=name))
