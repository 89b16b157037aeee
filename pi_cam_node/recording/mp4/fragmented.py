"""Writes an MP4 in progress as short fragments, synced each second."""

from __future__ import annotations

import os
from collections.abc import Callable

from pi_cam_node.recording.mp4.boxes import TrackBoxes, fragmented_header
from pi_cam_node.recording.mp4.open_fragment import OpenFragment

# Duration or size at which a fragment is written, so that a kill loses at most one. Written data survives the process;
# unsynced data is lost only by a power cut.
FRAGMENT_TICKS = 22_500
SYNC_TICKS = 90_000
FRAGMENT_BYTES_MAX = 4 << 20
# Duration of the last sample of a film, whose end is unknown.
_LAST_TICKS_MAX = 90_000


class FragmentedWriter:
    """Writes packets into a file.

    A kill loses at most the incomplete fragment; a power cut also loses data written since the last sync.
    Thread: one.
    """

    def __init__(
        self, descriptor: int, track: TrackBoxes, notes: bytes = b"", sync: Callable[[int], None] = os.fdatasync
    ) -> None:
        """Write the header.

        Args:
            descriptor: Descriptor of a new file; the caller closes it.
            track: Parameters of the tracks, for the header.
            notes: Facts for a repair, kept in the header.
            sync: Syncs the file to disk.

        Raises:
            OSError: The file cannot be written.
        """
        self._descriptor, self._sync = descriptor, sync
        self._open = OpenFragment(track)
        self._fragments = self._synced_ticks = self._synced_bytes = 0
        self._last_duration = 3_000
        self.size_bytes = 0
        self._write(fragmented_header(track, notes), sync=True)

    def add(self, data: bytes, ticks: int, key: bool) -> None:
        """Append an access unit in Annex B; write a fragment when due.

        Args:
            data: The access unit.
            ticks: Time since the start of the film; must increase.
            key: Whether the access unit is a key frame.

        Raises:
            OSError: The disk is full or unavailable; the file ends with its last complete fragment.
        """
        pictures = self._open.pictures
        if pictures and (ticks - pictures[0][1] >= FRAGMENT_TICKS or self._open.size_bytes > FRAGMENT_BYTES_MAX):
            self._flush(ticks)
        self._open.add(data, ticks, key=key)

    def add_sound(self, data: bytes, ticks: int) -> None:
        """Append an AAC frame; it is written together with the surrounding pictures.

        Args:
            data: The frame; ignored if the file has no sound.
            ticks: Its begin since the start of the film, in ticks of `TIMESCALE_HZ`.
        """
        if self._open.size_bytes <= FRAGMENT_BYTES_MAX:
            self._open.add_sound(data, ticks)

    def finish(self, end_ticks: int | None = None) -> None:
        """Write remaining samples.

        Args:
            end_ticks: End of the last picture; otherwise it lasts as long as the one before, and a second at most.

        Raises:
            OSError: The file cannot be written.
        """
        if self._open.pictures:
            if end_ticks is None:
                last_ticks = min(self._open.last_distance(self._last_duration), _LAST_TICKS_MAX)
                end_ticks = self._open.pictures[-1][1] + last_ticks
            self._flush(end_ticks, is_last=True)

    def _flush(self, end_ticks: int, *, is_last: bool = False) -> None:
        self._last_duration = end_ticks - self._open.pictures[-1][1]
        self._fragments += 1
        is_due = is_last or end_ticks - self._synced_ticks >= SYNC_TICKS
        self._write(self._open.take(self._fragments, end_ticks, is_last=is_last), sync=is_due)
        if is_due:
            self._synced_ticks = end_ticks

    def _write(self, data: bytes, *, sync: bool) -> None:
        """Append bytes and optionally sync; after a failure truncate the file to its last intact length."""
        view, whole_bytes = memoryview(data), self.size_bytes
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
            if sync:
                whole_bytes = self._synced_bytes  # any unsynced data may be lost
                self._sync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, whole_bytes)
            os.lseek(self._descriptor, whole_bytes, os.SEEK_SET)
            raise
        self.size_bytes += len(data)
        if sync:
            self._synced_bytes = self.size_bytes
