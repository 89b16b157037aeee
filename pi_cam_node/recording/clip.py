"""Clips: films of a past time span, copied from existing packets or encoded, on the worker thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import NoFrames, NoSpace, NotSaved, is_disk_full
from pi_cam_node.base.threads import Progress
from pi_cam_node.core.film import ClipOrder, Film
from pi_cam_node.imaging.h264 import parameter_sets
from pi_cam_node.imaging.packet import TIMESCALE_HZ, pts_of
from pi_cam_node.recording.clip_copy import copy_clip
from pi_cam_node.recording.encoder.process import EncoderLost, EncoderProcess
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.encoder_pool import PacketSource, PacketSupply
from pi_cam_node.recording.film_file import FilmFile
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.gaps import ENCODED_S, GapMeter
from pi_cam_node.recording.live_encoder import PictureReader
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.sound_ring import SoundRing

_AHEAD, _WAIT_S = 8, 0.05
# Longest wait for a shared encoder to reach the end of a clip; and the resolution of packet times.
_CATCH_UP_S, _TICK_S = 3.0, 1e-3


class ClipMaker:
    """Creates clips. Thread: the worker."""

    def __init__(
        self,
        folder: FilmFolder,
        *,
        pictures: Callable[[float], PictureReader],
        clock: Clock,
        packets: PacketSupply,
        sound: SoundRing,
        make: Callable[[VideoFormat], EncoderProcess] = EncoderProcess,
    ) -> None:
        """Create the object without starting anything.

        Args:
            folder: The folder of the films.
            pictures: Returns a reader of the ring that begins with the last picture at or before a monotonic moment.
            clock: Tells the time.
            packets: Source of the camera's own and of already encoded packets.
            sound: Sound that goes with pictures which are encoded.
            make: Starts an encoder of a format.
        """
        self._folder, self._pictures, self._clock = folder, pictures, clock
        self._packets, self._sound, self._make = packets, sound, make

    def make(self, order: ClipOrder, progress: Progress) -> Film:
        """Save a time span: copied if packets exist (the camera's, or of a running encoder), else encoded.

        Raises:
            NoFrames: The ring has no frames of the span.
            NoSpace: The disk is full.
            NotSaved: The clip could not be encoded or written, or PyAV is not installed.
            PrivacyOn: Privacy was switched on meanwhile; raised by ``progress``.
        """
        try:
            self._folder.prepare()
            if (copied := self._copied(order, progress)) is not None:
                return copied
            process = self._make(VideoFormat(order.quality))
        except OSError as error:
            raise _refusal(error)(f"cannot make a clip: {error}") from error
        task = _Task(self._folder, process, order, self._sound)
        try:
            return task.run(self._pictures(order.first_mono_s), progress)
        except OSError as error:
            raise _refusal(error)(f"the clip is not saved: {error}") from error
        except EncoderLost as error:
            raise NotSaved(f"the clip is not saved: {error}") from error
        finally:
            process.close()
            task.discard()

    def _copied(self, order: ClipOrder, progress: Progress) -> Film | None:
        source = self._packets.share(order.first_mono_s)
        if source is None:
            return None
        try:
            if not self._reaches_end(source, order, progress):
                return None
            return copy_clip(source.stream, order, progress, self._folder)
        finally:
            self._packets.release(source)

    def _reaches_end(self, source: PacketSource, order: ClipOrder, progress: Progress) -> bool:
        """Wait until the last picture of a span is encoded; return false on timeout."""
        last = self._pictures(order.last_mono_s).next()
        deadline_s = self._clock.monotonic() + _CATCH_UP_S
        while last is not None and source.stream.last_mono_s < last[0].mono_s - _TICK_S:
            if source.failure or self._clock.monotonic() > deadline_s:
                return False
            progress(0, 1)
            source.stream.wait(_WAIT_S)
        return True


class _Task:
    """A clip in progress."""

    def __init__(self, folder: FilmFolder, process: EncoderProcess, order: ClipOrder, sound: SoundRing) -> None:
        self._folder, self._process, self._order, self._sound = folder, process, order, sound
        self._size = (0, 0)
        self._frames = sound.reader()
        self._film: FilmFile | None = None
        self._gaps = GapMeter(ENCODED_S)
        self._after_loss = deque[int](maxlen=_AHEAD)  # times in ticks

    def run(self, reader: PictureReader, progress: Progress) -> Film:
        done, is_over = 0, False
        while not is_over or self._process.waiting:
            is_over = is_over or self._feed(reader)
            for message in self._process.exchange(_WAIT_S):
                self._take(message)
            done = self._film.frames if self._film is not None else 0
            progress(done, done + self._process.waiting + (0 if is_over else 1))
        if self._film is None:
            raise NoFrames("the ring holds nothing of that span", text="NO_FRAMES")
        film, self._film = self._film, None
        saved = film.close("end", self._gaps.finish(), lambda: progress(done, done))
        if saved is None:
            raise NotSaved("nothing of the clip reached the disk")
        return saved

    def _feed(self, reader: PictureReader) -> bool:
        """Send pictures while the encoder has room; return whether the time span is over."""
        while self._process.has_room and self._process.waiting < _AHEAD:
            item = reader.next()
            if item is None or item[0].mono_s > self._order.last_mono_s:
                return True
            ticks = pts_of(item[0].mono_s)
            if reader.missed:
                self._after_loss.append(ticks)
            self._process.send(item[1], ticks)
        return False

    def discard(self) -> None:
        """Remove the unfinished file."""
        if self._film is not None:
            self._film.discard()

    def _take(self, message: Message) -> None:
        if message.kind == "size":
            if self._film is not None:
                raise NotSaved("the size of the pictures changed within the span")
            self._size = (message.number, message.flag)
        elif message.kind == "packet":
            mono_s = message.number / TIMESCALE_HZ
            if self._film is None:
                sets = parameter_sets(message.body)
                if sets is None:
                    raise NotSaved("the encoder gave no parameter sets")
                newest = self._sound.newest_for(mono_s)
                boxes = TrackBoxes(self._size, *sets, sound=newest.facts.sound if newest else b"")
                facts = self._folder.new_facts("clip", mono_s, masked=self._order.masked)
                self._film = self._folder.new_film(facts, boxes, is_durable=False)
            self._film.add(message.body, mono_s, key=bool(message.flag))
            for frame in self._frames.until(mono_s):
                self._film.add_sound(frame.data, frame.facts.pts, frame.facts.sound if self._sound.is_wanted() else b"")
            self._gaps.add(mono_s, is_lost=message.number in self._after_loss)


def _refusal(error: OSError) -> type[NoSpace | NotSaved]:
    """Return the kind of error of this package for one of the file system, or of the room on the disk."""
    return NoSpace if is_disk_full(error) else NotSaved
