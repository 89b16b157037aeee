"""The node with faults injected into its threads: ``python -m tests.faults.thread_faults FOLDER run --config FILE``.

An order is a file in the folder, obeyed and removed by the thread that it names at the next turn of its loop:
``die-<thread>`` ends the thread, ``hang-<thread>`` lets it hang for ever. ``names`` asks for the names of all threads,
which come as ``names.told``.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.camera.controller import CameraController
from pi_cam_node.camera.worker import process, spawn
from pi_cam_node.cli import main
from pi_cam_node.core.core import Core
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.recording.live_encoder import LiveEncoder
from pi_cam_node.recording.recorder import Recorder
from pi_cam_node.recording.timelapse import Timelapse
from pi_cam_node.runtime.watchdog import Watchdog
from pi_cam_node.runtime.worker import Worker
from pi_cam_node.storage.events.writer import DatabaseWriter
from pi_cam_node.storage.pictures.archive import PictureArchive

CRASH_PX = 666
"""A width with which the node crashes as soon as the camera is open."""

EXIT_POINTS = {
    "node": (Inbox, "take"),
    "camera": (CameraController, "step"),
    "mqtt-link": (BrokerLink, "on_check"),
    "worker": (Worker, "_outcome"),
    "http": (MonitoredThread, "beat_along"),
    "tcp-trigger": (MonitoredThread, "beat_along"),
    "watchdog": (Watchdog, "look"),
    "events": (DatabaseWriter, "_next_batch"),
    "recorder": (Recorder, "_record"),
    "timelapse": (Timelapse, "_step"),
    "encoder": (LiveEncoder, "_serve"),
}
"""A method that each thread calls again and again; nothing between it and the end of the thread catches exceptions."""

SHARED = frozenset({"encoder", "http", "tcp-trigger"})
"""Threads whose method others call, too."""

HANG_POINTS = {**EXIT_POINTS, "worker": (PictureArchive, "save")}


class InjectedExit(SystemExit):
    """Ends a thread: libraries catch every other exception."""


class FaultInjector:
    """Wraps a method of each thread's loop, and injects the ordered fault there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self) -> None:
        """Wrap the methods."""
        for thread, (owner, name) in EXIT_POINTS.items():
            self._wrap(thread, "die", owner, name)
        for thread, (owner, name) in HANG_POINTS.items():
            self._wrap(thread, "hang", owner, name)

    def _wrap(self, thread: str, order: str, owner: type, name: str) -> None:
        original = getattr(owner, name)
        path = self._folder / f"{order}-{thread}"

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if path.exists() and self._is_asked(thread):
                path.unlink()
                if order == "die":
                    raise InjectedExit
                threading.Event().wait()
            if thread == "node":
                self._tell_names()
            return original(*arguments, **named)

        setattr(owner, name, wrapped)

    def _is_asked(self, thread: str) -> bool:
        """Return whether the calling thread is the one that an order is for: some methods are run by several."""
        return thread not in SHARED or threading.current_thread().name == thread

    def _tell_names(self) -> None:
        asked = self._folder / "names"
        if asked.exists():
            asked.unlink()
            (self._folder / "names.part").write_text("\n".join(each.name for each in threading.enumerate()))
            (self._folder / "names.part").rename(self._folder / "names.told")


def crash_with_bad_settings() -> None:
    """Crash the node as soon as a camera opens with settings that are meant to crash it."""
    arrived = Core._on_input

    def crash(core: Core, message: Any, now_s: float) -> None:
        if isinstance(message, CameraOpened) and core.config.camera.width == CRASH_PX:
            os.abort()
        arrived(core, message, now_s)

    Core._on_input = crash  # type: ignore[assignment,method-assign]


def hang_in_some_sizes() -> None:
    """Give every camera process a driver that hangs in some sizes."""
    hanging = partial(spawn.spawn, "tests.faults.hanging_driver")
    spawn.spawn = process.spawn = hanging  # type: ignore[attr-defined]


if __name__ == "__main__":
    FaultInjector(Path(sys.argv[1])).install()
    crash_with_bad_settings()
    hang_in_some_sizes()
    sys.exit(main.main(sys.argv[2:]))
