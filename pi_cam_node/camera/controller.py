"""Keeps the camera going: passes wishes to its worker, makes frames of its images, brings it back when they stop.

A state machine without threads or waiting of its own; `camera.py` lets it turn.
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
from pi_cam_node.camera.frame_factory import FrameFactory
from pi_cam_node.camera.freeze_detector import Watch
from pi_cam_node.camera.hang_detector import HangDetector
from pi_cam_node.camera.recovery import RecoveryPolicy, frame_deadline_s, hidden_s
from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.base import Worker, WorkerLost
from pi_cam_node.camera.worker.messages import Applied, Apply, Arrived, Failed, Open, Ready, Refused, Report
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, CameraOpened, Input, SwitchFailed

log = logging.getLogger(__name__)

_END_S = 0.5


class CameraController:
    """The state of the camera.

    Thread: one; the properties may be read by any.
    """

    def __init__(
        self,
        wishes: DesiredState,
        launch: Callable[[], Worker],
        inbox: Inbox,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        """Start nothing yet.

        Args:
            wishes: What the camera shall be at first.
            launch: Starts a worker; raises OSError where it cannot.
            inbox: Takes frames and arrivals.
            clock: Tells the time.
            jitter: See `RecoveryPolicy`.
        """
        self._wishes = wishes
        self._launch, self._inbox, self._clock = launch, inbox, clock
        self._ladder, self._framer = RecoveryPolicy(jitter), FrameFactory(clock, wishes.masks)
        self._worker: Worker | None = None
        self._phase: Literal["waiting", "opening", "running", "held"] = "waiting"
        self._due_mono_s = clock.monotonic()
        self._session = self._launched = self._opened_with = 0
        self._opened: Opened | None = None
        self._first_frame_s = timeouts.FIRST_FRAME_S
        self._patience_s = frame_deadline_s(wishes.controls)
        self._switching = False
        self._asked = self._granted = wishes.controls
        self._refused = -1
        self._reported: tuple[str, str] | None = None
        self._skipped_before = self._skipped = 0
        self._watch = Watch(self._tell)
        self._unanswered = HangDetector(clock)
        self.online = False
        self.released = threading.Event()
        self.released.set()
        if wishes.held:
            self._hold()

    # ------------------------------------------------------------ what others want to know

    @property
    def restarts(self) -> int:
        """Workers started, less the first."""
        return max(0, self._launched - 1)

    @property
    def pid(self) -> int | None:
        """Process id of the worker, where there is one."""
        worker = self._worker
        return worker.pid if worker is not None else None

    @property
    def skipped(self) -> int:
        """Images that the worker could not hand over."""
        return self._skipped_before + self._skipped

    @property
    def is_stuck(self) -> bool:
        """Whether the worker hangs and cannot be replaced: only a new process of ours can help. Thread: any."""
        return self._worker is not None and not self._worker.killable and self._unanswered.is_overdue

    @property
    def descriptors(self) -> list[int]:
        """What becomes readable when there is something to do."""
        return self._worker.descriptors if self._worker is not None else []

    @property
    def wait_s(self) -> float:
        """Seconds until something is overdue."""
        return max(0.0, self._due_mono_s - self._clock.monotonic())

    # ------------------------------------------------------------ what is asked of it

    def obey(self, wishes: DesiredState) -> None:
        """Act on what changed."""
        old, self._wishes = self._wishes, wishes
        if wishes is old:
            return
        if wishes.held:
            self._hold()
        elif old.held:
            self._phase, self._due_mono_s = "waiting", self._clock.monotonic()
        elif wishes.opening != old.opening:
            self._ladder.fresh()
            self._open(timeouts.RECONFIGURE_S)
        elif wishes.number != old.number and self._phase == "running":
            self._apply()

    def turn(self) -> None:
        """Take in what came, then see to what is overdue."""
        if self._worker is not None:
            try:
                for note in self._worker.take():
                    self._unanswered.answered()
                    self._hear(note)
            except WorkerLost as lost:
                self._fall(str(lost), lost=True)
        if self._clock.monotonic() >= self._due_mono_s:
            self._overdue()

    def recover(self, reason: str) -> None:
        """Begin anew after a fault of ours."""
        self._fall(reason, lost=True)

    def close(self, deadline_s: float) -> None:
        """End the worker."""
        self.online = False
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end(deadline_s)

    def _hold(self) -> None:
        """Let go of the camera, by force where it must be, and leave it alone."""
        self._phase, self._due_mono_s, self.online = "held", math.inf, False
        self._ladder.fresh()
        if self._worker is None or self._worker.end(_END_S):
            self.released.set()
        elif not self._worker.killable:
            return
        self._worker = None  # or it hangs in the kernel, which has its signal

    # ------------------------------------------------------------ what the worker says

    def _hear(self, note: Report) -> None:
        match note:
            case Ready() if note.session == self._session and self._phase == "opening":
                self._on_ready(note)
            case Arrived() if note.session == self._session and self._phase == "running":
                self._on_image(note)
            case Failed() if note.session == self._session and self._phase != "waiting":
                self._fall(note.reason)
            case Applied() if note.number == self._wishes.number:
                self._granted = self._asked
                self._end_switch()
            case Refused() if note.number == self._wishes.number:
                self._refused = note.number
                self._end_switch()
                log.warning("the camera refuses the mode %s: %s", note.mode, note.reason)
                self._tell(SwitchFailed(note.mode, note.reason))

    def _on_ready(self, note: Ready) -> None:
        self._opened, self._phase, self._granted = note.opened, "running", self._asked
        self._skipped_before, self._skipped = self.skipped, 0
        self._due_mono_s = self._clock.monotonic() + max(self._first_frame_s, self._patience_s)
        self._framer.begin(note.opened)
        log.info("%s is open, %d x %d", note.opened.source, *note.opened.size)
        self._tell(CameraOpened(note.opened.source, note.opened.size, note.opened.controls))
        if self._wishes.number != self._opened_with:
            self._apply()

    def _on_image(self, note: Arrived) -> None:
        now_s, shot = self._clock.monotonic(), note.shot
        if not 0 <= shot.exposed_mono_s <= shot.captured_mono_s <= now_s + 1:
            self._fall("the camera's images bear impossible times")
            return
        frozen_after_s = self._wishes.camera.frozen_after_s if self._framer.is_live else 0.0
        if self._watch.look(shot.pixels, now_s, frozen_after_s) == "frozen":
            self._fall("frozen: not one pixel of the picture changes")
            return
        self._inbox.put_frame(self._framer.frame(shot))
        self._ladder.frame(now_s)
        self._skipped = note.skipped
        self.online, self._reported = True, None
        if not self._switching:
            self._patience_s = frame_deadline_s(self._wishes.controls)
        self._due_mono_s = now_s + self._patience_s

    # ------------------------------------------------------------ what the worker is told

    def _start(self) -> None:
        """Open the camera in the worker there is, or in a new one."""
        if self._worker is None:
            try:
                self._worker = self._launch()
            except OSError as error:
                self._fall(f"the camera process cannot be started: {error}", lost=True)
                return
            self.released.clear()
            self._launched += 1
        self._open(timeouts.OPEN_S)

    def _open(self, deadline_s: float) -> None:
        """Let the worker close what it has and open the camera; start one where there is none."""
        if self._worker is None:
            self._start()
            return
        self._session += 1
        self._unanswered.ordered()
        self._opened_with = self._wishes.number
        # What it refused a moment ago would keep it from opening at all.
        self._asked = self._granted if self._refused == self._wishes.number else self._wishes.controls
        self._phase, self._switching, self.online = "opening", False, False
        # A camera that was reopened because it hung and hangs again shall not be waited for so long.
        self._first_frame_s = (0.0 if deadline_s == timeouts.REOPEN_S else timeouts.FIRST_FRAME_S) + hidden_s(
            self._asked
        )
        self._patience_s = frame_deadline_s(self._asked)
        self._due_mono_s = self._clock.monotonic() + deadline_s
        self._worker.send(Open(self._session, self._wishes.camera, self._asked, self._wishes.masks))

    def _apply(self) -> None:
        if self._worker is None:
            return
        self._switching, self._asked = True, self._wishes.controls
        switch_s = max(timeouts.SWITCH_S, hidden_s(self._asked))
        self._patience_s = max(self._patience_s, frame_deadline_s(self._asked) + switch_s)
        self._due_mono_s = self._clock.monotonic() + self._patience_s
        self._worker.send(Apply(self._wishes.number, self._wishes.controls))

    def _end_switch(self) -> None:
        self._switching = False
        self._due_mono_s = self._clock.monotonic() + self._patience_s

    # ------------------------------------------------------------ when frames stop

    def _overdue(self) -> None:
        if self._phase == "waiting":
            self._start()
        elif self._phase == "opening":
            self._fall("the camera does not open")
        else:
            self._fall("no frames")

    def _fall(self, reason: str, *, lost: bool = False) -> None:
        """Take the next step of the ladder, and say so."""
        if self._phase == "held":
            self._hold()
            return
        self.online = False
        worker = self._worker
        killable = worker is None or worker.killable
        step, pause_s = self._ladder.fall(lost=lost, killable=killable)
        if worker is not None and (lost or (killable and step != "reopen")):
            self._discard(worker, 0.0 if lost else _END_S)
        self._report(reason, step)
        if step == "wait":
            self._phase, self._due_mono_s = "waiting", self._clock.monotonic() + pause_s
        elif step == "reopen":
            self._open(timeouts.REOPEN_S)
        else:
            self._start()

    def _discard(self, worker: Worker, deadline_s: float) -> None:
        """End a worker; a thread that does not end is kept, and no second one is started beside it."""
        self._worker = None
        if not worker.end(deadline_s) and not worker.killable:
            self._worker = worker

    def _report(self, reason: str, step: Literal["reopen", "respawn", "wait"]) -> None:
        if self._reported == (reason, step):
            return
        self._reported = (reason, step)
        log.warning("the camera is away: %s; next: %s", reason, step)
        self._tell(CameraFailed(reason, step, self.restarts))

    def _tell(self, arrival: Input) -> None:
        if not self._inbox.put(arrival):
            log.error("the node is too busy to hear: %s", arrival)
