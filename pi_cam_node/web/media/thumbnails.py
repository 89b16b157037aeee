"""Thumbnails of saved pictures, created on request and cached."""

from __future__ import annotations

from collections import OrderedDict

from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.http.file_response import open_stored

MAX_BYTES = 48 * 1024
# Twice as many as a page shows; 3 MiB at most.
KEPT = 64


class Thumbnails:
    """Creates thumbnails and caches the last ones.

    Thread: a single one, not the event loop's: a page requests many at once, and a small board has no memory to decode
    them in parallel.
    """

    def __init__(self, images: ImageTasks) -> None:
        """Create an empty cache."""
        self._images = images
        self._kept: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()

    def of(self, path: str, etag: str, width_px: int) -> bytes:
        """Return a small JPEG of a saved picture.

        Args:
            path: File of the picture: JPEG, PNG or npy.
            etag: ETag of the file, part of the cache key.
            width_px: Greatest width.

        Raises:
            ValueError: The file is no picture, or was deleted.
            NotSaved: The image process failed.
        """
        key = (path, etag, width_px)
        if key not in self._kept:
            self._kept[key] = self._made(path, width_px)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _made(self, path: str, width_px: int) -> bytes:
        stored = open_stored(path)
        if stored is None:
            raise ValueError(f"{path.rpartition('/')[2]} is gone")
        with stored.file as file:
            content = file.read()
        return self._images.thumbnail_of_file(content, f".{path.rpartition('.')[2]}", width_px, MAX_BYTES)
