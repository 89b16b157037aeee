"""Monitors the disk between saves: removes pictures that are too old, and reports when nothing could be saved."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from pi_cam_node.base import malloc
from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, Code, NodeError
from pi_cam_node.base.schedule import AT_ONCE_S
from pi_cam_node.base.threads import Progress, Submit
from pi_cam_node.config import Config
from pi_cam_node.core.activity_events import RecordingSaved
from pi_cam_node.core.events import Event, SettingChanged
from pi_cam_node.core.inputs import Input, StorageChanged
from pi_cam_node.storage.io_heartbeat import SILENT_S
from pi_cam_node.storage.pictures.archive import PictureArchive

_log = logging.getLogger(__name__)

# Interval of retention and of the check for files deleted by hand.
TIDY_S = 300.0
# Interval of the check whether pictures can be saved; read-only, to avoid wear of the card.
LOOK_S = 5.0
# Interval of the check whether the disk hangs while the worker waits for it.
WAITING_LOOK_S = 1.0


class DiskMonitor:
    """Submits checks of the disk to the worker thread, and reports changes to the node.

    Thread: the node thread, but for `_look` and `_tidy`, which the worker runs.

    Args:
        archive: The saved pictures.
        submit: Puts work on the worker thread; raises Busy.
        post: Puts an input into the inbox; returns whether there was room.
        clock: Tells the time.
        config: Returns the settings in force.

    Attributes:
        code: State of the disk: ``ok``, ``no_space`` or ``not_saved``.
        due_s: When `on_time` has something to do.
    """

    def __init__(
        self,
        archive: PictureArchive,
        submit: Submit,
        post: Callable[[Input], bool],
        clock: Clock,
        config: Callable[[], Config],
    ) -> None:
        self._archive, self._submit, self._post, self._clock = archive, submit, post, clock
        self._config = config
        self._tidied_s = clock.monotonic()
        self._asked_s = float("-inf")
        self._waiting = False
        self._found: tuple[Code, str] = ("ok", "")
        self.code: Code = "ok"
        self.due_s = AT_ONCE_S

    def on_event(self, event: Event) -> None:
        """Apply retention after changed limits and after each film; see `pi_cam_node.core.events.Listener`."""
        is_limit = isinstance(event, SettingChanged) and event.key.startswith("storage.")
        if is_limit or isinstance(event, RecordingSaved):
            self.tidy()

    def on_time(self, now_s: float) -> None:
        """Submit due checks to the worker thread, and report their results."""
        self.due_s = now_s + WAITING_LOOK_S
        if now_s - self._tidied_s >= TIDY_S:
            self.tidy()
        if not self._waiting and now_s - self._asked_s >= LOOK_S:
            self._ask(now_s)
        code, message = self._verdict()
        # Reported once for each kind of trouble, since messages contain changing byte counts.
        if code != self.code and self._post(StorageChanged(code, message)):
            self.code = code
        if not self._waiting and code == self.code:
            self.due_s = min(self._asked_s + LOOK_S, self._tidied_s + TIDY_S)

    def tidy(self) -> None:
        """Submit the retention of saved pictures to the worker thread; skipped while the thread is busy."""
        self._tidied_s = self._clock.monotonic()
        try:
            self._submit(partial(self._tidy, self._config()))
        except Busy as error:
            _log.info("retention is skipped: %s", error)

    def _tidy(self, config: Config, _progress: Progress) -> None:
        try:
            self._archive.tidy(config)
        finally:
            malloc.return_free_memory()  # here, as this job runs every few minutes in any case

    def _ask(self, now_s: float) -> None:
        self._asked_s = now_s
        try:
            self._submit(partial(self._look, self._config()))
        except Busy as error:
            _log.info("the check of the disk is skipped: %s", error)
        else:
            self._waiting = True

    def _look(self, config: Config, _progress: Progress) -> None:
        try:
            self._archive.look(config)
            self._found = ("ok", "")
        except NodeError as error:
            self._found = (error.code, str(error))
        finally:
            self._waiting = False
            self.due_s = AT_ONCE_S  # the end of this job wakes the node thread

    def _verdict(self) -> tuple[Code, str]:
        """Return the state of the disk: as checked last, or hanging, whichever job waits for it."""
        if self._archive.is_silent:
            return "not_saved", f"the disk has not answered for {SILENT_S:g} s"
        return self._found
