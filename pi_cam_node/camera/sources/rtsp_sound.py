"""Sound of a network camera: copies AAC, or transcodes other codecs to AAC."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from pi_cam_node.camera.sources.packet_times import PacketTimes, stamp_of
from pi_cam_node.imaging.aac import SAMPLES, aac_format
from pi_cam_node.imaging.packet import Packet, PacketFacts, SoundChoice, pts_of

_log = logging.getLogger(__name__)

# Sample rates that AAC supports; other sound is resampled to the last one.
_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_BITS_PER_CHANNEL = 64_000
# Interval before a failed transcoding is retried, in seconds.
_RETRY_S = 30.0
# More channels than these are mixed down.
_LAYOUTS = {1: "mono", 2: "stereo"}


class RtspSound:
    """Turns the sound of one session into packets. Thread: one."""

    def __init__(self, stream: Any | None, title: str) -> None:
        """Set PyAV's stream of the sound (``None`` without sound) and the camera's name for the log."""
        self._stream, self._title = stream, title
        self._times = PacketTimes()
        self._encoder: _Encoder | None = None
        self._is_told = False
        self._retry_at_s = float("-inf")

    def packets(
        self, packet: Any, arrived_s: float, choice: SoundChoice, track: int, waited_s: float | None = None
    ) -> list[Packet]:
        """Copy or transcode a packet from the camera; return zero or more packets.

        Args:
            packet: PyAV's packet of the stream.
            arrived_s: When it arrived, in monotonic seconds, which counts as its end.
            choice: `recording.sound`.
            track: Track number of the pictures that it belongs to.
            waited_s: See `PacketTimes.of`.
        """
        end_s = self._times.of(stamp_of(packet), arrived_s, waited_s)
        if (
            choice == "off"
            or self._stream is None
            or arrived_s < self._retry_at_s
            or not packet.size
            or packet.is_corrupt
        ):
            self._encoder = self._encoder if choice == "aac" else None
            return []
        config = self._config()
        if config:
            begin_s = end_s - SAMPLES / self._stream.codec_context.sample_rate
            return [_packet(begin_s, bytes(packet), track, config)]
        if choice == "copy":
            return []
        try:
            encoder = self._encoder = self._encoder or _Encoder(self._stream.codec_context)
            return [_packet(begin_s, data, track, encoder.config) for begin_s, data in encoder.encode(packet, end_s)]
        except (av.FFmpegError, ValueError) as error:
            is_first, self._retry_at_s = self._retry_at_s == float("-inf"), arrived_s + _RETRY_S
            self._encoder = None
            if is_first:
                _log.warning("the sound of %s is left out: it cannot be made into AAC: %s", self._title, error)
            return []

    def tell(self, choice: SoundChoice) -> None:
        """Log once why there is no sound."""
        if choice == "off" or self._is_told:
            return
        if self._stream is None:
            self._is_told = True
            _log.warning("%s sends no sound that can be read: its films have none", self._title)
        elif choice == "copy" and not self._config():
            self._is_told = True
            codec = self._stream.codec_context.name
            _log.warning(
                "%s sends its sound as %s, which films cannot hold: they have none, unless recording.sound is aac",
                *(self._title, codec),
            )

    def _config(self) -> bytes:
        """Return the AudioSpecificConfig of sound that can be copied; empty otherwise."""
        decoder = self._stream.codec_context if self._stream is not None else None
        if decoder is None or decoder.name != "aac":
            return b""
        config = bytes(decoder.extradata or b"")
        return config if aac_format(config) is not None else b""


class _Encoder:
    """Transcodes packets to AAC."""

    def __init__(self, decoder: Any) -> None:
        rate_hz = decoder.sample_rate if decoder.sample_rate in _RATES_HZ else _RATES_HZ[-1]
        layout = _LAYOUTS.get(decoder.channels, "stereo")
        codec: Any = av.CodecContext.create("aac", "w")
        codec.sample_rate, codec.layout, codec.format = rate_hz, layout, "fltp"
        codec.time_base = Fraction(1, rate_hz)
        codec.bit_rate = min(_BITS_PER_CHANNEL, 4 * rate_hz) * codec.channels
        codec.flags |= av.codec.context.Flags.global_header
        codec.open()
        self.config = bytes(codec.extradata)
        if aac_format(self.config) is None:
            raise ValueError("the encoder reports no format")
        self._codec, self._rate_hz = codec, rate_hz
        self._resampler = av.AudioResampler("fltp", layout, rate_hz, SAMPLES)
        self._taken_s = 0.0
        # The encoder's first frame precedes the first sample (encoder delay).
        self._next_sample = -SAMPLES

    def encode(self, packet: Any, end_s: float) -> Iterator[tuple[float, bytes]]:
        """Transcode a packet; yield the begin (monotonic seconds) and the bytes of each completed frame.

        Raises:
            FFmpegError: The encoder failed. Undecodable data is skipped.
        """
        try:
            frames = list(packet.decode())
        except av.error.InvalidDataError:
            return
        made: list[Any] = []
        for frame in frames:
            self._taken_s += frame.samples / frame.sample_rate
            frame.pts = None
            for part in self._resampler.resample(frame):
                part.pts = None
                made += self._codec.encode(part)
        for each in made:
            begin_s = end_s - (self._taken_s - self._next_sample / self._rate_hz)
            self._next_sample += SAMPLES
            yield begin_s, bytes(each)


def _packet(begin_s: float, data: bytes, track: int, config: bytes) -> Packet:
    return Packet(begin_s, False, data, PacketFacts(pts_of(begin_s), track=track, sound=config))
