"""When this process began, which is long before its first line of Python."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

STAT = Path("/proc/self/stat")
STARTTIME = 22 - 3  # proc(5) counts from 1; what follows the name, which may hold spaces, from 3


def began_ns() -> int | None:
    """Return the moment on the clock of `time.monotonic_ns`, None where no system tells it.

    Linux counts it in ticks, of 10 ms as a rule.
    """
    with suppress(OSError, ValueError, IndexError, AttributeError):
        ticks = int(STAT.read_text().rpartition(")")[2].split()[STARTTIME])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return time.monotonic_ns() - round(age_s * 1e9)
    return None
