"""A gateway that asks for a key of its own; and all of it together, with the real product."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from streamgauge import ManualLogger
from streamgauge.gateway.guard import Guard
from streamgauge.keys import Keys, Scope
from tests.conftest import providers_of
from tests.gateway.rig import Rig
from tests.product import STREAMGAUGE, Product, plain_environment

ASK = b"POST /openai/v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%b\r\nok"


@pytest.fixture
def keys(rig: Rig) -> Keys:
    keys = Keys(rig.folder)
    rig.gateway.guard = Guard(keys)
    return keys


async def ask(rig: Rig, *lines: str) -> tuple[int, bytes]:
    client = await rig.client()
    await client.send(ASK % b"".join(line.encode() + b"\r\n" for line in lines))
    head, body = await client.answer()
    return int(head.split()[1]), body


@pytest.mark.parametrize("header", ["Streamgauge-Auth: Bearer {}", "helicone-auth: {}"])
async def test_a_key_that_may_log_gets_through(rig, keys, header):
    """It stays here: neither the provider nor the journal sees it."""
    seen = []

    async def script(peer):
        seen.append(await peer.request())
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    rig.script = script
    _, secret = keys.create("backend", [Scope.LOG])
    told = header.format(secret)
    assert await ask(rig, told, "Authorization: Bearer sk-provider") == (200, b"ok")
    ((head, _),) = seen
    assert b"sk-provider" in head
    assert secret.encode() not in head
    await rig.ended()
    assert all(secret.encode() not in payload for _, _, payload in rig.entries())


async def test_others_are_refused_before_the_provider_hears_of_them(rig, keys):
    """No key, a wrong one, one that is not ours, a revoked one: 401. Another scope: 403."""
    _, reader = keys.create("reader", [Scope.READ])
    gone, revoked = keys.create("gone", [Scope.LOG])
    keys.revoke(gone.id)
    for status, lines in [
        (401, ()),
        (401, ("Streamgauge-Auth: Bearer sg-wrong",)),
        (401, ("Authorization: Bearer sk-provider",)),
        (401, (f"Streamgauge-Auth: Bearer {revoked}",)),
        (401, ("Streamgauge-Auth: \xff",)),
        (403, (f"Streamgauge-Auth: Bearer {reader}",)),
    ]:
        told, body = await ask(rig, *lines)
        assert (told, bool(json.loads(body)["error"]["message"])) == (status, True)
    assert rig.provider_connections == 0
    assert rig.opened() == []


async def test_without_any_key_nothing_is_passed_on(rig, keys):
    """The setting was meant."""
    assert (await ask(rig, "Streamgauge-Auth: Bearer sg-any"))[0] == 401


async def test_a_broken_file_passes_nothing_on(rig, keys):
    """Nobody can tell who may."""
    _, secret = keys.create("backend", [Scope.LOG])
    (rig.folder / "keys.json").write_text("{")
    assert (await ask(rig, f"Streamgauge-Auth: Bearer {secret}"))[0] == 503
    assert rig.provider_connections == 0


async def test_without_the_setting_nobody_looks(rig):
    """A request to a provider needs the provider's key only, whatever the file says."""
    (rig.folder / "keys.json").write_text("{")
    assert rig.gateway.guard is None
    assert await ask(rig) == (200, b"ok")


def shell(product: Product, *words: str, key: str = "") -> subprocess.CompletedProcess[str]:
    environment = plain_environment() | {"STREAMGAUGE_BASE_URL": product.url}
    if key:
        environment["STREAMGAUGE_API_KEY"] = key
    return subprocess.run(
        [STREAMGAUGE, *words], check=False, capture_output=True, text=True, env=environment
    )


def test_the_whole_server_behind_keys(simulator, tmp_path: Path):
    """Made while it runs, asked for at once by everything, and revoked for good."""
    running = Product(
        tmp_path, providers=providers_of(simulator), arguments=("--set", "require_key=true")
    )
    try:
        assert running.http.get("/api/v1/records").status_code == 200
        at = f"--data={running.data}"
        made = [
            shell(running, "keys", "create", f"--name={scope}", f"--scope={scope}", at)
            for scope in Scope
        ]
        log, read, admin = (one.stdout.strip() for one in made)
        chat = {"model": "gpt-4o-mini", "stream": True, "messages": []}
        path = "/openai/v1/chat/completions"
        own = {"Authorization": "Bearer sk-provider"}
        assert running.http.post(path, json=chat, headers=own).status_code == 401
        passed = running.http.post(
            path, json=chat, headers=own | {"Streamgauge-Auth": f"Bearer {log}"}
        )
        assert passed.status_code == 200
        name = passed.headers["streamgauge-id"]

        logger = ManualLogger(api_key=log, base_url=running.url)
        with logger.log_builder({"model": "gpt-4o-mini"}) as builder:
            builder.set_response("from the SDK")
        assert logger.flush(20)
        logger.close()

        # Reading on is for the key that made the request, and needs none of ours.
        stored = f"/api/v1/records/{name}/bytes"
        assert running.http.get(f"{stored}?offset=0&follow=true", headers=own).status_code == 200
        assert running.http.get(f"{stored}?offset=0&follow=true").status_code == 403
        assert running.http.get(stored, headers=own).status_code == 401

        assert running.http.get("/api/v1/records").status_code == 401
        assert running.http.get("/metrics").status_code == 401
        assert running.http.get("/healthz").status_code == 200
        running.http.headers["Authorization"] = f"Bearer {read}"
        assert running.http.get("/metrics").status_code == 200
        assert running.record(name)["outcome"] == "completed"
        assert running.record_of("from the SDK")["source"] == "sdk"
        assert name in shell(running, "records", "--json", key=read).stdout
        refused = shell(running, "records", key=log)
        assert refused.returncode == 1
        assert "scope read" in refused.stderr
        assert "API keys" in shell(running, "stats").stderr

        listed = running.http.get("/api/v1/keys", headers={"Authorization": f"Bearer {admin}"})
        reader = next(key["id"] for key in listed.json()["keys"] if key["name"] == "read")
        assert shell(running, "keys", "revoke", reader, at).returncode == 0
        assert running.http.get("/api/v1/records").status_code == 401
    finally:
        assert running.stop() == 0
    # Only now: a database at work moves its files.
    assert not any(
        secret.encode() in file.read_bytes()
        for file in running.data.rglob("*")
        if file.is_file()
        for secret in (log, read, admin)
    )
