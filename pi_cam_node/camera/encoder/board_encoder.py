"""Hardware H.264 encoder of Raspberry Pi models up to 4 and Zero 2 W; a Pi 5 has none.

It is controlled by a bit rate instead of a quality, and gets processed pictures: rotated, masked and labelled. Each
packet is output when the next picture is input.
"""

from __future__ import annotations

import errno
import math
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from pi_cam_node.camera.encoder import v4l2_structures as v
from pi_cam_node.camera.encoder.v4l2_codec import Encoded, V4l2Codec
from pi_cam_node.imaging.encoders import VideoOutput
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.h264 import kind_of, nal_units, parameter_sets, with_parameter_sets
from pi_cam_node.imaging.jpeg import Pixels, planes
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of

# Interval of requested key frames, and the interval set in the driver, in case it ignores the requests.
_KEY_S, _PERIOD_S = 0.98, 2.0
# Bits per second and pixel that libx264 needs at quality 60, at 10 as at 30 pictures per second; and the increase of
# quality that doubles the bit rate.
_BITS_PER_PIXEL, _STEPS_TO_DOUBLE = 2.5, 15.0
_BITS_MIN, _BITS_MAX = 100_000, 20_000_000
# Pictures and seconds without a usable packet after which the encoder counts as failed.
_SILENT_PICTURES, _SILENT_S = 8, 5.0
_LAST_PICTURE_UNIT = 5
# Maximum number of macroblocks (16 x 16 pixels) of level 4.0 (ITU-T H.264, table A-1): 1920 x 1088 has 8160.
_BLOCKS_MAX = 8192


def bitrate_of(size: tuple[int, int], quality: int) -> int:
    """Return the bit rate in bits per second for a picture size and a quality of 1 to 100."""
    bits = size[0] * size[1] * _BITS_PER_PIXEL * 2 ** ((quality - 60) / _STEPS_TO_DOUBLE)
    return round(min(_BITS_MAX, max(_BITS_MIN, bits)))


class BoardEncoder:
    """Implements `pi_cam_node.imaging.encoders.VideoEncoder`. Thread: one."""

    def __init__(
        self, size: tuple[int, int], wanted: VideoOutput, track: int = 0, codec: V4l2Codec | None = None
    ) -> None:
        """Start the encoder.

        Args:
            size: Width and height of the pictures.
            wanted: Quality and rate.
            track: Track number of its packets.
            codec: The codec; by default the board's.

        Raises:
            OSError: There is no encoder, it is not accessible, out of memory, or does not support the size.
        """
        self._size, self._track = size, track
        self._codec = codec or V4l2Codec()
        self._sets: tuple[bytes, bytes] | None = None
        self._times: OrderedDict[int, float] = OrderedDict()
        self._key_s = -math.inf
        self._is_key_wanted = self._needs_key = True
        self._heard_s: float | None = None
        self._unheard = 0
        try:
            self._begin(wanted)
        except OSError:
            self._codec.close()
            raise

    def _begin(self, wanted: VideoOutput) -> None:
        width, height = self._size
        if -(-width // 16) * -(-height // 16) > _BLOCKS_MAX:
            raise OSError(errno.EINVAL, f"{width}x{height} exceeds the encoder's level 4.0")
        self._codec.set(v.BITRATE, bitrate_of(self._size, wanted.quality))
        self._codec.set(v.H264_PROFILE, v.PROFILE_MAIN)
        self._codec.set(v.H264_LEVEL, v.LEVEL_4_0)
        self._codec.set(v.REPEAT_SEQ_HEADER, 1)
        self._codec.set(v.H264_I_PERIOD, max(1, round(wanted.rate_hz * _PERIOD_S)))
        self._codec.start(self._size, wanted.rate_hz)

    def encode(self, pixels: Pixels, layout: Layout, mono_s: float) -> Sequence[Packet]:
        """See `VideoEncoder.encode`; a picture is dropped if the encoder is busy.

        Raises:
            OSError: The encoder failed, or delivered no packets for some seconds.
            ValueError: The layout is not supported.
        """
        if layout != "i420":
            raise ValueError(f"no encoder for {layout}")
        packets = self._ready(mono_s)
        if self._is_key_wanted or mono_s - self._key_s >= _KEY_S:
            self._codec.set(v.FORCE_KEY_FRAME, 1)
            self._key_s, self._is_key_wanted = mono_s, False
        ticks_us = round(mono_s * 1e6)
        if self._codec.put(lambda target: self._write(target, pixels), ticks_us):
            self._times[ticks_us] = mono_s
        return packets

    def close(self) -> None:
        """See `VideoEncoder.close`."""
        self._codec.close()

    def _ready(self, now_s: float) -> list[Packet]:
        packets = [packet for encoded in self._codec.take() if (packet := self._packet(encoded)) is not None]
        if packets or self._heard_s is None:
            self._heard_s, self._unheard = now_s, 0
        elif self._times:
            self._unheard += 1
            if self._unheard > _SILENT_PICTURES and now_s - self._heard_s > _SILENT_S:
                raise OSError(errno.ETIMEDOUT, "the board's encoder delivers no usable packets")
        return packets

    def _packet(self, encoded: Encoded) -> Packet | None:
        """Convert to a packet; ``None`` for parameter sets alone and for undecodable data."""
        told = parameter_sets(encoded.data)
        self._sets = told or self._sets
        if not any(kind_of(unit) <= _LAST_PICTURE_UNIT for unit in nal_units(encoded.data)):
            return None
        mono_s = self._time_of(encoded.ticks_us)
        if mono_s is None or encoded.is_damaged or (self._needs_key and not encoded.is_key):
            self._needs_key = self._is_key_wanted = True
            return None
        data = encoded.data
        if encoded.is_key and told is None:
            if self._sets is None:
                raise OSError(errno.EPROTO, "the board's encoder delivers no parameter sets")
            data = with_parameter_sets(data, *self._sets)
        self._needs_key = False
        facts = PacketFacts(pts_of(mono_s), track=self._track, is_made=True)
        return Packet(mono_s, encoded.is_key, data, facts)

    def _time_of(self, ticks_us: int) -> float | None:
        """Return the time of a picture, and drop those of earlier, skipped pictures."""
        if ticks_us not in self._times:
            return None
        while True:
            ticks, mono_s = self._times.popitem(last=False)
            if ticks == ticks_us:
                return mono_s

    def _write(self, target: memoryview, pixels: Pixels) -> int:
        """Write a picture as I420 with the driver's row stride; return its size in bytes."""
        (width, height), stride = self._size, self._codec.stride
        memory, begin = np.frombuffer(target, np.uint8), 0
        for plane, columns, rows, step in zip(
            planes(pixels), (width, width // 2, width // 2), (height, height // 2, height // 2),
            (stride, stride // 2, stride // 2), strict=True,
        ):  # fmt: skip
            memory[begin : begin + rows * step].reshape(rows, step)[:, :columns] = plane
            begin += rows * step
        return begin
