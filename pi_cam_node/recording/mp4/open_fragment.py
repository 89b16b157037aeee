"""Collects the pictures and the sound of a fragment of an MP4 until its end is known."""

from __future__ import annotations

from pi_cam_node.imaging.aac import SAMPLES
from pi_cam_node.imaging.h264 import to_sample
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import TrackBoxes, fragment

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
            begin = self._next
            if abs(late) >= _SOUND_MOVED_AT:
                begin += 1 if late > 0 else -1
        self._next = begin + SAMPLES
        return begin


class OpenFragment:
    """A fragment that is not complete. Thread: one.

    A sample lasts until the next one. So the last frame of sound waits for the fragment after, in which its end is
    known.

    Attributes:
        track: Parameters of the tracks.
        pictures: Sample, time in ticks and key frame flag of each picture.
        size_bytes: Bytes that were added to the fragment.
    """

    def __init__(self, track: TrackBoxes) -> None:
        self.track = track
        self.pictures: list[tuple[bytes, int, bool]] = []
        self.size_bytes = 0
        self._sound_times = SoundTimes(track.sound_rate_hz) if track.sound else None
        self._sound: list[tuple[bytes, int]] = []  # frame, number of its first sample

    def add(self, data: bytes, ticks: int, *, key: bool) -> None:
        """Append an access unit in Annex B.

        Args:
            data: The access unit.
            ticks: Its time; must increase.
            key: Whether it is a key frame.
        """
        sample = to_sample(data)
        self.pictures.append((sample, ticks, key))
        self.size_bytes += len(sample)

    def add_sound(self, data: bytes, ticks: int) -> None:
        """Append an AAC frame; ignored where the file has no sound, or it overlaps the previous one."""
        begin = self._sound_times.place(ticks / TIMESCALE_HZ) if self._sound_times is not None else None
        if begin is not None:
            self._sound.append((data, begin))
            self.size_bytes += len(data)

    def last_distance(self, otherwise: int) -> int:
        """Return the time between its last two pictures in ticks; ``otherwise`` where it has but one."""
        return self.pictures[-1][1] - self.pictures[-2][1] if len(self.pictures) > 1 else otherwise

    def take(self, number: int, end_ticks: int, *, is_last: bool = False) -> bytes:
        """Return the fragment, and begin the next one.

        Args:
            number: Number of the fragment in its file, from 1.
            end_ticks: End of its last picture.
            is_last: Whether no fragment follows.
        """
        times = [*(ticks for _, ticks, _ in self.pictures), end_ticks]
        pictures = [(data, end - begin, key) for (data, begin, key), end in zip(self.pictures, times[1:], strict=True)]
        begins = [begin for _, begin in self._sound]
        ends = begins[1:]
        if is_last and begins:
            ends.append(begins[-1] + SAMPLES)
        sound = [(data, end - begin) for (data, begin), end in zip(self._sound, ends, strict=False)]
        self.pictures, self._sound, self.size_bytes = [], self._sound[len(ends) :], 0
        return fragment(number, times[0], pictures, begins[0] if sound else 0, sound)
