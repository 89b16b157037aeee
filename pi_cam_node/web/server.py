"""HTTP server of the node, in a thread with its own event loop; no other thread waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pi_cam_node.base.clock import Clock, clock_is_set
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import Config
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.events import Event, FramesSent, LiveFrameDue, ModeWanted, Replied, SettingChanged
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import HttpAddressChanged
from pi_cam_node.core.ports import LiveVideoPort, NoLiveVideo
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.api.command_bridge import CommandBridge
from pi_cam_node.web.auth.signed_links import FILE_NAME, SignedLinks
from pi_cam_node.web.context import PictureStore, WebContext
from pi_cam_node.web.http.service import HttpService
from pi_cam_node.web.program import NodeProgram
from pi_cam_node.web.state import StateCache

_log = logging.getLogger(__name__)

# Events that the server ignores.
_UNUSED = (LiveFrameDue, ModeWanted)
# Threads of the default executor, for encoding, DNS and key files; pictures are read in `disk_pool`.
WORKERS = 2
# Enough for seconds of events; more means that the event loop hangs.
EVENTS_WAITING_MAX = 2000


class WebServer:
    """HTTP server of the node; does nothing if ``mjpeg_server.enable`` is off.

    Args:
        config: The settings at the start.
        inbox: Receives commands of clients.
        hub: Live frames.
        pictures: Saved pictures.
        clock: Tells the time.
        images: Image processing.
        info: Id, name and version of the node.
        tickets: Secrets that grant the right *view*.
        link_key: File with the key of signed links; by default beside the pictures.
        live: Live video; optional.
    """

    def __init__(  # noqa: PLR0917 - the composition root builds it, from left to right
        self,
        config: Config,
        inbox: Inbox,
        hub: FrameHub,
        pictures: PictureStore,
        clock: Clock,
        images: ImageTasks,
        info: Mapping[str, str],
        tickets: Tickets | None = None,
        link_key: Path | None = None,
        live: LiveVideoPort | None = None,
    ) -> None:
        self._enabled = config.mjpeg_server.enable
        self._tickets = tickets or Tickets(clock)
        key_file = link_key or config.export.base_dir / FILE_NAME
        self._links = SignedLinks(clock, key_file if self._enabled else None, clock_is_set)
        self._state = StateCache(config, clock)
        self._commands = CommandBridge(inbox, clock)
        self.context = WebContext(
            hub, pictures, self._commands.run, self._links, self._state.state, clock, images, info,
            live or NoLiveVideo(),
        )  # fmt: skip
        self._inbox = inbox
        self._service = self._new_service()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: LoopQueue | None = None
        self.loop = MonitoredThread("http", self._run, clock, before_restart=self._prepare)
        if self._enabled:
            self._prepare()

    @property
    def is_up(self) -> bool:
        """Whether the server serves, is disabled, or has logged why it cannot serve. Thread: any."""
        return not self._enabled or self._service.url is not None or self._service.is_in_trouble

    @property
    def url(self) -> str | None:
        """Address for other machines; ``None`` while the server is down or on loopback only. Thread: any."""
        return self._service.public_url

    @property
    def address(self) -> str:
        """Address of the server, perhaps loopback; empty while the server is down. Thread: any."""
        return self._service.public_url or self._service.url or ""

    @property
    def tls_sha256(self) -> str:
        """SHA-256 of the certificate's DER, in hex; empty without TLS. Thread: any."""
        return self._service.tls_sha256

    def signed(self, path: str) -> str | None:
        """Return an absolute signed link, valid for a week; ``None`` while the server is down. Thread: any."""
        return self.address + self._links.sign(path) if self.address else None

    def start(self) -> None:
        """Start the server's thread; returns at once, even if the port cannot be bound."""
        if self._enabled:
            self.loop.start()

    def on_event(self, event: Event) -> None:
        """Queue an event for the server's thread. Thread: the node thread."""
        if _ends_links(event):
            self._links.end_all()  # at once; the key file is written later
        # Replies for other clients do not wake the server's thread, which would delay the node thread.
        is_for_others = isinstance(event, Replied | FramesSent) and event.origin != "http"
        if self._queue is not None and not is_for_others and not isinstance(event, _UNUSED):
            self._queue.put(event)

    def close(self, deadline_s: float) -> None:
        """Close every connection and end the thread.

        Args:
            deadline_s: Greatest wait for the thread.
        """
        if self._loop is None or self._loop.is_closed():
            return
        if not self.loop.was_started:
            self._loop.close()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closing already
            self._loop.call_soon_threadsafe(self._service.stop)
        if not self.loop.join(deadline_s):
            _log.warning("the HTTP server did not end within %.1f s", deadline_s)

    def _take(self, event: Event) -> None:
        self._state.on_event(event)
        self._commands.on_event(event)
        if _ends_links(event):
            asyncio.get_running_loop().run_in_executor(None, self._links.save)

    def _new_service(self) -> HttpService:
        return HttpService(NodeProgram(self.context, self._tickets), self._on_address)

    def _on_address(self, url: str | None) -> None:
        """Send the node thread the public address. Thread: the server's."""
        self._inbox.put(HttpAddressChanged(url))

    def _prepare(self) -> None:
        """Create the state of one run of the thread."""
        self._service = self._new_service()
        self._loop = asyncio.new_event_loop()
        self._queue = LoopQueue(self._loop, self._take)

    def _run(self) -> None:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        self.loop.beat_along(self._loop)
        self._loop.set_default_executor(ThreadPoolExecutor(WORKERS, "http-work"))
        try:
            self._loop.run_until_complete(self._service.run())
        finally:
            self._loop.run_until_complete(_end_tasks())
            self._loop.close()


class LoopQueue:
    """Bounded queue that calls a function on an event loop for each item; never blocks.

    Args:
        loop: The event loop.
        take: Called with each item, on the loop's thread.

    Attributes:
        dropped: Number of items dropped because the queue was full.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[Event], None]) -> None:
        self._loop = loop
        self._take = take
        self._waiting: deque[Event] = deque()
        self.dropped = 0

    def put(self, item: Event) -> None:
        """Queue an item; dropped and counted if the queue is full.

        Thread: any but the loop's.
        """
        if len(self._waiting) >= EVENTS_WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(item)
        try:
            self._loop.call_soon_threadsafe(self._next)
        except RuntimeError:  # the loop is closed
            self._waiting.clear()
            _log.debug("the web server has ended and takes no more events")

    def _next(self) -> None:
        if self._waiting:
            self._take(self._waiting.popleft())


def _ends_links(event: Event) -> bool:
    return isinstance(event, SettingChanged) and event.key == PRIVACY_KEY and event.value is True


async def _end_tasks() -> None:
    """Cancel remaining tasks, so that closing the loop logs no warnings."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # lets connection_lost of just closed connections run
