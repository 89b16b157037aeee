"""Server of the text port, for clients of this program's predecessor. It has no login, so it is off by default.

It has its own thread, so that clients cannot delay the node or the live view.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from contextlib import suppress

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy
from pi_cam_node.base.port_advice import advice
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import Config
from pi_cam_node.core.events import Event, FramesSent, Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import Connection, Timeouts

_log = logging.getLogger(__name__)

CLIENTS_MAX = 32
# As many more are told that the port is busy; beyond them connections are closed without a reply.
CONNECTIONS_MAX = 2 * CLIENTS_MAX
# Limit of streams, each of which holds frames of the ring in memory until sent.
STREAMS_MAX = 4

_LOOPBACK = ("127.", "::1", "localhost")


class TextPort:
    """TCP server for the old text commands, if ``network.trigger_enable`` is set.

    Args:
        config: Where to listen; read once.
        inbox: Receives the commands.
        clock: Tells the time.
        gate: Privacy gate, which aborts frames.
        timeouts: The deadlines; shorter in tests.
    """

    def __init__(
        self,
        config: Config,
        inbox: Inbox,
        clock: Clock,
        gate: PrivacyGate,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._network = config.network
        self._inbox = inbox
        self._clock = clock
        self._gate = gate
        self._timeouts = timeouts or Timeouts()
        self._numbers = itertools.count(1)
        self._connections: dict[str, Connection] = {}
        self._trouble = ""
        self._grace_s = 0.0
        self._closing = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self.loop = MonitoredThread("tcp-trigger", self._run, clock, before_restart=self._forget_connections)

    # ------------------------------------------------------------ thread: the node thread

    def start(self) -> None:
        """Start the server if enabled; returns at once."""
        if self._network.trigger_enable:
            self.loop.start()

    def on_event(self, event: Event) -> None:
        """Pass a reply or frame to its client; never blocks."""
        loop = self._loop
        if loop is None or not isinstance(event, Replied | FramesSent) or event.origin != "tcp":
            return
        try:
            loop.call_soon_threadsafe(self._deliver, event)
        except RuntimeError as error:  # the loop has just ended
            _log.debug("a reply came after the text port had ended: %s", error)

    def close(self, deadline_s: float) -> None:
        """Stop listening, send pending replies, and end the thread within the deadline."""
        self._grace_s = deadline_s / 2
        self._closing.set()
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._stopped.set)
            except RuntimeError as error:
                _log.debug("the text port had ended already: %s", error)
        self.loop.join(deadline_s)

    # ------------------------------------------------------------ thread: the port's own

    def _forget_connections(self) -> None:
        """Drop the connections of a failed thread. Thread: the watchdog."""
        self._loop = None
        self._connections.clear()

    def _run(self) -> None:
        while not self._closing.is_set():
            self.loop.beat(self._timeouts.bind_s)
            try:
                asyncio.run(self._serve())
            except Exception:
                _log.exception("the command port failed; it is opened again")
                self._closing.wait(self._timeouts.bind_s)

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.loop.beat_along(self._loop)
        try:
            while not self._closing.is_set():
                server = await self._listen()
                try:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopped.wait(), None if server else self._timeouts.bind_s)
                finally:  # also after a failure: the new thread needs the port
                    if server:
                        server.close()
            await self._finish()
        finally:
            self._loop = None

    async def _listen(self) -> asyncio.Server | None:
        """Open the port; on failure log it once and return ``None``."""
        host, port = self._network.trigger_host, self._network.trigger_port
        try:
            server = await asyncio.start_server(self._accept, host, port, reuse_address=True, start_serving=True)
        except (OSError, UnicodeError) as error:
            trouble = f"{error}; {advice(error, 'network.trigger_host', 'network.trigger_port')}"
            if trouble != self._trouble:
                self._trouble = trouble
                _log.warning("no commands over TCP on %s port %d: %s; trying on", host, port, trouble)
            return None
        self._trouble = ""
        _log.info("commands over TCP on %s port %d", host, port)
        if not host.startswith(_LOOPBACK):
            _log.warning("the command port knows no login: whoever reaches %s port %d commands this node", host, port)
        return server

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client; errors end its own connection only."""
        name = str(next(self._numbers))
        connection = Connection(name, (reader, writer), self._submit, self._timeouts, self._gate)
        others = len(self._connections)
        self._connections[name] = connection
        try:
            if others < CLIENTS_MAX:
                await connection.serve()
            elif others < CONNECTIONS_MAX:
                if others == CLIENTS_MAX:
                    _log.warning("%d clients talk to the command port; more are refused", CLIENTS_MAX)
                await connection.refuse("ERROR: busy")
        except OSError as error:
            _log.debug("a client was lost: %s", error)
        except Exception:
            _log.exception("a connection of the command port failed")
        finally:
            del self._connections[name]
            connection.abort()

    def _submit(self, connection: Connection, line: bytes) -> None:
        """Submit a line to the node as a command.

        Raises:
            Busy: The node's inbox is full, or too many streams are running.
        """
        if connection.wants_frames and sum(one.wants_frames for one in self._connections.values()) > STREAMS_MAX:
            raise Busy("ERROR: busy")
        command = CommandArrived("", line, self._clock.monotonic(), reply_to=connection.name, origin="tcp")
        if not self._inbox.put(command):
            raise Busy("ERROR: busy")

    def _deliver(self, event: FramesSent | Replied) -> None:
        connection = self._connections.get(event.reply_to or "")
        if connection is None:
            _log.debug("the client of a reply is gone")
            return
        try:
            connection.put(event)
        except asyncio.QueueFull:
            _log.warning("too many frames for a client; its connection is closed")
            connection.abort()

    async def _finish(self) -> None:
        """Send pending replies for a moment, then abort the remaining connections."""
        for connection in self._connections.values():
            if not connection.is_submitted:
                connection.task.cancel()
        if tasks := [connection.task for connection in self._connections.values()]:
            await asyncio.wait(tasks, timeout=self._grace_s)
