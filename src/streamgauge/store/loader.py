"""The store: open it, put records in, ask it questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from streamgauge.record import Amendment, Record, Transcript
from streamgauge.store.clickhouse import Engine, Params, parse_url
from streamgauge.store.columns import AMENDMENT_COLUMNS, STORED_COLUMNS
from streamgauge.store.embedded import ChdbEngine
from streamgauge.store.migrations import migrate
from streamgauge.store.retention import retain
from streamgauge.store.rows import amendment_rows, batches
from streamgauge.store.server import ServerEngine

TABLE, AMENDMENTS = "records", "amendments"

_decode = msgspec.json.Decoder().decode


class Store:
    """Records in ClickHouse, wherever that runs. Every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def scheme(self) -> str:
        """``chdb`` or ``clickhouse``."""
        return self._engine.scheme

    def insert(self, batch: Sequence[tuple[Record, Transcript]]) -> None:
        """Keep *batch*; when it returns, every record survives the end of this process.

        The row of a record that is still open gives way to its final row, and the same
        row twice counts once: a batch may be repeated. Large batches are sent in pieces,
        so after a `StoreError` some of it may be stored; repeat the whole batch.
        """
        for rows in batches(batch):
            self._engine.insert(TABLE, STORED_COLUMNS, rows)

    def amend(self, batch: Sequence[Amendment]) -> None:
        """Keep what was said about records later, as durably; a batch may be repeated."""
        self._engine.insert(AMENDMENTS, AMENDMENT_COLUMNS, amendment_rows(batch))

    def query(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run a SELECT with ``{name:Type}`` parameters; times come back as ISO 8601 text."""
        return [_decode(line) for line in self._engine.query(sql, params).splitlines()]

    def blob(self, sql: str, params: Params | None = None) -> bytes:
        """Run a SELECT of one binary value and return exactly its bytes."""
        return self._engine.query(sql, params, form="RawBLOB")

    def file(self, sql: str, params: Params | None = None, *, form: str) -> bytes:
        """Run a SELECT and return its result in the ClickHouse output format *form*."""
        return self._engine.query(sql, params, form=form)

    def guarded(self, sql: str, *, form: str) -> bytes:
        """Run a SELECT that is not ours, which can change nothing and has limits."""
        return self._engine.query_guarded(sql, form=form)

    def retain(self, *, bodies_days: int, records_days: int) -> None:
        """Keep what was said, and whole records, for so many days; 0: for ever.

        Costs a look where that is set already, and never waits for its effect.
        """
        retain(self._engine, bodies_days=bodies_days, records_days=records_days)

    def close(self) -> None:
        """Let go of the store; a second call does nothing."""
        self._engine.close()


def open_store(url: str, *, wait_s: float = 0.0) -> Store:
    """Open the store at *url* and bring its schema up to date.

    *url*: ``chdb:///path`` or ``clickhouse://user:password@host:8123/database``.
    *wait_s*: how long to wait for another process to let go of a chDB folder.
    Raises `ConfigurationError` for a bad address or a folder in use, `StoreError` when a
    server is not there or the schema cannot be made.
    """
    address = parse_url(url)
    engine: Engine = (
        ServerEngine(address) if address.path is None else ChdbEngine(address, wait_s=wait_s)
    )
    try:
        migrate(engine)
    except BaseException:
        engine.close()
        raise
    return Store(engine)
