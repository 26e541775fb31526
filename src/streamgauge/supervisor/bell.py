"""What wakes a thread that sleeps: a pipe, so that a signal's handler can ring it, too."""

from __future__ import annotations

import contextlib
import os
import select


class Bell:
    """Rung by `ring`, or by a byte written to `rope`."""

    def __init__(self) -> None:
        self._bell, self.rope = os.pipe()
        os.set_blocking(self.rope, False)
        # Not `select`, which refuses descriptors beyond 1023: who embeds us may have many open.
        self._ears = select.poll()
        self._ears.register(self._bell, select.POLLIN)

    def ring(self) -> None:
        """Wake who sleeps now, or else who sleeps next; nobody, after `close`."""
        with contextlib.suppress(BlockingIOError):
            if self.rope >= 0:
                os.write(self.rope, b"!")

    def sleep(self, seconds: float | None) -> None:
        """Sleep until it rings, at most *seconds*."""
        if self._ears.poll(None if seconds is None else seconds * 1000):
            os.read(self._bell, 4096)

    def close(self) -> None:
        """Give up the pipe."""
        rope, self.rope = self.rope, -1
        os.close(rope)
        os.close(self._bell)
