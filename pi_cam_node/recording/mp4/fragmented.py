"""Writes an MP4 in progress as short fragments, synced each second."""

from __future__ import annotations

import os
from collections.abc import Callable

from pi_cam_node.imaging.aac import SAMPLES
from pi_cam_node.imaging.h264 import to_sample
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import TrackBoxes, fragment, fragmented_header

# Duration or size at which a fragment is written, so that a kill loses at most one. Written data survives the process;
# unsynced data is lost only by a power cut.
FRAGMENT_TICKS = 22_500
SYNC_TICKS = 90_000
FRAGMENT_BYTES_MAX = 4 << 20
# Duration of the last sample of a film, whose end is unknown.
_LAST_TICKS_MAX = 90_000
# Deviation of a sound frame from its expected time that means missing or repeated frames.
_SOUND_JUMP_S = 0.2
# Drift correction of one sample per frame beyond this deviation: a thousandth at most, inaudible.
_SOUND_MOVED_AT = 64


class SoundTimes:
    """Assigns continuous sample positions to sound frames, close to their times of arrival. Thread: one."""

    def __init__(self, rate_hz: int) -> None:
        """Set the sample rate."""
        self._rate_hz = rate_hz
        self._next: int | None = None

    def place(self, begin_s: float) -> int | None:
        """Return the first sample of a frame; ``None`` if it overlaps the previous one.

        Args:
            begin_s: Its begin in seconds since the start of the film, with some jitter.
        """
        begin = round(begin_s * self._rate_hz)
        late, jump = begin - (self._next or 0), _SOUND_JUMP_S * self._rate_hz
        if late < (0 if self._next is None else -jump):
            return None
        if self._next is not None and late <= jump:
            begin = self._next + (abs(late) >= _SOUND_MOVED_AT) * (1 if late > 0 else -1)
        self._next = begin + SAMPLES
        return begin


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
        self._waiting: list[tuple[bytes, int, bool]] = []  # sample, ticks, key
        self._sound = SoundTimes(track.sound_rate_hz) if track.sound else None
        self._sound_waiting: list[tuple[bytes, int]] = []  # frame, number of its first sample
        self._waiting_bytes = 0
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
        first = self._waiting[0][1] if self._waiting else ticks
        if self._waiting and (ticks - first >= FRAGMENT_TICKS or self._waiting_bytes > FRAGMENT_BYTES_MAX):
            self._flush(ticks)
        sample = to_sample(data)
        self._waiting.append((sample, ticks, key))
        self._waiting_bytes += len(sample)

    def add_sound(self, data: bytes, ticks: int) -> None:
        """Append an AAC frame; it is written together with the surrounding pictures.

        Args:
            data: The frame; ignored if the file has no sound.
            ticks: Its begin since the start of the film, in ticks of `TIMESCALE_HZ`.
        """
        if self._sound is None or self._waiting_bytes > FRAGMENT_BYTES_MAX:
            return
        begin = self._sound.place(ticks / TIMESCALE_HZ)
        if begin is not None:
            self._sound_waiting.append((data, begin))
            self._waiting_bytes += len(data)

    def finish(self) -> None:
        """Write remaining samples.

        Raises:
            OSError: The file cannot be written.
        """
        if self._waiting:
            *_, before, last = (self._waiting[0][1] - self._last_duration, *(ticks for _, ticks, _ in self._waiting))
            self._flush(last + min(last - before, _LAST_TICKS_MAX), is_last=True)

    def _flush(self, end_ticks: int, *, is_last: bool = False) -> None:
        ends = [*(ticks for _, ticks, _ in self._waiting[1:]), end_ticks]
        samples = [(data, end - ticks, key) for (data, ticks, key), end in zip(self._waiting, ends, strict=True)]
        first = self._waiting[0][1]
        self._last_duration = samples[-1][1]
        self._waiting, self._waiting_bytes = [], 0
        self._fragments += 1
        sound_begin, sound = self._sound_due(is_last=is_last)
        is_due = is_last or end_ticks - self._synced_ticks >= SYNC_TICKS
        self._write(fragment(self._fragments, first, samples, sound_begin, sound), sync=is_due)
        if is_due:
            self._synced_ticks = end_ticks

    def _sound_due(self, *, is_last: bool) -> tuple[int, list[tuple[bytes, int]]]:
        """Return the frames whose end is known, with durations, and the number of their first sample."""
        frames, begins = self._sound_waiting, [begin for _, begin in self._sound_waiting]
        ends = [*begins[1:], begins[-1] + SAMPLES] if is_last and begins else begins[1:]
        self._sound_waiting = frames[len(ends) :]
        due = [(data, end - begin) for (data, begin), end in zip(frames, ends, strict=False)]
        return (begins[0] if due else 0), due

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
