"""TCP keep-alive probes: a peer that is gone without a word is found out.

No limit of ours applies to a tunnel, which may be silent for as long as its ends like; a
peer whose machine or network has vanished would stay in it for ever.
"""

from __future__ import annotations

import socket

# The first after this silence, then one after the other; dead after so many without an answer.
IDLE_S = 60
INTERVAL_S = 15
COUNT = 4


def keep_alive(connection: socket.socket) -> None:
    """Have the kernel probe the other side of *connection* while it is silent."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Linux's and macOS's names of the same.
    for name, value in (
        ("TCP_KEEPIDLE", IDLE_S),
        ("TCP_KEEPALIVE", IDLE_S),
        ("TCP_KEEPINTVL", INTERVAL_S),
        ("TCP_KEEPCNT", COUNT),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
