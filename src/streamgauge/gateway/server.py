"""The data plane of one worker: accepts connections and owns what they share."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from time import monotonic_ns, time
from typing import TYPE_CHECKING

from streamgauge.gateway.breaker import Watch
from streamgauge.gateway.client import ClientConnection
from streamgauge.gateway.guard import Guard
from streamgauge.gateway.ident import Ids
from streamgauge.gateway.known_heads import KnownHeads
from streamgauge.gateway.policy import Policies
from streamgauge.gateway.pool import Pool
from streamgauge.gateway.probes import keep_alive
from streamgauge.gateway.routes import Routes
from streamgauge.gateway.targets import Plans
from streamgauge.gateway.turn import Turn
from streamgauge.keys import Keys
from streamgauge.secrets import KeyHasher, Signer

if TYPE_CHECKING:
    from streamgauge.gateway.errand import Errand
    from streamgauge.gateway.relay import Relay
    from streamgauge.journal.writer import Writer
    from streamgauge.settings import Settings

log = logging.getLogger("streamgauge.gateway")

# uvloop's own servers take one connection per turn of the loop; in a burst of 512 that made
# the slowest first token 1.2 s late instead of 53 ms.
ACCEPTS_PER_TURN = 64

# How often limits are looked at. A limit is met within this much.
TICK_S = 0.25

# What has been written when the process ends, the last word of a cut stream among it, has at
# least this long to leave.
LAST_WORD_S = 1.0

# Out of file descriptors: leave the queue alone for a moment instead of spinning on it.
ACCEPT_PAUSE_S = 0.5


# How long the signed URL of an answer is good for.
RESUME_S = 86_400


class Gateway:
    """One worker's gateway: `start` it on a listening socket, `stop` it once."""

    def __init__(self, settings: Settings, journal: Writer, *, secret: bytes) -> None:
        limits = self.limits = settings.limits
        self.journal = journal
        self.routes = Routes(settings)
        self.known_heads = KnownHeads()
        self.new_id = Ids()
        self.hash_key = KeyHasher(secret)
        self._signer = Signer(secret)
        self.policies = Policies(settings)
        self.plans = Plans(settings, self.routes)
        self.watch = Watch()
        self.guard = Guard(Keys(settings.data_dir)) if settings.require_key else None
        self.header_ns = int(limits.header_timeout_s * 1e9)
        self.keepalive_ns = int(limits.keepalive_timeout_s * 1e9)
        self.clients: set[ClientConnection] = set()
        self.detached: set[Relay] = set()  # go on without their clients
        self.open = 0
        self.exchanges = 0
        self.refused = 0
        self.is_stopping = False
        self._listener: socket.socket | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[object]] = set()

    # -- life ---------------------------------------------------------------------------------

    async def start(self, listener: socket.socket) -> None:
        """Serve on *listener*, a bound socket."""
        self.loop = asyncio.get_running_loop()
        self.pool = Pool(self.loop, idle_s=self.limits.upstream_idle_s)
        self.turn = Turn(self.loop, self.journal)
        listener.setblocking(False)
        keep_alive(listener)  # what it accepts inherits that
        listener.listen(4096)
        self._listener = listener
        self.loop.add_reader(listener.fileno(), self._accept)
        self._ticker = self.loop.call_later(TICK_S, self._tick)

    async def stop(self, grace_s: float = 0.0) -> None:
        """Take no more connections, let open exchanges end for up to *grace_s*, then end them.

        What the recorder serves gets a moment only: a live view never ends by itself.
        """
        self.is_stopping = True
        if self._listener is not None:
            self.loop.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        for client in list(self.clients):
            client.close_idle()
        until = self.loop.time() + grace_s
        await self._while(self._busy, min(until, self.loop.time() + LAST_WORD_S))
        await self._while(self._streams, until)
        for relay in self._busy():
            relay.shut_down()
        self.turn.flush()
        for client in list(self.clients):
            client.close_idle()
        await self._while(self._unsent, max(until, self.loop.time() + LAST_WORD_S))
        if self._ticker is not None:
            self._ticker.cancel()
        self.pool.close()
        for client in list(self.clients):
            if client.transport is not None:
                client.transport.abort()

    def stop_exchange(self, exchange: bytes) -> None:
        """End the exchange of that id, if it runs here."""
        for relay in self._busy():
            if relay.id == exchange and relay.journal is not None:
                relay.stop()
                self.turn.flush()

    def _busy(self) -> list[Relay | Errand]:
        attached = [client.relay for client in self.clients if client.relay is not None]
        return [*attached, *self.detached]

    def _streams(self) -> list[Relay | Errand]:
        return [relay for relay in self._busy() if relay.journal is not None]

    def _unsent(self) -> list[ClientConnection]:
        return [client for client in self.clients if client.unsent_bytes()]

    async def _while(self, some: Callable[[], Sequence[object]], until: float) -> None:
        """Wait as long as there are *some*, but not beyond *until*."""
        while some() and self.loop.time() < until:  # noqa: ASYNC110 - a stop is no hot path
            await asyncio.sleep(0.02)

    # -- connections --------------------------------------------------------------------------

    def _accept(self) -> None:
        if self._listener is None:
            return
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("cannot accept connections: %s", error)
                self._rest()
                return
            if len(self.clients) + len(self._arriving) >= self.limits.max_connections:
                connection.close()
                self.refused += 1
                continue
            connection.setblocking(False)
            task: asyncio.Task[object] = self.loop.create_task(self._welcome(connection))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _welcome(self, connection: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: ClientConnection(self), connection)
        except OSError:
            connection.close()

    def _rest(self) -> None:
        if self._listener is None:
            return
        self.loop.remove_reader(self._listener.fileno())
        self.loop.call_later(ACCEPT_PAUSE_S, self._resume_accepting)

    def _resume_accepting(self) -> None:
        if self._listener is not None and not self.is_stopping:
            self.loop.add_reader(self._listener.fileno(), self._accept)

    def client_connected(self, client: ClientConnection) -> None:
        """A connection has come up."""
        self.clients.add(client)

    def client_lost(self, client: ClientConnection) -> None:
        """A connection has gone down."""
        self.clients.discard(client)

    # -- exchanges ----------------------------------------------------------------------------

    def began(self) -> None:
        """An exchange has begun."""
        self.open += 1
        self.exchanges += 1

    def ended(self) -> None:
        """An exchange has ended."""
        self.open -= 1

    def resume_url(self, record_id: str, *, is_numbering: bool) -> bytes:
        """Return where a client can come back to an answer, without a key, for a day.

        *is_numbering*: with an id in every event, as the answer has them.
        """
        expires = int(time()) + RESUME_S
        signature = self._signer.sign(record_id, expires)
        ids = "&event_ids=true" if is_numbering else ""
        query = f"follow=true{ids}&expires={expires}&signature={signature}"
        return f"/api/v1/records/{record_id}/bytes?{query}".encode()

    def counters(self) -> dict[str, int]:
        """What the worker tells the recorder about itself, about once a second."""
        return {
            "open": self.open,
            "exchanges": self.exchanges,
            "clients": len(self.clients),
            "refused": self.refused,
            "tasks": len(asyncio.all_tasks(self.loop)),
        }

    def _tick(self) -> None:
        # First of all, and client by client: no fault of one may end the limits of the others.
        self._ticker = self.loop.call_later(TICK_S, self._tick)
        now = monotonic_ns()
        ticking: list[ClientConnection | Relay] = [*self.clients, *self.detached]
        for one in ticking:
            try:
                one.tick(now)
            except Exception:
                log.exception("a connection's limits could not be looked at")
        self.pool.sweep(now)
