"""A log server on a real socket, which tests can stop, start again and make fail."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.simulating import until


class LogServer:
    """Keeps what it was sent by id, as the server does; `answers` are statuses to give first."""

    def __init__(self, port: int = 0) -> None:
        self.logs: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.calls = 0
        self.answers: list[int] = []
        self.delay_s = 0.0
        self._port = port
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_POST(self) -> None:
                keeper._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def process_request(self, request: Any, client_address: Any) -> None:
                keeper._sockets.append(request)
                super().process_request(request, client_address)

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Connections are cut on purpose."""

        self._sockets: list[Any] = []
        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}"
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()

    def stop(self) -> None:
        """Cut every connection and listen no more."""
        self._server.shutdown()
        self._server.server_close()
        for one in self._sockets:
            one.close()

    def one(self) -> dict[str, Any]:
        """Return the one log, once it is here."""
        return self.wait_for(1)[0]

    def wait_for(self, count: int, *, within: float = 10.0) -> list[dict[str, Any]]:
        """Return the logs in their order once there are *count*, and never more."""
        until(lambda: len(self.logs) >= count or None, within=within)
        assert len(self.logs) == count
        # Several are on their way at a time.
        return sorted(self.logs.values(), key=lambda one: one.get("started_at", ""))

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.calls += 1
        if self.delay_s:
            threading.Event().wait(self.delay_s)
        status = self.answers.pop(0) if self.answers else 200
        log = json.loads(body)
        assert handler.path == "/api/v1/log"
        if status == 200:
            self.logs[log["id"]] = log
            self.headers[log["id"]] = {n.lower(): v for n, v in handler.headers.items()}
        answer = json.dumps({"id": log["id"]}).encode()
        handler.send_response(status)
        handler.send_header("content-length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)
        handler.wfile.flush()
