"""What a worker tells about its journal and itself."""

from __future__ import annotations

from msgspec import Struct, field


class JournalHealth(Struct, frozen=True, kw_only=True):
    """The state of one writer. What is lost went to the client, but not into the journal.

    The counts are since the writer's start; the flags are of now.
    ``losing``: the latest loss is not over, nothing has been written since.
    ``stalled``: writing is left to a thread, so the journal may be behind the clients.
    ``full``: the disk, or the limit on the journal's folder, leaves no room.
    """

    written_bytes: int = 0
    lost_entries: int = 0
    lost_bytes: int = 0
    losing: bool = False
    stalled: bool = False
    stalls: int = 0
    full: bool = False
    sync_failures: int = 0


class WorkerStatus(Struct, frozen=True, kw_only=True):
    """What a worker sends to the recorder about once a second; ``counters`` are its own."""

    directory: str
    node: str
    worker: str
    pid: int
    journal: JournalHealth
    counters: dict[str, int] = field(default_factory=dict)


def node_and_worker(directory: str) -> tuple[str, str]:
    """Take ``<node>-<worker>-<boot>`` apart; a node's name may have hyphens of its own."""
    parts = directory.rsplit("-", 2)
    if len(parts) == 3:
        return parts[0], parts[1]
    return directory, ""
