"""The assembly: who gets what. Read this second.

``python -m streamgauge.app worker NUMBER FD`` is a gateway worker, ``… recorder`` the
recorder with the API. The supervisor starts them; their settings come as the first line
of standard input, and its end means that the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop

from streamgauge.errors import ConfigurationError, StoreAwayError, StreamgaugeError
from streamgauge.journal.writer import Writer
from streamgauge.keys import Keys
from streamgauge.settings import Settings
from streamgauge.supervisor import AGAIN, MISCONFIGURED, STORE_AWAY, secret_of

Role = Callable[[Settings, list[str]], Awaitable[None]]

# Enough to give way to the workers, not enough to starve beside them.
RECORDER_NICENESS = 10

# The recorder makes little garbage in cycles, but has thousands of records at hand. Looking for it
# every 700 objects, as Python does, takes a tenth of its time.
GARBAGE_THRESHOLD = 20_000

# How long a new recorder waits for the one before it to let go of the database.
STORE_WAIT_S = 10.0

# What becomes of streams while there is no store.
UNTIL_THEN = "streams go on, and the journal keeps them until it is back"

# The page as `make ui` builds it.
UI_DIR = Path(__file__).parent / "ui"


async def worker(settings: Settings, arguments: list[str]) -> None:
    """Run one gateway worker until it is told to stop."""
    from streamgauge.gateway.server import Gateway
    from streamgauge.gateway.stops import Stops

    number, descriptor = arguments
    journal = _journal(settings, number)
    gateway = Gateway(settings, journal, secret=secret_of(settings.data_dir))
    journal.counters = gateway.counters
    stops = Stops(settings.stop_socket(number), gateway.stop_exchange)
    async with _life() as ended:
        await gateway.start(socket.socket(fileno=int(descriptor)))
        asyncio.get_running_loop().add_reader(stops.fileno(), stops.hear)
        # What exists now lives as long as the process; the collector need not look at it.
        gc.collect()
        gc.freeze()
        is_orphan = await ended
    await gateway.stop(0 if is_orphan else settings.limits.stop_grace_s)
    asyncio.get_running_loop().remove_reader(stops.fileno())
    stops.close()
    journal.close()


def _journal(settings: Settings, name: str) -> Writer:
    """Return a journal of its own for this process, begun now."""
    boot = f"{time.time_ns():x}"
    return Writer(
        settings.journal_dir / f"{settings.node}-{name}-{boot}",
        segment_bytes=settings.journal.segment_bytes,
        disk_limit_bytes=settings.journal.disk_limit_bytes,
        fsync=settings.journal.fsync,
        fsync_interval_s=settings.journal.fsync_interval_s,
        wake_path=settings.wake_socket,
    )


async def recorder(settings: Settings, _: list[str]) -> None:
    """Run the recorder and the API until it is told to stop."""
    from streamgauge.api.app import create_app
    from streamgauge.api.parts import Parts
    from streamgauge.api.stop import Workers
    from streamgauge.recorder import Recorder
    from streamgauge.recorder.answers import Answers
    from streamgauge.store.loader import open_store

    # Streams first: where cores are scarce the journal waits, not the client.
    _give_way()
    store = open_store(settings.store_url, wait_s=STORE_WAIT_S)
    store.retain(bodies_days=settings.store.bodies_days, records_days=settings.store.records_days)
    recording = Recorder(settings, store)

    journal = _journal(settings, "ingest")
    parts = Parts(
        store,
        recording.live,
        health=recording.health,
        ui_dir=UI_DIR,
        journal=journal,
        answers=Answers(recording.live, store),
        secret=secret_of(settings.data_dir),
        stop=Workers(settings.run_dir).stop,
        keys=Keys(settings.data_dir, must_exist=settings.needs_keys),
        is_local=settings.is_local,
    )
    settings.api_socket.unlink(missing_ok=True)
    server = _Server(
        uvicorn.Config(
            create_app(parts),
            uds=str(settings.api_socket),
            log_config=None,
            access_log=False,
            # Live views never end by themselves.
            timeout_graceful_shutdown=1,
        )
    )
    async with _life() as ended:
        await recording.start()
        serving = asyncio.create_task(server.serve())
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD)
        waiting: set[asyncio.Future[Any]] = {ended, serving}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    journal.close()
    await recording.stop()
    store.close()


def _give_way() -> None:
    """Let workers go first, and never interrupt one: not where the recorder wakes up, either."""
    os.nice(RECORDER_NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: signals end the recorder, which ends it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, for this user alone; uvicorn would let everyone in."""
        await super().startup(sockets)
        assert self.config.uds is not None  # noqa: S101 - we have set it
        Path(self.config.uds).chmod(0o600)  # noqa: ASYNC240 - takes no time

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


# -- what both need --------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _life() -> AsyncIterator[asyncio.Future[bool]]:
    """Give a future that ends with SIGTERM (False) or with the parent (True)."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[bool] = loop.create_future()

    def end(is_orphan: bool) -> None:
        if not ended.done():
            ended.set_result(is_orphan)

    def look() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            end(True)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, False)
    loop.add_reader(0, look)
    yield ended
    loop.remove_reader(0)


def _read_settings() -> Settings:
    """Read the first line of standard input, and not a byte more."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise StreamgaugeError("this is a part of `streamgauge serve`; start that instead")
        line += byte
    return msgspec.json.decode(line, type=Settings)


def _allow_many_files() -> None:
    """Raise the soft limit of open files: every stream holds two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS says "infinity" and refuses it.
    most = 65536 if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


ROLES: dict[str, Role] = {"worker": worker, "recorder": recorder}


def main(arguments: list[str]) -> int:
    """Run one role; returns the exit code."""
    role, *rest = arguments
    logging.basicConfig(level=logging.WARNING, format=f"{role}: %(message)s", stream=sys.stderr)
    _allow_many_files()
    try:
        uvloop.run(ROLES[role](_read_settings(), rest))  # type: ignore[arg-type]
    except ConfigurationError as error:
        print(f"streamgauge: {error}", file=sys.stderr)
        return MISCONFIGURED
    except StoreAwayError as error:
        if AGAIN not in rest:
            print(f"{role}: {error}; {UNTIL_THEN}", file=sys.stderr)
        return STORE_AWAY
    except StreamgaugeError as error:
        print(f"{role}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
