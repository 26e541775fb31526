"""Streams whose connections break on the way to the client, and go on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx
import httpx2
import openai
import pytest

import streamgauge
from tests.conftest import providers_of
from tests.faults.cutting import Cutting
from tests.product import Product
from tests.simulating import RunningSimulator, until

STREAMS = 200
SOAK_STREAMS = 1_000
AT_ONCE = 40
TOKENS = 120

# So many streams that some of them still run when they are killed.
FEW = 5

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say something long."}]}
CLAUDE = {**ASK, "model": "claude-haiku-4-5", "max_tokens": 500}


class Tapped(httpx.AsyncBaseTransport):
    """Keeps what arrives under an SDK of *library*: OpenAI's uses httpx, Anthropic's httpx2."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._stream = type("Stream", (_TappedStream, library.AsyncByteStream), {})
        self._transport = streamgauge.AsyncResumingTransport()
        self.id = ""
        self.body = bytearray()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        self.id = response.headers.get("streamgauge-id", "")
        self.body.clear()
        tapped: httpx.Response = self._library.Response(
            response.status_code,
            headers=response.headers,
            stream=self._stream(response, self.body),
            extensions=response.extensions,
        )
        return tapped

    async def aclose(self) -> None:
        await self._transport.aclose()


class _TappedStream:
    def __init__(self, response: httpx.Response, body: bytearray) -> None:
        self._response = response
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.stream:  # type: ignore[union-attr]
            self._body += piece
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


async def with_openai(url: str, client: Any, headers: dict[str, str]) -> str:
    sdk = openai.AsyncOpenAI(
        api_key="sk-mine", base_url=f"{url}/openai/v1", http_client=client, max_retries=0
    )
    stream: Any = await sdk.chat.completions.create(**ASK, stream=True, extra_headers=headers)  # type: ignore[call-overload]
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


async def with_anthropic(url: str, client: Any, headers: dict[str, str]) -> str:
    sdk = anthropic.AsyncAnthropic(
        api_key="sk-mine", base_url=f"{url}/anthropic", http_client=client, max_retries=0
    )
    async with sdk.messages.stream(**CLAUDE, extra_headers=headers) as stream:  # type: ignore[arg-type]
        return await stream.get_final_text()


SDKS = ((with_openai, httpx), (with_anthropic, httpx2))
ERRORS = (openai.APIError, anthropic.APIError, httpx.TransportError, httpx2.TransportError)


class Streamed:
    """What became of one stream."""

    def __init__(self, tapped: Tapped, cut: int, text: str, error: Exception | None) -> None:
        self.id = tapped.id
        self.body = bytes(tapped.body)
        self.cut = cut
        self.text = text
        self.error = error


async def stream(product: Product, number: int, dice: random.Random) -> Streamed:
    """Stream one answer over a network that cuts its connections one to five times."""
    # The first cut leaves room for the head: what has not got that far has nothing to resume.
    cuts = [dice.randrange(1200, 12_000), *(dice.randrange(900, 6_000) for _ in range(4))]
    address = urlsplit(product.url)
    assert address.hostname is not None
    assert address.port is not None
    headers = {
        "Simulate-Tokens": str(TOKENS),
        "Simulate-Ttft-Ms": "100",
        "Simulate-Itl-Ms": "4",
        "Simulate-Jitter-Ms": "3",
    }
    async with Cutting((address.hostname, address.port), cuts[: dice.randint(1, 5)]) as network:
        call, library = SDKS[number % 2]
        tapped = Tapped(library)
        async with library.AsyncClient(transport=tapped, timeout=60) as client:
            text, error = "", None
            try:
                url = f"http://127.0.0.1:{network.port}"
                text = await call(url, client, headers)
            except ERRORS as caught:
                error = caught
        return Streamed(tapped, network.cut, text, error)


async def streams(product: Product, count: int, on_half: Callable[[], object]) -> list[Streamed]:
    """Stream *count* answers, `AT_ONCE` at a time; *on_half* is called in the middle."""
    gate = asyncio.Semaphore(AT_ONCE)
    begun = 0

    async def one(number: int) -> Streamed:
        nonlocal begun
        async with gate:
            begun += 1
            if begun == count // 2:
                await asyncio.get_running_loop().run_in_executor(None, on_half)
            return await stream(product, number, random.Random(number))

    return await asyncio.gather(*(one(number) for number in range(count)))


@pytest.fixture
def workers(simulator: RunningSimulator, tmp_path: Path) -> Iterator[Product]:
    running = Product(tmp_path, providers=providers_of(simulator), arguments=("--workers=2",))
    yield running
    assert running.stop() == 0


def stored(product: Product, record_id: str) -> bytes:
    """Return the bytes of a record, once it is closed."""
    product.record(record_id)
    return bytes_of(product, record_id)


def bytes_of(product: Product, record_id: str) -> bytes:
    answer = until(lambda: _found(product.http.get(f"/api/v1/records/{record_id}/bytes")))
    return answer.content


def _found(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code == 200 else None


def kill_the_busiest(product: Product) -> None:
    """Kill the worker with the most streams.

    Not the one with the most clients: what those read may be over, and come from the other worker.
    They tell how many once a second; half of that is less than a stream takes, and others begin.
    """

    def busiest() -> int | None:
        workers = product.http.get("/healthz").json()["workers"]
        most = max(workers, key=lambda worker: worker["open"])
        return most["pid"] if most["open"] >= FEW and most["age_s"] < 0.5 else None

    os.kill(until(busiest), signal.SIGKILL)


def all_arrive(product: Product, count: int) -> None:
    """All streams are whole, but those of a worker that was killed end with an error."""
    received = asyncio.run(streams(product, count, lambda: kill_the_busiest(product)))
    assert sum(one.cut for one in received) > count / 2
    broken = [one for one in received if one.error is not None]
    assert 0 < len(broken) <= AT_ONCE
    for one in received:
        if not one.id:
            # The killed worker had it, and not even its head had gone out.
            assert one.error is not None
            assert one.body == b""
            continue
        record = product.record(one.id)
        on_record = bytes_of(product, one.id)
        if one.error is None:
            assert one.body == on_record
            assert record["outcome"] == "completed"
            assert record["response_text"] == one.text
            assert record["resumed"] <= one.cut
        else:
            assert record["outcome"] == "gateway_restarted"
            assert isinstance(one.error, openai.APIError | anthropic.APIError)
            assert one.body.startswith(on_record)
            assert b"gateway_restarted" in one.body[len(on_record) :]


@pytest.mark.long
def test_streams_survive_broken_connections(workers: Product) -> None:
    """Byte for byte, from whichever worker, and one worker is killed meanwhile."""
    all_arrive(workers, STREAMS)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_streams_survive_broken_connections(workers: Product) -> None:
    """The same, for longer."""
    all_arrive(workers, SOAK_STREAMS)


# -- by hand -------------------------------------------------------------------------------------


KEY = {"Authorization": "Bearer sk-mine"}
CHAT = "/openai/v1/chat/completions"


def begin(product: Product, **wishes: str) -> tuple[str, str, httpx.Response]:
    """Begin a stream that can be resumed; return its id and its URL, and the answer so far."""
    headers = {
        **KEY,
        "Streamgauge-Resume": "true",
        "Simulate-Tokens": "60",
        "Simulate-Ttft-Ms": "50",
        "Simulate-Itl-Ms": "10",
        **{name.replace("_", "-"): value for name, value in wishes.items()},
    }
    request = product.http.build_request(
        "POST", CHAT, json={**ASK, "stream": True}, headers=headers
    )
    answer = product.http.send(request, stream=True)
    return answer.headers["streamgauge-id"], answer.headers["streamgauge-resume-url"], answer


def test_from_any_byte_while_it_runs_and_afterwards(product: Product) -> None:
    """And by several readers at once."""
    record_id, _, answer = begin(product)
    path = f"/api/v1/records/{record_id}/bytes"

    def read(offset: int) -> httpx.Response:
        wanted = {"offset": str(offset), "follow": "true"}
        return httpx.get(
            product.url + path, params=wanted, headers=KEY, trust_env=False, timeout=30
        )

    with ThreadPoolExecutor() as readers:
        reading = [readers.submit(read, at) for at in (0, 1, 777)]
        whole = b"".join(answer.iter_raw())
        parts = [one.result() for one in reading]
    assert whole.endswith(b"data: [DONE]\n\n")
    assert [part.content for part in parts] == [whole, whole[1:], whole[777:]]
    assert parts[0].headers["content-type"] == answer.headers["content-type"]
    assert stored(product, record_id) == whole
    late = product.http.get(path, params={"offset": 100}, headers=KEY)
    assert late.content == whole[100:]
    assert product.record(record_id)["resumed"] == 3


def test_all_of_it_may_be_read_at_any_time(product: Product) -> None:
    """What has come so far while it runs, and all of it as soon as it has ended."""
    record_id, _, answer = begin(product)
    path = f"/api/v1/records/{record_id}"
    pieces = answer.iter_raw()
    first = next(pieces)
    until(lambda: product.http.get(f"{path}/bytes").status_code == 200)
    text = until(lambda: product.http.get(path).json()["response_text"] or None)
    so_far = product.http.get(f"{path}/bytes")
    assert so_far.headers["content-type"] == answer.headers["content-type"]
    whole = first + b"".join(pieces)
    assert whole.startswith(so_far.content)
    until(lambda: product.http.get(path).json()["outcome"] == "completed")
    assert product.http.get(f"{path}/bytes").content == whole
    detail = product.http.get(path, params={"timeline": "true"}).json()
    assert detail["response_text"].startswith(text)
    assert detail["timeline"] == product.http.get(f"{path}/timeline").json()
    assert detail["timeline"]["chunks"]
    assert product.http.get(f"{path}/replay").json()["pieces"]


def test_who_leaves_a_stream_that_can_be_resumed_finds_it_finished(product: Product) -> None:
    """The provider's stream is not cancelled."""
    record_id, url, answer = begin(product)
    answer.close()
    whole = product.http.get(url).content
    assert whole.endswith(b"data: [DONE]\n\n")
    assert product.record(record_id)["outcome"] == "completed"


def test_a_client_may_still_say_that_leaving_is_the_end(product: Product) -> None:
    """Who asks for it gets it: the reader hears of the end."""
    record_id, _, answer = begin(product, Streamgauge_On_Disconnect="cancel")
    path = f"/api/v1/records/{record_id}/bytes"
    answer.close()
    rest = product.http.get(path, params={"follow": "true"}, headers=KEY).content
    assert product.record(record_id)["outcome"] == "client_left"
    assert b'"client_left"' in rest


@pytest.mark.parametrize("key", [None, "Bearer sk-other"], ids=["none", "another"])
def test_an_answer_is_for_its_own_key(product: Product, key: str | None) -> None:
    """Whose it is not is told so."""
    record_id, url, answer = begin(product)
    path = f"/api/v1/records/{record_id}/bytes"
    headers = {"Authorization": key} if key else {}
    refused = product.http.get(path, params={"follow": "true"}, headers=headers)
    assert refused.status_code == 403
    assert "Streamgauge-Resume-Url" in refused.json()["error"]["message"]
    forged = url[:-4] + ("0000" if url[-4:] != "0000" else "1111")
    assert product.http.get(forged).status_code == 403
    late = url.replace("expires=", "expires=1")
    assert product.http.get(late).status_code == 403
    answer.close()


def test_offsets_beyond_the_end(product: Product) -> None:
    """Said in so many words."""
    record_id, _, answer = begin(product, Simulate_Tokens="2", Simulate_Itl_Ms="0")
    size = len(b"".join(answer.iter_raw()))
    product.record(record_id)
    path = f"/api/v1/records/{record_id}/bytes"
    at_end = product.http.get(path, params={"offset": size}, headers=KEY)
    assert (at_end.status_code, at_end.content) == (200, b"")
    beyond = product.http.get(path, params={"offset": size + 1}, headers=KEY)
    assert beyond.status_code == 416
    assert product.http.get(path, params={"offset": "x"}, headers=KEY).status_code == 400


def test_ids_tell_where_each_event_ends(product: Product) -> None:
    """In the stream itself, and in what is read again."""
    record_id, url, answer = begin(product, Streamgauge_Event_Ids="true")
    numbered = b"".join(answer.iter_raw())
    plain = stored(product, record_id)
    lines = [line for line in numbered.split(b"\n") if line.startswith(b"id: ")]
    assert len(lines) == plain.count(b"\n\n")
    assert "event_ids=true" in url
    assert numbered == again(plain)
    for line in lines[:: len(lines) // 5]:
        headers = {"Last-Event-ID": line[4:].decode()}
        rest = product.http.get(url, headers=headers)
        if rest.status_code == 204:
            assert int(line[4:]) == len(plain)
            continue
        assert rest.headers["access-control-allow-origin"] == "*"
        assert numbered.endswith(rest.content)
        assert rest.content == numbered[numbered.index(line) + len(line) + 2 :]
        # The id alone says that ids are wanted; with the key instead of the signature, too.
        bare = {"follow": "true"}
        path = f"/api/v1/records/{record_id}/bytes"
        assert product.http.get(path, params=bare, headers=headers | KEY).content == rest.content
    over = product.http.get(url, headers={"Last-Event-ID": str(len(plain))})
    assert over.status_code == 204


def again(plain: bytes) -> bytes:
    """Put ids into a stream as simply as can be."""
    numbered, at = b"", 0
    for event in plain.split(b"\n\n")[:-1]:
        at += len(event) + 2
        numbered += event + b"\nid: %d\n\n" % at
    return numbered


# -- the transports ------------------------------------------------------------------------------


def test_the_synchronous_transport(product: Product) -> None:
    """The same, for those who do not wait with await."""

    async def cut() -> tuple[bytes, int]:
        address = urlsplit(product.url)
        async with Cutting((address.hostname or "", address.port or 0), [3000, 2500]) as network:
            body = await asyncio.to_thread(fetch, f"http://127.0.0.1:{network.port}{CHAT}")
            return body, network.cut

    def fetch(url: str) -> bytes:
        headers = {
            "Simulate-Tokens": "60",
            "Simulate-Ttft-Ms": "1500",
            "Simulate-Itl-Ms": "5",
            "Streamgauge-Heartbeat": "0.3",
        }
        with (
            httpx.Client(transport=streamgauge.ResumingTransport(), timeout=30) as client,
            client.stream("POST", url, json={**ASK, "stream": True}, headers=headers) as answer,
        ):
            body = b"".join(answer.iter_raw())
            assert body == stored(product, answer.headers["streamgauge-id"])
            return body

    body, cuts = asyncio.run(cut())
    assert cuts == 2
    assert body.endswith(b"data: [DONE]\n\n")


def test_it_gives_up_with_the_error_that_broke_the_stream(product: Product) -> None:
    """After the time that it was given."""

    async def fetch() -> None:
        address = urlsplit(product.url)
        async with Cutting((address.hostname or "", address.port or 0), [2500] + [0] * 500) as net:
            transport = streamgauge.AsyncResumingTransport(give_up_after=0.5)
            async with httpx.AsyncClient(transport=transport, timeout=30) as client:
                headers = {"Simulate-Tokens": "60", "Simulate-Ttft-Ms": "50"}
                url = f"http://127.0.0.1:{net.port}{CHAT}"
                await client.post(url, json={**ASK, "stream": True}, headers=headers)

    with pytest.raises(httpx.TransportError):
        asyncio.run(fetch())


def test_a_server_of_another_kind_is_passed_through(simulator: RunningSimulator) -> None:
    """Here the provider itself."""
    with httpx.Client(transport=streamgauge.ResumingTransport(), timeout=30) as client:
        url = f"{simulator.url}/v1/chat/completions"
        answer = client.post(url, json={**ASK, "stream": True}, headers={"Simulate-Tokens": "3"})
    assert answer.text.endswith("data: [DONE]\n\n")
