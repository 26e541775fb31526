"""The load tools of `make bench`: they build without a warning and count what really happened."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the load tools use epoll and /proc"),
    pytest.mark.skipif(
        not (shutil.which("cc") or shutil.which("gcc")), reason="there is no C compiler"
    ),
]

CONNECTIONS = 20
EVENTS = 30


@pytest.fixture(scope="module")
def tools():
    subprocess.run([sys.executable, BENCH / "run.py", "--build"], check=True)
    return BENCH / "bin"


@pytest.fixture(scope="module")
def port(tools):
    with subprocess.Popen(
        [tools / "stream_upstream", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as upstream:
        line = upstream.stdout.readline()
        yield int(line.rpartition(":")[2])
        upstream.terminate()


@pytest.fixture
def load(tools, port):
    def run(*options, port=port):
        command = [tools / "stream_load", "--port", str(port), "--warm-ms", "0"]
        done = subprocess.run(
            [*command, "--measure-ms", "300", "--drain-ms", "20000", *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(done.stdout)

    return run


def assert_nothing_went_wrong(figures):
    wrong = {key: figures[key] for key in ("errors", "wrong_count", "altered", "unfinished")}
    assert not any(wrong.values()), wrong
    assert figures["sent"] == figures["finished"] > 0


def test_every_event_of_every_paced_stream_is_counted(load):
    """Straight to the upstream, each stream has exactly the events it asked for."""
    figures = load(
        *("--connections", str(CONNECTIONS), "--events", str(EVENTS), "--gap-us", "2000"),
    )
    assert_nothing_went_wrong(figures)
    assert figures["finished"] >= CONNECTIONS
    assert figures["chunks"] == figures["finished"] * EVENTS


def test_a_stream_without_gaps_survives_full_sockets(load):
    """Events sent as fast as they go arrive complete, though sockets fill up on the way."""
    figures = load("--connections", "4", "--events", "5000", "--gap-us", "0")
    assert_nothing_went_wrong(figures)
    assert figures["chunks"] == figures["finished"] * 5000


def test_a_stream_waits_for_its_first_event(load):
    """The wished time to first token is what the load generator measures."""
    figures = load("--events", "3", "--ttft-us", "50000")
    assert_nothing_went_wrong(figures)
    assert figures["ttft_p50_us"] >= 49_000


def test_json_answers_are_compared_and_counted(load):
    """Small JSON answers come back whole, and no events are counted in them."""
    figures = load("--mode", "json", "--connections", "8")
    assert_nothing_went_wrong(figures)
    assert figures["finished"] > 8
    assert figures["chunks"] == 0


def test_the_cpu_and_memory_of_a_process_are_read(load, port):
    """A process named by --pids is measured: here a Python that keeps one core busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        figures = load("--pids", str(busy.pid), "--gap-us", "1000", "--measure-ms", "1000")
        busy.kill()
    assert figures["cpu_share"] > 0
    assert figures["rss_bytes"] > 1_000_000


@pytest.mark.parametrize(
    ("was", "becomes", "figure"),
    [
        (b" hi ", b" ho ", "altered"),
        (b"mock-gpt", b"mock-gtp", "altered"),
        (b"@T", b"@X", "wrong_count"),
    ],
)
def test_a_proxy_that_changes_bytes_is_found_out(load, lying_proxy, was, becomes, figure):
    """A proxy between the two that alters an event on its way does not pass for honest."""
    figures = load("--events", "5", "--gap-us", "1000", port=lying_proxy(was, becomes))
    assert figures["errors"] == 0
    assert figures["finished"] > 0
    assert figures[figure] == figures["finished"]


@pytest.mark.parametrize("arguments", [[], ["--port", "x"], ["--port", "1", "--mode", "nonsense"]])
def test_a_bad_command_line_is_answered_with_the_usage(tools, arguments):
    """What the tool cannot do it says, with its options."""
    done = subprocess.run(
        [tools / "stream_load", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage: stream_load" in done.stderr
