"""The functions behind `tasks`: small copies of JPEGs here, by Pillow alone, everything else in `pixel_tasks`.

Each picture that is saved has a small copy, also that of an event. With numpy and OpenCV the process that makes it
would be three times as large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pi_cam_node.base.threads import Progress
from pi_cam_node.imaging.tasks import Blob, Outcome
from pi_cam_node.imaging.thumbnails import thumbnail

# Of the JPEG between pixels and a small copy of them.
_SOURCE_QUALITY = 95


def run(task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
    """Run a task; see `tasks.Run`."""
    if task == "thumbnail":
        return {}, [thumbnail(_jpeg(arguments, blobs, progress), arguments["width_px"], arguments["max_bytes"])]
    return _with_pixels(task, arguments, blobs, progress)


def _jpeg(arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> bytes:
    """Return the picture to make a small copy of as a JPEG; ``suffix`` is that of a file, ``raw`` what pixels are."""
    more = {"quality": _SOURCE_QUALITY}
    if arguments.get("raw"):
        return _with_pixels("encode", {"form": "jpg", "raw": arguments["raw"], **more}, blobs, progress)[1][0]
    if arguments.get("suffix", ".jpg") != ".jpg":
        return _with_pixels("jpeg_of_file", {"suffix": arguments["suffix"], **more}, blobs, progress)[1][0]
    return bytes(blobs[0])


def _with_pixels(task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
    from pi_cam_node.imaging import pixel_tasks  # noqa: PLC0415 - brings numpy, see the top

    return pixel_tasks.run(task, arguments, blobs, progress)
