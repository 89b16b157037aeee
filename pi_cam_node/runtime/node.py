"""The composition root: builds the parts, starts and stops them in order, and runs the node thread.

Frames and inputs come in by the inbox; the core decides; what it says goes to every listener.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType

from pi_cam_node import __version__
from pi_cam_node.base import malloc
from pi_cam_node.base.clock import Clock, SystemClock
from pi_cam_node.base.heartbeat import Heartbeat
from pi_cam_node.base.time_sync import clock_is_set
from pi_cam_node.camera.camera import Camera
from pi_cam_node.camera.source import controls_of
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.writer import write_back
from pi_cam_node.core.core import Core
from pi_cam_node.core.entities import entities
from pi_cam_node.core.events import CameraChanged, Event, ModeWanted, SettingChanged
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.history import Links
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraOpened, Input
from pi_cam_node.core.ports import Ports
from pi_cam_node.core.rules.memory_budget import automatic_budget
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.mqtt.announcer import Announcer
from pi_cam_node.mqtt.homeassistant.discovery import device_name, discovery
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.topics import topics_of
from pi_cam_node.runtime.crash_loop_guard import CrashLoopGuard
from pi_cam_node.runtime.drain import drain_inbox
from pi_cam_node.runtime.event_log import log_event
from pi_cam_node.runtime.health import NodeHealth
from pi_cam_node.runtime.info import info_body
from pi_cam_node.runtime.privacy_control import PrivacyControl
from pi_cam_node.runtime.startup import Start, remembered
from pi_cam_node.runtime.watchdog import INTERNAL_CODE, Watchdog
from pi_cam_node.runtime.worker import Worker
from pi_cam_node.storage.disk_monitor import DiskMonitor
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.system import identity, log
from pi_cam_node.system.metrics import SystemMetrics
from pi_cam_node.system.systemd import SystemdNotifier
from pi_cam_node.tcp.server import TextPort
from pi_cam_node.web.context import media_path
from pi_cam_node.web.server import WebServer

_log = logging.getLogger(__name__)

# The node thread looks at the time at least this often.
TICK_S = 0.1
IDLE_TICK_S = 0.5
# A clean stop ends within five seconds: the camera, the work under way, the farewell.
CAMERA_STOP_S, WORKER_STOP_S, EDGE_STOP_S, FAREWELL_S = 1.5, 1.0, 0.5, 1.0
# A folder of a hundred thousand pictures on a slow card takes minutes to look through for the first time.
DISK_PATIENCE_S = 300.0
# So many failed steps in a row are no accident.
STEPS_FAILED_MAX = 100


class Node:
    """One camera, one broker, one thread that owns what they share."""

    _exit_code: int | None

    def __init__(self, loaded: LoadedConfig, clock: Clock | None = None, start: Start | None = None) -> None:
        loaded, start = remembered(loaded, start.private if start else None), start or Start()
        config = loaded.config
        self._path, self._base = loaded.path, loaded.content if start.has_last_good else None
        self._clock = clock or SystemClock()
        self._boot_id = identity.new_boot_id()
        self._exit_code, self._failed_steps = None, 0
        self._opened: CameraOpened | None = None
        self._inbox = Inbox()
        self._worker = Worker(self._inbox)
        self._repair = CrashLoopGuard(loaded, start, self._clock, self._worker.submit)
        self._archive = PictureArchive(
            config.export.base_dir, self._boot_id, self._clock, packet_limit=lambda: self._link.packet_limit_bytes
        )
        submit = partial(self._worker.submit, patience_s=DISK_PATIENCE_S)
        self._disk = DiskMonitor(self._archive, submit, self._inbox.put, self._clock)
        self._camera = Camera(config, self._inbox, self._clock, start.spawned)
        self._privacy = PrivacyControl(loaded, start, self._camera)
        self._topics = topics_of(config)
        self._link = BrokerLink(config.mqtt, self._topics, self._inbox, self._clock)
        self._link.queue.privacy_filter = self._privacy.privacy_filter
        self._vitals = SystemMetrics(self._archive.free_bytes, self._clock, lambda: self._camera.pid)
        self._core = Core(
            config,
            self._clock,
            self._ports(),
            boot_id=self._boot_id,
            budget_bytes=config.node.memory_bytes or automatic_budget(identity.available_bytes()),
            node_id=config.node.id,
        )
        self._announced_url: str | None = None
        self._hub = FrameHub(self._core.curtain)
        who = {"id": config.node.id, "name": device_name(config.node), "version": __version__}
        self._web = WebServer(config, self._inbox, self._hub, self._archive, self._clock, who)
        self._trigger = TextPort(config, self._inbox, self._clock, self._core.curtain)
        self._announcer = Announcer(
            self._topics, self._link, self._clock, lambda: self._core.config, self._info, self._discovery
        )
        self._wellbeing = NodeHealth(lambda: self._web.is_up, lambda: self._camera.is_stuck)
        self._supervisor = Watchdog(
            Heartbeat("node", self._clock),
            [part.loop for part in (self._worker, self._camera, self._link, self._web, self._trigger)],
            self._wellbeing,
            SystemdNotifier.of(os.environ),
            self._clock,
            self._give_up,
        )
        self._listeners = self._all_listeners()

    def _all_listeners(self) -> list[Callable[[Event], None]]:
        return [
            self._on_event,
            self._announcer.on_event,
            self._trigger.on_event,
            self._web.on_event,
            self._wellbeing.on_event,
            self._repair.on_event,
            log_event,
        ]

    def run(self) -> int:
        """Run until somebody asks for the end; return the exit code.

        Thread: the main thread, which becomes the node thread.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            while self._exit_code is None:
                self._turn()
        except BaseException:
            _log.critical("the node thread fails", exc_info=True)
            self._give_up("the node thread failed")
        finally:
            self._stop()
        return INTERNAL_CODE if self._exit_code is None else self._exit_code

    def stop(self, code: int = 0) -> None:
        """Ask for a clean stop. Thread: any, and signal handlers."""
        if self._exit_code is None:
            self._exit_code = code

    def _give_up(self, why: str) -> None:
        self.stop(INTERNAL_CODE)
        self._repair.give_up(why)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stop(0)
        _log.info("%s: stopping", signal.Signals(number).name)

    def _start(self) -> None:
        config = self._core.config
        _log.info("node %s (boot %s) starts, version %s", config.node.id, self._boot_id, __version__)
        self._announcer.start()
        self._worker.start()
        self._link.start()
        self._web.start()
        self._trigger.start()
        self._camera.set_controls(controls_of(config, self._core.night.mode))
        self._repair.announce(self._core.emit)
        if self._repair.leaves_camera or config.privacy.enable:
            self._wellbeing.leave_camera_alone("safe mode" if self._repair.leaves_camera else "privacy")
        if not self._repair.leaves_camera:
            self._camera.start()
        self._supervisor.start()
        self._disk.tidy(config)

    def _turn(self) -> None:
        """Take one message, or let time pass; an error in it is logged and never ends the node by itself."""
        self._supervisor.watch()
        try:
            behind = self._link.is_backlogged()  # replies would be lost: what the broker asks next waits
            wait_s = TICK_S if behind or self._core.is_waiting else IDLE_TICK_S
            self._step(self._inbox.take(wait_s, hold_broker=behind))
            self._failed_steps = 0
        except Exception:
            self._failed_steps += 1
            _log.exception("a step of the node failed (%d in a row)", self._failed_steps)
            if self._failed_steps >= STEPS_FAILED_MAX:
                self._give_up("every step of the node thread fails")

    def _step(self, message: Input | Frame | None) -> None:
        facts = self._core.step(message)
        if isinstance(message, Frame):
            self._hub.publish(self._core.latest)  # not one that waited behind the news of the camera's loss
        for event in facts:
            self._publish(event)
        if self._web.url != self._announced_url:
            self._announced_url = self._web.url
            self._announcer.announce()
        self._repair.tick(self._core.config)
        if self._repair.wants_camera():
            self._camera.start()
            self._announcer.announce()
        self._announcer.tick(self._core.config.telemetry.refresh_s)
        self._disk.tick(self._core.config)

    def _publish(self, event: Event) -> None:
        """Call every listener with an event; one that fails stops no other."""
        for on_event in self._listeners:
            try:
                on_event(event)
            except Exception:
                _log.exception("%s: a listener failed", type(event).__name__)

    def _on_event(self, event: Event) -> None:
        """Carry out what the core decided about the camera."""
        match event:
            case CameraOpened():
                if self._opened is None:
                    malloc.release_startup_memory()
                self._opened = event
            case ModeWanted(mode=mode):
                self._camera.set_controls(controls_of(self._core.config, mode))
            case SettingChanged():
                self._apply(event)
            case CameraChanged(online=False):
                self._hub.publish(None)

    def _apply(self, changed: SettingChanged) -> None:
        """Hand a changed setting to the part that it belongs to; parts take what they have already as no change."""
        config = self._core.config
        section = changed.key.partition(".")[0]
        if changed.key == "logging.level":
            log.set_level(config.logging.level)
        if section in ("camera", "night"):
            self._camera.set_controls(controls_of(config, self._core.wanted_mode))
            self._camera.reconfigure(config)
        if section == "storage":
            self._disk.tidy(config)

    def _stop(self) -> None:
        """End the parts in the order of their dependence; whoever still waits for an answer gets one."""
        self._supervisor.stopping()
        self._camera.stop(CAMERA_STOP_S)
        self._worker.stop(WORKER_STOP_S)
        for fact in drain_inbox(self._inbox, self._core, self._link.is_backlogged, self._clock):
            self._publish(fact)
        self._trigger.close(EDGE_STOP_S)
        self._web.close(EDGE_STOP_S)
        self._announcer.close(FAREWELL_S)
        if self._exit_code != INTERNAL_CODE:
            self._repair.end_in_order()
        self._supervisor.close(EDGE_STOP_S)
        _log.info("stopped with code %s", self._exit_code)

    def _ports(self) -> Ports:
        return Ports(
            self._archive,
            self._worker.submit,
            self._figures,
            lambda config: write_back(self._path, config, self._base),
            self.stop,
            self._privacy,
            lambda picture_id: self._web.signed(media_path(picture_id)),
            links=Links(
                lambda media_id: self._web.signed(f"{media_path(media_id)}/thumbnail"),
                lambda: {"url": self._web.url or "", "tls_sha256": ""},
                lambda: self._link.packet_limit_bytes,
            ),
            tickets=Tickets(self._clock),
        )

    def _figures(self) -> Mapping[str, object]:
        return {
            **self._vitals.read(),
            "frames_dropped": self._inbox.frames_dropped + self._camera.frames_skipped,
            "messages_refused": self._inbox.messages_refused,
            "storage": self._disk.code,
            "clock_set": clock_is_set(),
            "camera_restarts": self._camera.restarts,
            "broker_sessions": self._link.sessions,
            "mqtt": dict(self._link.figures()),
        }

    def _info(self, session: int) -> Mapping[str, object]:
        """Return the body of the info topic; it holds no secret."""
        config, start = self._core.config, {"boot": self._boot_id, "session": session, **self._repair.facts()}
        return info_body(config, self._opened, self._core.commands, start)

    def _discovery(self, config: Config) -> dict[str, object]:
        offered = entities(config, self._core.commands.values())
        board = {"model": identity.model(), "configuration_url": self._web.url or ""}
        return discovery(offered, self._topics, config, __version__, board)
