"""ClickHouse as a server or cluster, over its HTTP interface."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamgauge.errors import StoreAwayError, StoreError
from streamgauge.store.clickhouse import (
    GUARDED_SETTINGS,
    OUTPUT_SETTINGS,
    READ_ONLY,
    Address,
    Params,
)
from streamgauge.store.cluster import on_cluster

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 120  # an insert of a 100 MB reply over a slow line takes its time


class ServerEngine:
    """An `Engine` on the server that *address* names; raises `StoreError` when it is not there."""

    scheme = "clickhouse"

    def __init__(self, address: Address) -> None:
        from clickhouse_connect import get_client

        for noisy in ("clickhouse_connect", "urllib3"):  # they log what they raise, too
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self._at = f"{address.host}:{address.port}"
        self._cluster = address.cluster
        where: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "username": address.user,
            "password": address.password,
            "secure": address.secure,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "send_receive_timeout": ANSWER_TIMEOUT_S,
            # One client serves several threads, and ClickHouse allows one query per session.
            "autogenerate_session_id": False,
            "settings": dict(OUTPUT_SETTINGS),
        }
        with _errors(self._at):
            first = get_client(**where)
            create = f"CREATE DATABASE IF NOT EXISTS `{address.database}`"
            first.command(self._everywhere(create))
            first.close()
            self._client = get_client(database=address.database, **where)

    def command(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that answers nothing."""
        with _errors(self._at):
            self._client.command(self._everywhere(sql), parameters=params)

    def query(self, sql: str, params: Params | None = None, *, form: str = "JSONEachRow") -> bytes:
        """Run a SELECT and return its result in the output format *form*."""
        with _errors(self._at):
            return bytes(self._client.raw_query(sql, parameters=params, fmt=form))

    def query_guarded(self, sql: str, *, form: str) -> bytes:
        """Run a SELECT that is not ours: it can change nothing and has limits."""
        with _errors(self._at):
            settings = GUARDED_SETTINGS | READ_ONLY
            return bytes(self._client.raw_query(sql, fmt=form, settings=settings))

    def insert(self, table: str, columns: tuple[str, ...], rows: bytes) -> None:
        """Insert *rows*; durable when it returns."""
        with _errors(self._at):
            self._client.raw_insert(
                table, column_names=list(columns), insert_block=rows, fmt="MsgPack"
            )

    def _everywhere(self, statement: str) -> str:
        return statement if self._cluster is None else on_cluster(statement, self._cluster)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def _errors(at: str) -> Iterator[None]:
    """The one border for the client's and the network's errors."""
    try:
        yield
    except Exception as error:
        cause = _of_the_network(error)
        if cause is not None:
            why = cause.strerror or str(cause) or type(cause).__name__
            raise StoreAwayError(
                f"the ClickHouse server at {at} cannot be reached: {why}"
            ) from error
        raise StoreError(f"the ClickHouse server refused a statement: {error}") from error


def _of_the_network(error: BaseException | None) -> OSError | None:
    """Return what the network said, if it is behind *error*."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
