"""Interface to picamera2: the parts used by the source, a factory, and its errors as messages with advice.

picamera2 and libcamera come from the system's packages, are never required by this package, and are
imported only here, when a camera is opened or looked for. Names, order and defaults are those of
picamera2 0.3.31 to 0.3.38.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from pi_cam_node.base.errors import SourceError
from pi_cam_node.imaging.jpeg import Pixels

INSTALL_ADVICE = (
    "install it with `sudo apt install python3-picamera2 --no-install-recommends`, and run the node in an environment "
    "made with `python3 -m venv --system-site-packages` by the system's own Python"
)
# Part of the message, and the advice. picamera2 raises RuntimeError for nearly everything; only the text differs.
_ADVICE = (
    ("resource busy", "another program uses the camera; stop it, then this one gets it"),
    ("in use by another process", "another program uses the camera; stop it, then this one gets it"),
    ("cannot allocate memory", "the camera's memory (CMA) is short: lower camera.width and camera.height"),
    ("permission denied", "the user may not open the camera: add it to the group video"),
    ("could not open any dmaheap", "the user may not open /dev/dma_heap: add it to the group video"),
    ("failed to start cameramanager", "this system has no camera devices (in a container: pass them in)"),
    ("no camera number", "the camera is gone: try `rpicam-hello --list-cameras`"),
    ("list index out of range", "the camera is gone: try `rpicam-hello --list-cameras`"),
)


class Request(Protocol):
    """One frame in a camera buffer, which the camera cannot reuse until `release`."""

    def make_buffer(self, name: str) -> Pixels:
        """Return a copy of the stream's bytes, one-dimensional uint8."""
        ...

    def get_metadata(self) -> dict[str, Any]:
        """Return libcamera's metadata of the frame."""
        ...

    def release(self) -> None:
        """Return the buffer to the camera. Once."""
        ...


class Job(Protocol):
    """A capture executed by picamera2's camera thread."""

    def get_result(self, timeout: float | None = None) -> Request:
        """Return the request, or raise the error of the capture."""
        ...


class Picamera(Protocol):
    """An opened Picamera2."""

    @property
    def camera_controls(self) -> Mapping[str, tuple[Any, Any, Any]]:
        """Minimum, maximum and default of each control, for the current configuration."""
        ...

    def create_video_configuration(
        self, *, main: Mapping[str, Any], colour_space: object, buffer_count: int, queue: bool = True
    ) -> dict[str, Any]:
        """Return a configuration for a constant frame rate."""
        ...

    def create_still_configuration(
        self, *, main: Mapping[str, Any], colour_space: object, buffer_count: int, queue: bool = True
    ) -> dict[str, Any]:
        """Return a configuration that favours quality."""
        ...

    def configure(self, camera_config: Mapping[str, Any] | None = None) -> None:
        """Configure the stopped camera. A failure leaves it without a configuration."""
        ...

    def stream_configuration(self, name: str = "main") -> dict[str, Any]:
        """Return the granted stream, whose format, size and stride may differ from the requested ones."""
        ...

    def set_controls(self, controls: Mapping[str, Any]) -> None:
        """Set controls at the start, or with the next released request. Checks the names only."""
        ...

    def start(self) -> None:
        """Start the camera and its thread. Close the camera after a failure, as a second start would crash."""
        ...

    def stop_preview(self) -> None:
        """Stop and join the camera thread, if it runs."""
        ...

    def stop(self) -> None:
        """Stop the camera; if the camera thread runs, in that thread after all queued jobs."""
        ...

    def close(self) -> None:
        """Close the camera. Does not wake a thread waiting for a capture."""
        ...

    def capture_request(
        self, wait: float | bool | None = None, signal_function: Callable[[Any], None] | None = None
    ) -> Any:
        """Queue a capture. With a signal function: return its `Job`, and call the function in the camera thread."""
        ...

    def cancel_all_and_flush(self) -> None:
        """Drop all queued jobs."""
        ...


class PicameraFactory(Protocol):
    """Lists and opens cameras."""

    def cameras(self) -> list[dict[str, Any]]:
        """Return picamera2's ``global_camera_info``: Model, Id and more of each camera, in the order of their numbers.

        Raises:
            SourceError: picamera2 is not installed, or cannot be imported.
        """
        ...

    def open(self, number: int) -> Picamera:
        """Open a camera from `cameras`."""
        ...

    def full_range_space(self) -> object:
        """Return the colour space of JPEG files, sYCC: full range, so that black is 0 and white 255."""
        ...

    def is_limited(self, camera: Picamera) -> bool:
        """Whether the camera, as configured, delivers limited range (luma 16 to 235)."""
        ...


class InstalledPicamera2:
    """The installed picamera2."""

    def cameras(self) -> list[dict[str, Any]]:
        """Return the cameras listed by libcamera."""
        return list(_picamera2().Picamera2.global_camera_info())

    def open(self, number: int) -> Picamera:
        """Open a camera."""
        opened: Picamera = _tidy_class(_picamera2().Picamera2)(number)
        return opened

    def full_range_space(self) -> object:
        """Return libcamera's sYCC."""
        return _libcamera().ColorSpace.Sycc()

    def is_limited(self, camera: Picamera) -> bool:
        """Read the range from libcamera, as picamera2's own configuration gives only a similar colour space."""
        config = getattr(camera, "libcamera_config", None)
        space = config.at(0).color_space if config else None
        return space is not None and bool(space.range == _libcamera().ColorSpace.Range.Limited)


def _tidy_class(picamera2_class: Any) -> Any:
    """Return a subclass whose constructor leaks nothing on failure.

    picamera2 leaks a pipe at each failed open, and a node retries for as long as it runs.
    """

    class TidyPicamera2(picamera2_class):  # type: ignore[misc]
        def __init__(self, number: int) -> None:
            try:
                super().__init__(number)
            except Exception:
                # If it was opened, it closes the pipe itself.
                if hasattr(self, "notifymeread") and not self.is_open:
                    self.notifymeread.close()
                    os.close(self.notifyme_w)
                raise

    return TidyPicamera2


def _picamera2() -> Any:
    try:
        import picamera2  # noqa: PLC0415
    except (ImportError, ValueError) as error:
        # ValueError: its compiled parts were built against another version of numpy than the imported one.
        raise SourceError(f"picamera2 cannot be imported ({error}): {INSTALL_ADVICE}") from error
    return picamera2


def _libcamera() -> Any:
    import libcamera  # noqa: PLC0415

    return libcamera


def explain(error: BaseException) -> str:
    """Return the root cause's message and matching advice, in one line."""
    chain = list(_causes(error))
    texts = [str(each) or type(each).__name__ for each in chain]
    if any(isinstance(each, OSError) and each.errno == errno.ENOMEM for each in chain):
        texts.append("Cannot allocate memory")
    message = " ".join(texts).lower()
    advice = next((advice for word, advice in _ADVICE if word in message), None)
    return texts[len(chain) - 1] + (f" ({advice})" if advice else "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its chained causes, the root cause last."""
    while error is not None:
        yield error
        error = error.__cause__
