"""Addresses of stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.errors import ConfigurationError
from streamgauge.store.clickhouse import Address, parse_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("chdb:///var/lib/sg", Address(scheme="chdb", path=Path("/var/lib/sg"))),
        ("chdb:///a%20b?database=x", Address(scheme="chdb", path=Path("/a b"), database="x")),
        (
            "clickhouse://me:p%40ss%2F@db.example:9000/logs",
            Address(
                scheme="clickhouse",
                database="logs",
                host="db.example",
                port=9000,
                user="me",
                password="p@ss/",
            ),
        ),
        ("clickhouse://h", Address(scheme="clickhouse", host="h", port=8123)),
        (
            "clickhouse://h/?secure=true",
            Address(scheme="clickhouse", host="h", port=8443, secure=True),
        ),
        (
            "clickhouse://h/x?cluster=main_1",
            Address(scheme="clickhouse", host="h", port=8123, database="x", cluster="main_1"),
        ),
    ],
)
def test_an_address_is_read(url, expected):
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("/var/lib/sg", "chdb:///"),
        ("mysql://h/x", "mysql"),
        ("chdb://var/lib", "absolute"),
        ("chdb:relative", "absolute"),
        ("chdb:///a%3Fb", "absolute"),
        ("chdb:///a?cluster=x", "cluster"),
        ("clickhouse://", "no host"),
        ("clickhouse://h:99999/x", "port"),
        ("clickhouse://h/x?secure=maybe", "maybe"),
        ("clickhouse://h/x?cluster=a-b", "the cluster"),
        ("clickhouse://h/x?clusters=c", "clusters"),
        ("clickhouse://h/x;DROP", "database"),
        ("chdb:///a?database=a`b", "database"),
    ],
)
def test_a_bad_address_says_what_is_wrong(url, word):
    with pytest.raises(ConfigurationError, match=word):
        parse_url(url)


def test_a_password_is_not_repeated_in_an_error():
    with pytest.raises(ConfigurationError) as caught:
        parse_url("clickhouse://me:hunter2@h/x?nonsense=1")
    assert "hunter2" not in str(caught.value)
