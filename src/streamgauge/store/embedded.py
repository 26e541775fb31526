"""ClickHouse in our own process: chDB on a folder.

chDB opens one folder per process, and one process per folder. The first rule is its own;
the second is kept here with a lock file, so that the second process gets a sentence instead
of a damaged store. Within the process any number of connections may work at once: inserts
have one of their own, queries share a few.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamgauge.errors import ConfigurationError, StoreError
from streamgauge.store.clickhouse import (
    GUARDED_SETTINGS,
    OUTPUT_SETTINGS,
    READ_ONLY,
    Address,
    Params,
    Value,
)

READERS = 4  # queries at once; more would only take cores from the streams
GUESTS = 1  # of them in SQL that is not ours
# Queries use two threads each and at most 2 GiB for 60 s: a heavy question fails, not the recorder.
READ_SETTINGS = {"max_threads": 2, "max_memory_usage": 2 << 30, "max_execution_time": 60}
# One insert is one block and so one part: never a batch that is half there, unless it is huge.
INSERT_SETTINGS = {"max_insert_threads": 1, "max_threads": 1}
LOCK_POLL_S = 0.05


class ChdbEngine:
    """An `Engine` on the folder ``address.path``.

    *wait_s*: how long to wait for another process that is about to let go of the folder.
    Raises `ConfigurationError` when the folder cannot be used, is in use, or when this
    process already has another folder open.
    """

    scheme = "chdb"

    def __init__(self, address: Address, *, wait_s: float = 0.0) -> None:
        if address.path is None:
            raise ConfigurationError("the embedded store needs a path")
        self._path = address.path.resolve()
        _FOLDERS.hold(self._path, wait_s=wait_s)
        try:
            self._open(address.database)
        except BaseException:
            _FOLDERS.release(self._path)
            raise

    def _open(self, database: str) -> None:
        self._database = database
        self._closed = False
        self._writing = threading.Lock()
        self._writer = self._connect(INSERT_SETTINGS)
        self._readers = _Places(READERS, lambda: self._connect(READ_SETTINGS))
        self._guests = _Places(GUESTS, self._connect_guest)

    def _connect_guest(self) -> Any:
        connection = self._connect(GUARDED_SETTINGS)
        # Last, as nothing can be set behind it.
        connection.query(_set(READ_ONLY))
        return connection

    def _connect(self, settings: Mapping[str, str | int]) -> Any:
        # The import costs about a second and loads the engine, so it waits until it is needed.
        from chdb.state.sqlitelike import Connection

        try:
            connection = Connection(str(self._path))
            connection.query(_set({**OUTPUT_SETTINGS, **settings}))
            connection.query(f"CREATE DATABASE IF NOT EXISTS `{self._database}`")
            connection.query(f"USE `{self._database}`")
        except Exception as error:
            raise ConfigurationError(
                f"the store in {self._path} cannot be opened: {error}"
            ) from error
        return connection

    # statements

    def command(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that answers nothing."""
        with self._writing, _errors():
            self._live(self._writer).query(sql, params=_literals(params))

    def query(self, sql: str, params: Params | None = None, *, form: str = "JSONEachRow") -> bytes:
        """Run a SELECT and return its result in the output format *form*."""
        with self._readers.taken() as connection, _errors():
            result = connection.query(sql, form, params=_literals(params))
            return bytes(result.bytes())

    def query_guarded(self, sql: str, *, form: str) -> bytes:
        """Run a SELECT that is not ours: it can change nothing and has limits."""
        with self._guests.taken() as connection, _errors():
            return bytes(connection.query(sql, form).bytes())

    def insert(self, table: str, columns: tuple[str, ...], rows: bytes) -> None:
        """Insert *rows*; durable when it returns."""
        statement = f"INSERT INTO {table} ({', '.join(columns)})"
        with (
            self._writing,
            _errors(),
            self._live(self._writer).send_insert(statement, "MsgPack") as stream,
        ):
            stream.append(rows)
            stream.finish()

    # connections

    def _live(self, connection: Any) -> Any:
        if self._closed:
            raise StoreError("the store is closed")
        return connection

    def close(self) -> None:
        """Close every connection, once the queries at work are done, and free the folder."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            self._writer.close()
        self._readers.close()
        self._guests.close()
        _FOLDERS.release(self._path)


class _Places:
    """So many connections for queries, each opened when it is first needed."""

    def __init__(self, count: int, connect: Callable[[], Any]) -> None:
        self._count = count
        self._connect = connect
        self._closed = False
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(None)

    @contextmanager
    def taken(self) -> Iterator[Any]:
        """Have a connection for as long as this lasts; waits for one to be free."""
        connection = self._free.get()
        try:
            if self._closed:
                raise StoreError("the store is closed")
            if connection is None:
                connection = self._connect()
            yield connection
        finally:
            self._free.put(connection)

    def close(self) -> None:
        """Close every connection, once the queries at work are done."""
        self._closed = True
        for _ in range(self._count):
            connection = self._free.get()
            if connection is not None:
                connection.close()
        for _ in range(self._count):
            self._free.put(None)


def _set(settings: Mapping[str, str | int]) -> str:
    return "SET " + ", ".join(f"{name} = {value!r}" for name, value in settings.items())


@contextmanager
def _errors() -> Iterator[None]:
    """The one border for chDB's errors."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"the embedded store refused a statement: {error}") from error


# values of parameters, as ClickHouse reads them: escaped text outside, quoted text in arrays

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"}
)
_QUOTED = _ESCAPES | str.maketrans({"'": "\\'"})


def _literals(params: Params | None) -> dict[str, str]:
    return {name: literal(value) for name, value in (params or {}).items()}


def literal(value: Value) -> str:
    """Write *value* the way ClickHouse reads a ``{name:Type}`` parameter."""
    if isinstance(value, list):
        return f"[{','.join(map(_element, value))}]"
    return value.translate(_ESCAPES) if isinstance(value, str) else _number(value)


def _element(value: str | float) -> str:
    return f"'{value.translate(_QUOTED)}'" if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


class _Folders:
    """The lock files that this process holds, and how many engines stand on each."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: dict[Path, tuple[int, int]] = {}

    def hold(self, path: Path, *, wait_s: float) -> None:
        with self._guard:
            descriptor, engines = self._held.get(path, (-1, 0))
            if not engines:
                descriptor = _lock(path, wait_s=wait_s)
            self._held[path] = (descriptor, engines + 1)

    def release(self, path: Path) -> None:
        with self._guard:
            descriptor, engines = self._held.pop(path)
            if engines > 1:
                self._held[path] = (descriptor, engines - 1)
            else:
                os.close(descriptor)


_FOLDERS = _Folders()


def _lock(path: Path, *, wait_s: float) -> int:
    try:
        # What is in it was said between people and models; it is nobody else's.
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(
            path / "streamgauge.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise ConfigurationError(f"the store folder {path} cannot be used: {error}") from error
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise ConfigurationError(
                    f"the store folder {path} is in use by another process; "
                    "stop it or choose another data folder"
                ) from None
            time.sleep(LOCK_POLL_S)
        else:
            return descriptor
