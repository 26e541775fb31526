"""Keys of the server's own: what they are put into, and whose pages may not have them spent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamgauge.gateway.head import RequestHead
from streamgauge.gateway.routes import Refused, Routes
from streamgauge.gateway.targets import Plans
from streamgauge.settings import Limits, Provider, RouteSettings, Settings, Target
from tests.gateway.rig import OK, Peer, Rig

BODY = b'{"model":"m"}'
SERVERS_KEY = "sk-of-the-server"


class Upstream:
    """Answers, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    async def __call__(self, peer: Peer) -> None:
        self.asked.append(await peer.request())
        await peer.send(OK)


@pytest.fixture
async def routed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setenv("SERVERS_KEY", SERVERS_KEY)
    keyed = Target(provider="openai", model="llama", key_env="SERVERS_KEY")
    rig = Rig(tmp_path, Limits())
    rig.routes = {
        "one": RouteSettings(targets=[keyed]),
        "claude": RouteSettings(targets=[Target(provider="anthropic", key_env="SERVERS_KEY")]),
        "last": RouteSettings(targets=[Target(provider="second"), keyed]),
        "keyless": RouteSettings(targets=[Target(provider="openai"), Target(provider="second")]),
        "unset": RouteSettings(targets=[Target(provider="openai", key_env="NO_SUCH_VARIABLE")]),
    }
    await rig.start()
    yield rig
    await rig.stop()


async def ask(rig: Rig, route: str, *lines: str, host: str = "127.0.0.1:4284") -> tuple[int, bytes]:
    client = await rig.client()
    head = [f"POST /{route}/v1/x HTTP/1.1", f"Host: {host}", f"Content-Length: {len(BODY)}", *lines]
    await client.send("\r\n".join(head).encode() + b"\r\n\r\n" + BODY)
    answer, body = await client.answer()
    return int(answer.split()[1]), body


@pytest.mark.parametrize(
    ("route", "line"),
    [("one", f"Authorization: Bearer {SERVERS_KEY}"), ("claude", f"x-api-key: {SERVERS_KEY}")],
)
async def test_a_route_has_its_own_key_and_model(routed: Rig, route: str, line: str) -> None:
    """Also one of a single target; the client's key goes nowhere, and ours into no journal."""
    provider = routed.script = Upstream()
    assert await ask(routed, route, "Authorization: Bearer sk-client") == (200, b"ok")
    ((head, body),) = provider.asked
    assert line.encode() in head
    assert b"sk-client" not in head
    assert json.loads(body)["model"] == ("llama" if route == "one" else "m")
    await routed.ended()
    assert all(SERVERS_KEY.encode() not in payload for _, _, payload in routed.entries())


FOREIGN = [
    ("Origin: https://page.example",),
    ("Origin: null",),
    ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
    ("sec-fetch-site: same-site", "Origin: http://127.0.0.1:4284"),
    ("Origin: https://page.example", "Authorization: Bearer sk-of-the-page"),
]


@pytest.mark.parametrize("lines", FOREIGN, ids=" ".join)
@pytest.mark.parametrize("route", ["one", "last"])
async def test_a_page_of_another_origin_spends_no_key_of_ours(
    routed: Rig, route: str, lines: tuple[str, ...]
) -> None:
    """Nor one that would be asked last; a key of its own is not what would be sent."""
    provider = routed.script = routed.second = Upstream()
    status, body = await ask(routed, route, *lines)
    assert status == 403
    assert "another origin" in json.loads(body)["error"]["message"]
    assert provider.asked == []


async def test_a_page_whose_name_leads_here_spends_none_either(routed: Rig) -> None:
    """To the browser it is of our origin."""
    provider = routed.script = Upstream()
    name = "page.example:4284"
    told = ("Sec-Fetch-Site: same-origin", f"Origin: http://{name}")
    status, body = await ask(routed, "one", *told, host=name)
    assert status == 403
    assert "--allow-remote" in json.loads(body)["error"]["message"]
    assert provider.asked == []


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        ("localhost:4284", ()),
        ("[::1]:4284", ()),
        ("127.0.0.1:4284", ("Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:4284")),
        ("127.0.0.1:4284", ("Origin: http://127.0.0.1:4284",)),
    ],
)
async def test_programs_and_pages_of_ours_may(
    routed: Rig, host: str, lines: tuple[str, ...]
) -> None:
    """A program says nothing of pages."""
    assert await ask(routed, "one", *lines, host=host) == (200, b"ok")


@pytest.mark.parametrize("route", ["openai", "keyless", "unset"])
async def test_where_there_is_no_key_of_ours_any_page_may(routed: Rig, route: str) -> None:
    """It brings its own, as applications in the browser do."""
    lines = ("Origin: https://page.example", "Authorization: Bearer sk-of-the-page")
    assert await ask(routed, route, *lines, host="gauge.example") == (200, b"ok")


def test_with_keys_of_ours_asked_for_pages_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has such a key may come from anywhere; nor are names, where others can reach us."""
    monkeypatch.setenv("SERVERS_KEY", SERVERS_KEY)
    foreign = [(b"Host", b"gauge.example"), (b"Origin", b"https://page.example")]
    renamed = [(b"Host", b"gauge.example"), (b"Origin", b"http://gauge.example")]

    def plans(headers: list[tuple[bytes, bytes]], **told: object) -> bool:
        settings = Settings(
            providers={"openai": Provider(url="http://127.0.0.1:1")},
            routes={
                "one": RouteSettings(targets=[Target(provider="openai", key_env="SERVERS_KEY")])
            },
            **told,
        )
        routes = Routes(settings)
        head = RequestHead(b"POST", b"/one/v1/x", "1.1", headers)
        return Plans(settings, routes).of(routes.resolve(head), head) is not None

    assert plans(foreign, require_key=True)
    assert plans(renamed, require_key=True)
    assert plans(renamed, host="0.0.0.0")
    assert plans(renamed, allow_remote=True)
    for headers, told in ((foreign, {"host": "0.0.0.0"}), (foreign, {}), (renamed, {})):
        with pytest.raises(Refused) as refused:
            plans(headers, **told)
        assert refused.value.status == 403
