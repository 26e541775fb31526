"""The parent: starts the workers and the recorder, restarts what dies, ends them all.

A child gets the settings as the first line of its standard input and keeps that pipe: when
it ends, the parent is gone, and the child ends too. Each worker slot has its own listening
socket with ``SO_REUSEPORT`` (elsewhere than on Linux they share one), which the parent
keeps: connections that arrive while a worker is being replaced wait instead of failing.
"""

from streamgauge.supervisor.child import AGAIN, MISCONFIGURED, STORE_AWAY, Child
from streamgauge.supervisor.folder import check_keys, own_data_folder, secret_of
from streamgauge.supervisor.supervisor import Supervisor

__all__ = [
    "AGAIN",
    "MISCONFIGURED",
    "STORE_AWAY",
    "Child",
    "Supervisor",
    "check_keys",
    "own_data_folder",
    "secret_of",
]
