"""One variant of the live video, encoded while requested, starting shortly before the first request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pi_cam_node.base.clock import Clock, utc_of
from pi_cam_node.base.errors import CameraDown
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.recording.camera_packets import LIVE_KEY_DISTANCE_S
from pi_cam_node.recording.encoder_pool import PacketSource, PacketSupply
from pi_cam_node.recording.hls.playlist import Uri, media_playlist, target_duration_s
from pi_cam_node.recording.hls.segmenter import EARLY_SHARE, Header, Segment, Segmenter

# Segments of a first playlist; with fewer, players in Chromium give up.
FIRST_SEGMENTS = 3
# Time without requests after which a variant ends.
IDLE_S = 12.0
# Packets that are no further behind the pictures are of the present; time that an encoder has to reach it.
_PRESENT_S, _CATCH_UP_S = 0.5, 3.0
# Packets of so long a time are taken in within a few milliseconds, on a small board too.
_PROMPT_S = 1.5


Newest = Callable[[], tuple[float, float, bytes] | None]
"""Returns the newest picture of the ring: monotonic time, seconds since the one before it, and JPEG; ``None``: none."""


class Variant:
    """One variant: its encoder and segments. Thread: any, one at a time.

    Attributes:
        name: ``main`` or ``remote``; what the names of its files begin with.
        due_s: Monotonic time at which `on_time` is to be called; never while nothing is encoded.
    """

    def __init__(
        self,
        name: str,
        packets: PacketSupply,
        newest: Newest,
        clock: Clock,
        *,
        segment_s: Callable[[], float],
        bytes_max: int,
        check: Callable[[], None],
    ) -> None:
        """Start nothing yet.

        Args:
            name: See above.
            packets: Makes the packets.
            newest: See `Newest`. Thread: any.
            clock: Tells the time.
            segment_s: Returns the least duration of a segment.
            bytes_max: Most bytes of all segments that are kept.
            check: Raises where nothing may be encoded; asked under the lock, so that `end` has the last word.
        """
        self.name = name
        self.due_s = NEVER_S
        self._packets, self._newest, self._clock, self._segment_s = packets, newest, clock, segment_s
        self._check = check
        self._segmenter = Segmenter(segment_s, bytes_max, lambda mono_s: utc_of(mono_s, clock))
        self._source: PacketSource | None = None
        self._target_s = 1
        self._is_present = False
        self._advanced_s = float("-inf")
        self._enough_s: float | None = None
        self._lock = threading.Lock()

    @property
    def is_prompt(self) -> bool:
        """Whether a request takes a few milliseconds at most: the encoder runs, and few packets are pending."""
        return not self._lock.locked() and self._clock.monotonic() - self._advanced_s < _PROMPT_S

    def playlist(self, prefix: str, uri: Uri) -> str | None:
        """Return the playlist; ``None`` if it has too few segments yet. Starts the encoder.

        Args:
            prefix: What the names of its files begin with.
            uri: Returns the URI of a file.

        Raises:
            CameraDown: No frames arrive.
            Busy: All encoders are in use.
            NodeError: Encoding is not allowed.
        """
        with self._lock:
            self._start()
            self._advance()
            segments = self._segmenter.segments
            if len(segments) < FIRST_SEGMENTS or not self._has_caught_up():
                return None
            self._target_s = target_duration_s(segments, self._target_s)
            return media_playlist(segments, self._target_s, prefix, uri)

    def segment(self, number: int) -> Segment | None:
        """Return a segment; ``None`` if it does not exist (any more, or yet)."""
        with self._lock:
            if self._source is not None:
                self._note_request()
            return next((one for one in self._segmenter.segments if one.number == number), None)

    def header(self, track: int) -> Header | None:
        """Return the header of a track; ``None`` where it is gone."""
        with self._lock:
            return self._segmenter.header(track)

    def newest_header(self) -> Header | None:
        """Return the header of the newest segment; ``None`` where there is none."""
        with self._lock:
            segments = self._segmenter.segments
            return self._segmenter.header(segments[-1].track) if segments else None

    def peak_bits(self) -> int:
        """Return the highest rate of a segment that is kept, in bits a second; 0 where there is none."""
        with self._lock:
            return max((int(len(one.data) * 8 / one.seconds) for one in self._segmenter.segments), default=0)

    def end(self) -> None:
        """Stop the encoder and drop all segments; the next request restarts with other numbers."""
        with self._lock:
            self._end()

    def on_time(self, now_s: float) -> None:
        """Stop the encoder some seconds after the last request."""
        if now_s >= self.due_s:
            self.end()

    # ------------------------------------------------------------ under the lock

    def _end(self) -> None:
        source, self._source = self._source, None
        self.due_s, self._target_s = NEVER_S, 1
        self._advanced_s = float("-inf")
        self._segmenter.clear()
        if source is not None:
            self._packets.release(source)

    def _note_request(self) -> None:
        self.due_s = self._clock.monotonic() + IDLE_S

    def _start(self) -> None:
        """Start encoding with pictures of the last seconds, enough for a first playlist that ends now.

        hls.js keeps the delay of its first playlist, so key frames are counted back from the newest picture.
        """
        self._check()
        if self._source is not None and (self._source.has_ended or self._source.key_distance_s > LIVE_KEY_DISTANCE_S):
            self._end()
        if self._source is None:
            newest = self._newest()
            if newest is None:
                raise CameraDown("ERROR: there is no picture yet")
            mono_s, interval_s, _jpeg = newest
            from_s = mono_s - FIRST_SEGMENTS * max(self._segment_s(), interval_s)
            self._source = self._packets.acquire(from_s)
            held_s = _start_in(self._source.stream.key_times(), self._segment_s())
            self._reader = self._source.stream.reader_since(min(from_s, held_s))
            self._stream = self._source.stream
            self._is_present, self._enough_s = False, None
        self._note_request()

    def _has_caught_up(self) -> bool:
        """Return whether the encoder has reached the present, or is too slow for it.

        The first playlist waits for that, as hls.js keeps its delay.
        """
        if self._is_present:
            return True
        now_s, newest = self._clock.monotonic(), self._newest()
        if self._enough_s is None:
            self._enough_s = now_s
        behind_s = 0.0 if newest is None else newest[0] - self._stream.last_mono_s
        self._is_present = behind_s <= _PRESENT_S or now_s - self._enough_s >= _CATCH_UP_S
        return self._is_present

    def _advance(self) -> None:
        """Process received packets."""
        self._advanced_s = self._clock.monotonic()
        while (item := self._reader.next()) is not None:
            record, data = item
            sound = self._stream.sound
            if record.meta.sound:
                if sound:
                    self._segmenter.add_sound(data, record.meta.pts, record.meta.sound)
                continue
            track = self._stream.track(record.meta.track)
            if track is not None:
                lost = self._reader.missed > 0
                self._segmenter.add(record.mono_s, record.meta.pts, data, track, key=record.key, lost=lost, sound=sound)


def _start_in(key_times: Sequence[float], segment_s: float) -> float:
    """Return the latest key frame after which there are enough whole segments; infinity where there are too few.

    Packets that were made for others, or by the camera, have their key frames where they are.
    """
    count, next_s = 0, float("inf")
    for mono_s in reversed(key_times):
        if next_s - mono_s >= (1 - EARLY_SHARE) * segment_s:
            count, next_s = count + 1, mono_s
        if count > FIRST_SEGMENTS:
            return mono_s
    return float("inf")
