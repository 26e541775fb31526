"""In the place of a client that has left, while its stream goes on for the record."""

from __future__ import annotations


class Nobody:
    """Takes everything, and never asks for anything."""

    version = "1.1"
    is_full = False
    is_paused = False

    def send(self, data: bytes) -> None:
        """Nobody reads it; the journal has it."""

    def is_keeping_alive(self) -> bool:
        """There is no connection."""
        return False

    def answered(self, *, is_keeping: bool) -> None:
        """The answer is whole."""

    def cut(self, *, is_delimited: bool) -> None:
        """The answer is not whole."""

    def tunnel_opened(self) -> None:
        """Tunnels end with their clients."""

    def pause_reading(self) -> None:
        """There is nothing to read."""

    def resume_reading(self) -> None:
        """There is nothing to read."""


NOBODY = Nobody()
