"""Jobs and requests of the fake Picamera2."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Protocol

from pi_cam_node.imaging.jpeg import Pixels
from tests.support.fakes.camera_clock import FakeCameraClock

# Time after which a wait counts as endless; longer than any test takes.
FOR_EVER_S = 1000.0


class Hang(BaseException):
    """Raised where the real library would wait for ever; not caught by `except Exception`."""


class Segfault(BaseException):
    """Raised where the real library would crash the process."""


class FakeJob:
    """A capture that waits in the camera's queue."""

    def __init__(
        self, clock: FakeCameraClock, run: Callable[[], Any], signal_function: Callable[[Any], None] | None
    ) -> None:
        self._clock = clock
        self._run = run
        self._signal_function = signal_function
        self._outcome: list[Any] = []

    def execute(self) -> bool:
        result = self._run()
        if result is not None:
            self._outcome = [result]
        return bool(self._outcome)

    def signal(self) -> None:
        if self._signal_function is not None:
            self._signal_function(self)

    def cancel(self) -> None:
        self._outcome = [CancelledError()]

    def get_result(self, timeout: float | None = None) -> Any:
        if not self._clock.run(FOR_EVER_S if timeout is None else timeout, lambda: bool(self._outcome)):
            raise Hang("a capture without a deadline, and no frame") if timeout is None else TimeoutError
        if isinstance(self._outcome[0], CancelledError):
            raise self._outcome[0]
        return self._outcome[0]


class Buffers(Protocol):
    """Interface of the camera to which a request returns its buffer."""

    is_open: bool
    started: bool
    run_number: int

    def requeue(self, memory: Pixels) -> None:
        """Return a buffer to the sensor."""
        ...


class FakeRequest:
    """One frame in one of the camera's buffers."""

    def __init__(self, camera: Buffers, memory: Pixels, metadata: dict[str, Any]) -> None:
        self._camera = camera
        self._run_number = camera.run_number
        self._memory = memory
        self._metadata = metadata
        self._references = 1

    def make_buffer(self, name: str) -> Pixels:
        if not self._camera.is_open:
            raise RuntimeError("failed to find buffer in DmaSync")
        return self._memory.copy()

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def release(self) -> None:
        self._references -= 1
        if self._references < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        if self._camera.started and self._camera.run_number == self._run_number:
            self._camera.requeue(self._memory)
