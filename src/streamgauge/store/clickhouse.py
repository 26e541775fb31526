"""The seam to ClickHouse: what an engine must do, and how its address is written.

Two engines stand behind it, the embedded one (chDB) and a server. Both take the same SQL,
the same ``{name:Type}`` parameters and the same MessagePack rows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from streamgauge.errors import ConfigurationError

Value = str | int | float | bool | list[str] | list[int] | list[float]
Params = dict[str, Value]

DEFAULT_DATABASE = "streamgauge"
DEFAULT_PORTS = {False: 8123, True: 8443}

# Times leave the store as the API shows them; a number that is not finite is absent in JSON.
OUTPUT_SETTINGS: dict[str, str | int] = {
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    # A row and its successor share started_at, and so their partition.
    "do_not_merge_across_partitions_select_final": 1,
}

# What a question in SQL of somebody else may cost. FINAL: a record counts once, as it is now.
GUARDED_SETTINGS: dict[str, str | int] = {
    "final": 1,
    "max_threads": 2,
    "max_execution_time": 20,
    "max_memory_usage": 1 << 30,
    "max_result_bytes": 64 << 20,
    "output_format_json_validate_utf8": 1,  # raw bytes need not be text
}
READ_ONLY: dict[str, str | int] = {"readonly": 1}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class Engine(Protocol):
    """Something that speaks ClickHouse SQL. Every method may be called from any thread."""

    scheme: str

    def command(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that answers nothing; `StoreError` when it is refused."""

    def query(self, sql: str, params: Params | None = None, *, form: str = "JSONEachRow") -> bytes:
        """Run a SELECT and return its result in the ClickHouse output format *form*."""

    def query_guarded(self, sql: str, *, form: str) -> bytes:
        """Run a SELECT that is not ours: it can change nothing and has `GUARDED_SETTINGS`."""

    def insert(self, table: str, columns: tuple[str, ...], rows: bytes) -> None:
        """Insert *rows*, MessagePack values one after the other; durable when it returns."""

    def close(self) -> None:
        """Let go of the store."""


class Address(Struct, frozen=True, kw_only=True):
    """A parsed ``store.url``. ``path`` is set for chDB, ``host`` and ``port`` for a server.

    ``cluster``: the name of the cluster that the server is one of, if it is to be in all of it.
    """

    scheme: str
    database: str = DEFAULT_DATABASE
    path: Path | None = None
    host: str = ""
    port: int = 0
    user: str = "default"
    password: str = ""
    secure: bool = False
    cluster: str | None = None


def parse_url(url: str) -> Address:
    """Read ``chdb:///path`` or ``clickhouse://user:password@host:8123/database``.

    A server's has options: ``?secure=true&cluster=name``.

    Raises `ConfigurationError` that says what is wrong, without repeating a password.
    """
    parts = urlsplit(url)
    readers = {"chdb": _embedded, "clickhouse": _server}
    if parts.scheme not in readers:
        raise ConfigurationError(
            f"store.url begins with {parts.scheme or 'nothing'}://; "
            "write chdb:///path or clickhouse://user:password@host:8123/database"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    address = readers[parts.scheme](parts, options)
    if options:
        raise ConfigurationError(
            f"store.url has an option that is not known: {', '.join(sorted(options))}"
        )
    if not _NAME.fullmatch(address.database):
        raise ConfigurationError(
            f"the database of store.url is {address.database!r}; "
            "use letters, digits and _ (at most 63)"
        )
    return address


def _embedded(parts: SplitResult, options: dict[str, str]) -> Address:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or "?" in path:
        raise ConfigurationError(
            "store.url for chDB needs an absolute path without '?': chdb:///var/lib/streamgauge"
        )
    database = options.pop("database", DEFAULT_DATABASE)
    return Address(scheme="chdb", path=Path(path), database=database)


def _server(parts: SplitResult, options: dict[str, str]) -> Address:
    secure = options.pop("secure", "false").lower()
    if secure not in ("true", "false", "1", "0"):
        raise ConfigurationError(f"secure in store.url is {secure!r}; write true or false")
    is_secure = secure in ("true", "1")
    cluster = options.pop("cluster", None)
    if cluster is not None and not _NAME.fullmatch(cluster):
        raise ConfigurationError(
            f"the cluster of store.url is {cluster!r}; use letters, digits and _ (at most 63)"
        )
    try:
        host, port = parts.hostname, parts.port or DEFAULT_PORTS[is_secure]
    except ValueError as error:
        raise ConfigurationError("the port in store.url is not a number up to 65535") from error
    if not host:
        raise ConfigurationError("store.url names no host: clickhouse://host:8123/database")
    return Address(
        scheme="clickhouse",
        database=unquote(parts.path.strip("/")) or DEFAULT_DATABASE,
        host=host,
        port=port,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        secure=is_secure,
        cluster=cluster,
    )
