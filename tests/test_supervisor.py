"""The process tree: what it owns, how it comes up, heals and ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from streamgauge.cli.commands import run
from streamgauge.errors import ConfigurationError, StreamgaugeError
from streamgauge.keys import Keys, Scope
from streamgauge.settings import load
from streamgauge.supervisor import Child, Supervisor, check_keys, own_data_folder, secret_of
from streamgauge.supervisor import supervisor as parent
from streamgauge.supervisor.bell import Bell
from tests.conftest import providers_of
from tests.product import STREAMGAUGE, Product, plain_environment
from tests.simulating import RunningSimulator, until

# A stream that goes on for longer than any test here waits.
ENDLESS = {"Simulate-Tokens": "100000", "Simulate-Itl-Ms": "20"}

NOBODY = 65534


def settings_for(data: Path):
    return load(environment={}, overrides={"data": str(data)})


def chat(product: Product, **wishes: str) -> Any:
    """Open a stream through *product*; a context manager."""
    return httpx.stream(
        "POST",
        f"{product.url}/openai/v1/chat/completions",
        json={"model": "gpt-4o-mini", "stream": True, "messages": []},
        headers=wishes,
        trust_env=False,
        timeout=60,
    )


def facts(product: Product) -> dict[str, Any]:
    return json.loads((product.data / "server.json").read_bytes())


Start = Callable[..., Product]


@pytest.fixture
def start(tmp_path: Path, simulator: RunningSimulator) -> Iterator[Start]:
    """Start a server with *arguments*; it is gone after the test, however it ends."""
    started: list[Product] = []

    def run(*arguments: str) -> Product:
        product = Product(tmp_path, providers=providers_of(simulator), arguments=arguments)
        started.append(product)
        return product

    yield run
    for product in started:
        product.http.close()
        product.kill()


# -- what one server needs for itself --------------------------------------------------------


def test_a_data_folder_has_one_server(tmp_path):
    """The second is told so, and may have it when the first is gone."""
    settings = settings_for(tmp_path / "data")
    with (
        own_data_folder(settings),
        pytest.raises(ConfigurationError, match=r"another server runs on .*--data"),
        own_data_folder(settings),
    ):
        pass
    with own_data_folder(settings):
        pass


def test_what_is_kept_is_for_its_owner_only(tmp_path):
    """Prompts are nobody else's, nor is the way to the API."""
    settings = settings_for(tmp_path / "data")
    with own_data_folder(settings):
        for folder in (settings.data_dir, settings.run_dir):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("below", "fault"), [("", "is no folder"), ("deeper", "cannot write to .*: Not a directory")]
)
def test_a_data_folder_that_is_a_file_is_refused(tmp_path, below, fault):
    """Or that lies in one."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match=f"^data: .*{fault}"),
        own_data_folder(settings_for(tmp_path / "file" / below)),
    ):
        pass


def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path):
    """In a process that is not root, since root can write everywhere."""
    tmp_path.chmod(0o555)
    code = f"""
import os, sys
from streamgauge.cli.commands import run
from streamgauge.errors import ConfigurationError, StreamgaugeError
from streamgauge.settings import load
from streamgauge.supervisor import own_data_folder
settings = load(environment={{}}, overrides={{"data": sys.argv[1]}})
os.getuid() or os.setuid({NOBODY})
try:
    own_data_folder(settings).__enter__()
except ConfigurationError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, tmp_path / "data"]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stdout == f"data: cannot write to {tmp_path / 'data'}: Permission denied\n"


def test_a_socket_folder_that_is_not_ours_is_refused(tmp_path):
    """A link in its place could lead the API anywhere."""
    settings = settings_for(tmp_path / "data")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings.data_dir.mkdir()
    settings.run_dir.symlink_to(elsewhere)
    with (
        pytest.raises(ConfigurationError, match="belongs to someone else"),
        own_data_folder(settings),
    ):
        pass


def test_the_secret_of_a_data_folder_stays_the_same(tmp_path):
    """Whoever makes it; only its owner can read it, and no other folder has it."""
    (tmp_path / "other").mkdir()
    first = secret_of(tmp_path)
    assert len(first) == 32
    assert secret_of(tmp_path) == first
    assert secret_of(tmp_path / "other") != first
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "secret"]


def test_who_listens_to_others_has_keys_or_consent(tmp_path):
    """The message names both ways out, and the third one."""
    told = {"data": str(tmp_path / "data"), "host": "0.0.0.0"}
    with pytest.raises(
        ConfigurationError, match=r"no API keys.*keys create.*--data .*/data`.*allow-remote"
    ):
        check_keys(load(environment={}, overrides=told))
    assert not check_keys(load(environment={}, overrides=told | {"allow_remote": True}))
    assert not check_keys(load(environment={}, overrides=told | {"host": "127.0.0.1"}))
    Keys(tmp_path / "data").create("one", [Scope.ADMIN])
    assert check_keys(load(environment={}, overrides=told))


def test_an_address_that_there_is_not_is_no_question_of_keys(tmp_path, capsys):
    """It is said before anything else."""
    assert run(["serve", "--host=300.1.1.1", "--port=0", f"--data={tmp_path}"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("streamgauge: host: there is no address 300.1.1.1")
    assert "keys" not in told


# -- coming up -------------------------------------------------------------------------------


def test_a_server_that_is_ready_says_where_it_is(start):
    """In its log for people and in server.json for tools; both work, with two workers."""
    product = start("--workers=2")
    assert f"Streamgauge listens on {product.url}," in product.log()
    assert facts(product)["url"] == product.url
    assert facts(product)["port"] == httpx.URL(product.url).port
    assert len(product.pids("worker")) == 2
    assert len(product.pids("recorder")) == 1
    for _ in range(16):  # on new connections, which the kernel spreads over the workers
        assert httpx.get(f"{product.url}/readyz", trust_env=False, timeout=30).status_code == 200
    assert stat.S_IMODE(settings_for(product.data).api_socket.stat().st_mode) == 0o600


def test_a_second_server_on_the_same_data_or_port_is_refused(start, tmp_path):
    """With one line each, while the first goes on."""
    product = start("--workers=2")
    port = httpx.URL(product.url).port
    cases = {
        f"--data={product.data}": "another server runs on",
        f"--port={port}": f"port: {port} on 127.0.0.1 is taken",
    }
    for argument, fault in cases.items():
        told = subprocess.run(
            [STREAMGAUGE, "serve", "--port=0", f"--data={tmp_path / 'second'}", argument],
            check=False,
            capture_output=True,
            text=True,
            env=plain_environment(),
        )
        assert told.returncode == 2
        assert fault in told.stderr
        assert told.stderr.count("\n") == 1
    assert product.http.get("/readyz").status_code == 200


def test_a_fault_that_only_a_child_can_see_ends_the_server_in_one_line(tmp_path):
    """The recorder knows what a store's address looks like; it is not started again."""
    told = subprocess.run(
        [STREAMGAUGE, "serve", "--port=0", f"--data={tmp_path}", "--set=store.url=mysql://host"],
        check=False,
        capture_output=True,
        text=True,
        env=plain_environment(),
    )
    assert told.returncode == 2
    assert told.stderr.startswith("streamgauge: store.url begins with mysql://")
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""


def test_a_worker_that_never_comes_up_is_given_up(tmp_path, monkeypatch):
    """Here it knows no such role."""
    start = Child.start

    def spoil(child: Child, settings: Any) -> None:
        if child.role == "worker":
            child.arguments = ["nothing"]
        start(child, settings)

    monkeypatch.setattr(Child, "start", spoil)
    # Nobody will answer, and nobody recovers in a pause.
    monkeypatch.setattr(parent, "ASK_S", 0.2)
    monkeypatch.setattr(parent, "PAUSES", (0.0, 0.1))
    said: list[str] = []
    settings = msgspec.structs.replace(settings_for(tmp_path), port=0)
    with pytest.raises(StreamgaugeError, match="the worker has failed 5 times in a row"):
        Supervisor(settings, say=said.append).run()
    assert sum("starting another" in line for line in said if "worker" in line) == 4


def test_many_open_files_do_not_keep_the_bell_from_ringing():
    """`select` refuses a descriptor beyond 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    others = [os.dup(0) for _ in range(1100)]
    try:
        bell = Bell()
        assert bell.rope > 1023
        bell.ring()
        bell.sleep(None)
        bell.close()
        bell.ring()  # which nobody hears
    finally:
        for other in others:
            os.close(other)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_store_that_is_away_from_the_start_keeps_no_stream_from_passing(start):
    """Here it is at a port that nobody listens on; the journal keeps what passes."""
    product = start("--set=store.url=clickhouse://127.0.0.1:1/none")
    away = (
        "the ClickHouse server at 127.0.0.1:1 cannot be reached: Connection refused; streams go on"
    )
    assert product.log().startswith(f"recorder: {away}")
    assert product.log().count("\n") == 2  # this and the address, however often it is tried
    with chat(product, **{"Simulate-Tokens": "3"}) as answer:
        assert "data: [DONE]" in answer.read().decode()
    assert product.http.get("/api/v1/records").status_code == 503
    assert "Traceback" not in product.log()
    assert product.stop() == 0


# -- healing ---------------------------------------------------------------------------------


def test_connections_wait_while_a_worker_is_replaced(start):
    """The parent keeps the listening sockets: nobody is refused."""
    product = start()
    old = product.kill_worker()
    until(lambda: old not in product.pids("worker") or None)
    answer = httpx.get(f"{product.url}/healthz", trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert product.pids("worker") != [old]
    assert "the worker was ended by signal 9; starting another" in product.log()


def test_a_recorder_that_dies_is_replaced(start):
    """And the server is ready again."""
    product = start()
    old = product.kill_recorder()
    until(lambda: ((new := product.pids("recorder")) != [] and new != [old]) or None)
    until(lambda: product.http.get("/api/v1/records").status_code == 200 or None)


def test_a_recorder_that_cannot_come_back_does_not_take_the_streams_down(start):
    """Here a file stands in its store's place; it is tried until that is mended."""
    product = start()
    store, aside = product.data / "store", product.data / "aside"
    product.kill_recorder()
    store.rename(aside)
    store.touch()
    until(lambda: product.log().count("the recorder ended with exit code") >= 5 or None, within=60)
    with chat(product, **{"Simulate-Tokens": "3"}) as answer:
        assert "data: [DONE]" in answer.read().decode()
    store.unlink()
    aside.rename(store)
    record = until(
        lambda: stored(product, answer.headers["streamgauge-id"]),
        within=60,
    )
    assert record["outcome"] == "completed"


# -- ending ----------------------------------------------------------------------------------


def test_an_open_stream_may_end_after_sigterm(start):
    """The client gets all of it, its record is stored, and the exit code is 0."""
    product = start()
    with chat(product, **{"Simulate-Tokens": "150", "Simulate-Itl-Ms": "10"}) as answer:
        lines = answer.iter_lines()
        next(lines)
        os.kill(facts(product)["pid"], signal.SIGTERM)
        rest = list(lines)
    assert "data: [DONE]" in rest
    assert product.stop() == 0
    assert not (product.data / "server.json").exists()
    product.restart()
    assert product.record(answer.headers["streamgauge-id"])["outcome"] == "completed"


def test_a_stream_that_goes_on_and_on_is_ended_after_its_grace(start):
    """Its record says that we did it."""
    product = start("--set=limits.stop_grace_s=0.2")
    with chat(product, **ENDLESS) as answer:
        pieces = answer.iter_raw()  # held, since dropping it closes the connection
        next(pieces)
        assert product.stop() == 0
    product.restart()
    record = product.record(answer.headers["streamgauge-id"])
    assert (record["outcome"], record["closed_by"]) == ("gateway_restarted", "gateway")


def test_an_open_page_does_not_hold_the_end_up(start):
    """Its live view would never end by itself; no stream is open here."""
    product = start("--set=limits.stop_grace_s=3600")
    with httpx.stream("GET", f"{product.url}/api/v1/live", trust_env=False, timeout=60) as answer:
        assert answer.status_code == 200
        assert product.stop() == 0


def test_a_long_end_is_explained(start):
    """What is waited for, and how to end it."""
    product = start("--set=limits.stop_grace_s=3600")
    with chat(product, **ENDLESS) as answer:
        next(pieces := answer.iter_raw())
        os.kill(facts(product)["pid"], signal.SIGTERM)
        until(lambda: "open streams have up to 3600 s to end" in product.log() or None)
        next(pieces)
        assert product.stop() == 0  # the second


def test_a_second_interrupt_means_now(start):
    """Although a stream is open and its grace is an hour."""
    product = start("--set=limits.stop_grace_s=3600")
    pid = facts(product)["pid"]
    with chat(product, **ENDLESS) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        os.kill(pid, signal.SIGINT)
        next(pieces)
        until(lambda: not is_listening(product) or None)
        assert product.stop() == 0  # the second


def test_the_children_of_a_killed_parent_end(start):
    """They notice that their standard input has ended."""
    product = start()
    children = product.pids()
    assert len(children) == 2
    os.kill(facts(product)["pid"], signal.SIGKILL)
    until(lambda: not any(map(is_alive, children)) or None)
    product.kill()  # nobody is left; this takes note of it
    product.restart()
    assert product.http.get("/readyz").status_code == 200


def stored(product: Product, record_id: str) -> dict[str, Any] | None:
    """Return a closed record, None while the recorder is away or has not come to it."""
    answer = product.http.get(f"/api/v1/records/{record_id}")
    record = answer.json() if answer.status_code == 200 else {"outcome": "open"}
    return record if record["outcome"] != "open" else None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_listening(product: Product) -> bool:
    url = httpx.URL(product.url)
    with socket.socket() as one:
        return one.connect_ex((url.host, url.port or 0)) == 0


def test_a_child_that_cannot_be_started_now_is_started_later(tmp_path, monkeypatch):
    """No memory or no process left for a moment: said, and tried again after a pause."""
    said: list[str] = []
    supervisor = Supervisor(settings_for(tmp_path), say=said.append)
    child = Child("recorder", ["recorder"], None)
    supervisor._children = [child]
    tries = iter([OSError(11, "Resource temporarily unavailable"), None])

    def start(self, settings):
        fault = next(tries)
        if fault is not None:
            raise fault
        self.process = "running"

    monkeypatch.setattr(Child, "start", start)
    monkeypatch.setattr(Child, "has_died", lambda self: None)
    supervisor._tend()
    assert "cannot start the recorder" in said[0]
    assert child.process is None
    child.start_at = 0
    supervisor._tend()
    assert child.process == "running"
