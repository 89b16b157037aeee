"""Looks after the disk while nobody saves: removes what is too old, and says at once when nothing could be saved."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from pi_cam_node.base import malloc
from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import Busy, Code, NodeError
from pi_cam_node.base.jobs import Progress, Submit
from pi_cam_node.config import Config
from pi_cam_node.core.inputs import Input, StorageChanged
from pi_cam_node.storage.io_heartbeat import SILENT_S
from pi_cam_node.storage.pictures.archive import PictureArchive

_log = logging.getLogger(__name__)

# How often the worker looks whether the saved pictures are within their limits, and what was removed by hand.
TIDY_S = 300.0
# How often it looks whether another picture could be saved. Reads only: an idle card is not worn.
LOOK_S = 5.0


class DiskMonitor:
    """Lets the worker look at the disk, and tells the node what changed.

    Thread: the node thread, but for `_look` and `_tidy`, which the worker runs.

    Attributes:
        code: How the disk is: ``ok``, ``no_space`` or ``not_saved``.
    """

    def __init__(self, archive: PictureArchive, submit: Submit, post: Callable[[Input], bool], clock: Clock) -> None:
        self._archive, self._submit, self._post, self._clock = archive, submit, post, clock
        self._tidied_s = clock.monotonic()
        self._asked_s = float("-inf")
        self._waiting = False
        self._found: tuple[Code, str] = ("ok", "")
        self.code: Code = "ok"

    def tick(self, config: Config) -> None:
        """Let the worker do what is due, and tell of what it found."""
        now_s = self._clock.monotonic()
        if now_s - self._tidied_s >= TIDY_S:
            self.tidy(config)
        if not self._waiting and now_s - self._asked_s >= LOOK_S:
            self._ask(config, now_s)
        code, message = self._verdict()
        # Of one kind of trouble the first message will do: it counts bytes, which change all the time.
        if code != self.code and self._post(StorageChanged(code, message)):
            self.code = code

    def tidy(self, config: Config) -> None:
        """Let the worker keep the saved pictures within their limits; where it is busy the next time will do."""
        self._tidied_s = self._clock.monotonic()
        try:
            self._submit(partial(self._tidy, config))
        except Busy as error:
            _log.info("pictures are not tidied now: %s", error)

    def _tidy(self, config: Config, _progress: Progress) -> None:
        try:
            self._archive.tidy(config)
        finally:
            malloc.return_free_memory()  # the one job that comes every few minutes whatever else happens

    def _ask(self, config: Config, now_s: float) -> None:
        self._asked_s = now_s
        try:
            self._submit(partial(self._look, config))
        except Busy as error:
            _log.info("the disk is not looked at now: %s", error)
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

    def _verdict(self) -> tuple[Code, str]:
        """Return how the disk is: as found, or silent, whether it is a look, a save or a tidy that waits for it."""
        if self._archive.is_silent:
            return "not_saved", f"the disk has not answered for {SILENT_S:g} s"
        return self._found
