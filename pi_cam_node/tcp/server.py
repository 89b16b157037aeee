"""The port for clients of the service we grew from. It knows no login, so it is off until its owner opens it.

A thread of its own, so that whatever a client does costs neither the node nor the live view anything.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import socket
import threading
from contextlib import suppress

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import Config
from pi_cam_node.core.events import Event, FramesSent, Replied
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import Connection
from pi_cam_node.tcp.timeouts import Timeouts

_log = logging.getLogger(__name__)

CLIENTS_MAX = 32
# So many more are told that it is busy; beyond them connections are cut without a word.
REFUSED_MAX = 32
# Each holds frames of the ring in memory until its client has taken them.
STREAMS_MAX = 4
BEAT_S = 1.0

_LOOPBACK = ("127.", "::1", "localhost")
_ADVICE = {
    errno.EADDRINUSE: "another program listens there; stop it, or change network.trigger_port",
    errno.EADDRNOTAVAIL: "this machine has no such address; change network.trigger_host",
    errno.EACCES: "ports below 1024 are not for everybody; change network.trigger_port",
}


class TextPort:
    """Listens for the old text commands, where ``network.trigger_enable`` says so.

    Args:
        config: Where to listen; read once.
        inbox: Takes the commands.
        clock: Says when they came.
        patience: The deadlines; tests have less.
    """

    def __init__(
        self,
        config: Config,
        inbox: Inbox,
        clock: Clock,
        patience: Timeouts | None = None,
        curtain: PrivacyGate | None = None,
    ) -> None:
        self._curtain = curtain or PrivacyGate()
        self._network = config.network
        self._inbox = inbox
        self._clock = clock
        self._patience = patience or Timeouts()
        self._numbers = itertools.count(1)
        self._clients: dict[str, Connection] = {}
        self._refusing = 0
        self._trouble = ""
        self._grace_s = 0.0
        self._closing = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self.loop = MonitoredThread("tcp-trigger", self._run, clock, before_restart=self._forget_clients)

    # ------------------------------------------------------------ for the node thread

    def start(self) -> None:
        """Begin to listen, if that is wanted; returns at once."""
        if self._network.trigger_enable:
            self.loop.start()

    def on_event(self, event: Event) -> None:
        """Pass a reply or a frame on to the client that asked over this port; never blocks."""
        loop = self._loop
        if loop is None or not isinstance(event, Replied | FramesSent) or event.origin != "tcp":
            return
        try:
            loop.call_soon_threadsafe(self._deliver, event)
        except RuntimeError as error:  # the loop has just ended
            _log.debug("nobody is left to be told: %s", error)

    def close(self, deadline_s: float) -> None:
        """Stop listening, let clients have replies that were told, and end the thread; return after the deadline."""
        self._grace_s = deadline_s / 2
        self._closing.set()
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._ended.set)
            except RuntimeError as error:
                _log.debug("it has ended already: %s", error)
        self.loop.join(deadline_s)

    # ------------------------------------------------------------ the port's own thread

    def _forget_clients(self) -> None:
        """Leave nothing of a dead predecessor: its connections went with it. Thread: the supervisor."""
        self._loop, self._refusing = None, 0
        self._clients.clear()

    def _run(self) -> None:
        while not self._closing.is_set():
            self.loop.beat(self._patience.bind_s)
            try:
                asyncio.run(self._serve())
            except Exception:
                _log.exception("the command port failed; it is opened again")
                self._closing.wait(self._patience.bind_s)

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._beat(self._loop)
        try:
            while not self._closing.is_set():
                server = await self._listen()
                try:
                    await self._wait(None if server else self._patience.bind_s)
                finally:  # also where the thread dies: its successor wants the port
                    if server:
                        server.close()
            await self._finish()
        finally:
            self._loop = None

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop.beat()
        loop.call_later(BEAT_S, self._beat, loop)

    async def _wait(self, seconds: float | None) -> None:
        """Wait for the end, for so many seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _listen(self) -> asyncio.Server | None:
        """Open the port; where that fails, say so once and return ``None``."""
        host, port = self._network.trigger_host, self._network.trigger_port
        try:
            server = await asyncio.start_server(self._welcome, host, port, reuse_address=True, start_serving=True)
        except (OSError, UnicodeError) as error:
            advice = _advice(error)
            if advice != self._trouble:
                self._trouble = advice
                _log.warning("no commands over TCP on %s port %d: %s; trying on", host, port, advice)
            return None
        self._trouble = ""
        _log.info("commands over TCP on %s port %d", host, port)
        if not host.startswith(_LOOPBACK):
            _log.warning("the command port knows no login: whoever reaches %s port %d commands this node", host, port)
        return server

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to a client, whatever it does; only its own connection can end by it."""
        number = str(next(self._numbers))
        conversation = Connection(number, (reader, writer), self._submit, self._patience, self._curtain)
        try:
            if len(self._clients) < CLIENTS_MAX:
                self._clients[number] = conversation
                await conversation.hold()
            else:
                await self._refuse(conversation)
        except OSError as error:
            _log.debug("a client was lost: %s", error)
        except Exception:
            _log.exception("a conversation failed")
        finally:
            self._clients.pop(number, None)
            conversation.abort()

    async def _refuse(self, conversation: Connection) -> None:
        if self._refusing >= REFUSED_MAX:
            return
        if not self._refusing:
            _log.warning("%d clients talk to the command port; more are refused", CLIENTS_MAX)
        self._refusing += 1
        try:
            await conversation.say("ERROR: busy")
            await conversation.part()
        finally:
            self._refusing -= 1

    def _submit(self, conversation: Connection, line: bytes) -> None:
        """Put a line to the node.

        Raises:
            Busy: It takes no more, or too many streams are being sent.
        """
        if conversation.streams and sum(c.streams for c in self._clients.values()) > STREAMS_MAX:
            raise Busy("ERROR: busy")
        arrival = CommandArrived("", line, self._clock.monotonic(), reply_to=conversation.number, origin="tcp")
        if not self._inbox.put(arrival):
            raise Busy("ERROR: busy")

    def _deliver(self, fact: FramesSent | Replied) -> None:
        conversation = self._clients.get(fact.reply_to or "")
        if conversation is None:
            _log.debug("the client of a reply is gone")
            return
        try:
            conversation.deliver(fact)
        except asyncio.QueueFull:
            _log.warning("more frames than a client can be sent; it is cut off")
            conversation.abort()

    async def _finish(self) -> None:
        """Let those who wait for an answer have what was told already, for a moment; the others are cut off."""
        for conversation in self._clients.values():
            if not conversation.asked:
                conversation.task.cancel()
        if tasks := [conversation.task for conversation in self._clients.values()]:
            await asyncio.wait(tasks, timeout=self._grace_s)


def _advice(error: Exception) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "no such name; change network.trigger_host"
    known = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
    return known or str(error)
