"""Stopping over HTTP."""

from __future__ import annotations

from uuid import uuid4


def test_a_running_stream_is_stopped(api, served):
    """Its id goes to the workers; where none has heard of it, it is asked for again."""
    exchange = uuid4()
    served.live.open[str(exchange)] = {"outcome": "open"}
    address = f"/api/v1/records/{exchange}/stop"
    unheard = api.post(address)
    assert unheard.status_code == 503
    stopped = api.post(address)
    assert stopped.status_code == 200
    assert stopped.json() == {"id": str(exchange), "outcome": "stopped"}
    assert served.stopped == [exchange.bytes] * 2
    assert api.post(address).status_code == 404


def test_what_does_not_run_cannot_be_stopped(api):
    """404, in words."""
    answer = api.post("/api/v1/records/none/stop")
    assert answer.status_code == 404
    assert "none" in answer.json()["error"]["message"]
