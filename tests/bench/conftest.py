"""A proxy that changes what passes through it, to see whether the load generator notices."""

import socket
import threading

import pytest


def _pump(source, target, was, becomes):
    # One event is one send() of the upstream, so what we look for is never cut in practice; were
    # it cut, the event would pass unaltered and the test fail, not pass.
    try:
        while data := source.recv(65536):
            target.sendall(data.replace(was, becomes) if was else data)
    except OSError:
        pass  # the other direction has closed the pair
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


@pytest.fixture
def lying_proxy(port):
    """Return a function that starts a proxy replacing bytes of the answers, and gives its port."""
    listeners, sockets, threads = [], [], []

    def serve(listener, was, becomes):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", port))
            sockets.extend((client, upstream))
            for pump in ((client, upstream, b"", b""), (upstream, client, was, becomes)):
                threads.append(threading.Thread(target=_pump, args=pump))
                threads[-1].start()

    def start(was, becomes):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threads.append(threading.Thread(target=serve, args=(listener, was, becomes)))
        threads[-1].start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()
    for end in sockets:
        end.close()
