"""Encodes pictures of the ring to packets on demand: first past ones, then new ones.

Nothing runs while no packets are needed. The ring of pictures is the encoder's input queue; pictures evicted before
they are encoded are counted. A process that ends or hangs is replaced; the new one continues after the last packet.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from math import isfinite
from typing import Any, Protocol

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.imaging.frame_timing import RateLimit
from pi_cam_node.imaging.packet import TIMESCALE_HZ, Packet, PacketFacts, Track, pts_of
from pi_cam_node.imaging.shared_planes import PlanesStore
from pi_cam_node.recording.encoder.process import EncoderLost, EncoderProcess
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.packet_stream import CAPACITY_BYTES, PacketStream
from pi_cam_node.recording.sound_ring import SoundReader, SoundRing

_log = logging.getLogger(__name__)

# Pictures in the process at a time; and the longest wait, after which the thread beats for the watchdog.
_AHEAD, _WAIT_S = 8, 0.5
# Live video that is later than this, some seconds after its beginning in the past, leaves out pictures: the more, the
# later it is, so that it is as late as the encoder takes for so many pictures. Segments need one picture a second.
_LATE_S, _CATCH_UP_S, _LATE_PICTURES, _SPACING_MAX_S = 1.5, 5.0, 8, 1.0
# Pause before a lost process is replaced.
_RETRY_S = (0.2, 1.0, 5.0)


class PictureReader(Protocol):
    """Reads the ring of pictures at its own pace; see `pi_cam_node.base.block_ring.Reader`."""

    missed: int

    def next(self) -> tuple[Any, bytes] | None:
        """Return the next record, which has `mono_s`, and its JPEG; ``None`` where it has not come yet."""
        ...


class LiveEncoder:
    """Feeds an encoder process with pictures of the ring.

    Attributes:
        stream: Packets of the last `need`; each call creates a new stream.
        may_skip: Whether pictures may be left out to keep near the present: there are viewers alone, and no film.
        restarts: Number of replaced processes.
        failure: Why there are no packets; empty where there are.
        has_ended: Always false: a lost process is replaced.
        key_distance_s: Always 0: key frames are as close as every reader needs them.
    """

    has_ended, key_distance_s = False, 0.0

    def __init__(
        self,
        pictures: Callable[[float], PictureReader],
        clock: Clock,
        make: Callable[[], EncoderProcess],
        name: str = "encoder",
        sound: SoundRing | None = None,
        *,
        capacity_bytes: int = CAPACITY_BYTES,
        planes: PlanesStore | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            pictures: Returns a reader of the ring that begins with the last picture at or before a monotonic moment.
            clock: Tells the time.
            make: Starts a process with the settings in force.
            name: Name of the thread.
            sound: Sound that goes with the pictures.
            capacity_bytes: Room for packets; what a reader is too slow for is gone.
            planes: Has the planes of the newest pictures, which are taken instead of their JPEGs.
        """
        self._pictures, self._clock, self._make = pictures, clock, make
        self._sound, self._capacity_bytes = SoundRing() if sound is None else sound, capacity_bytes
        self._planes = PlanesStore() if planes is None else planes
        self.stream = self._empty_stream()
        self.may_skip = False
        self.restarts = 0
        self.failure = ""
        self._changed = threading.Condition()
        self._from_s: float | None = None
        self._spacing_s = 0.0
        self._skipped_s = float("-inf")
        self._after_loss = deque[int](maxlen=_AHEAD)  # times in ticks
        self._generation = 0
        self._drained_generation = 0  # that of which every picture has become a packet
        self._pid: int | None = None
        self._is_serving = self._stopping = False
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._close_wakeup = weakref.finalize(self, os.close, self._wakeup)
        self.loop = MonitoredThread(name, self._run, clock)

    @property
    def pid(self) -> int | None:
        """Process id of the encoder, where one runs."""
        return self._pid

    @property
    def is_drained(self) -> bool:
        """Whether every picture of the ring has become a packet."""
        return self._drained_generation == self._generation

    def start(self) -> None:
        """Start the thread. Once."""
        self.loop.start()

    def wake(self) -> None:
        """Wake the thread after a new picture. Thread: the one that closes, or any under the lock."""
        if self._is_serving:
            os.eventfd_write(self._wakeup, 1)

    def has(self, from_mono_s: float, spacing_s: float, *, is_live: bool = False) -> bool:
        """Return whether the stream has, or will have, all pictures from a time on at that spacing. Thread: any.

        Args:
            from_mono_s: Monotonic time of the first picture.
            spacing_s: See `need`.
            is_live: Pictures that were left out are not missed.
        """
        with self._changed:
            return (
                self._from_s is not None
                and self._from_s <= from_mono_s
                and self._spacing_s == spacing_s
                and self.stream.holds(from_mono_s)
                and (is_live or self._skipped_s < from_mono_s)
            )

    def need(self, from_mono_s: float, spacing_s: float = 0.0) -> None:
        """Encode pictures from a time on until `release`. Thread: any.

        Args:
            from_mono_s: Monotonic time of the first picture.
            spacing_s: Mean time between two pictures, at least; those between are left out.
        """
        with self._changed:
            self._from_s, self._spacing_s, self.failure = from_mono_s, spacing_s, ""
            self._new_stream()

    def release(self) -> None:
        """Stop encoding. Thread: any."""
        with self._changed:
            self._from_s = None
            self._new_stream()

    def wait_released(self, timeout_s: float) -> bool:
        """Wait, after `release`, until the process has ended and all pictures are released.

        Returns:
            False on timeout. Thread: any.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_serving, timeout_s)

    def close(self, deadline_s: float) -> bool:
        """End the thread and the process; return whether they ended in time."""
        with self._changed:
            self._stopping = True
            self._from_s = None
            self._supersede()
        has_ended = self.loop.join(deadline_s)
        if has_ended:
            with self._changed:
                self._close_wakeup()
        return has_ended

    def _new_stream(self) -> None:
        """Drop all packets, and stop the running encode. Under the lock."""
        self.stream.clear()
        self.stream = self._empty_stream()
        self._supersede()

    def _supersede(self) -> None:
        """Interrupt the thread's present work. Under the lock."""
        self._generation += 1
        self._changed.notify_all()
        self.wake()

    def _empty_stream(self) -> PacketStream:
        return PacketStream(self._capacity_bytes, self._sound.is_wanted)

    def _run(self) -> None:
        while not self._stopping:
            with self._changed:
                if self._from_s is None:
                    self.loop.pause()
                    self._changed.wait()
                start_s, generation, stream = self._from_s, self._generation, self.stream
                self._is_serving = start_s is not None and not self._stopping
            self.loop.beat()
            if start_s is None or not self._is_serving:
                continue
            try:
                with self._planes.wanted():
                    self._serve(start_s, generation, stream)
            finally:
                with self._changed:
                    self._is_serving = False
                    self._changed.notify_all()

    def _serve(self, start_s: float, generation: int, stream: PacketStream) -> None:
        """Encode until the request changes; replace a lost process."""
        failures = 0
        sound = self._sound.reader()  # kept for the next process, so that no frame is repeated
        while generation == self._generation:
            process = None
            try:
                process = self._make()
                self._pid = process.pid
                self._encode(process, max(start_s, stream.last_mono_s), generation, stream, sound)
            except (EncoderLost, OSError, NodeError) as error:
                self.failure = str(error)
                self.restarts += 1
                _log.warning("%s", error)
                with self._changed:
                    wait_s = _RETRY_S[min(failures, len(_RETRY_S) - 1)]
                    self._changed.wait_for(lambda: generation != self._generation, wait_s)
                failures += 1
            finally:
                self._pid = None
                if process is not None:
                    process.close()

    def _encode(
        self, process: EncoderProcess, start_s: float, generation: int, stream: PacketStream, sound: SoundReader
    ) -> None:
        reader, limit, track, begun_s = self._pictures(start_s), RateLimit(), 0, self._clock.monotonic()
        # In ticks, as the packets count: the last picture would come again, and its packet would be refused.
        after_ticks = pts_of(stream.last_mono_s) if isfinite(stream.last_mono_s) else float("-inf")
        while generation == self._generation:
            self.loop.beat()
            is_idle = self._feed(process, reader, limit, after_ticks, begun_s)
            self._drained_generation = generation if is_idle else -1
            for message in process.exchange(_WAIT_S, self._wakeup):
                if message.kind == "size" and (newest := self._sound.newest_for(max(start_s, stream.last_mono_s))):
                    stream.expect_sound(newest)
                track = self._take(message, track, stream, sound)

    def _feed(
        self, process: EncoderProcess, reader: PictureReader, limit: RateLimit, after_ticks: float, begun_s: float
    ) -> bool:
        """Send pictures while the process has room; return whether none is left, nor being encoded."""
        while process.has_room and process.waiting < _AHEAD:
            item = reader.next()
            if item is None:
                return not process.waiting
            mono_s = item[0].mono_s
            if pts_of(mono_s) <= after_ticks:
                continue
            spacing_s = max(self._spacing_s, self._live_spacing_s(mono_s, begun_s))
            if limit.admits(mono_s, spacing_s):
                self._send(process, mono_s, item[1], is_lost=reader.missed > 0)
            elif spacing_s > self._spacing_s:
                self._skipped_s = mono_s
        return False

    def _live_spacing_s(self, mono_s: float, begun_s: float) -> float:
        """Return the least time between two pictures that keeps live video near the present; 0: all are used."""
        now_s = self._clock.monotonic()
        late_s = now_s - mono_s
        is_late = self.may_skip and late_s > _LATE_S and now_s - begun_s > _CATCH_UP_S
        return min(late_s / _LATE_PICTURES, _SPACING_MAX_S) if is_late else 0.0

    def _send(self, process: EncoderProcess, mono_s: float, jpeg: bytes, *, is_lost: bool) -> None:
        """Send a picture: by its planes where they are there, else as a JPEG."""
        ticks, planes = pts_of(mono_s), self._planes.borrow(mono_s)
        if is_lost:
            self._after_loss.append(ticks)
        if planes is None:
            process.send(jpeg, ticks)
        else:
            process.send_planes(planes, ticks)

    def _take(self, message: Message, track: int, stream: PacketStream, sound: SoundReader) -> int:
        """Handle the messages of the process; return the number of the track."""
        if message.kind == "size":
            return stream.begin(Track((message.number, message.flag)))
        if message.kind == "packet" and stream is self.stream:
            self.failure = ""
            facts = PacketFacts(message.number, track=track, after_loss=message.number in self._after_loss)
            mono_s = message.number / TIMESCALE_HZ
            stream.append(Packet(mono_s, bool(message.flag), message.body, facts))
            for frame in sound.until(mono_s):
                stream.append(frame)
        elif message.kind == "failed":
            _log.warning("a picture could not be encoded: %s", message.body.decode(errors="replace"))
        return track
