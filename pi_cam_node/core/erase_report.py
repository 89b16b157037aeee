"""Report of an erase: what was removed, and what could not be removed."""

from __future__ import annotations

from pi_cam_node.base.frozen import frozen


@frozen
class EraseReport:
    """Counts of what an erase removed, and its failures.

    Attributes:
        folder: The folder of the pictures.
        pictures: Saved pictures removed.
        files: Files removed: pictures, side-cars, partial files, token, privacy markers.
        size_bytes: Their total size.
        topics: Retained topics at the broker before, as far as they can be read.
        topics_left: Retained topics afterwards.
        trouble: Failures, one line each.
    """

    folder: str
    pictures: int
    files: int
    size_bytes: int
    topics: int
    topics_left: int
    trouble: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Summary in words, for people."""
        pictures = "1 picture" if self.pictures == 1 else f"{self.pictures} pictures"
        return (
            f"erased {pictures} ({self.files} files, {self.size_bytes} bytes) in {self.folder} and "
            f"{self.topics} retained topics, {self.topics_left} of which are left"
        )
