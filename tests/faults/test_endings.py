"""Every row of the table of ends, played: the client's answer, the provider's side, the record."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import httpx
import pytest
import trustme

from streamgauge.simulator.server import tls_context
from tests.faults.endings import (
    ALL,
    CUT,
    ENDINGS,
    ERROR,
    KEPT,
    NO_TEXT,
    NONE,
    NOTHING,
    WHOLE,
    Ending,
)
from tests.faults.patience import closed_record
from tests.faults.raw_client import Got, RawClient, text_of
from tests.product import PROMPT, Product
from tests.simulating import RunningSimulator, until

PAGE = Path(__file__).parents[2] / "docs" / "endings.md"

TOKENS = 12

# So much that a client which takes nothing brings the provider to a stand.
BULK = ("Simulate-Bytes: 50000000",)
PATH = "v1/chat/completions"

# Those that end the gateway need one of their own.
STOPS = ("SIGTERM", "SIGKILL")
SHARED = [row for row in ENDINGS if row.act[1] not in STOPS]
ALONE = [row for row in ENDINGS if row.act[1] in STOPS]

# Providers that break in the handshake, each by its script.
DOORS = {
    "tls-cut": "cut; after=connect",
    "tls-rst": "rst; after=connect",
    "tls-deaf": "stall; after=connect",
}


def rows(endings: list[Ending]) -> Any:
    return pytest.mark.parametrize("row", endings, ids=[row.name for row in endings])


class Stage:
    """The providers that the table names, and a server in front of them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._authority = trustme.CA()
        roots = folder / "roots.pem"
        self._authority.cert_pem.write_to_path(roots)
        self.simulators = {
            "openai": RunningSimulator(recordings=None),
            "tls": RunningSimulator(recordings=None, tls=self._tls(folder, self._authority)),
            "tls-untrusted": RunningSimulator(recordings=None, tls=self._tls(folder, trustme.CA())),
            **{name: self._door(folder, name) for name in DOORS},
        }
        # A port that was free a moment ago, and that nobody can take: it is bound, not listening.
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        urls = {name: one.url for name, one in self.simulators.items()}
        urls["nobody"] = f"http://127.0.0.1:{self._bound.getsockname()[1]}"
        self.product = Product(
            folder,
            providers=urls,
            arguments=("--set=limits.stop_grace_s=0.3", *PROMPT),
            environment={"SSL_CERT_FILE": str(roots)},
        )

    @property
    def port(self) -> int:
        return int(self.product.url.rpartition(":")[2])

    def stop(self) -> None:
        try:
            self.product.stop()
        finally:
            for one in self.simulators.values():
                one.stop()
            self._bound.close()

    def _door(self, folder: Path, name: str) -> RunningSimulator:
        script = folder / f"{name}.toml"
        script.write_text(f'[[fault]]\ndo = "{DOORS[name]}"\n')
        tls = self._tls(folder, self._authority)
        return RunningSimulator(recordings=None, faults=script, tls=tls)

    def _tls(self, folder: Path, authority: trustme.CA) -> ssl.SSLContext | None:
        certificate = folder / f"{uuid4().hex}.pem"
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(certificate)
        return tls_context(certificate, None)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("endings") / "shared")
    yield made
    made.stop()


@rows(SHARED)
def test_every_end_is_told_truthfully(stage: Stage, row: Ending) -> None:
    """To the client, to the provider, and in exactly one record."""
    name = f"row-{uuid4().hex}"
    with RawClient(stage.port) as client:
        ask(client, row, name)
        got = play(client, row, name, stage)
    assert_answer(row, got)
    (told,) = until(lambda: stage.product.closed(user_id=name))
    record = stage.product.record(told["id"])
    assert_record(row, record, got)
    assert_provider(row, name, stage)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, RunningSimulator]]:
    """A server that may be stopped and killed, and its provider."""
    simulator = RunningSimulator(recordings=None)
    product = Product(
        tmp_path_factory.mktemp("mortal"),
        providers={"openai": simulator.url},
        arguments=("--set=limits.stop_grace_s=0.3",),
    )
    yield product, simulator
    product.stop()
    simulator.stop()


@rows(ALONE)
def test_the_end_of_the_gateway_is_told_truthfully(
    mortal: tuple[Product, RunningSimulator], row: Ending
) -> None:
    """To the client as far as that is possible, and in exactly one record."""
    product, simulator = mortal
    name = f"row-{uuid4().hex}"
    with RawClient(int(product.url.rpartition(":")[2])) as client:
        ask(client, row, name)
        moment, how = row.act
        until(lambda: simulator.requests(x_test=name) or None)
        if moment != "asked":
            client.read_until(moment)
        if how == "SIGKILL":
            product.kill_worker()
        else:
            product.stop()
            product.restart()
        got = client.rest()
    assert_answer(row, got)
    (told,) = until(lambda: closed_again(product, name))
    assert_record(row, closed_record(product, told["id"]), got)
    assert simulator.request(x_test=name)["ended"] == "client_left"


def closed_again(product: Product, name: str) -> list[dict[str, Any]] | None:
    """Return the records; None while the server is being replaced."""
    try:
        return product.closed(user_id=name)
    except httpx.TransportError:
        return None


def test_the_page_is_the_table() -> None:
    """Row for row, in the same order."""
    text = PAGE.read_text()
    found = re.findall(r"^\| (.+) \|$", text.partition("| who |")[2], re.MULTILINE)
    told = [row.replace("`", "").split(" | ") for row in found]
    assert told == [
        [row.by, row.when, row.how, row.client, row.outcome, row.closed_by, row.upstream, row.text]
        for row in ENDINGS
    ]


def test_no_row_is_twice() -> None:
    """Who, when and how name it."""
    names = [row.name for row in ENDINGS]
    assert len(set(names)) == len(names)


def ask(client: RawClient, row: Ending, name: str) -> None:
    body = {
        "model": "gpt-4o-mini",
        "stream": True,
        "messages": [{"role": "user", "content": name}],
    }
    client.ask(
        f"/{row.provider}/{PATH}",
        (
            f"X-Test: {name}",
            f"Streamgauge-User-Id: {name}",
            f"Simulate-Tokens: {TOKENS}",
            f"Simulate-Fault: {row.fault}",
            "Connection: keep-alive",
            *row.headers,
        ),
        json.dumps(body).encode(),
        is_half=row.act[0] == "half",
    )


def play(client: RawClient, row: Ending, name: str, stage: Stage) -> Got:
    """Let the row happen, and return what the client got."""
    moment, act = row.act
    if moment == "asked" or (moment == "half" and act != "silence"):
        until(lambda: has_arrived(row, name, stage))
    elif moment == "end":
        client.rest()
    elif moment == "standing":
        client.read_until("1 event")
        until(lambda: stands_still(row, name, stage))
    elif moment and moment != "half":
        client.read_until(moment)
    if act == "stop":
        (open_one,) = until(lambda: stage.product.records(user_id=name) or None)
        stopped = stage.product.http.post(f"/api/v1/records/{open_one['id']}/stop")
        assert stopped.json() == {"id": open_one["id"], "outcome": "stopped"}
    elif act == "garbage":
        client.socket.sendall(b"no chunk\r\n")
    elif act == "silence" and moment != "half":
        until(lambda: stage.product.records(q=name, outcome="client_left") or None)
    elif act in ("FIN", "RST"):
        got = client.got()
        client.leave(act)
        return got
    return client.rest()


def stands_still(row: Ending, name: str, stage: Stage) -> bool | None:
    """Whether the provider can send no more, as nobody takes it."""

    def sent() -> int:
        (account,) = stage.simulators[row.provider].requests(x_test=name)
        return account["bytes_out"]

    before = sent()
    sleep(0.3)
    return before == sent() or None


def has_arrived(row: Ending, name: str, stage: Stage) -> bool | None:
    """Whether the request is where the row wants it: at the provider, or on the way there."""
    if row.provider == "tls-deaf" or row.act[0] == "half":
        health = stage.product.http.get("/healthz").json()
        return sum(worker["open"] for worker in health["workers"]) == 1 or None
    return bool(stage.simulators[row.provider].requests(x_test=name)) or None


# -- what must hold --------------------------------------------------------------------------


def assert_answer(row: Ending, got: Got) -> None:
    if row.client.isdigit():
        assert got.status == int(row.client)
        assert got.is_whole
        assert json.loads(got.body)["error"]["message"]
        return
    if row.client == NOTHING:
        assert not got.is_whole
        return
    assert got.status == 200
    assert got.is_whole == (row.client != CUT)
    last = got.events[-1] if got.events else b""
    if row.client == ERROR:
        assert json.loads(last[6:])["error"]["type"], last
        assert b"[DONE]" not in got.body
    if row.client == WHOLE:
        assert last == b"data: [DONE]"


def assert_record(row: Ending, record: dict[str, Any], got: Got) -> None:
    assert record["outcome"] == row.outcome, record["error_message"]
    assert record["closed_by"] == row.closed_by
    is_sound = row.outcome == "completed"
    if not is_sound and row.outcome != "client_left":
        assert record["error_type"]
        assert record["error_message"]
    text = record["response_text"] or ""
    if row.text == NO_TEXT:
        assert text == ""
        assert record["output_tokens"] in (None, 0)
        assert record["output_tokens"] is None or record["usage_source"] != "unknown"
        return
    is_plain = "gzip" not in row.fault and not {"Simulate-Encoding: gzip", *BULK} & {*row.headers}
    if is_plain:
        assert text == text_of(got.events)
    assert text
    assert record["output_tokens"] > 0
    source = "reported" if row.text == ALL else "estimated"
    assert record["usage_source"] == source
    if row.provider == "openai":
        assert record["cost_usd"] > 0
        assert record["cost_source"] == {"reported": "priced", "estimated": "estimated"}[source]
    else:  # nobody knows its prices
        assert record["cost_usd"] is None
        assert record["cost_source"] == "unknown"
    if row.text == ALL:
        assert record["output_tokens"] == TOKENS


def assert_provider(row: Ending, name: str, stage: Stage) -> None:
    simulator = stage.simulators.get(row.provider)
    if row.upstream == NONE:
        # Those that break every connection cannot be asked; nothing can have come through.
        if simulator is not None and row.provider not in DOORS:
            assert not simulator.requests(x_test=name)
        return
    assert simulator is not None
    account = simulator.request(x_test=name)
    if row.upstream == KEPT:
        assert account["ended"] == "finished"
    if row.fault.startswith(("stall", "pings", "drip")):
        assert account["ended"] == "client_left", "the gateway went, and did not wait"
    again = f"again-{uuid4().hex}"
    stage.product.http.post(
        f"/{row.provider}/{PATH}",
        json={"model": "m"},
        # Nothing is kept for the next row, whose request could be sent twice on a kept one.
        headers={"X-Test": again, "Simulate-Framing": "close"},
    ).raise_for_status()
    next_one = simulator.request(x_test=again)
    assert (next_one["connection"] == account["connection"]) == (row.upstream == KEPT)
