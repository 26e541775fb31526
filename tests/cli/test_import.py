"""`streamgauge import helicone`: an export, or an API, becomes records; twice is once."""

from __future__ import annotations

import csv
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from streamgauge.cli.commands import run
from streamgauge.cli.importing import ONCE, log_of
from tests.product import STREAMGAUGE, Product, plain_environment
from tests.simulating import until


def exported(**fields: Any) -> dict[str, Any]:
    """A request as Helicone's API has it."""
    return {
        "request_id": str(uuid4()),
        "request_created_at": "2026-03-01T10:00:00.250Z",
        "response_created_at": "2026-03-01T10:00:01.250Z",
        "response_status": 200,
        "request_body": {"model": "gpt-4o-mini", "messages": [], "stream": True},
        "response_body": {
            "object": "chat.completion.chunk",
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"},
                         "finish_reason": "stop"}],
            "streamed_data": [{"again": "everything"}],
        },
        "request_path": "https://api.openai.com/v1/chat/completions",
        "provider": "OPENAI",
        "request_user_id": "ada",
        "properties": {"Env": "prod", "Helicone-Session-Id": "s1", "Helicone-Session-Path": "/a"},
        "delay_ms": 1000,
        "time_to_first_token": 120,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "scores": {"helicone-score-feedback": 1, "depth": 7},
        **fields,
    }  # fmt: skip


def run_import(what: str, product: Product, **environment: str) -> tuple[int, str, str]:
    told = subprocess.run(
        [STREAMGAUGE, "import", "helicone", what, f"--url={product.url}"],
        check=False,
        capture_output=True,
        text=True,
        env=plain_environment() | environment | {"NO_PROXY": "127.0.0.1"},
    )
    return told.returncode, told.stdout, told.stderr


def imported(what: str, product: Product, **environment: str) -> str:
    code, out, err = run_import(what, product, **environment)
    assert (code, err) == (0, "")
    return out


def summed(words: str) -> str:
    return f"{words}; {ONCE}\n"


def record_of(product: Product, request: dict[str, Any]) -> dict[str, Any]:
    (found,) = until(lambda: product.closed(client_request_id=request["request_id"]))
    return product.record(found["id"])


def page_csv(requests: list[dict[str, Any]]) -> str:
    """As the button on Helicone's page writes it: what is an object is JSON in a cell."""
    file = StringIO(newline="")
    writer = csv.DictWriter(file, requests[0].keys())
    writer.writeheader()
    for request in requests:
        cells = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in request.items()}
        writer.writerow(cells)
    return file.getvalue()


def pandas_csv(requests: list[dict[str, Any]]) -> str:
    """As pandas writes it: what is an object as Python prints it, and 120.0 for 120."""
    file = StringIO(newline="")
    writer = csv.DictWriter(file, requests[0].keys())
    writer.writeheader()
    for request in requests:
        writer.writerow({k: float(v) if isinstance(v, int) else v for k, v in request.items()})
    return "\ufeff" + file.getvalue()


WRITTEN = {
    "CSV of the page": page_csv,
    "CSV of pandas": pandas_csv,
    "an array": lambda requests: json.dumps(requests, indent=1),
    "an answer": lambda requests: json.dumps({"data": requests, "error": None}),
    "lines": lambda requests: "\n".join(map(json.dumps, requests)) + "\n",
}


@pytest.mark.parametrize("form", WRITTEN)
def test_an_export_becomes_records(product: Product, tmp_path: Path, form: str) -> None:
    """With everything that Helicone knew; and again changes nothing."""
    part = {"choices": [{"index": 0, "message": {"content": "Hel"}}], "object": "chat.completion"}
    requests = [
        exported(),
        exported(response_status=-3, time_to_first_token=None, response_body=part),
    ]
    file = tmp_path / "export"
    file.write_text(WRITTEN[form](requests))
    for _ in range(2):
        assert imported(str(file), product) == summed("imported 2 requests")
    record = record_of(product, requests[0])
    expected = {
        "source": "helicone",
        "provider": "openai",
        "dialect": "openai_chat",
        "path": "/v1/chat/completions",
        "model": "gpt-4o-mini",
        "http_status": 200,
        "outcome": "completed",
        "response_text": "Hello",
        "duration_ms": 1000,
        "ttft_ms": 120,
        "input_tokens": 12,
        "output_tokens": 3,
        "cost_source": "priced",  # nobody says what it cost
        "user_id": "ada",
        "session_id": "s1",
        "session_path": "/a",
        "properties": {"env": "prod"},
        "streaming": True,
    }
    assert {name: record[name] for name in expected} == expected
    assert record["started_at"].startswith("2026-03-01T10:00:00.25")
    left = record_of(product, requests[1])
    assert (left["outcome"], left["ttft_ms"]) == ("client_left", None)
    assert left["response_text"] == "Hel"
    for request in requests:
        path = f"/v1/request/{request['request_id']}"

        def scored(path: str = path) -> bool | None:
            scores = product.http.get(path).json()["data"]["scores"]
            return scores == {"helicone-score-feedback": 1, "depth": 7} or None

        until(scored)


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize(
    ("fields", "dollars"),
    [
        ({"costUSD": 0.0123, "cost": 12_300_000}, 0.0123),
        ({"cost": 12_300_000}, 0.0123),
        ({"cost": 0.0123}, 0.0123),
        ({"costUSD": 1.2e-05}, 1.2e-05),
    ],
)
def test_what_helicone_says_that_it_cost_is_the_cost(
    product: Product, tmp_path: Path, form: str, fields: dict[str, float], dollars: float
) -> None:
    """In dollars, or in the billionths of its database; not priced again."""
    request = exported(**fields)
    file = tmp_path / "export"
    file.write_text(WRITTEN[form]([request]))
    imported(str(file), product)
    record = record_of(product, request)
    assert record["cost_usd"] == pytest.approx(dollars)
    assert record["cost_source"] == "provider"


@pytest.mark.parametrize("cost", [0, -1, None, True, "dear", [], float("inf")])
def test_a_cost_that_is_none_is_left_to_the_price_list(cost: Any) -> None:
    """Helicone has 0 for what it does not know."""
    assert log_of(exported(costUSD=cost))["providerResponse"]["cost"] is None


def test_a_table_without_bodies_has_what_it_tells(product: Product, tmp_path: Path) -> None:
    """`@helicone/export` leaves bodies and ids of requests out, and doubles quotes twice."""
    own = str(uuid4())
    properties = json.dumps({"Env": "prod"}).replace('"', '""').replace('"', '""')
    file = tmp_path / "export.csv"
    file.write_text(
        "response_id,response_created_at,response_status,request_created_at,request_body,"
        "request_properties,request_user_id,model,prompt_tokens,completion_tokens,latency,cost_usd\n"
        f'"{own}","2026-03-01T10:00:01.250Z","200","2026-03-01T10:00:00.250Z",,"{properties}",'
        '"ada","gpt-4o-mini","12","3",,"0.1"\n'
    )
    assert imported(str(file), product) == summed("imported 1 requests")
    record = record_of(product, {"request_id": own})
    expected = {
        "model": "gpt-4o-mini",
        "outcome": "completed",
        "duration_ms": 1000,
        "input_tokens": 12,
        "output_tokens": 3,
        "cost_usd": 0.1,
        "cost_source": "provider",
        "user_id": "ada",
        "properties": {"env": "prod"},
    }
    assert {name: record[name] for name in expected} == expected


@pytest.fixture
def helicone() -> Iterator[Any]:
    """Its API: pages of requests, whose bodies are elsewhere."""
    requests = [exported() for _ in range(150)]
    del requests[120]["request_created_at"]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_known = self.headers["Authorization"] == "Bearer sk-helicone-test"
            page = requests[asked["offset"] : asked["offset"] + asked["limit"]]
            elsewhere = {"request_body": None, "response_body": None}
            url = f"http://127.0.0.1:{self.server.server_port}/bodies"
            told = [{**one, **elsewhere, "signed_body_url": url} for one in page]
            if asked["offset"]:
                told[0]["signed_body_url"] += "/expired"
            self._answer(200 if is_known else 401, {"data": told, "error": None})

        def do_GET(self) -> None:
            is_refused = "Authorization" in self.headers or self.path != "/bodies"
            bodies = {"request": {"model": "o3"}, "response": requests[0]["response_body"]}
            self._answer(400 if is_refused else 200, bodies)

        def _answer(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Keep the tests' output to the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


def test_all_pages_of_an_api_are_imported(product: Product, helicone: Any) -> None:
    """With the bodies that are kept elsewhere, which get no key to see."""
    url, requests = helicone
    key = {"HELICONE_API_KEY": "sk-helicone-test"}
    code, out, err = run_import(url, product, **key)
    assert (code, out) == (1, summed("imported 149 requests, 1 could not be"))
    assert "not imported: request 121: it is no request of Helicone's" in err
    assert err.endswith("imported without bodies, which could not be fetched: 1\n")
    assert record_of(product, requests[100])["outcome"] == "completed"
    record = record_of(product, requests[149])
    assert (record["model"], record["response_text"]) == ("o3", "Hello")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("elsewhere", "x"), "only helicone"),
        (("helicone", "/nowhere.json"), "cannot read"),
        (("helicone", "http://127.0.0.1:9"), "HELICONE_API_KEY"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_line(
    arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With exit code 1."""
    monkeypatch.delenv("HELICONE_API_KEY", raising=False)
    assert run(["import", *arguments]) == 1
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("text", ["{", '[{"id": 1}]', "[1]"])
def test_what_is_no_export_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reason, and nobody is asked for a server."""
    file = tmp_path / "export"
    file.write_text(text)
    assert run(["import", "helicone", str(file)]) == 1
    assert "request" in capsys.readouterr().err


def test_a_table_with_names_beyond_the_limit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a line, as what is no export is."""
    before = csv.field_size_limit()
    monkeypatch.setattr("streamgauge.cli.exported.MAX_CELL", 100)
    file = tmp_path / "export.csv"
    file.write_text(f"request_id,request_created_at,{'x' * 101}\n1,2026-03-01,y\n")
    try:
        assert run(["import", "helicone", str(file)]) == 1
    finally:
        csv.field_size_limit(before)
    told = capsys.readouterr().err
    assert "no export of requests in CSV: field larger than field limit (100)" in told
    assert told.count("\n") == 1


# What is wrong in a line, the line, and what is said of it.
BAD_LINES = {
    "no JSON": ('{"request_id": "1", "request_cre', "it is no request in JSON"),
    "no object": ("[1]", "it is no request of Helicone's"),
    "no UTF-8": ('{"request_id": "\udcff"}', "it is no request in JSON"),
    "a depth without end": ("[" * 100_000, "it is no request in JSON"),
    "no id": (json.dumps(exported(request_id=None)), "it has no request_id"),
    "no time": (json.dumps(exported(request_created_at=None)), "it has no request_created_at"),
    "no moment": (json.dumps(exported(request_created_at="some day")), "it cannot be read"),
    "properties that are none": (json.dumps(exported(properties=["a"])), "properties is no object"),
    "scores that are none": (json.dumps(exported(scores="high")), "scores is no object"),
    "an age": (json.dumps(exported(delay_ms=1e300)), "it cannot be read"),
    "a status that is none": (json.dumps(exported(response_status="fine")), "'status'"),
}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_does_not_hold_the_others(product: Product, tmp_path: Path, kind: str) -> None:
    """It is named with its place and the reason; what is good is there once, however often run."""
    bad, why = BAD_LINES[kind]
    first, last = exported(), exported()
    lines = [json.dumps(first), "", bad, json.dumps(last)]
    file = tmp_path / "export"
    file.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    for _ in range(2):
        code, out, err = run_import(str(file), product)
        assert (code, out) == (1, summed("imported 2 requests, 1 could not be"))
        assert err.startswith("streamgauge: not imported: line 3")
        assert why in err
        assert err.count("\n") == 1
    for request in (first, last):
        assert record_of(product, request)["outcome"] == "completed"


@pytest.mark.parametrize("form", ["an array", "an answer"])
def test_a_bad_element_does_not_hold_the_others(
    product: Product, tmp_path: Path, form: str
) -> None:
    """The same in a list."""
    bad, good = exported(properties=7), exported()
    file = tmp_path / "export"
    file.write_text(WRITTEN[form]([bad, {"id": 1}, good]))
    code, out, err = run_import(str(file), product)
    assert (code, out) == (1, summed("imported 1 requests, 2 could not be"))
    assert err.splitlines() == [
        f"streamgauge: not imported: element 1 ({bad['request_id']}): it cannot be read: "
        "properties is no object",
        "streamgauge: not imported: element 2: it is no request of Helicone's: "
        "it has no request_id",
    ]
    assert record_of(product, good)["outcome"] == "completed"


def test_a_bad_row_does_not_hold_the_others(
    product: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The same in a table, where a row may be short, or a cell beyond the limit."""
    before = csv.field_size_limit()
    monkeypatch.setattr("streamgauge.cli.exported.MAX_CELL", 5000)
    good = exported(), exported()
    long = exported(request_body={"model": "x" * 6000})
    names, first, too_long, last = page_csv([good[0], long, good[1]]).splitlines()
    file = tmp_path / "export.csv"
    file.write_text("\n".join([names, first, "only-an-id", too_long, last]) + "\n")
    try:
        assert run(["import", "helicone", str(file), f"--url={product.url}"]) == 1
    finally:
        csv.field_size_limit(before)
    told = capsys.readouterr()
    assert told.out == summed("imported 2 requests, 2 could not be")
    assert "line 3: it is no request of Helicone's: it has no request_created_at\n" in told.err
    assert "line 4: it is no request in CSV: field larger than field limit (5000)\n" in told.err
    for request in good:
        assert record_of(product, request)["outcome"] == "completed"


def test_only_the_first_bad_ones_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are counted: an export of another form is not a screenful."""
    file = tmp_path / "export"
    file.write_text("nonsense\n" * 1234)
    assert run(["import", "helicone", str(file)]) == 1
    told = capsys.readouterr()
    assert told.out == summed("imported 0 requests, 1,234 could not be")
    *named, more = told.err.splitlines()
    assert [line.split(": ")[2] for line in named] == [f"line {n}" for n in range(1, 21)]
    assert more == "streamgauge: not imported: 1,214 more"


def test_a_server_that_refuses_the_key_is_asked_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not the requests' fault."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(401)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"a key, say")

        def log_message(self, *_: object) -> None:
            """Keep the tests' output to the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "export"
    file.write_text(json.dumps([exported(), exported()]))
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert run(["import", "helicone", str(file), f"--url={url}"]) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/custom/v1/log"]
    assert f"{url} takes no logs: a key, say" in capsys.readouterr().err
