"""Who writes to a journal directory: a lock that dies with its process.

The lock is taken on a file that only then gets its name, so a directory either has no
``owner`` yet, or one whose lock tells whether the writer lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from streamgauge.errors import JournalError

OWNER = "owner"


def own(directory: Path) -> int:
    """Become the owner of *directory* and return the descriptor that holds the lock.

    Raises `JournalError` if another process is.
    """
    path = directory / OWNER
    fresh = directory / f"{OWNER}.{os.getpid()}"
    fd = os.open(path if path.exists() else fresh, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
        if fresh.exists():
            # link() fails where rename() would take the name from a living owner.
            os.link(fresh, path)
            fresh.unlink()
    except OSError as error:
        os.close(fd)
        fresh.unlink(missing_ok=True)
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EEXIST):
            raise JournalError(f"{directory} is being written by another process") from error
        raise
    return fd


def is_owned(directory: Path) -> bool:
    """Whether the writer of *directory* lives.

    A directory without an owner file is just being made, and counts as owned.
    """
    try:
        fd = os.open(directory / OWNER, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
