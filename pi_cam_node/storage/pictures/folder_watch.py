"""Detects external changes of the folder of the pictures: files deleted by hand, an unmounted disk.

Files deleted by hand must leave the index. An unmounted disk looks similar: the folder is empty or missing. But then
the folder, or its nearest existing parent, is on another device than when it was listed.
"""

from __future__ import annotations

from pathlib import Path

from pi_cam_node.storage.directory import nearest_directory


class FolderWatch:
    """State of the folder when the archive last indexed all of it. Thread: the worker, except `is_away`.

    Args:
        directory: The folder, absolute.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._device: int | None = None
        self._changed_ns: int | None = None

    @property
    def is_away(self) -> bool:
        """Whether the disk of the pictures is not mounted. Thread: any; accesses the disk."""
        return self._device is not None and self._device_now() != self._device

    @property
    def is_unchanged(self) -> bool:
        """Whether no file was created or deleted since `listed` or `saved`."""
        return self._changed_ns is not None and self._changed_ns == self._now_ns()

    def listed(self, *, any_found: bool, changed_ns: int | None) -> None:
        """Record that the folder was listed.

        Args:
            any_found: Whether it holds pictures; an empty folder may be the mount point of an unmounted disk.
            changed_ns: Result of `begin` before the listing.
        """
        self._changed_ns = changed_ns
        if any_found:
            self._device = self._device_now() or self._device

    def begin(self) -> int | None:
        """Return the folder's modification time (ns) for `listed`, so that changes during the listing are detected."""
        return self._now_ns()

    def saved(self, *, is_known: bool) -> None:
        """Record that the archive itself has changed the folder.

        Args:
            is_known: Whether the folder was unchanged before.
        """
        self._changed_ns = self._now_ns() if is_known else None
        self._device = self._device_now() or self._device

    def _device_now(self) -> int | None:
        try:
            return nearest_directory(self._directory).stat().st_dev
        except OSError:
            return None

    def _now_ns(self) -> int | None:
        try:
            return self._directory.stat().st_mtime_ns
        except OSError:
            return None
