"""The same camera in two variants: the fake library, and the real picamera2 on libcamera's virtual camera.

Both deliver 640x480 NV12 at 30 frames per second, with the time as the only metadata.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from pi_cam_node.camera.sources.picam.interface import InstalledPicamera2, PicameraFactory
from pi_cam_node.camera.sources.picam.metadata import CameraClock
from tests.support.fakes.picamera2_factory import FakeFactory
from tests.support.fakes.picamera2_requests import Hang
from tests.support.fakes.picamera2_sensor import VIRTUAL_CONTROLS

SIZE = (640, 480)
# Time after which a call counts as hung.
HANGS_AFTER_S = 1.5


class Rig(Protocol):
    """A library with fault switches: stalled, configure_error, start_error, alloc_fail_after."""

    factory: PicameraFactory
    faults: Any

    @property
    def clock(self) -> CameraClock:
        """The clock of the camera."""
        ...

    def pause(self, seconds: float) -> None:
        """Advance the time."""
        ...

    def hangs(self, call: Callable[[], object]) -> bool:
        """Whether a call never returns."""
        ...


class FakeRig:
    """The fake library, configured like the virtual camera."""

    def __init__(self) -> None:
        fake = FakeFactory()
        fake.listed = [{"Model": "Virtual Video Device1", "Id": "Virtual1"}, {"Model": "Virtual", "Id": "Virtual0"}]
        fake.advertised = dict(VIRTUAL_CONTROLS)
        fake.faults.granted = {"format": "NV12", "size": SIZE, "stride": 640}
        fake.faults.limited = True
        fake.faults.says = lambda metadata: {"SensorTimestamp": metadata["SensorTimestamp"]}
        self.factory: PicameraFactory = fake
        self.clock = fake.clock
        self.faults = fake.faults

    def pause(self, seconds: float) -> None:
        self.clock.run(seconds)

    def hangs(self, call: Callable[[], object]) -> bool:
        try:
            call()
        except Hang:
            return True
        return False


class RealRig:
    """The real library on the virtual camera."""

    def __init__(self) -> None:
        self.factory: PicameraFactory = InstalledPicamera2()
        self.clock = CameraClock()
        self.faults = importlib.import_module("p2virtual").faults

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def hangs(self, call: Callable[[], object]) -> bool:
        """Run the call in a thread, which `cancel_all_and_flush` releases later."""
        thread = threading.Thread(target=_quietly, args=(call,), daemon=True)
        thread.start()
        thread.join(HANGS_AFTER_S)
        return thread.is_alive()

    @contextmanager
    def healed(self) -> Iterator[None]:
        """Reset every fault switch afterwards."""
        try:
            yield
        finally:
            self.faults.stalled, self.faults.configure_error = False, 0
            self.faults.start_error, self.faults.alloc_fail_after = None, None


def _quietly(call: Callable[[], object]) -> None:
    """Run a call, without a traceback if it is cancelled later."""
    try:
        call()
    except Exception as error:
        assert "Cancelled" in type(error).__name__, error  # noqa: PT017  in a thread of its own


def _why_not(*modules: str) -> str:
    """Return why one of the modules cannot be imported, or nothing."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (ImportError, ValueError) as error:
            return f"{module} cannot be imported here: {error}"
    return ""


_NO_LIBRARY = _why_not("picamera2")
_NO_RIG = _why_not("picamera2", "p2virtual")
library_only = pytest.mark.skipif(bool(_NO_LIBRARY), reason=_NO_LIBRARY)
# p2virtual has the fault switches of the virtual camera.
real_only = pytest.mark.skipif(bool(_NO_RIG), reason=_NO_RIG)


@contextmanager
def rig_of(kind: str) -> Iterator[Rig]:
    """Yield the ``fake`` or the ``real`` rig."""
    if kind == "fake":
        yield FakeRig()
        return
    real = RealRig()
    with real.healed():
        yield real
