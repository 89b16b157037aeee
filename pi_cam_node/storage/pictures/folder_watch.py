"""Detects changes by others in the folder of the pictures: files deleted by hand, a disk that is not mounted any more.

Whoever deletes a file by hand frees its bytes, and nothing is left to be listed. A mount that is away looks the same
at first: the folder is empty, or not there. But then the folder, or what is there of the way to it, lies on another
device than when its pictures were listed.
"""

from __future__ import annotations

from pathlib import Path

from pi_cam_node.storage.directory import nearest_directory


class FolderWatch:
    """The folder of the pictures as it was when the archive last knew all of it. Thread: the worker, but `is_away`.

    Args:
        directory: The folder, absolute.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._device: int | None = None
        self._changed_ns: int | None = None

    @property
    def is_away(self) -> bool:
        """Whether the disk on which the pictures were found is not there now. Thread: any; asks the disk."""
        return self._device is not None and self._device_now() != self._device

    @property
    def is_unchanged(self) -> bool:
        """Whether no file came or went since `listed` or `saved`."""
        return self._changed_ns is not None and self._changed_ns == self._now_ns()

    def listed(self, *, any_found: bool, changed_ns: int | None) -> None:
        """Note that the folder was listed.

        Args:
            any_found: It holds pictures: an empty folder may well be that below a mount that is away.
            changed_ns: What `begin` returned before the listing.
        """
        self._changed_ns = changed_ns
        if any_found:
            self._device = self._device_now() or self._device

    def begin(self) -> int | None:
        """Return when the folder was last changed, to be handed to `listed`: what changes meanwhile is not known."""
        return self._now_ns()

    def saved(self, *, is_known: bool) -> None:
        """Note that the archive itself has saved something into the folder.

        Args:
            is_known: It knew all of the folder before.
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
