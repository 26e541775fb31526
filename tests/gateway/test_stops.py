from __future__ import annotations

import os
import socket

from streamgauge.gateway.stops import Stops


def test_every_id_of_a_datagram_is_stopped(tmp_path):
    """In order; the socket of a worker before is replaced, and ours is removed."""
    path = tmp_path / "stop-0.sock"
    path.write_text("left behind")
    heard: list[bytes] = []
    stops = Stops(path, heard.append)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"a" * 16 + b"b" * 16, os.fspath(path))
        sender.sendto(b"c" * 16, os.fspath(path))
    stops.hear()
    stops.hear()
    assert heard == [b"a" * 16, b"b" * 16, b"c" * 16]
    stops.close()
    assert not path.exists()
