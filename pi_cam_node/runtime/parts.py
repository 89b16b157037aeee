"""Builds the parts around the core: camera, storage, recording, broker, HTTP and TCP, with what they need of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from pi_cam_node import __version__
from pi_cam_node.base.clock import Clock
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.camera.camera import Camera
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.core import Core
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.history import Waiting
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import DatabaseChanged
from pi_cam_node.core.media_ids import boot_part
from pi_cam_node.core.rules.memory_budget import encoded_budget_bytes, packets_budget_bytes
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.packet import TakePackets
from pi_cam_node.imaging.task_process import TaskProcess
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.mqtt.homeassistant.discovery import device_name
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.topics import topics_of
from pi_cam_node.mqtt.outbox import Outbox
from pi_cam_node.recording.encoder_pool import LiveSupply
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.films import Films
from pi_cam_node.recording.hls.live_video import MAIN, REMOTE, LiveVideo
from pi_cam_node.runtime.privacy_control import PrivacyControl
from pi_cam_node.runtime.startup import Start
from pi_cam_node.runtime.worker import Worker
from pi_cam_node.storage.disk_monitor import DiskMonitor
from pi_cam_node.storage.events.database import EventDatabase
from pi_cam_node.storage.events.rebuild import rows_in
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.tcp.server import TextPort
from pi_cam_node.web.server import WebServer

# Time for the first index of the folder: a hundred thousand pictures on a slow card take minutes.
DISK_PATIENCE_S = 300.0


class Parts:
    """The parts around the core, created but not started.

    Args:
        loaded: The settings at the start.
        start: Conditions of the start.
        clock: Tells the time.
        boot_id: Id of this run of the node.
        core: Returns the core, which is created after the parts; not called by their constructors.
        budget_bytes: Bytes for everything that grows with pictures; see `memory_budget`.

    Attributes:
        inbox: Queue of inputs for the node thread.
        worker: Worker thread.
        image_process: Process in which pictures are encoded and stacked.
        images: Image processing in that process.
        archive: Saved pictures.
        disk: Monitor of their disk.
        camera: Camera and its process.
        events: Database of events and films.
        films: Recorder.
        live: Live video.
        privacy: Ports of privacy and of ``erase``.
        topics: The node's topics.
        link: Connection to the broker.
        hub: Fan-out of live frames.
        tickets: Tickets of the HTTP server.
        web: HTTP server.
        text_port: TCP server.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        start: Start,
        clock: Clock,
        boot_id: str,
        core: Callable[[], Core],
        *,
        budget_bytes: int,
    ) -> None:
        config = loaded.config
        self.inbox = Inbox()
        self.worker = Worker(self.inbox, clock)
        self.image_process = TaskProcess(on_wait=self.worker.loop.beat)  # effective only on the worker's own thread
        self.images = ImageTasks(self.image_process.run)
        self.events = self._new_events(config, start, clock)
        self.archive = PictureArchive(
            config.export.base_dir, boot_id, clock, self.images, film_removed=self.events.forget_recording,
            packet_limit=lambda: self.link.packet_limit_bytes,
        )  # fmt: skip
        disk_work = partial(self.worker.submit, patience_s=DISK_PATIENCE_S)
        self.disk = DiskMonitor(self.archive, disk_work, self.inbox.put, clock, lambda: core().config)
        take_packets: TakePackets = lambda *came: self.films.camera_packets.take(*came)  # noqa: E731, PLW0108 - made later
        self.camera = Camera(config, self.inbox, clock, start.spawned, take_packets)
        self.films = self._new_films(config, clock, boot_id, core, budget_bytes)
        self.privacy = PrivacyControl(
            loaded, start, self.camera, self.events, self.films, lambda: self.live.close()  # noqa: PLW0108 - made below
        )  # fmt: skip
        self.live = LiveVideo(
            boot_id,
            clock,
            self.privacy.privacy_gate,
            packets={MAIN: self.films.live_packets, REMOTE: LiveSupply(self.films.remote_packets)},
            newest=lambda: core().ring.newest(),  # noqa: PLW0108 - the core is made later
            current=lambda: core().config,
            sound=self.films.sound,
        )
        self.topics = topics_of(config)
        self.link = self._new_link(config, clock, boot_id)
        self.hub = FrameHub(self.privacy.privacy_gate)
        self.tickets = Tickets(clock)
        web_info = {"id": config.node.id, "name": device_name(config.node), "version": __version__, "boot": boot_id}
        self.web = WebServer(
            config, self.inbox, self.hub, self.archive, clock, self.images, web_info, self.tickets, start.link_key,
            self.live,
        )  # fmt: skip
        self.text_port = TextPort(config, self.inbox, clock, self.privacy.privacy_gate)

    def _new_events(self, config: Config, start: Start, clock: Clock) -> EventDatabase:
        known = partial(rows_in, config.export.base_dir)
        return EventDatabase(
            start.events, clock, known, self._restore, lambda words: self.inbox.put(DatabaseChanged(words))
        )

    def _new_films(
        self, config: Config, clock: Clock, boot_id: str, core: Callable[[], Core], budget_bytes: int
    ) -> Films:
        folder = FilmFolder(
            config.export.base_dir.absolute(),
            boot_part(boot_id),
            clock,
            storage=lambda: core().config.storage,
            removed=self.events.forget_recording,
        )
        return Films(
            folder,
            clock,
            pictures=lambda mono_s: core().ring.reader(mono_s),  # noqa: PLW0108 - the core is made later
            current=lambda: core().config,
            post=self.inbox.put,
            event=lambda event_id: core().activity.event_facts(event_id),  # noqa: PLW0108 - as above
            is_private=lambda: self.privacy.privacy_gate.closed,
            packets_bytes=packets_budget_bytes(budget_bytes),
            encoded_bytes=encoded_budget_bytes(budget_bytes),
            planes=self.camera.planes,
        )

    def _new_link(self, config: Config, clock: Clock, boot_id: str) -> BrokerLink:
        return BrokerLink(
            config.mqtt,
            self.topics,
            self.inbox,
            clock,
            outbox=Outbox(self.events),
            privacy_filter=self.privacy.privacy_filter,
            boot_id=boot_id,
        )

    def _restore(self, waiting: Sequence[Waiting]) -> None:
        """Queue pending messages of an earlier run. Thread: the database's."""
        kinds = {each.number: each.topic.rpartition("/")[2] for each in waiting}
        self.link.queue.outbox.restore(waiting, {number: self.topics.event(kind) for number, kind in kinds.items()})

    @property
    def loops(self) -> list[MonitoredThread]:
        """All threads of the parts, for the watchdog."""
        threads = (self.worker, self.events, self.camera, self.link, self.web, self.text_port)
        return [*(part.loop for part in threads), *self.films.loops]

    def child_pids(self) -> list[int]:
        """Return the process ids of the camera, the image process and the encoders, while they run. Thread: any."""
        pids = (self.camera.pid, self.image_process.pid, *self.films.encoder_pids)
        return [pid for pid in pids if pid is not None]
