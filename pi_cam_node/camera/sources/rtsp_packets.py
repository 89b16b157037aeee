"""Network camera over RTSP, read with PyAV: pictures, the camera's own packets and its sound over one connection.

The camera sets size, rate and exposure; `camera.framerate` only limits how many of its images are used, and day and
night are labels. Every packet is decoded, since pictures depend on earlier ones, but only used pictures are converted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Protocol

import av
import numpy as np

from pi_cam_node.base.errors import SourceError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.backlog import Backlog
from pi_cam_node.camera.sources.packet_times import PacketTimes, stamp_of
from pi_cam_node.camera.sources.rtsp_errors import reason_ended, reason_not_opened
from pi_cam_node.camera.sources.rtsp_limits import CODEC_ADVICE, NO_PICTURES, OPEN_TIMEOUT_MS, READ_TIMEOUT_MS
from pi_cam_node.camera.sources.rtsp_sound import RtspSound
from pi_cam_node.imaging.frame_timing import RateLimit
from pi_cam_node.imaging.h264 import has_one_pair, is_start, parameter_sets, with_parameter_sets
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of

# TCP, as UDP loses parts of pictures; UDP only if the camera supports nothing else. Not nobuffer, which drops packets
# received while the stream is analysed, including the first key frame; the next one may follow a minute later.
_OPTIONS = {"rtsp_flags": "prefer_tcp", "analyzeduration": "500000"}
# Packets received while the stream was opened are queued; they count as past until one had to be waited for. Limited to
# this time, as a camera may send faster than its packets are read.
_QUEUED_MAX_S = 3.0
_WAITED_INTERVALS = 0.5
_USUAL_RATE_HZ = 25.0
# Time stamps that decrease by less than this belong to reordered pictures; by more, the stamps were reset.
_REORDERED_S = 1.0
# Reordered pictures come at least once in this many; a clock that is set back does it once.
_REORDERED_PACKETS = 20
# Greater differences of stamps are jumps.
_JUMP_S = 10.0
# Codecs whose pictures FFmpeg completes only with the first packet of the next one.
_ENDED_BY_NEXT = ("h264", "hevc")
# Pixel formats that browsers play: 4:2:0 with 8 bits, limited or full range.
_PLAYABLE = ("yuv420p", "yuvj420p")
# Maximum number of packets that wait for the next picture; without decodable pictures the camera counts as lost anyway.
# Sound waits only while enough of the limit is left for pictures.
_HELD_MAX = 600
_HELD_WITH_SOUND_MAX = 300


class Container(Protocol):
    """Used part of PyAV's input container."""

    streams: Any

    def demux(self, *streams: Any) -> Iterator[Any]:
        """Yield the packets of some streams."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


def _open(url: str) -> Container:
    timeouts = (OPEN_TIMEOUT_MS / 1000, READ_TIMEOUT_MS / 1000)
    container: Container = av.open(url, options=_OPTIONS, timeout=timeouts)
    return container


class RtspPacketSource:
    """One stream of a network camera, with its packets if they are H.264 without reordering."""

    def __init__(
        self,
        url: str,
        opener: Callable[[str], Container] = _open,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the address, ``rtsp://[user:password@]host[:port]/path``."""
        self._url, self._title = url, without_logins(url)
        self._opener, self._monotonic = opener, monotonic
        self._container: Container | None = None
        self._controls: Controls | None = None
        self._begin_session()

    def _begin_session(self) -> None:
        self._images: Iterator[tuple[Any, float]] = iter(())
        self._limit, self._times, self._sound = RateLimit(), PacketTimes(), RtspSound(None, self._title)
        self._packets: list[Packet] = []
        self._past: list[Any] = []
        self._sets: tuple[bytes, bytes] | None = None
        self._newest_stamp_s, self._in_order = float("-inf"), _REORDERED_PACKETS
        self._track = 0
        self._can_copy = self._has_key = self._is_missing = False
        self._size = (0, 0)

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Connect."""
        del camera  # a network camera sets its own size
        self.close()
        self._begin_session()
        av.logging.set_level(av.logging.ERROR)
        began_s = self._monotonic()
        try:
            self._container = self._opener(self._url)
        except (av.FFmpegError, OSError) as error:
            self.close()
            reason = reason_not_opened(error, self._monotonic() - began_s)
            raise SourceError(f"cannot open {self._title}: {reason}") from None
        stream = next(iter(self._container.streams.video), None)
        if stream is None:
            self.close()
            raise SourceError(f"{self._title} sends no pictures, at most sound; the camera has another path for them")
        decoder = stream.codec_context
        if decoder is None:
            self.close()
            raise SourceError(f"{self._title} sends video of an unknown codec; {CODEC_ADVICE}")
        decoder.thread_count = 1
        self._size = (decoder.width & ~1, decoder.height & ~1)
        if not all(self._size):
            self.close()
            raise SourceError(f"{self._title} {NO_PICTURES}")
        # Reordered packets have separate decode and presentation times, which the film writer does not support.
        self._can_copy = decoder.name == "h264" and not decoder.has_b_frames and decoder.pix_fmt in _PLAYABLE
        told = bytes(decoder.extradata or b"")
        self._can_copy, self._sets = self._can_copy and has_one_pair(told), parameter_sets(told)
        self._controls = controls
        sounds = [each for each in self._container.streams.audio if each.codec_context is not None][:1]
        self._sound = RtspSound(sounds[0] if sounds else None, self._title)
        self._sound.tell(controls.sound)
        self._images = self._decoded(self._container, stream, *sounds)
        return Opened(self._title, self._size, "i420", controls=False)

    def read(self) -> Shot:
        """Return the next image within the frame rate, with the packets received since the previous one."""
        if self._container is None or self._controls is None:
            raise SourceError(f"{self._title} is not open")
        interval_s = 1 / self._controls.framerate
        for image, moment in self._images:
            if self._limit.admits(moment, interval_s):
                packets, self._packets = tuple(self._packets), []
                return Shot(self._pixels(image), moment - interval_s, moment, self._controls.mode, packets=packets)
        raise SourceError(f"{self._title} sends no more pictures")

    def apply(self, controls: Controls) -> None:
        """Apply frame rate, sound and mode; the mode is only a label."""
        self._controls = controls
        self._sound.tell(controls.sound)
        if controls.sound == "off":
            self._packets = [packet for packet in self._packets if not packet.facts.sound]

    def close(self) -> None:
        """Disconnect."""
        container, self._container = self._container, None
        self._images = iter(())
        if container is not None:
            container.close()

    def _decoded(self, container: Container, stream: Any, *sounds: Any) -> Iterator[tuple[Any, float]]:
        """Yield live images and their monotonic times, and collect packets.

        Raises:
            SourceError: Nothing arrived in time, or the connection broke.
        """
        queued_max_s = _WAITED_INTERVALS / (float(stream.average_rate or 0) or _USUAL_RATE_HZ)
        opened_s = asked_s = done_s = self._monotonic()
        begun, backlog, waited_s = (opened_s, 0.0), Backlog(opened_s), 0.0
        is_past, is_ended_by_next = True, stream.codec_context.name in _ENDED_BY_NEXT
        try:
            for packet in container.demux(stream, *sounds):
                arrived_s = self._monotonic()
                waited_s += arrived_s - done_s
                if packet.stream is not stream:  # sound does not count as a sign of pictures
                    self._collect_sound(packet, arrived_s, waited_s, is_past=is_past)
                    done_s = self._monotonic()
                    if arrived_s - asked_s > READ_TIMEOUT_MS / 1000:
                        raise SourceError(f"{self._title} sends sound, but no more pictures")
                    continue
                is_past = is_past and arrived_s - asked_s < queued_max_s and arrived_s - opened_s < _QUEUED_MAX_S
                if packet.size:
                    # When the one before was complete, this one had begun to come.
                    arrival = (arrived_s, waited_s)
                    came, begun = begun if is_ended_by_next else arrival, arrival
                    mono_s = self._times.of(None if is_past else stamp_of(packet), *came)
                    backlog.add(arrived_s, arrived_s - asked_s, came[0] - mono_s, is_key=bool(packet.is_keyframe))
                    images = [] if backlog.is_skipping else _images_of(packet)
                    # Where the decoder shows nothing, a player may stop.
                    is_whole = (backlog.is_skipping or bool(images)) and not packet.is_corrupt
                    if is_past:
                        self._hold_past(packet, is_whole=is_whole)
                    else:
                        self._collect_past(packet, mono_s, queued_max_s / _WAITED_INTERVALS)
                        self._collect(packet, mono_s, is_whole=is_whole)
                        yield from ((image, mono_s) for image in images if backlog.is_live)
                asked_s = done_s = self._monotonic()
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{self._title} sends no more pictures: {reason_ended(error)}") from None

    def _hold_past(self, packet: Any, *, is_whole: bool) -> None:
        """Hold a packet that the camera had queued, from the last key frame on, for `_collect_past`."""
        if not is_whole:
            self._past = []
        elif _is_key(packet):
            self._past = [packet]
        else:
            self._past.append(packet)

    def _collect(self, packet: Any, mono_s: float, *, is_whole: bool = True) -> None:
        """Keep a packet for the next shot, from the first key frame on."""
        stamp_s, is_key, data = stamp_of(packet), _is_key(packet), bytes(packet)
        self._can_copy = self._can_copy and (not is_key or has_one_pair(data))
        self._in_order += 1
        if stamp_s is not None:
            if 0 < self._newest_stamp_s - stamp_s < _REORDERED_S:
                self._can_copy = self._can_copy and self._in_order > _REORDERED_PACKETS
                self._has_key, self._in_order = False, 0
            self._newest_stamp_s = stamp_s
        if not self._can_copy:  # films are encoded from the pictures, with the camera's sound
            self._packets = [held for held in self._packets if held.facts.sound]
            return
        if is_key:
            told = parameter_sets(data)
            if told is not None and told != self._sets:
                self._sets, self._track = told, self._track + 1
            elif told is None and self._sets is not None:
                data = with_parameter_sets(data, *self._sets)
            self._has_key = self._sets is not None
        if self._has_key and is_whole:
            facts = PacketFacts(pts_of(mono_s), track=self._track, after_loss=self._is_missing)
            self._packets.append(Packet(mono_s, is_key, data, facts))
            self._is_missing = False
        else:  # later packets depend on it
            self._has_key, self._is_missing = False, True
        if len(self._packets) > _HELD_MAX:
            self._packets, self._has_key, self._is_missing = [], False, True

    def _collect_past(self, packet: Any, mono_s: float, interval_s: float) -> None:
        """Keep packets received while the stream was opened, from the last key frame on, as live ones depend on them.

        Their distance from the first live packet follows from their stamps, or is one interval each without usable
        stamps (usually the first packet has none). Their sound is lost: if sound is enabled, packets are kept from the
        next key frame on.
        """
        past, self._past = self._past, []
        if self._controls is None or self._controls.sound != "off":
            return
        times_s = [mono_s]
        for later, earlier in pairwise(reversed([*past, packet])):
            distance_s = (stamp_of(later) or 0.0) - (stamp_of(earlier) or 0.0)
            is_told = None not in {later.pts, earlier.pts} and 0 < distance_s < _JUMP_S
            times_s.append(times_s[-1] - (distance_s if is_told else interval_s))
        for one, time_s in zip(past, reversed(times_s), strict=False):
            self._collect(one, time_s)

    def _collect_sound(self, packet: Any, arrived_s: float, waited_s: float, *, is_past: bool) -> None:
        """Keep a packet of sound, in order of arrival."""
        choice = "off" if self._controls is None or is_past else self._controls.sound
        found = self._sound.packets(packet, arrived_s, choice, self._track, waited_s)
        if (self._has_key or not self._can_copy) and len(self._packets) < _HELD_WITH_SOUND_MAX:
            self._packets += found

    def _pixels(self, image: Any) -> Pixels:
        """Return an image as I420 of full range.

        Raises:
            SourceError: Its size changed, so the camera must be reopened.
        """
        if _size(image) != self._size:
            raise SourceError(f"{self._title} changed the size of its pictures")
        width, height = self._size
        if image.format.name != "yuvj420p":
            image = image.reformat(width, height, format="yuvj420p", dst_color_range="JPEG")
        pixels: Pixels = image.to_ndarray()
        return np.ascontiguousarray(pixels)


def _size(thing: Any) -> tuple[int, int]:
    return thing.width & ~1, thing.height & ~1


def _is_key(packet: Any) -> bool:
    return bool(packet.is_keyframe) and is_start(bytes(packet))


def _images_of(packet: Any) -> list[Any]:
    """Decode a packet; return the completed images, none if it is damaged."""
    try:
        return list(packet.decode())
    except av.error.InvalidDataError:
        return []
