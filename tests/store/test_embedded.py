"""The embedded engine: parameters, threads, the lock."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.errors import ConfigurationError, StoreError
from streamgauge.store.loader import open_store
from tests.storing import put, record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# A process that holds a store until its input ends.
HOLD = (
    "import sys; from streamgauge.store.loader import open_store; "
    "s = open_store('chdb://' + sys.argv[1]); print('open', flush=True); sys.stdin.read()"
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=TEXT, texts=st.lists(TEXT, max_size=4))
def test_any_text_passes_through_a_parameter_unchanged(store, text, texts):
    rows = store.query(
        "SELECT {text:String} AS text, {texts:Array(String)} AS texts",
        {"text": text, "texts": texts},
    )
    assert rows == [{"text": text, "texts": texts}]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    number=st.floats(allow_nan=False, allow_infinity=False), whole=st.integers(-(2**63), 2**63 - 1)
)
def test_numbers_pass_through_a_parameter_unchanged(store, number, whole):
    """A cursor holds its place by them, so not even the last bit may change."""
    [row] = store.query(
        "SELECT {number:Float64} AS number, {whole:Int64} AS whole, {flag:Bool} AS flag",
        {"number": number, "whole": whole, "flag": True},
    )
    assert float(row["number"]) == number
    assert (row["whole"], row["flag"]) == (whole, True)


def test_a_refused_statement_is_a_store_error_and_the_store_goes_on(store):
    with pytest.raises(StoreError, match="nonsense"):
        store.query("SELECT nonsense")
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_closed_store_says_so(folder):
    with folder.store() as store:
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.query("SELECT 1")
        with pytest.raises(StoreError, match="closed"):
            put(store, record())


def test_many_threads_may_ask_while_one_inserts(store):
    finished = threading.Event()

    def ask() -> int:
        seen = 0
        while not finished.is_set():
            count = store.query("SELECT count() AS n FROM records")[0]["n"]
            assert count >= seen, "a stored record went missing"
            seen = count
        return seen

    with ThreadPoolExecutor(8) as pool:
        askers = [pool.submit(ask) for _ in range(8)]
        for batch in range(20):
            put(store, *(record(batch * 50 + i) for i in range(50)))
        finished.set()
        assert all(asker.result() <= 1000 for asker in askers)
    assert store.query("SELECT count() AS n FROM records") == [{"n": 1000}]


def test_a_second_process_is_refused_with_a_sentence(folder):
    second = subprocess.run(
        [sys.executable, "-c", HOLD, str(folder.path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert "in use by another process" in second.stderr


def test_a_process_may_wait_for_the_one_before_it(tmp_path):
    """The waiter is another process too: this one has its own folder open."""
    waiting = HOLD.replace("sys.argv[1])", "sys.argv[1], wait_s=60)")
    command = [sys.executable, "-c"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, HOLD, str(tmp_path)], **pipes) as first:
        assert first.stdout.readline() == "open\n"
        with subprocess.Popen([*command, waiting, str(tmp_path)], **pipes) as second:
            first.communicate(timeout=60)
            assert second.stdout.readline() == "open\n"
            second.communicate(timeout=60)
            assert second.returncode == 0


def test_a_second_folder_in_one_process_is_refused(folder, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_store(f"chdb://{tmp_path}")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file/store"):
        open_store(f"chdb://{tmp_path}/file/store")
