"""Small copies of saved pictures, made when a client asks for them and kept for the next one."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.http.file_response import open_stored

MAX_BYTES = 48 * 1024
# What a page shows, twice over; together 3 MiB at most.
KEPT = 64


class Thumbnails:
    """Makes thumbnails and keeps the last.

    Thread: one, which is not the event loop's: a page asks for all of them at once, and a small board has no memory for
    so many pictures side by side.
    """

    def __init__(self, images: ImageTasks) -> None:
        """Create an empty cache."""
        self._images = images
        self._kept: OrderedDict[tuple[Path, str, int], bytes] = OrderedDict()

    def of(self, path: Path, etag: str, width_px: int) -> bytes:
        """Return a small JPEG of a saved picture.

        Args:
            path: Its file: JPEG, PNG or npy.
            etag: Tells the file from another of that name, which would have another thumbnail.
            width_px: Its width at most.

        Raises:
            ValueError: It is no picture, or not there any more.
            NotSaved: The image process failed.
        """
        key = (path, etag, width_px)
        if key not in self._kept:
            self._kept[key] = self._made(path, width_px)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _made(self, path: Path, width_px: int) -> bytes:
        stored = open_stored(path)
        if stored is None:
            raise ValueError(f"{path.name} is gone")
        with stored.file as file:
            content = file.read()
        return self._images.thumbnail_of_file(content, path.suffix, width_px, MAX_BYTES)
