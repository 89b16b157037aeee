"""Causes and ends each kind of fault."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from benchmarks.soak.rig import RECORDING, Rig
from benchmarks.soak.schedule import Fault
from benchmarks.soak.tools import tool

# Function that ends a fault.
Ending = Callable[[], object]

# Time limit for closing the film in progress: its post-roll, and that of a recording by command.
_FILM_CLOSED_S = 20.0


def begin(rig: Rig, fault: Fault) -> Ending | None:
    """Cause a fault; return a function that ends it, ``None`` if it could not be caused."""
    return BEGINNINGS[fault.kind](rig, fault.argument)


def _kill_broker(rig: Rig, _argument: str) -> Ending:
    rig.broker.kill()
    return rig.broker.start


def _freeze_broker(rig: Rig, _argument: str) -> Ending:
    rig.broker.freeze()
    return rig.broker.thaw


def _link(mode: str) -> Callable[[Rig, str], Ending]:
    def begin_link(rig: Rig, argument: str) -> Ending:
        rig.link.set(*f"{mode} {argument}".split())
        return lambda: rig.link.set("pass")

    return begin_link


def _jump(rig: Rig, argument: str) -> Ending:
    rig.clock.set(tool("clock").JUMPS[argument]())
    return lambda: rig.clock.set(0)


def _fill(rig: Rig, _argument: str) -> Ending:
    rig.disk.fill()
    return rig.disk.free  # type: ignore[no-any-return]


def _use_up_inodes(rig: Rig, _argument: str) -> Ending:
    rig.disk.inodes()
    return rig.disk.free  # type: ignore[no-any-return]


def _read_only(rig: Rig, _argument: str) -> Ending | None:
    """Mount read-only, without recording meanwhile: the kernel refuses it while a film is open for writing."""
    rig.set("recording.mode", "off")
    until_s = time.monotonic() + _FILM_CLOSED_S
    while not (is_read_only := rig.disk.ro()) and time.monotonic() < until_s:
        time.sleep(0.2)

    def mount_writable() -> None:
        rig.disk.rw()
        rig.set("recording.mode", RECORDING)

    if is_read_only:
        return mount_writable
    rig.set("recording.mode", RECORDING)
    return None


def _kill_camera(rig: Rig, _argument: str) -> Ending | None:
    camera = rig.camera
    if camera is None:
        return None
    camera.kill()
    return lambda: None


def _stop_camera(rig: Rig, _argument: str) -> Ending | None:
    camera = rig.camera
    if camera is None:
        return None
    camera.suspend()

    def resume() -> None:
        """Continue the stopped process, unless the node has replaced it meanwhile."""
        try:
            camera.resume()
        except psutil.NoSuchProcess:
            return

    return resume


BEGINNINGS: dict[str, Callable[[Rig, str], Ending | None]] = {
    "broker killed": _kill_broker,
    "broker frozen": _freeze_broker,
    "link flaps": _link("flap"),
    "link cut": _link("cut"),
    "link down": _link("down"),
    "link black hole": _link("blackhole"),
    "link corrupts": _link("corrupt"),
    "link slow": _link(""),
    "clock jumps": _jump,
    "disk full": _fill,
    "disk out of inodes": _use_up_inodes,
    "disk read-only": _read_only,
    "camera killed": _kill_camera,
    "camera stopped": _stop_camera,
}
