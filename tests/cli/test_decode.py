"""`streamgauge decode`: a recorded stream, told apart by its bytes and read without a server."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from streamgauge.cli.began import STAT
from streamgauge.cli.commands import run
from tests.wire.goldens import FOLDER, MANIFEST, golden

STREAMS = [one for one in MANIFEST if one["http_status"] == 200]

needs_proc = pytest.mark.skipif(not STAT.exists(), reason="nothing tells when a process began")


def decoded(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert run(["decode", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("recording", STREAMS, ids=lambda one: one["file"])
def test_every_recording_is_recognised_by_its_bytes(recording, capsys) -> None:
    """Without a path or a type; the reply is the golden one."""
    said = decoded(capsys, str(FOLDER / recording["file"]))
    assert said["dialect"] == recording["dialect"]
    assert said["bytes"] == recording["bytes"]
    expected = json.loads(golden(recording).read_bytes())
    assert said["reply"].get("choices") == expected.get("choices")


def test_a_stream_is_shown_for_people(capsys) -> None:
    """Model, tokens, text, and whether it is whole."""
    file = FOLDER / "openai/openai_chat/agent_arun_streaming.sse"
    assert run(["decode", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "gpt-4o-mini" in shown
    assert "24 in, 8 out (reported)" in shown
    assert "10 + 5 equals 15." in shown


def test_the_standard_input_may_be_cut_short(capsys, monkeypatch) -> None:
    """What is there is shown, and that it is not all."""
    raw = (FOLDER / "openai/openai_chat/agent_arun_streaming.sse").read_bytes()[:1500]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    said = decoded(capsys, "-")
    assert said["is_whole"] is False
    assert said["usage"]["usage_source"] == "unknown"


@pytest.fixture
def piped(monkeypatch) -> Iterator[BinaryIO]:
    """What is written here comes through a pipe to the standard input."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=reader))
        yield writer


def _unread(pipe: BinaryIO) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
    return count


@needs_proc
def test_a_stream_through_a_pipe_has_times(piped, capsys, monkeypatch) -> None:
    """Each piece when it came; the first has no text yet."""
    raw = (FOLDER / "openai/openai_chat/agent_arun_streaming.sse").read_bytes()
    first = raw.index(b"\n\n") + 2

    def write() -> None:
        piped.write(raw[:first])
        deadline = time.monotonic() + 60
        while _unread(piped) and time.monotonic() < deadline:
            time.sleep(0.001)
        piped.write(raw[first:])
        piped.close()

    nothing_yet = SimpleNamespace(select=lambda *_: ([], [], []))
    monkeypatch.setattr("streamgauge.cli.decode.select", nothing_yet)
    writing = threading.Thread(target=write)
    writing.start()
    timing = decoded(capsys, "-")["timing"]
    writing.join()
    assert 0 <= timing["first_byte_ms"] == timing["first_event_ms"] < timing["ttft_ms"]
    assert timing["ttft_ms"] <= timing["last_token_ms"] <= timing["duration_ms"]


@needs_proc
def test_what_was_there_before_the_first_look_has_no_time(piped, capsys) -> None:
    """Nobody knows since when it waits: unknown, and why."""
    raw = (FOLDER / "openai/openai_chat/agent_arun_streaming.sse").read_bytes()
    piped.write(raw)
    piped.close()
    said = decoded(capsys, "-")
    assert said["readable_ms"] > 0
    for name in ("first_byte_ms", "ttft_ms", "last_token_ms", "tokens_per_second"):
        assert said["timing"][name] is None
    assert said["timing"]["duration_ms"] >= said["readable_ms"]


@needs_proc
def test_times_count_from_the_start_of_the_process() -> None:
    """Which is earlier than the first line of the program, and not in another life."""
    program = "import time; first = time.monotonic_ns(); "
    program += "from streamgauge.cli.began import began_ns; print(first - began_ns())"
    asked = time.monotonic_ns()
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    tick = 1e9 / os.sysconf("SC_CLK_TCK")
    assert -tick <= int(told.stdout) <= time.monotonic_ns() - asked + tick


def test_a_system_that_does_not_tell_its_start_has_gaps_alone(piped, capsys, monkeypatch) -> None:
    """A time from some other moment would be a wrong one."""
    monkeypatch.setattr("streamgauge.cli.began.STAT", FOLDER / "nowhere")
    raw = (FOLDER / "openai/openai_chat/agent_arun_streaming.sse").read_bytes()
    piped.write(raw)
    piped.close()
    said = decoded(capsys, "-")
    assert said["readable_ms"] is None
    assert said["timing"]["duration_ms"] is said["timing"]["ttft_ms"] is None


@needs_proc
def test_times_are_shown_for_people(piped, capsys) -> None:
    """And not where there are none."""
    file = FOLDER / "openai/openai_chat/agent_arun_streaming.sse"
    piped.write(file.read_bytes())
    piped.close()
    assert run(["decode", "-"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"first token +unknown", shown)
    assert "before this command could read" in shown
    assert run(["decode", str(file)]) == 0
    assert "A file has no times" in capsys.readouterr().out
    assert decoded(capsys, str(file))["timing"] is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["/nowhere"], "cannot read /nowhere"),
        (["FILE", "--dialect", "latin"], "--dialect is one of"),
        (["FILE", "--framing", "gold"], "--framing is one of"),
        (["EMPTY"], "is empty"),
        (["RUBBISH"], "no dialect that is known"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, capsys, arguments: list[str], why: str) -> None:
    """With what to do instead."""
    for name, content in {"FILE": b"data: 1\n\n", "EMPTY": b"", "RUBBISH": b"lorem ipsum"}.items():
        (tmp_path / name).write_bytes(content)
    arguments = [str(tmp_path / one) if one.isupper() else one for one in arguments]
    assert run(["decode", *arguments]) == 1
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
