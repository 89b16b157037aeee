"""The composition root: builds the parts, and starts and stops them in order.

Frames and other inputs come in by the inbox; the core decides; what follows from it goes to the listeners as events.
The `RunLoop` is what runs.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from functools import partial
from types import FrameType

from pi_cam_node import __version__
from pi_cam_node.base.clock import Clock, SystemClock
from pi_cam_node.base.threads import Heartbeat
from pi_cam_node.camera.camera import Camera
from pi_cam_node.camera.source import controls_of
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.sections.node import has_container_id
from pi_cam_node.config.writer import write_back
from pi_cam_node.core.core import Core
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.ports import Links, Ports
from pi_cam_node.core.rules.memory_budget import automatic_budget
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.task_process import TaskProcess
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.mqtt.announcer import Announcer
from pi_cam_node.mqtt.homeassistant.discovery import device_name
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.topics import topics_of
from pi_cam_node.recording.films import Films
from pi_cam_node.runtime.camera_control import CameraControl
from pi_cam_node.runtime.crash_loop_guard import CrashLoopGuard
from pi_cam_node.runtime.drain import drain_inbox
from pi_cam_node.runtime.event_log import EventLog
from pi_cam_node.runtime.figures import figures_of
from pi_cam_node.runtime.health import NodeHealth
from pi_cam_node.runtime.info import NodeInfo
from pi_cam_node.runtime.privacy_control import PrivacyControl
from pi_cam_node.runtime.rename import Rename
from pi_cam_node.runtime.run_loop import RunLoop
from pi_cam_node.runtime.startup import Start, remembered
from pi_cam_node.runtime.watchdog import INTERNAL_CODE, Watchdog
from pi_cam_node.runtime.worker import Worker
from pi_cam_node.storage.disk_monitor import DiskMonitor
from pi_cam_node.storage.events.database import EventDatabase
from pi_cam_node.storage.events.rebuild import rows_in
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.system import identity
from pi_cam_node.system.limits import tight_limits
from pi_cam_node.system.metrics import SystemMetrics
from pi_cam_node.system.systemd import SystemdNotifier
from pi_cam_node.tcp.server import TextPort
from pi_cam_node.web.context import media_path
from pi_cam_node.web.server import WebServer

_log = logging.getLogger(__name__)

# A clean stop ends within five seconds: the camera, the work under way, the offline message.
CAMERA_STOP_S, FILMS_STOP_S, WORKER_STOP_S, EDGE_STOP_S, OFFLINE_S = 1.5, 1.5, 1.0, 0.5, 1.0
# A folder of a hundred thousand pictures on a slow card takes minutes to look through for the first time.
DISK_PATIENCE_S = 300.0
CONTAINER_ID = (
    "node.id is {}, which looks like a container's host name: made anew, the container is another device, and the old "
    "one stays; name the node in the configuration file, `node: {{id: porch}}`, or by PI_CAM_NODE__NODE__ID=porch"
)


class Node:
    """One camera, one broker, one thread that owns what they share."""

    def __init__(self, loaded: LoadedConfig, clock: Clock | None = None, start: Start | None = None) -> None:
        loaded, start = remembered(loaded, start.private if start else None), start or Start()
        config, clock, self._boot_id = loaded.config, clock or SystemClock(), identity.new_boot_id()
        self._clock, self._inbox = clock, Inbox()
        self._worker = Worker(self._inbox)
        self._image_process = TaskProcess()
        images = ImageTasks(self._image_process.run)
        self._archive = PictureArchive(
            config.export.base_dir, self._boot_id, clock, images, packet_limit=lambda: self._link.packet_limit_bytes
        )
        disk_work = partial(self._worker.submit, patience_s=DISK_PATIENCE_S)
        self._disk = DiskMonitor(self._archive, disk_work, self._inbox.put, clock, lambda: self._core.config)
        self._camera = Camera(config, self._inbox, clock, start.spawned)
        self._events = EventDatabase(start.events, clock, partial(rows_in, config.export.base_dir))
        self._films = Films(
            config,
            self._boot_id,
            clock,
            pictures=lambda mono_s: self._core.ring.reader(mono_s),  # noqa: PLW0108 - the core is made later
            current=lambda: self._core.config,
            post=self._inbox.put,
            event=lambda event_id: self._core.activity.event_facts(event_id),  # noqa: PLW0108 - as above
        )
        self._privacy = PrivacyControl(loaded, start, self._camera, self._events, self._films)
        self._topics = topics_of(config)
        self._link = BrokerLink(config.mqtt, self._topics, self._inbox, clock, boot_id=self._boot_id)
        self._link.queue.privacy_filter = self._privacy.privacy_filter
        self._core = Core(
            config,
            clock,
            self._ports(loaded, start, images),
            boot_id=self._boot_id,
            budget_bytes=config.node.memory_bytes or automatic_budget(identity.available_bytes()),
            node_id=config.node.id,
        )
        self._hub = FrameHub(self._core.privacy_gate)
        name = device_name(config.node)
        web_info = {"id": config.node.id, "name": name, "version": __version__, "boot": self._boot_id}
        self._web = WebServer(
            config, self._inbox, self._hub, self._archive, clock, images, web_info, self._core.tickets, start.link_key
        )
        self._text_port = TextPort(config, self._inbox, clock, self._core.privacy_gate)
        self._join(loaded, start, clock)

    def _ports(self, loaded: LoadedConfig, start: Start, images: ImageTasks) -> Ports:
        base = loaded.content if start.has_last_good else None
        system = SystemMetrics(self._archive.free_bytes, self._clock, lambda: self._camera.pid)
        return Ports(
            self._archive,
            self._worker.submit,
            lambda: figures_of(system, self._inbox, self._camera, self._disk, self._link),
            lambda config: write_back(loaded.path, config, base),
            self.stop,
            self._privacy,
            images,
            self._camera.demand,
            lambda picture_id: self._web.signed(media_path(picture_id)),
            links=Links(
                lambda media_id: self._web.signed(f"{media_path(media_id)}/thumbnail"),
                self._web_address,
                lambda: self._link.packet_limit_bytes,
            ),
            tickets=Tickets(self._clock),
            events=self._events,
            recorder=self._films,
        )

    def _web_address(self) -> Mapping[str, object]:
        """Return where the HTTP server is found, always told, and by which certificate it is known."""
        return {"url": self._web.address, "tls_sha256": self._web.tls_sha256}

    def _join(self, loaded: LoadedConfig, start: Start, clock: Clock) -> None:
        """Build what binds the parts together: the loop, its listeners, and what watches over them."""
        core, link = self._core, self._link
        self._loop = RunLoop(core, self._inbox, clock, link.is_backlogged, self._give_up)
        self._guard = CrashLoopGuard(
            loaded, start, clock, self._worker.submit, lambda: core.config, self._leave_safe_mode, core.faults.note
        )
        rename = Rename(start.names, loaded.config, self._boot_id, self._worker.submit)
        info = NodeInfo(
            core,
            self._boot_id,
            self._topics,
            lambda: {**self._guard.facts(), "formerly": rename.former_ids},
            lambda: self._web.url,
            self._web_address,
        )
        self._announcer = Announcer(self._topics, link, clock, lambda: core.config, info.info, info.discovery)
        self._health = NodeHealth(lambda: self._web.is_up, lambda: self._camera.is_stuck)
        self._watchdog = Watchdog(
            Heartbeat("node", clock),
            [
                *(part.loop for part in (self._worker, self._events, self._camera, link, self._web, self._text_port)),
                *self._films.loops,
            ],
            self._health,
            SystemdNotifier.of(os.environ),
            clock,
            self._give_up,
        )
        self._loop.listeners = [
            CameraControl(core, self._camera),
            self._hub,
            info,
            self._announcer,
            self._text_port,
            self._web,
            self._health,
            self._guard,
            self._disk,
            rename,
            EventLog(),
        ]
        self._loop.timed = [self._watchdog, link, self._guard, self._announcer, self._disk]

    def run(self) -> int:
        """Run until somebody asks for the end; return the exit code.

        Thread: the main thread, which becomes the node thread.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            self._loop.run()
        except BaseException:
            _log.critical("the node thread fails", exc_info=True)
            self._give_up("the node thread failed")
        finally:
            self._stop()
        return INTERNAL_CODE if self._loop.exit_code is None else self._loop.exit_code

    def stop(self, code: int = 0) -> None:
        """Ask for a clean stop. Thread: any, and signal handlers."""
        self._loop.stop(code)

    def _give_up(self, why: str) -> None:
        self.stop(INTERNAL_CODE)
        self._guard.give_up(why)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stop(0)
        _log.info("%s: stopping", signal.Signals(number).name)

    def _leave_safe_mode(self) -> None:
        self._camera.start()
        self._announcer.announce()

    def _start(self) -> None:
        config = self._core.config
        _log.info("node %s (boot %s) starts, version %s", config.node.id, self._boot_id, __version__)
        for line in tight_limits():
            _log.warning("%s", line)
        if has_container_id(config.node):
            _log.warning("%s", CONTAINER_ID.format(config.node.id))
        self._announcer.start()
        for part in (self._worker, self._events, self._films, self._link, self._web, self._text_port):
            part.start()
        self._camera.set_controls(controls_of(config, self._core.night.mode))
        self._guard.announce()
        if self._guard.leaves_camera or config.privacy.enable:
            self._health.leave_camera_alone("safe mode" if self._guard.leaves_camera else "privacy")
        if not self._guard.leaves_camera:
            self._camera.start()
        self._watchdog.start()
        self._disk.tidy()

    def _stop(self) -> None:
        """End the parts in the order of their dependence; commands that still wait are answered or refused."""
        self._watchdog.stopping()
        self._camera.stop(CAMERA_STOP_S)
        self._films.close(FILMS_STOP_S)
        self._worker.stop(WORKER_STOP_S)
        self._image_process.close()
        for event in drain_inbox(self._inbox, self._core, self._link.is_backlogged, self._clock):
            self._loop.publish(event)
        self._events.stop(EDGE_STOP_S)
        self._text_port.close(EDGE_STOP_S)
        self._web.close(EDGE_STOP_S)
        self._announcer.close(OFFLINE_S)
        if self._loop.exit_code != INTERNAL_CODE:
            self._guard.end_in_order()
        self._watchdog.close(EDGE_STOP_S)
        _log.info("stopped with code %s", self._loop.exit_code)
