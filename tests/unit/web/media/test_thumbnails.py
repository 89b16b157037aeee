"""Small copies of saved pictures: those that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pi_cam_node.web.media.thumbnails import KEPT, Thumbnails


class Images:
    """Counts the small copies that it makes."""

    made = 0

    def thumbnail_of_file(self, _content: bytes, _suffix: str, _width_px: int, _max_bytes: int) -> bytes:
        self.made += 1
        return b"small"


def test_the_last_ones_are_kept_and_no_more(tmp_path: Path) -> None:
    images: Any = Images()
    thumbnails, path = Thumbnails(images), tmp_path / "picture.jpg"
    path.write_bytes(b"large")
    for number in range(KEPT + 1):
        thumbnails.of(str(path), f"etag {number}", 64)
    thumbnails.of(str(path), "etag 1", 64)
    assert images.made == KEPT + 1
    thumbnails.of(str(path), "etag 0", 64)
    assert images.made == KEPT + 2
