"""Image tasks outside the camera's process: stacks, other formats, smaller copies, the placeholder.

The node calls `ImageTasks`, which handles bytes and does not need numpy. The work is done by `task_functions`, in a
separate process (`task_process`) or, in tests, in the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Progress
from pi_cam_node.base.units import KIB
from pi_cam_node.imaging.frame import RawImage

Method = Literal["mean", "median", "sigma_clip", "max"]

# Of the small copy of a saved picture.
THUMBNAIL_MAX_BYTES = 48 * KIB
# 256 white values and half a frame count for rounding are 65 408 and still fit into 16 bits.
STACK_MAX = 256

Blob = bytes | memoryview
Outcome = tuple[Mapping[str, Any], Sequence[bytes]]
"""Facts, as JSON knows them, and pictures."""

Run = Callable[[str, Mapping[str, Any], Sequence[Blob], Progress], Outcome]
"""Does a task: name, arguments as JSON knows them, pictures, progress.

Raises ValueError where a picture is not one, and NodeError where the task could not be done.
"""


@frozen
class Stacked:
    """Several frames combined into one picture.

    Attributes:
        image: The picture: pixels, or a JPEG where one was asked for.
        used: Positions of the frames that it was made of, in the sequence given.
        small: A small copy as a JPEG, where one was asked for.
    """

    image: RawImage | bytes
    used: tuple[int, ...]
    small: bytes | None = None


def no_progress(_done: int, _total: int) -> None:
    """Take no notice of progress."""


class ImageTasks:
    """Interface of the tasks on pictures that need pixels.

    Thread: any but the node's and an event loop's, since each call waits for its result.
    """

    def __init__(self, run: Run) -> None:
        """Take what does the work."""
        self._run = run

    def encode(self, image: RawImage | Blob, form: Literal["jpg", "png", "npy"], quality: int = 0) -> bytes:
        """Return a picture in a format; ``quality`` (1 to 100) is that of a JPEG.

        ``npy`` is numpy's own format, an array (height, width, 3) of uint8 in B, G, R order.

        Raises:
            ValueError: The bytes are not a JPEG that can be read.
        """
        return self._one("encode", {"form": form, "quality": quality}, image)

    def thumbnail(self, image: RawImage | Blob, width_px: int, max_bytes: int) -> bytes:
        """Return a small JPEG: ``width_px`` wide at most and ``max_bytes`` long at most.

        Raises:
            ValueError: The bytes are not a JPEG that can be read.
        """
        return self._one("thumbnail", {"width_px": width_px, "max_bytes": max_bytes}, image)

    def thumbnail_of_file(self, content: Blob, suffix: str, width_px: int, max_bytes: int) -> bytes:
        """Return a small JPEG of a saved file: ``.jpg``, ``.png`` or ``.npy``.

        Raises:
            ValueError: The bytes hold no picture.
        """
        arguments = {"suffix": suffix, "width_px": width_px, "max_bytes": max_bytes}
        return self._run("thumbnail", arguments, [content], no_progress)[1][0]

    def resize(self, jpeg: Blob, size: tuple[int, int], quality: int) -> bytes:
        """Return a JPEG in another size, width and height in pixels.

        Raises:
            ValueError: The bytes are not a JPEG that can be read.
        """
        return self._one("resize", {"size": size, "quality": quality}, jpeg)

    def stack(
        self,
        jpegs: Sequence[bytes],
        method: Method,
        progress: Progress = no_progress,
        quality: int | None = None,
        small: tuple[int, int] | None = None,
    ) -> Stacked:
        """Return one picture of several frames of the same scene; see `stacking.stack`.

        Args:
            jpegs: The frames, the newest last.
            method: Kind of combination.
            progress: Called after each decoding.
            quality: Of a JPEG, 1 to 100; ``None``: pixels, which are some ten times as large.
            small: Largest width in pixels and largest length in bytes of a small copy; ``None``: none. Made of the
                pixels at once it takes less than half of the time that `thumbnail` of the JPEG takes.

        Raises:
            ValueError: One of them is not a JPEG that can be read.
        """
        arguments = {"method": method, "quality": quality, "small": small}
        facts, (data, *copies) = self._run("stack", arguments, jpegs, progress)
        width, height = facts["size"]
        image = RawImage((width, height), "bgr", data) if quality is None else data
        return Stacked(image, tuple(facts["used"]), next(iter(copies), None))

    def placeholder(self, size: tuple[int, int], since: datetime | None, *, private: bool) -> bytes:
        """Return the JPEG that is shown while there is no picture; see `placeholder.draw`."""
        arguments = {"size": size, "since": None if since is None else since.isoformat(), "private": private}
        return self._run("placeholder", arguments, [], no_progress)[1][0]

    def _one(self, task: str, arguments: Mapping[str, Any], image: RawImage | Blob) -> bytes:
        if isinstance(image, RawImage):
            raw = {"size": image.size, "layout": image.layout}
            return self._run(task, {**arguments, "raw": raw}, [image.data], no_progress)[1][0]
        return self._run(task, {**arguments, "raw": None}, [image], no_progress)[1][0]
