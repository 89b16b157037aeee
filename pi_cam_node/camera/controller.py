"""State machine of the camera: sends orders to the worker, converts images to frames, recovers when they stop.

It never waits; the camera's thread calls `step`.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from typing import Literal

from pi_cam_node.base.clock import Clock
from pi_cam_node.camera import timeouts
from pi_cam_node.camera.desired_state import DesiredState
from pi_cam_node.camera.frame_factory import FrameFactory, has_possible_times
from pi_cam_node.camera.freeze_detector import BLANK, FreezeDetector
from pi_cam_node.camera.recovery import RecoveryPolicy
from pi_cam_node.camera.timeouts import HangDetector
from pi_cam_node.camera.worker import messages as m
from pi_cam_node.camera.worker.base import Worker, WorkerLost
from pi_cam_node.core import inputs
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, CameraOpened, Input, PictureBlank, SwitchFailed
from pi_cam_node.imaging.frame import Demand
from pi_cam_node.imaging.packet import TakePackets, no_packets

_log = logging.getLogger(__name__)

_END_S = 0.5


class CameraController:
    """The state of the camera.

    Thread: one; the properties may be read by any.
    """

    def __init__(  # noqa: PLR0917 - the camera builds it, from left to right
        self,
        desired: DesiredState,
        launch: Callable[[], Worker],
        inbox: Inbox,
        clock: Clock,
        jitter: Callable[[], float],
        take_packets: TakePackets = no_packets,
    ) -> None:
        """Create the controller; start nothing.

        Args:
            desired: The initial desired state.
            launch: Starts a worker; raises OSError.
            inbox: Receives frames and inputs; the caller calls `Inbox.wake_for_frames` after `step`.
            clock: Tells the time.
            jitter: See `RecoveryPolicy`.
            take_packets: Takes the packets of cameras that send them.
        """
        self._desired = desired
        self._launch, self._inbox, self._clock, self._take_packets = launch, inbox, clock, take_packets
        self._policy, self._frame_factory = RecoveryPolicy(jitter), FrameFactory(clock)
        self._worker: Worker | None = None
        self._phase: Literal["waiting", "opening", "running", "released"] = "waiting"
        self._deadline = timeouts.FrameDeadline(clock, desired.controls)
        self._session = self._launched = self._opened_with = 0
        self._asked = self._granted = desired.controls
        self._refused = -1
        self._reported: tuple[str, str] | None = None
        self._skipped_before = self._skipped = 0
        self._freeze_detector = FreezeDetector()
        self._hang_detector = HangDetector(clock)
        self.released = threading.Event()
        self.released.set()
        if desired.released:
            self._release()

    @property
    def restarts(self) -> int:
        """Number of workers started after the first."""
        return max(0, self._launched - 1)

    @property
    def pid(self) -> int | None:
        """Process id of the worker, if any."""
        worker = self._worker
        return worker.pid if worker is not None else None

    @property
    def skipped(self) -> int:
        """Number of images dropped by workers."""
        return self._skipped_before + self._skipped

    @property
    def is_stuck(self) -> bool:
        """Whether the worker hangs and cannot be replaced, which needs a restart of the node. Thread: any."""
        return self._worker is not None and not self._worker.killable and self._hang_detector.is_overdue

    @property
    def descriptors(self) -> list[int]:
        """File descriptors that become readable with new reports."""
        return self._worker.descriptors if self._worker is not None else []

    @property
    def wait_s(self) -> float:
        """Seconds until the next deadline."""
        return self._deadline.wait_s

    def reconcile(self, desired: DesiredState) -> None:
        """Apply a new desired state."""
        old, self._desired = self._desired, desired
        if desired is old:
            return
        if desired.released:
            self._release()
        elif old.released:
            self._phase = "waiting"
            self._deadline.wait_for(0.0)
        elif desired.opening != old.opening:
            self._policy.reset()
            self._open(timeouts.RECONFIGURE_S)
        else:
            if self._phase == "running" and desired.generation != old.generation:
                self._apply()
            if self._worker is not None and desired.output != old.output:
                # Also while the camera opens: its order to open holds the former processing, and comes first.
                self._worker.send(m.Configure(desired.output))

    def step(self) -> None:
        """Process received reports, then passed deadlines."""
        if self._worker is not None:
            try:
                for report in self._worker.take():
                    self._hang_detector.answered()
                    self._on_report(report)
            except WorkerLost as lost:
                self._recover(str(lost), lost=True)
        if self._deadline.is_over:
            self._overdue()

    def deliver(self, after_mono_s: float, demand: Demand) -> None:
        """Request additional data with the first picture exposed after a monotonic time; ignored without a camera."""
        if self._worker is not None and self._phase == "running":
            self._worker.send(m.Deliver(after_mono_s, demand))

    def restart(self, reason: str) -> None:
        """Restart the worker after an internal fault."""
        self._recover(reason, lost=True)

    def close(self, deadline_s: float) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(deadline_s)

    def _release(self) -> None:
        """Close the camera, if necessary by force, and keep it closed."""
        self._phase = "released"
        self._deadline.wait_for(math.inf)
        self._policy.reset()
        if self._worker is None or self._worker.end(_END_S):
            self.released.set()
        elif not self._worker.killable:
            return
        self._worker = None  # or it hangs in the kernel with a pending SIGKILL

    def _on_report(self, report: m.Report) -> None:
        match report:
            case m.Ready() if report.session == self._session and self._phase == "opening":
                self._on_ready(report)
            case m.Arrived() if report.session == self._session and self._phase == "running":
                self._on_image(report)
            case m.Failed() if report.session == self._session and self._phase != "waiting":
                self._recover(report.reason)
            case m.Applied() if report.generation == self._desired.generation:
                self._granted = self._asked
                self._deadline.switched()
            case m.Refused() if report.generation == self._desired.generation:
                self._refused = report.generation
                self._deadline.switched()
                _log.warning("the camera refuses the mode %s: %s", report.mode, report.reason)
                self._put(SwitchFailed(report.mode, report.reason))

    def _on_ready(self, report: m.Ready) -> None:
        opened, self._phase, self._granted = report.opened, "running", self._asked
        self._skipped_before, self._skipped = self.skipped, 0
        self._deadline.opened()
        self._frame_factory.begin(opened)
        _log.info("%s is open, %d x %d", opened.source, *opened.size)
        self._put(CameraOpened(opened.source, opened.size, opened.controls, opened.settings, opened.tells_light))
        if self._desired.generation != self._opened_with:
            self._apply()

    def _on_image(self, report: m.Arrived) -> None:
        now_s, image = self._clock.monotonic(), report.image
        if not has_possible_times(image, now_s):
            self._recover("the camera's images bear impossible times")
            return
        if self._is_frozen(image, now_s):
            after_s = self._desired.camera.frozen_after_s
            self._recover(f"frozen: not one pixel of the picture changed for {after_s:g} s (camera.frozen_after_s)")
            return
        self._take_packets(self._session, self._frame_factory.size, image.packets)
        self._policy.frame_received(now_s)
        self._skipped = report.skipped
        self._reported = None
        self._deadline.frame_received(self._desired.controls)
        self._inbox.put_frame(self._frame_factory.frame(image))

    def _is_frozen(self, image: m.Image, now_s: float) -> bool:
        """Return whether the picture is frozen; report changes between blank and not blank."""
        after_s = self._desired.camera.frozen_after_s if self._frame_factory.is_live else 0.0
        before = self._freeze_detector.verdict
        verdict = self._freeze_detector.see(image.checksum, now_s, after_s, flat=image.flat)
        if before != verdict and "blank" in (before, verdict):
            self._put(PictureBlank(BLANK if verdict == "blank" else ""))
        return verdict == "frozen"

    # ------------------------------------------------------------ orders to the worker

    def _start(self) -> None:
        """Open the camera in the present or a new worker."""
        if self._worker is None:
            try:
                self._worker = self._launch()
            except OSError as error:
                self._recover(f"the camera process cannot be started: {error}", lost=True)
                return
            self.released.clear()
            self._launched += 1
        self._open(timeouts.OPEN_S)

    def _open(self, deadline_s: float) -> None:
        """Have the worker reopen the camera; start a worker if there is none."""
        if self._worker is None:
            self._start()
            return
        self._session += 1
        self._hang_detector.ordered()
        self._opened_with = self._desired.generation
        # Without controls that the camera has just refused, which would prevent opening.
        self._asked = self._granted if self._refused == self._desired.generation else self._desired.controls
        self._phase = "opening"
        self._deadline.opening(deadline_s, self._asked)
        self._worker.send(self._desired.open_order(self._session, self._asked))

    def _apply(self) -> None:
        if self._worker is None:
            return
        self._asked = self._desired.controls
        self._deadline.switching(self._asked)
        self._worker.send(m.Apply(self._desired.generation, self._desired.controls))

    # ------------------------------------------------------------ when frames stop

    def _overdue(self) -> None:
        if self._phase == "waiting":
            self._start()
        elif self._phase == "opening":
            self._recover(inputs.NOT_OPENED)
        else:
            self._recover(inputs.NO_FRAMES)

    def _recover(self, reason: str, *, lost: bool = False) -> None:
        """Take the next step of the recovery policy, and report it."""
        if self._phase == "released":
            self._release()
            return
        worker = self._worker
        killable = worker is None or worker.killable
        step, pause_s = self._policy.next_step(lost=lost, killable=killable)
        if worker is not None and (lost or (killable and step != "reopen")):
            self._discard(worker, 0.0 if lost else _END_S)
        self._report(reason, step)
        if step == "wait":
            self._phase = "waiting"
            self._deadline.wait_for(pause_s)
        elif step == "reopen":
            self._open(timeouts.REOPEN_S)
        else:
            self._start()

    def _discard(self, worker: Worker, deadline_s: float) -> None:
        """End a worker; a thread that does not end is kept, and prevents a second one."""
        self._worker = None
        if not worker.end(deadline_s) and not worker.killable:
            self._worker = worker

    def _report(self, reason: str, step: Literal["reopen", "respawn", "wait"]) -> None:
        if self._reported == (reason, step):
            return
        self._reported = (reason, step)
        _log.warning("no frames from the camera: %s; next: %s", reason, step)
        self._put(CameraFailed(reason, step, self.restarts))

    def _put(self, arrival: Input) -> None:
        if not self._inbox.put(arrival):
            _log.error("the node is too busy to hear: %s", arrival)
