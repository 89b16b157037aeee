"""The composition root: builds the parts, and starts and stops them in order.

Frames and other inputs arrive in the inbox, the core decides, and resulting events go to the listeners, all in the
`RunLoop`. `Parts` builds everything around the core, and `ports_of` connects the two.
"""

from __future__ import annotations

import logging
import os
import signal
from types import FrameType

from pi_cam_node.base.clock import Clock, SystemClock
from pi_cam_node.base.threads import Heartbeat
from pi_cam_node.camera.source import controls_of
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.activity_events import MotionChanged
from pi_cam_node.core.core import Core
from pi_cam_node.core.rules.memory_budget import automatic_budget
from pi_cam_node.mqtt.announcer import Announcer
from pi_cam_node.mqtt.former_names import Rename
from pi_cam_node.mqtt.homeassistant.shown_pictures import ShownPictures
from pi_cam_node.runtime.camera_control import CameraControl
from pi_cam_node.runtime.crash_loop_guard import CrashLoopGuard
from pi_cam_node.runtime.event_log import EventLog, log_start
from pi_cam_node.runtime.health import NodeHealth
from pi_cam_node.runtime.info import NodeInfo
from pi_cam_node.runtime.parts import Parts
from pi_cam_node.runtime.ports import ports_of
from pi_cam_node.runtime.run_loop import RunLoop
from pi_cam_node.runtime.startup import Start, remembered
from pi_cam_node.runtime.watchdog import INTERNAL_CODE, Watchdog
from pi_cam_node.system import memory, process
from pi_cam_node.system.systemd import SystemdNotifier

_log = logging.getLogger(__name__)

# Deadlines of a clean stop, five seconds in total: camera, running work, offline message.
CAMERA_STOP_S, FILMS_STOP_S, WORKER_STOP_S, EDGE_STOP_S, OFFLINE_S = 1.5, 1.5, 1.0, 0.5, 1.0


class Node:
    """One camera, one broker, one thread that owns what they share."""

    def __init__(self, loaded: LoadedConfig, clock: Clock | None = None, start: Start | None = None) -> None:
        loaded, start = remembered(loaded, start.private if start else None), start or Start()
        config, clock, self._boot_id = loaded.config, clock or SystemClock(), process.new_boot_id()
        budget_bytes = config.node.memory_bytes or automatic_budget(memory.available_bytes())
        parts = self._parts = Parts(loaded, start, clock, self._boot_id, lambda: self._core, budget_bytes=budget_bytes)
        core = self._core = Core(
            config,
            clock,
            ports_of(parts, loaded, start, clock, self.stop),
            boot_id=self._boot_id,
            budget_bytes=budget_bytes,
            node_id=config.node.id,
        )
        self._loop = RunLoop(core, parts.inbox, clock, parts.link.is_backlogged, self._give_up)
        guard = self._guard = CrashLoopGuard(
            loaded, start, clock, parts.worker.submit, lambda: core.config, self._leave_safe_mode, core.faults.note
        )
        rename = self._rename = Rename(start.names, config, self._boot_id, parts.worker.submit)
        info = NodeInfo(core, parts, self._boot_id, guard, rename)
        self._announcer = Announcer(
            parts.topics, parts.link, clock, lambda: core.config, info.info, info.discovery, info.undecided,
            parts.camera.demand,
        )  # fmt: skip
        shown = ShownPictures(parts.topics, parts.link, clock, private=config.privacy.enable)
        self._health = NodeHealth(lambda: parts.web.is_up, lambda: parts.camera.is_stuck)
        notifier = SystemdNotifier.of(os.environ)
        self._watchdog = Watchdog(Heartbeat("node", clock), parts.loops, self._health, notifier, clock, self._give_up)
        self._loop.listeners = [
            CameraControl(core, parts.camera),
            parts.hub,
            parts.live,
            info,
            shown,  # before the events about a picture, upon which automations request it from Home Assistant
            self._announcer,
            parts.text_port,
            parts.web,
            self._health,
            guard,
            parts.disk,
            rename,
            EventLog(),
        ]
        self._loop.frame_listeners = [parts.hub, parts.films]
        self._loop.timed = [self._watchdog, parts.link, guard, self._announcer, shown, parts.disk, *parts.live.timed]

    def run(self) -> int:
        """Run until a stop is requested; return the exit code.

        Thread: the main thread, which becomes the node thread.
        """
        for number in process.stop_signals():
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
        """Request a clean stop. Thread: any, and signal handlers."""
        self._loop.stop(code)

    def _give_up(self, why: str) -> None:
        self.stop(INTERNAL_CODE)
        self._guard.give_up(why)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._loop.exit_code is None:  # a terminal and a launcher may both pass one on
            _log.info("%s: stopping", signal.Signals(number).name)
        self.stop(0)

    def _leave_safe_mode(self) -> None:
        self._parts.camera.start()
        self._announcer.announce()

    def _start(self) -> None:
        parts, config, guard = self._parts, self._core.config, self._guard
        log_start(config.node, self._boot_id)
        self._announcer.start()
        for zone in self._rename.gone_zones:
            self._announcer.on_event(MotionChanged(zone, None))
        for part in (parts.worker, parts.events, parts.films, parts.link, parts.web, parts.text_port):
            part.start()
        self._core.activity.pictures.last.reload(config)
        parts.camera.set_controls(controls_of(config, self._core.night.mode))
        guard.announce()
        if guard.leaves_camera or config.privacy.enable:
            self._health.leave_camera_alone("safe mode" if guard.leaves_camera else "privacy")
        if not guard.leaves_camera:
            parts.camera.start()
        self._watchdog.start()
        parts.disk.tidy()

    def _stop(self) -> None:
        """Stop the parts in order of dependence; pending commands are answered or refused."""
        parts = self._parts
        self._watchdog.stopping()
        parts.camera.stop(CAMERA_STOP_S)
        parts.live.close()
        parts.films.close(FILMS_STOP_S)
        parts.worker.stop(WORKER_STOP_S)
        parts.image_process.close()
        self._loop.drain()
        parts.text_port.close(EDGE_STOP_S)
        parts.web.close(EDGE_STOP_S)
        self._announcer.close(OFFLINE_S)
        parts.events.stop(EDGE_STOP_S)  # after the broker link, to record its last acknowledgements
        if self._loop.exit_code != INTERNAL_CODE:
            self._guard.end_in_order()
        self._watchdog.close(EDGE_STOP_S)
        _log.info("stopped with code %s", self._loop.exit_code)
