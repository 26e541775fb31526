"""Questions from the terminal to a running server."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from time import monotonic

import httpx
import pytest

from streamgauge.cli.asking import Server
from streamgauge.cli.commands import run
from streamgauge.cli.tail import followed
from streamgauge.cli.words import dollars, time
from tests.product import STREAMGAUGE, Product, plain_environment
from tests.simulating import until

CHAT = "/openai/v1/chat/completions"


def stream(product: Product, user: str, **wishes: str) -> str:
    """Stream one answer; return the id of its record."""
    headers = {name.replace("_", "-"): value for name, value in wishes.items()}
    headers |= {"Simulate-Tokens": "12", "Streamgauge-User-Id": user}
    ask = {"model": "gpt-4o-mini", "stream": True, "messages": []}
    answer = product.http.post(CHAT, json=ask, headers=headers)
    product.record(answer.headers["streamgauge-id"])
    return answer.headers["streamgauge-id"]


@pytest.fixture(autouse=True)
def at(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMGAUGE_BASE_URL", product.url)


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    assert run([*arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_records_take_the_filters_of_the_api(product: Product, capsys) -> None:
    """One object a line, or a table."""
    ids = [stream(product, "terminal-1") for _ in range(3)]
    found = lines(capsys, "records", "user_id=terminal-1", "--sort", "started_at")
    assert [one["id"] for one in found] == ids
    assert len(lines(capsys, "records", "user_id=terminal-1", "--limit", "2")) == 2
    assert run(["records", "user_id=terminal-1", "ttft_ms.gte=0"]) == 0
    shown = capsys.readouterr().out
    assert all(one in shown for one in (*ids, "gpt-4o-mini", "completed"))
    assert lines(capsys, "records", "user_id=terminal-1", "ttft_ms.exists=false") == []
    assert len(lines(capsys, "records", "user_id=terminal-1", "session_id.exists=false")) == 3
    assert run(["records", "user_id=nobody-at-all"]) == 0
    assert "nothing that matches" in capsys.readouterr().out


def test_stats_are_those_of_the_api(product: Product, capsys) -> None:
    """Grouped, in buckets, or in all."""
    for _ in range(2):
        stream(product, "terminal-2")
    (row,) = lines(capsys, "stats", "user_id=terminal-2", "--group-by", "model")
    assert (row["group"], row["count"], row["errors"]) == ("gpt-4o-mini", 2, 0)
    assert run(["stats", "user_id=terminal-2", "--bucket", "auto"]) == 0
    assert "TTFT p50" in capsys.readouterr().out


def test_questions_in_sql(product: Product, capsys, monkeypatch) -> None:
    """As a table or as objects, from the command line or from a pipe."""
    stream(product, "terminal-sql")
    where = "FROM records WHERE user_id = 'terminal-sql'"
    [row] = lines(capsys, "sql", f"SELECT model, output_tokens, cost_usd, session_id {where}")
    assert (row["model"], row["session_id"]) == ("gpt-4o-mini", None)
    assert run(["sql", f"SELECT model, '[red]' AS colour, session_id {where}"]) == 0
    assert capsys.readouterr().out.split()[:5] == [
        "model",
        "colour",
        "session_id",
        "gpt-4o-mini",
        "[red]",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT number FROM numbers(3)"))
    assert run(["sql", "-", "--limit", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert (said.out.count("number"), "more than these 2 rows" in said.err) == (2, True)
    assert run(["sql", "DROP TABLE records"]) == 1
    assert "only a SELECT" in capsys.readouterr().err


def test_records_are_exported(product: Product, capsys, tmp_path) -> None:
    """To standard output or a file, with the filters of `records`, whole if asked."""
    ids = [stream(product, "terminal-export") for _ in range(3)]
    wanted = ("export", "user_id=terminal-export", "--sort", "started_at")
    assert run(list(wanted)) == 0
    assert [one["id"] for one in csv.DictReader(capsys.readouterr().out.splitlines())] == ids
    file = tmp_path / "records.jsonl"
    assert run([*wanted, "--format", "jsonl", "--bodies", "--output", str(file)]) == 0
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["id"] for one in written] == ids
    assert written[0]["response_text"] == product.record(ids[0])["response_text"]
    file = tmp_path / "records.parquet"
    assert run([*wanted, "--format", "parquet", "--limit", "1", "--output", str(file)]) == 0
    assert file.read_bytes()[:4] == b"PAR1"
    assert capsys.readouterr() == ("", "")


def test_an_export_that_is_not_all_says_so(product: Product, capsys, monkeypatch) -> None:
    """The server has a limit; one that was asked for is no news."""
    stream(product, "terminal-more")
    stream(product, "terminal-more")
    monkeypatch.setattr("streamgauge.cli.export.MOST_EXPORTED", 1)
    assert run(["export", "user_id=terminal-more"]) == 0
    assert "1 of 2 records" in capsys.readouterr().err
    assert run(["export", "user_id=terminal-more", "--limit", "1"]) == 0
    assert capsys.readouterr().err == ""


def test_parquet_is_not_for_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(["export", "--format", "parquet"]) == 1
    assert "--output" in capsys.readouterr().err


def test_a_refused_export_leaves_no_file(product: Product, capsys, tmp_path) -> None:
    """What was there before stays."""
    file = tmp_path / "old.csv"
    file.write_text("old")
    assert run(["export", "nonsense=1", "--output", str(file)]) == 1
    assert file.read_text() == "old"
    assert "nonsense" in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_fault(product: Product) -> None:
    """As `head`, which closes the pipe."""
    stream(product, "terminal-pipe")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        told = subprocess.run(
            [STREAMGAUGE, "export", "--url", product.url],
            check=True,
            stdout=closed,
            stderr=subprocess.PIPE,
            env=plain_environment(),
        )
    assert told.stderr == b""


def test_a_stream_is_played_again(product: Product, capsys) -> None:
    """Its words, its times, or its very bytes."""
    record_id = stream(product, "terminal-3", Simulate_Itl_Ms="20")
    record = product.record(record_id)
    pieces = lines(capsys, "replay", record_id, "--speed", "0")
    assert "".join(one["text"] for one in pieces) == record["response_text"]
    assert pieces[0]["ms"] == pytest.approx(record["ttft_ms"], abs=0.01)
    assert run(["replay", record_id, "--speed", "100"]) == 0
    shown = capsys.readouterr().out
    assert record["response_text"] in shown
    assert "completed" in shown


def test_it_takes_the_time_that_it_took(product: Product, capsys) -> None:
    """At double speed half of it, and not less."""
    record_id = stream(product, "terminal-4", Simulate_Ttft_Ms="400")
    began = monotonic()
    assert run(["replay", record_id, "--speed", "2"]) == 0
    assert monotonic() - began >= product.record(record_id)["duration_ms"] / 2000


def test_the_raw_bytes_are_those_that_came(product: Product) -> None:
    record_id = stream(product, "terminal-5", Accept_Encoding="gzip", Simulate_Encoding="gzip")
    command = [STREAMGAUGE, "replay", record_id, "--raw", "--speed", "0", "--url", product.url]
    played = subprocess.run(command, check=True, capture_output=True, env=plain_environment())
    with httpx.stream(
        "GET", f"{product.url}/api/v1/records/{record_id}/bytes", timeout=30
    ) as stored:
        assert played.stdout == b"".join(stored.iter_raw())


def test_the_live_view_is_followed(product: Product) -> None:
    """From what opens to what became of it; Ctrl-C ends it."""
    command = [STREAMGAUGE, "tail", "--json", "--model", "gpt-4o-mini", "--url", product.url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=plain_environment()
    ) as tail:
        heard: list[dict] = []
        assert tail.stdout is not None
        reading = Thread(target=lambda: heard.extend(map(json.loads, tail.stdout or ())))
        reading.start()
        record_id = until(lambda: _heard(product, heard), within=30)
        until(lambda: ("closed", record_id) in _names(heard) or None)
        tail.terminate()
        reading.join(10)
    assert ("opened", record_id) in _names(heard)


def test_a_server_that_goes_away_is_waited_for() -> None:
    """Also where it had nothing to tell before; here each connection is cut."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    event = b'event: opened\ndata: {"id": "one"}\n\n'

    def serve(listener: socket.socket) -> None:
        for answer in (head, head + b"%x\r\n%b\r\n" % (len(event), event)):
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = Thread(target=serve, args=(listener,))
        serving.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            [STREAMGAUGE, "tail", "--json", "--url", url],
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environment(),
        ) as tail:
            assert tail.stdout is not None
            heard = [json.loads(tail.stdout.readline()) for _ in range(3)]
            assert [one["event"] for one in heard] == ["away", "back", "opened"]
            tail.terminate()
        serving.join(10)


def test_what_ended_while_the_server_was_away_is_told(monkeypatch) -> None:
    """By its record; what still runs is followed, and nothing is told twice."""
    monkeypatch.setattr("streamgauge.cli.tail.JOURNAL_S", 0.0)
    ended = {"id": "ended", "outcome": "gateway_restarted", "started_at": "2026-11-30T10:00:00Z"}
    running, shown = {"id": "running"}, {"id": "shown"}
    visits = [
        [("opened", {"id": one}) for one in ("ended", "gone", "running")],
        [("closed", ended), ("closed", running), ("opened", shown)],
    ]
    records = {"ended": ended, "running": {"outcome": "open"}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/api/v1/live":
                self.send_response(200)
                self.end_headers()
                for name, data in visits.pop(0) if visits else []:
                    self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
                return
            found = records.get(self.path.rpartition("/")[2])
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        events = followed(Server(f"http://127.0.0.1:{server.server_port}"))
        heard = list(islice(events, 7))
        events.close()
        server.shutdown()
    assert [(name, data["id"]) for name, data in heard] == [
        *(("opened", one) for one in ("ended", "gone", "running")),
        ("closed", "ended"),
        ("unknown", "gone"),
        ("closed", "running"),
        ("opened", "shown"),
    ]
    assert heard[3][1]["outcome"] == "gateway_restarted"


def _names(heard: list[dict]) -> list[tuple[str, str]]:
    return [(one["event"], one["id"]) for one in heard if "id" in one]


def _heard(product: Product, heard: list[dict]) -> str | None:
    """Stream once more; return its record's id if the view has told of it."""
    record_id = stream(product, "terminal-6")
    return record_id if ("opened", record_id) in _names(heard) else None


def test_what_cannot_be_asked_is_said_in_one_line(product: Product, capsys) -> None:
    """By the server, or that there is none."""
    faults = {
        ("records", "nonsense=1"): "nonsense",
        ("records", "model"): "is no filter",
        ("replay", "nosuch"): "there is no record",
        ("export", "--format", "xls"): "one of csv, jsonl, parquet",
        ("export", "--output", "/nowhere/at.all"): "cannot write /nowhere/at.all",
        ("stats", "--url", "http://127.0.0.1:1"): "start `streamgauge serve`",
        ("tail", "--url", "nowhere"): "start `streamgauge serve`",
    }
    for arguments, words in faults.items():
        assert run(list(arguments)) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


def test_values_are_said_in_units_that_fit() -> None:
    assert [time(one) for one in (None, 12.4, 999.4, 1234.0)] == ["-", "12 ms", "999 ms", "1.23 s"]
    amounts = {None: "-", 0: "$0", 5.59e-05: "$0.000056", 0.0996: "$0.10", 0.996: "$1.00"}
    assert {one: dollars(one) for one in amounts} == amounts
    assert dollars(1234.5) == "$1,234.50"
