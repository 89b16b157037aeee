"""Splits packets into segments of fragmented MP4, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.aac import aac_codec_string
from pi_cam_node.imaging.h264 import codec_string, parameter_sets
from pi_cam_node.imaging.packet import TIMESCALE_HZ, Track
from pi_cam_node.recording.mp4.boxes import TrackBoxes, fragmented_header
from pi_cam_node.recording.mp4.open_fragment import OpenFragment

# Segments in a playlist, and segments that are kept, for slow clients.
LISTED, KEPT = 6, 9
# Packets further apart than this, and than so many times the distance before, have others missing between them.
GAP_S, _GAP_DISTANCES = 8.0, 3
# Tolerance for jitter: a key frame that is early by less than this ends a segment.
EARLY_SHARE = 0.1
# Longest segment, which is ended even without a key frame.
_SEGMENT_BYTES_MAX = 4 << 20
# Duration of the last picture before a gap.
_LAST_TICKS = 9_000


@frozen
class Header:
    """Initialization segment of a track.

    Attributes:
        data: Its bytes.
        size: Width and height in pixels.
        codec: Codec strings of RFC 6381, that of the sound after a comma.
    """

    data: bytes = field(repr=False)
    size: tuple[int, int]
    codec: str


@frozen
class Segment:
    """A media segment.

    Attributes:
        number: Position in the stream, from 0; no two segments of a boot have the same.
        track: Number of its header.
        at: UTC time of its first picture, as the wall clock stood then.
        seconds: Duration.
        discontinuities: Tracks that began with it or before it, but for the first.
        begins_track: It is the first of its track, and not the first of all.
        is_independent: It begins with a key frame.
        data: Its bytes.
    """

    number: int
    track: int
    at: datetime
    seconds: float
    discontinuities: int
    begins_track: bool
    is_independent: bool
    data: bytes = field(repr=False)


class Segmenter:
    """Segments of one variant, at most the newest `KEPT`. No I/O. Thread: one at a time."""

    def __init__(self, segment_s: Callable[[], float], bytes_max: int, utc: Callable[[float], datetime]) -> None:
        """Create an empty segmenter.

        Args:
            segment_s: Returns the least duration of a segment, but for the last before a gap.
            bytes_max: Most bytes of all segments that are kept.
            utc: Returns the UTC time of a monotonic time.
        """
        self._segment_s, self._bytes_max, self._utc = segment_s, bytes_max, utc
        self._segments: deque[Segment] = deque()
        self._headers: dict[int, Header] = {}
        self._open: OpenFragment | None = None  # of the track that goes on
        self._mono_s = 0.0
        self._last_ticks = self._distance = 0
        self._number = self._track = 0
        self._begins_track = False

    @property
    def segments(self) -> Sequence[Segment]:
        """Segments that are kept, oldest first."""
        return tuple(self._segments)

    def header(self, track: int) -> Header | None:
        """Return the header of a track; ``None`` once no kept segment needs it."""
        return self._headers.get(track)

    def add(
        self, mono_s: float, ticks: int, data: bytes, track: Track, *, key: bool, lost: bool, sound: bytes = b""
    ) -> None:
        """Append a picture.

        Args:
            mono_s: Its monotonic time in seconds.
            ticks: The same in ticks of 90 kHz.
            data: The access unit in Annex B form; a key frame brings its parameter sets.
            track: What it belongs to.
            key: Whether it is a key frame.
            lost: Packets before it are missing.
            sound: AudioSpecificConfig of the sound that comes with the pictures; empty for none.
        """
        distance = ticks - self._last_ticks
        if lost or distance < 0 or distance > max(GAP_S * TIMESCALE_HZ, _GAP_DISTANCES * self._distance):
            self.end_track()
        self._last_ticks, self._distance = ticks, distance
        if key and (sets := parameter_sets(data)) is not None:
            self._begin(TrackBoxes(track.size, *sets, is_copied=track.is_copied, sound=sound), ticks)
        if self._open is None or not (key or self._open.pictures):
            return  # nothing can be decoded before a key frame
        if self._open.size_bytes > _SEGMENT_BYTES_MAX:
            self._close(self._open, ticks)
        if not self._open.pictures:
            self._mono_s = mono_s
        self._open.add(data, ticks, key=key)

    def add_sound(self, data: bytes, ticks: int, sound: bytes) -> None:
        """Append a frame of sound; it is left out where the track has none, or sound of another format.

        Args:
            data: The frame.
            ticks: Monotonic time at which it began, in ticks of 90 kHz.
            sound: Its AudioSpecificConfig.
        """
        if self._open is not None and self._open.pictures and self._open.track.sound == sound:
            self._open.add_sound(data, ticks)

    def end_track(self) -> None:
        """Close the open segment; further packets belong to a new track."""
        if self._open is not None and self._open.pictures:
            self._close(self._open, self._open.pictures[-1][1] + self._open.last_distance(_LAST_TICKS))
        self._open = None

    def clear(self) -> None:
        """Drop all segments; numbering continues."""
        self._segments.clear()
        self._headers.clear()
        self._open = None

    def _begin(self, wanted: TrackBoxes, ticks: int) -> None:
        """Begin a segment with a key frame where it is time, and a track where the format is another."""
        if self._open is not None and self._open.track != wanted:
            self.end_track()
        if self._open is None:
            self._open = OpenFragment(wanted)
            self._begins_track = self._track > 0
            self._track += 1
            codec = codec_string(wanted.sps)
            if wanted.sound:
                codec += f",{aac_codec_string(wanted.sound)}"
            self._headers[self._track] = Header(fragmented_header(wanted), wanted.size, codec)
        elif self._open.pictures:
            least_ticks = self._segment_s() * (1 - EARLY_SHARE) * TIMESCALE_HZ
            if ticks - self._open.pictures[0][1] >= least_ticks:
                self._close(self._open, ticks)

    def _close(self, fragment: OpenFragment, end_ticks: int) -> None:
        _, first_ticks, is_independent = fragment.pictures[0]
        data = fragment.take(self._number + 1, end_ticks)
        seconds = (end_ticks - first_ticks) / TIMESCALE_HZ
        segment = Segment(
            self._number, self._track, self._utc(self._mono_s), seconds, self._track - 1, self._begins_track,
            is_independent, data,
        )  # fmt: skip
        self._segments.append(segment)
        self._begins_track = False
        self._number += 1
        while len(self._segments) > KEPT or sum(len(one.data) for one in self._segments) > self._bytes_max:
            self._segments.popleft()
        oldest = self._segments[0].track if self._segments else self._track
        for track in [track for track in self._headers if track < oldest]:
            del self._headers[track]
