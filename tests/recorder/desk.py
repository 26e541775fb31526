"""Journals as a gateway writes them, and recorders that read them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from streamgauge.journal.format import OVERHEAD, Body, End, Head, Kind, Mark, Open, Retried
from streamgauge.journal.writer import Writer
from streamgauge.record import Amendment, Outcome, Record, Transcript
from streamgauge.recorder.follower import Follower
from streamgauge.recorder.live import Live
from streamgauge.recorder.position import Progress
from streamgauge.recorder.privacy import Rules
from streamgauge.recorder.spool import Memory
from streamgauge.settings import JournalSettings, PrivacyRule, Settings, StoreSettings

MS = 1_000_000
STARTED_NS = 1_790_000_000_123_456_000
PATIENCE_S = 20.0

pack = msgspec.msgpack.encode


def line(*choices: dict[str, Any], **more: Any) -> bytes:
    """One event of an OpenAI chat stream."""
    said = {"id": "c1", "model": "gpt-4o-x", "choices": choices, **more}
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


def event(content: str) -> bytes:
    return line({"index": 0, "delta": {"content": content}, "finish_reason": None})


ROLE = line({"index": 0, "delta": {"role": "assistant", "content": ""}})
STOP = line({"index": 0, "delta": {}, "finish_reason": "stop"})
USAGE = line(usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12})
DONE = b"data: [DONE]\n\n"
REQUEST = b'{"model":"gpt-4o","stream":true,"messages":[],"user":"body-user"}'


def lines(headers: Sequence[tuple[str, str]]) -> bytes:
    """Return *headers* as the journal has them."""
    return "\r\n".join(f"{name}: {value}" for name, value in headers).encode("latin-1")


class Exchange:
    """One exchange in a journal; times in ms."""

    def __init__(self, journal: Writer, *, start_ms: int = 1000) -> None:
        self.journal = journal
        self.raw = os.urandom(16)
        self.id = str(UUID(bytes=self.raw))
        self.start_ms = start_ms

    def note(self, kind: Kind, at_ms: float, payload: bytes) -> Exchange:
        self.journal.append(kind, self.raw, int((self.start_ms + at_ms) * MS), payload)
        return self

    def opens(
        self,
        at: float = 0,
        *,
        body: bytes = REQUEST,
        complete: bool = True,
        headers: Sequence[tuple[str, str]] = (),
        path: str = "/v1/chat/completions",
        provider: str = "openai",
    ) -> Exchange:
        opening = Open(
            started_at_ns=STARTED_NS,
            provider=provider,
            method="POST",
            path=path,
            upstream="https://api.openai.com",
            headers=lines(headers),
            body=body,
            complete=complete,
            key_hash="abcd",
        )
        return self.note(Kind.OPEN, at, pack(opening))

    def body(self, at: float, data: bytes, *, complete: bool) -> Exchange:
        return self.note(Kind.BODY, at, pack(Body(data=data, complete=complete)))

    def head(
        self,
        at: float,
        *,
        status: int = 200,
        connected: float = 0,
        headers: Sequence[tuple[str, str]] = (("Content-Type", "text/event-stream"),),
    ) -> Exchange:
        connected_ns = int((self.start_ms + connected) * MS)
        head = Head(status=status, headers=lines(headers), connected_ns=connected_ns)
        return self.note(Kind.HEAD, at, pack(head))

    def chunk(self, at: float, data: bytes, *, overhead_us: int = 0) -> Exchange:
        return self.note(Kind.CHUNK, at, OVERHEAD.pack(overhead_us * 1000) + data)

    def mark(self, at: float, name: str, value: int) -> Exchange:
        return self.note(Kind.MARK, at, pack(Mark(name=name, value=value)))

    def retried(
        self, at: float, *, status: int | None, provider: str, model: str | None, begins: float
    ) -> Exchange:
        entry = Retried(
            error_type=f"http_{status}" if status else "connect_failed",
            error_message="no",
            status=status,
            provider=provider,
            upstream=f"https://{provider}.example",
            path=f"/{provider}/v1/chat/completions",
            model=model,
            begins_ns=int((self.start_ms + begins) * MS),
        )
        return self.note(Kind.RETRIED, at, pack(entry))

    def ends(
        self,
        at: float,
        outcome: str = "completed",
        closed_by: str = "upstream",
        *,
        error: tuple[str, str] | None = None,
        overhead_us: int = 0,
    ) -> Exchange:
        kind, message = error or (None, None)
        end = End(
            outcome=outcome,
            closed_by=closed_by,
            error_type=kind,
            error_message=message,
            overhead_ns=overhead_us * 1000,
        )
        return self.note(Kind.END, at, pack(end))

    def streams(self, *words: str) -> Exchange:
        """A whole stream, from its request to its end."""
        self.opens().head(50).chunk(60, ROLE)
        for number, word in enumerate(words):
            self.chunk(70 + 10 * number, event(word))
        at = 70 + 10 * len(words)
        return self.chunk(at, STOP + USAGE + DONE).ends(at + 1)


class Desk:
    """A data folder with journals, read without a recorder around, until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened = ExitStack()
        self.live = Live()
        self.memory = Memory(folder / "tmp")
        self.records: list[Record] = []
        self.transcripts: list[Transcript] = []
        self.amendments: list[Amendment] = []

    def writer(self, name: str = "local-0-1", **options: Any) -> Writer:
        return Writer(self.folder / "journal" / name, fsync_interval_s=60, **options)

    def follower(
        self,
        name: str = "local-0-1",
        progress: Progress | None = None,
        *,
        rules: Sequence[PrivacyRule] = (),
    ) -> Follower:
        follower = Follower(
            self.folder / "journal" / name,
            progress or Progress(),
            live=self.live,
            memory=self.memory,
            finished=self._finished,
            amended=self.amendments.append,
            rules=Rules(rules),
        )
        self._opened.callback(follower.close)
        return follower

    def again(self) -> Desk:
        """The desk of another recorder on the same folder, closed with this one."""
        return self._opened.enter_context(closing(Desk(self.folder)))

    def close(self) -> None:
        """Let go of all that was followed."""
        self._opened.close()

    def _finished(self, record: Record, transcript: Transcript) -> None:
        self.records.append(record)
        self.transcripts.append(transcript)

    def read(self, follower: Follower) -> list[Record]:
        """Read what there is, and return all records so far."""
        follower.look()
        while follower.read():
            pass
        return self.records


class ListStore:
    """A store in memory, which can be out of order. One row per id, as the real one."""

    scheme = "memory"

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Record, Transcript]] = {}
        self.inserts: list[list[tuple[str, str]]] = []
        self.amendments: list[Amendment] = []
        self.broken: str | None = None
        self.gate = threading.Event()
        self.gate.set()

    def insert(self, batch: Sequence[tuple[Record, Transcript]], /) -> None:
        self.gate.wait(PATIENCE_S)
        if self.broken is not None:
            raise RuntimeError(self.broken)
        self.inserts.append([(record.id, record.outcome.value) for record, _ in batch])
        for record, transcript in batch:
            old = self.rows.get(record.id)
            if old is None or old[0].outcome is Outcome.OPEN or record.outcome is not Outcome.OPEN:
                self.rows[record.id] = (record, transcript)

    def amend(self, batch: Sequence[Amendment], /) -> None:
        if self.broken is not None:
            raise RuntimeError(self.broken)
        self.amendments += batch

    def outcomes(self) -> dict[str, str]:
        return {record.id: record.outcome.value for record, _ in self.rows.values()}

    def finals(self) -> list[str]:
        """Every final row that was ever inserted."""
        return [id_ for batch in self.inserts for id_, outcome in batch if outcome != "open"]


def settings_for(folder: Path, **journal: Any) -> Settings:
    journal = {"resume_window_s": 600.0} | journal
    return Settings(
        data=str(folder),
        journal=JournalSettings(**journal),
        store=StoreSettings(flush_interval_s=0.05),
    )


async def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
