"""Reads one journal directory from a position on, in slices of whole blocks.

Where no sound block stands there are three cases:

* One is found further on: what lies between is damage, skipped and counted.
* None is found, and nobody will write here any more (the writer has gone on to another
  segment, or is dead): a torn tail, cut off and counted.
* None is found and the writer lives: the block is still being written. Come back later.

A reader never writes; any number of them may read the same directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from streamgauge.journal.format import BLOCK
from streamgauge.journal.recover import BAD, RESYNC_BYTES, Entry, find_block, parse
from streamgauge.journal.segments import segment_numbers, segment_path, size_of

# What one slice reads: some thousand chunks, a few milliseconds of work.
SLICE_BYTES = 1024 * 1024


class Position(Struct, frozen=True, order=True, array_like=True):
    """A place between two blocks: the byte *offset* in segment number *segment*."""

    segment: int = 1
    offset: int = 0


class Reader:
    """Reads *directory* from *position*.

    ``is_at_end``: the last slice found nothing more, for now. ``damages`` and ``torn_tails``
    count what was skipped and cut off, ``unread_bytes`` how much that was.
    """

    def __init__(self, directory: Path, position: Position | None = None) -> None:
        position = position or Position()
        self.directory = directory
        self.damages = 0
        self.torn_tails = 0
        self.unread_bytes = 0
        self.is_at_end = False
        self._segment = position.segment
        self._offset = position.offset
        self._fd = -1
        self._search_at = -1  # behind damage: where to look for the next block
        self._barren_size = -1  # the size of the segment when nothing was found

    @property
    def position(self) -> Position:
        """Where the next slice begins."""
        return Position(self._segment, self._offset)

    # -- reading -----------------------------------------------------------------------------

    def read(self) -> Iterator[Entry]:
        """Yield every entry there is now."""
        while True:
            yield from self.slice()
            if self.is_at_end:
                return

    def slice(self, limit: int = SLICE_BYTES, *, is_final: bool = False) -> list[Entry]:
        """Return the entries of the next blocks, about *limit* bytes of them.

        *is_final*: the writer is dead. The list may be empty before the end is reached,
        where the segment changes or damage is searched.
        """
        self.is_at_end = False
        if self._fd < 0:
            before = self.position
            self.is_at_end = not self._open()
            if self.is_at_end or self.position != before:
                return []  # who asked for a limit from `position` on has to ask anew
        # Looked up before reading: a writer that has gone on leaves nothing unwritten here.
        has_next = segment_path(self.directory, self._segment + 1).exists()
        if self._search_at >= 0:
            self._search(is_complete=has_next or is_final)
            return []
        entries: list[Entry] = []
        data = os.pread(self._fd, max(limit, BLOCK.size), self._offset)
        used, rest = parse(data, entries)
        if not used and rest > len(data) and size_of_fd(self._fd) - self._offset >= rest:
            data = os.pread(self._fd, rest, self._offset)  # a block longer than the slice
            used, rest = parse(data, entries)
        self._offset += used
        if used:
            return entries
        if not data:
            self._end_of_segment(has_next=has_next)
        elif rest == BAD or has_next or is_final:
            self._search_at = self._offset
        else:
            self.is_at_end = True
        return entries

    def _open(self) -> bool:
        for number in segment_numbers(self.directory):
            if number >= self._segment:
                if number > self._segment:
                    self._segment, self._offset = number, 0
                self._fd = os.open(segment_path(self.directory, number), os.O_RDONLY)
                return True
        return False

    def _end_of_segment(self, *, has_next: bool) -> None:
        if has_next:
            self.close()
            self._segment += 1
            self._offset = 0
        else:
            self.is_at_end = True

    # -- behind damage -------------------------------------------------------------------------

    def _search(self, *, is_complete: bool) -> None:
        size = size_of_fd(self._fd)
        if size == self._barren_size and not is_complete:
            self.is_at_end = True
            return
        data = os.pread(self._fd, RESYNC_BYTES, self._search_at)
        found, searched = find_block(data)
        if found is not None:
            self.damages += 1
            self._go_on_at(self._search_at + found)
        elif self._search_at + len(data) < size:
            self._search_at += searched
        elif is_complete:
            self.torn_tails += 1
            self._go_on_at(size)
        else:
            self._barren_size = size
            self._search_at = -1
            self.is_at_end = True

    def _go_on_at(self, offset: int) -> None:
        self.unread_bytes += offset - self._offset
        self._offset = offset
        self._search_at = self._barren_size = -1

    # -- inspecting ----------------------------------------------------------------------------

    def remaining(self) -> int:
        """Return how many bytes of the journal have not been read yet."""
        numbers = [n for n in segment_numbers(self.directory) if n >= self._segment]
        total = sum(size_of(segment_path(self.directory, number)) for number in numbers)
        return max(total - (self._offset if self._segment in numbers else 0), 0)

    def close(self) -> None:
        """Let go of the open segment; reading on opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def size_of_fd(fd: int) -> int:
    """Return the bytes of an open file."""
    return os.fstat(fd).st_size
