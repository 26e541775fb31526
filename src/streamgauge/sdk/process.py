"""The life of the process that logs: it imports, it forks, it ends.

A fork copies memory, but one thread only. So what another thread was in the middle of stays so in
the child for ever: a lock that it had is never free again, a module never finished. Hence:

- What sending needs is imported by whoever makes a logger, not later by the thread that sends.
- A fork waits, up to `FORK_S`, until nothing is being sent, and nothing is until it is over.
- The child begins with nothing: the parent sends what the parent was told.

At the end of the process, calls that still run are ended first, and then every delivery has a
bounded time to send what it has.
"""

from __future__ import annotations

import atexit
import codecs
import os
import sys
import weakref
from collections.abc import Callable
from time import monotonic
from typing import Protocol

# Seconds that a fork waits at most until nothing is being sent.
FORK_S = 1.0


class Sender(Protocol):
    """What lives as long as the process does: a delivery."""

    exit_timeout: float

    def begin(self) -> None:
        """Begin with nothing, in this process."""

    def flush(self, timeout: float) -> bool:
        """Wait up to *timeout* seconds; tell whether everything put so far has arrived."""

    def pause(self, timeout: float) -> bool:
        """Wait until nothing is being sent, and let nothing be sent until `resume`."""

    def resume(self) -> None:
        """Go on after `pause`."""

    def close(self, timeout: float) -> None:
        """Flush within *timeout* seconds, and end."""


# Every sender of this process; and what is to be done before they are closed.
everyone: weakref.WeakSet[Sender] = weakref.WeakSet()
before_the_end: list[Callable[[], None]] = []

# Those that wait for a fork to be over.
_paused: list[Sender] = []


def import_client() -> None:
    """Import what sending needs, in the thread of whoever makes a logger, and not behind its back.

    Others look at modules that are half imported, as OpenAI's SDK does at httpx.
    """
    import certifi  # noqa: F401 - httpx imports these two for its first client
    import httpcore  # noqa: F401
    import httpx  # noqa: F401

    codecs.lookup("idna")  # imported by the first look for a host


# -- forks -----------------------------------------------------------------------------------


def pause_all() -> None:
    """Let a process fork between two logs only.

    OpenSSL has locks of its own: a child without them would wait for ever at its first look at a
    certificate.
    """
    end = monotonic() + FORK_S
    _paused.extend(one for one in list(everyone) if one.pause(max(end - monotonic(), 0.0)))


def resume_all() -> None:
    """Go on in the parent."""
    while _paused:
        _paused.pop().resume()


def forget_all() -> None:
    """Begin with nothing in the child."""
    _paused.clear()
    for one in list(everyone):
        one.begin()


# -- the end ---------------------------------------------------------------------------------


def close_all() -> None:
    """End what still runs and close every sender within its bound, as the process ends."""
    for end in before_the_end:
        end()
    begin = monotonic()
    for one in list(everyone):
        one.close(max(begin + one.exit_timeout - monotonic(), 0.0))


def end_with_it() -> None:
    """Be called at the end of a process that ends without ``atexit``, as forked workers do."""
    for name in ("multiprocessing", "billiard"):
        process, util = sys.modules.get(f"{name}.process"), sys.modules.get(f"{name}.util")
        if process and util and getattr(process.current_process(), "_parent_pid", None):
            util.Finalize(None, close_all, exitpriority=0)


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=pause_all, after_in_parent=resume_all, after_in_child=forget_all)
