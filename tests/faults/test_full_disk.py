"""A disk without room for the journal: streams go on, and health says it while it is so."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import providers_of
from tests.faults.patience import ask, closed_record
from tests.faults.streaming import Received, streams
from tests.product import Product
from tests.simulating import RunningSimulator, until

WITHIN_S = 60.0


def let_files_grow(pid: int, limit: int | None = None) -> None:
    """Let the kernel refuse a process what would make a file longer than *limit*: EFBIG."""
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if limit is None else limit, hard))


def stream(product: Product) -> Received:
    (received,) = asyncio.run(
        streams(1, f"{product.url}/openai/v1/chat/completions", Simulate_Tokens="20")
    )
    assert received.is_whole
    assert received.body.rstrip().endswith(b"data: [DONE]")
    return received


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process: prlimit")
def test_health_is_ok_again_once_the_disk_has_room(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    """Degraded while nothing can be written, without a restart ok again; the loss stays told."""
    product = Product(tmp_path, providers=providers_of(simulator))

    def health(status: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            told = ask(product, "/healthz")
            return told if told["status"] == status else None

        return until(look, within=WITHIN_S)

    try:
        (worker,) = product.pids("worker")
        before = stream(product)
        assert health("ok")["has_losses"] is False
        let_files_grow(worker, 1)
        during = stream(product)
        full = health("degraded")
        assert full["has_losses"] is True
        assert any(w["journal"]["full"] and w["journal"]["losing"] for w in full["workers"])
        let_files_grow(worker)
        # Nobody streams: the worker looks for room by itself.
        journals = [w["journal"] for w in health("ok")["workers"]]
        assert ask(product, "/healthz")["has_losses"] is True
        assert sum(journal["lost_entries"] for journal in journals) > 0
        assert not any(journal["full"] or journal["losing"] for journal in journals)
        after = stream(product)
        for received in (before, after):
            assert closed_record(product, received.id)["outcome"] == "completed"
        product.kill_worker()
        until(lambda: worker not in product.pids("worker") or None, within=WITHIN_S)
        until(
            lambda: worker not in (w["pid"] for w in ask(product, "/healthz")["workers"]) or None,
            within=WITHIN_S,
        )
        assert ask(product, "/healthz")["has_losses"] is True
        assert during.id not in (one["id"] for one in product.records(outcome="completed"))
    finally:
        assert product.stop() == 0
