"""An HTTP client, made where it is first needed: in a thread, because its import takes a while.

A process that forked in the middle of that import would have a child whose modules are half
there, and locked by a thread that it does not have: its first ``import httpx`` would wait for
ever. So a fork waits until ours is over.
"""

from __future__ import annotations

import codecs
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

# Seconds that a fork waits: more than any import takes, and no deadlock.
LONGEST_IMPORT_S = 30.0

_importing = threading.Lock()
_is_held = False


def new_client(**options: Any) -> httpx.Client:
    """Return a client of httpx, with everything imported that its first request needs."""
    with _importing:
        import httpx

        codecs.lookup("idna")  # imported by the first look for a host
        return httpx.Client(**options)  # its transport is imported here


def _before_fork() -> None:
    global _is_held
    _is_held = _importing.acquire(timeout=LONGEST_IMPORT_S)


def _after_fork() -> None:
    global _is_held
    if _is_held:
        _is_held = False
        _importing.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )
