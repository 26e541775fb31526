"""The server engine, as far as it goes without a server."""

from __future__ import annotations

import socket

import pytest

from streamgauge.errors import StoreError
from streamgauge.store.loader import open_store


def test_a_server_that_is_not_there_is_a_store_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with pytest.raises(StoreError, match="ClickHouse server"):
            open_store(f"clickhouse://127.0.0.1:{port}/x")
