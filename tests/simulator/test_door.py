"""Faults before there is a request, and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from streamgauge.errors import ConfigurationError
from streamgauge.simulator.server import tls_context
from tests.simulating import RunningSimulator
from tests.simulator.wire import client, post

AUTHORITY = trustme.CA()


def server_tls(folder: Path) -> ssl.SSLContext | None:
    certificate = folder / "certificate.pem"
    AUTHORITY.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    return tls_context(certificate, None)


def client_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def script(tmp_path) -> Path:
    return tmp_path / "faults.toml"


@pytest.fixture
def secure(tmp_path, script) -> Iterator[RunningSimulator]:
    script.write_text('[[fault]]\ndo = "cut; after=connect; once, rst; after=connect; once"\n')
    running = RunningSimulator(recordings=None, faults=script, tls=server_tls(tmp_path))
    yield running
    running.stop()


def test_connections_are_broken_before_a_request(script):
    """FIN, RST, silence, and then as usual."""
    script.write_text(
        "[[fault]]\n"
        'do = ["cut; after=connect; once", "rst; after=connect; once",'
        ' "stall; after=connect; once"]\n'
    )
    running = RunningSimulator(recordings=None, faults=script)
    try:
        with client(running) as cut:
            assert cut.rest() == b""
        with pytest.raises(ConnectionResetError), client(running) as broken:
            broken.rest()
        with client(running) as stalled:
            stalled.send(post())
            stalled.socket.settimeout(0.3)
            with pytest.raises(TimeoutError):
                stalled.rest()
        with client(running) as served:
            served.send(post("Connection: close"))
            assert b" 200 OK" in served.until(b"\r\n\r\n")
    finally:
        running.stop()


def test_tls_is_spoken_and_aborted(secure):
    """In the handshake; then it works."""
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{secure.url}/v1/models", verify=client_tls(), trust_env=False, timeout=30)
    answer = httpx.get(f"{secure.url}/v1/models", verify=client_tls(), trust_env=False, timeout=30)
    assert answer.status_code == 200
    assert secure.url.startswith("https://")


@pytest.mark.parametrize(("fault", "says_goodbye"), [("cut", True), ("tls-abort", False)])
def test_a_stream_can_end_without_tls_s_goodbye(tmp_path, fault, says_goodbye):
    """An end that anybody on the way could have made (RFC 8446 §6.1)."""
    running = RunningSimulator(recordings=None, tls=server_tls(tmp_path))
    try:
        with (
            client(running) as plain,
            client_tls().wrap_socket(
                plain.socket, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            ) as talking,
        ):
            talking.sendall(post("Simulate-Tokens: 5", f"Simulate-Fault: {fault}; after=2 events"))
            read, ended_well = b"", True
            try:
                while data := talking.recv(65536):
                    read += data
            except ssl.SSLEOFError:
                ended_well = False
        assert read.count(b"data: ") == 2
        assert ended_well == says_goodbye
    finally:
        running.stop()


def test_a_client_that_does_not_trust_us_does_no_harm(tmp_path):
    """The next one is served."""
    running = RunningSimulator(recordings=None, tls=server_tls(tmp_path))
    try:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/v1/models", trust_env=False, timeout=30)
        answer = httpx.get(
            f"{running.url}/v1/models", verify=client_tls(), trust_env=False, timeout=30
        )
        assert answer.status_code == 200
    finally:
        running.stop()


def test_a_certificate_that_cannot_be_used_is_told(tmp_path):
    """In one line."""
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="cannot use the certificate"):
        tls_context(tmp_path / "bad.pem", None)
    with pytest.raises(ConfigurationError, match="--tls-cert"):
        tls_context(None, tmp_path / "bad.pem")
    assert tls_context(None, None) is None
