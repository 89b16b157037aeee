"""Interface of the camera for the node: takes a desired state, and puts frames and inputs into the inbox."""

from __future__ import annotations

import logging
import os
import random
import select
import weakref
from collections import deque
from dataclasses import replace

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.camera.catalogue import check
from pi_cam_node.camera.controller import CameraController
from pi_cam_node.camera.desired_state import FIRST_SESSION, DesiredState
from pi_cam_node.camera.source import Controls, controls_of
from pi_cam_node.camera.worker.base import Worker
from pi_cam_node.camera.worker.messages import Output, encode
from pi_cam_node.camera.worker.process import ProcessWorker
from pi_cam_node.camera.worker.spawn import Spawned
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.imaging.encoders import VideoOutput
from pi_cam_node.imaging.frame import Demand
from pi_cam_node.imaging.motion.interface import MotionSettings
from pi_cam_node.imaging.packet import TakePackets, no_packets
from pi_cam_node.imaging.polygon import Polygon, parse_polygon
from pi_cam_node.imaging.shared_planes import PlanesStore

_log = logging.getLogger(__name__)

# Part of the stop deadline that is reserved for the kernel to kill the process.
_KILL_S = 0.5
_LONGEST_WAIT_S = 5.0
_AFTER_A_FAULT_S = 1.0
_DEMANDS_MAX = 64
# Settling time of the motion detector after a switch by the node.
OWN_SWITCH_MAX_S = 3.0


class Camera:
    """The camera and its thread; the source runs in its own process unless disabled by the settings.

    Frame numbers increase over all restarts. A failed camera is retried without limit; see `RecoveryPolicy`.

    Thread: the node thread, except the properties.

    Attributes:
        planes: Shared planes of the newest pictures; none without a separate process.
    """

    def __init__(
        self,
        config: Config,
        inbox: Inbox,
        clock: Clock,
        spawned: Spawned | None = None,
        take_packets: TakePackets = no_packets,
    ) -> None:
        """Check the settings; start nothing.

        Args:
            config: The settings.
            inbox: Receives frames and inputs.
            clock: Tells the time.
            spawned: The camera's process, if started already.
            take_packets: Called with the packets of cameras that send them.

        Raises:
            ConfigError: `camera.source` names no source.
        """
        check(config.camera.source)
        self._isolate = config.camera.isolate
        self._spawned, self.planes, self._inbox = spawned, PlanesStore(), inbox
        self._desired = desired_state_of(config)
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._close_wakeup = weakref.finalize(self, os.close, self._wakeup)
        self._controller = CameraController(
            self._desired, self._launch, inbox, clock, lambda: random.uniform(0.8, 1.2), take_packets
        )
        self._poll = select.poll()
        self._watched = [-1]  # differs from any set of descriptors, so that the first wait registers them
        self._demands: deque[tuple[float, Demand]] = deque(maxlen=_DEMANDS_MAX)
        self._stopping = False
        self._stop_s = 0.0
        self.loop = MonitoredThread("camera", self._run, clock, before_restart=self._on_thread_restart)
        self._fault = False

    @property
    def restarts(self) -> int:
        """Child processes started, less the first."""
        return self._controller.restarts

    @property
    def pid(self) -> int | None:
        """Process id of the camera's process; ``None`` while there is none."""
        return self._controller.pid

    @property
    def is_stuck(self) -> bool:
        """Whether a source hangs in a thread of this process, which needs a restart of the node."""
        return self._controller.is_stuck

    @property
    def frames_skipped(self) -> int:
        """Number of images dropped before the inbox, because the node was too busy."""
        return self._controller.skipped

    def start(self) -> None:
        """Open the camera, without waiting for it."""
        self.loop.start()

    def set_controls(self, controls: Controls) -> None:
        """Set mode, exposure, gain and rate, also for later openings. Does not wait."""
        self._set(replace(self._desired, controls=controls, generation=self._desired.generation + 1))

    def reconfigure(self, config: Config) -> None:
        """Apply changed settings, reopening the camera only if necessary. Does not wait."""
        controls = controls_of(config, self._desired.controls.mode)
        generation = self._desired.generation
        if controls != self._desired.controls:
            generation += 1
        self._set(
            replace(
                self._desired,
                camera=config.camera,
                controls=controls,
                generation=generation,
                masks=_masks_of(config),
                output=output_of(config),
            )
        )

    def demand(self, after_mono_s: float, demand: Demand) -> None:
        """Request additional data with the first frame exposed at or after a monotonic time. Does not wait.

        A request may be lost with a frame or a process; the caller must repeat it.
        """
        self._demands.append((after_mono_s, demand))
        self._wake()

    def release(self) -> None:
        """Close the camera and end its process, until `acquire`. Does not wait; see `wait_released`."""
        if self.loop.is_alive:
            self._controller.released.clear()
        self._set(replace(self._desired, released=True))

    def acquire(self) -> None:
        """Open the camera again after `release`. Does not wait."""
        self._set(replace(self._desired, released=False))

    def wait_released(self, timeout_s: float) -> bool:
        """Wait until no process or thread of the node uses the camera; return false on timeout. Thread: any."""
        return self._controller.released.wait(timeout_s)

    def stop(self, deadline_s: float = 3.0) -> None:
        """Close the camera and end its process, if necessary by force. Safe to call twice, and before `start`."""
        self._stop_s = deadline_s
        self._stopping = True
        if self.loop.is_alive:
            self._wake()
            if not self.loop.join(deadline_s):
                _log.error("the camera did not stop within %g s", deadline_s)
                return
        if self._isolate:
            # A source that hangs in a thread of this process may still use it.
            self._close_wakeup()

    def _set(self, desired: DesiredState) -> None:
        # No lock: one thread writes and one reads immutable values.
        self._desired = desired
        self._wake()

    def _wake(self) -> None:
        if self._close_wakeup.alive:
            os.eventfd_write(self._wakeup, 1)

    def _launch(self) -> Worker:
        if not self._isolate:
            from pi_cam_node.camera.worker.thread import ThreadWorker  # noqa: PLC0415 - brings numpy

            return ThreadWorker(self._wake)
        if self._spawned and self._spawned.opened not in (None, self._desired.open_order(FIRST_SESSION)):
            self._end_spawned()  # it was started with other settings
        spawned, self._spawned = self._spawned, None
        return ProcessWorker(spawned, self.planes)

    def _end_spawned(self) -> None:
        """End the process started beforehand, if not used yet."""
        spawned, self._spawned = self._spawned, None
        if spawned is not None:
            ProcessWorker(spawned).end(0.0)

    def _on_thread_restart(self) -> None:
        # The kernel has killed the camera's process together with the thread that started it.
        self._fault = True

    def _run(self) -> None:
        while not self._stopping:
            self.loop.beat()
            try:
                if self._fault:
                    self._controller.restart("an internal fault; the log holds more")
                    self._fault = False
                desired = self._desired
                if desired.released:
                    self._end_spawned()  # first, since the controller then reports the camera as released
                self._controller.reconcile(desired)
                while self._demands:
                    self._controller.deliver(*self._demands.popleft())
                self._controller.step()
                self._wait(self._controller.wait_s, self._controller.descriptors)
            except Exception:
                _log.exception("internal fault in the camera controller; the camera is started anew")
                self._fault = True
                self._wait(_AFTER_A_FAULT_S, [])
        self._controller.close(max(0.0, self._stop_s - _KILL_S))

    def _wait(self, timeout_s: float, descriptors: list[int]) -> None:
        """Wait for reports, a changed desired state, or a timeout."""
        if descriptors != self._watched:
            self._watched, self._poll = descriptors, select.poll()
            for descriptor in (self._wakeup, *descriptors):
                self._poll.register(descriptor, select.POLLIN)
        timeout_ms = round(min(timeout_s, _LONGEST_WAIT_S) * 1000) + 1
        # Last, because the node thread wakes now and wants the interpreter.
        self._inbox.wake_for_frames()
        for descriptor, _ in self._poll.poll(timeout_ms):
            if descriptor == self._wakeup:
                os.eventfd_read(self._wakeup)


def desired_state_of(config: Config) -> DesiredState:
    """Return the desired state at the start of the node."""
    return DesiredState(
        config.camera,
        controls_of(config, "night" if config.night.override == "night" else "day"),
        released=config.privacy.enable,
        masks=_masks_of(config),
        output=output_of(config),
    )


def open_early(spawned: Spawned, config: Config) -> Spawned:
    """Have the process started beforehand open the camera while the node still imports.

    If the order cannot be sent now, the camera's thread sends it later.
    """
    order = desired_state_of(config).open_order(FIRST_SESSION)
    try:
        spawned.link.send(encode(order))
    except OSError as error:
        _log.debug("the camera is not opened yet: %s", error)
        return spawned
    return replace(spawned, opened=order)


def output_of(config: Config) -> Output:
    """Return the processing of pictures from the settings."""
    ring = config.ring
    ring_size = (ring.downscale.width, ring.downscale.height) if ring.downscale.enable else None
    name = config.node.name or config.node.id
    return Output(ring.quality, ring_size, config.overlay.text, name, _motion_settings(config), _video_output(config))


def _video_output(config: Config) -> VideoOutput | None:
    """Return the parameters of the board's encoder; ``None`` if nothing would be recorded."""
    recording = config.recording
    if recording.pre_roll == "pictures" or (recording.pre_roll == "auto" and recording.mode == "off"):
        return None
    return VideoOutput(recording.quality, config.camera.framerate)


def _masks_of(config: Config) -> tuple[Polygon, ...]:
    return tuple(map(parse_polygon, config.privacy.masks))


def _motion_settings(config: Config) -> MotionSettings | None:
    motion = config.motion
    if not motion.enable:
        return None
    return MotionSettings(
        motion.sensitivity,
        motion.night_sensitivity,
        motion.min_s,
        motion.idle_fps,
        motion.active_fps,
        tuple(parse_polygon(text) for text in motion.ignore),
        min(config.night.settle_s, OWN_SWITCH_MAX_S),
    )
