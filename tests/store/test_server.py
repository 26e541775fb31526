"""The server engine, as far as it goes without a server."""

from __future__ import annotations

import socket

import pytest

from streamgauge.errors import StoreAwayError
from streamgauge.store.loader import open_store


def test_a_server_that_is_not_there_is_away(caplog):
    """Said once, by us: where, and why."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        away = f"the ClickHouse server at 127.0.0.1:{port} cannot be reached: Connection refused"
        with pytest.raises(StoreAwayError, match=away):
            open_store(f"clickhouse://127.0.0.1:{port}/x")
    assert caplog.messages == []
