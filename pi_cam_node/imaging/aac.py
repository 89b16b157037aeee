"""AudioSpecificConfig: the few bytes that tell a decoder of AAC what it gets (ISO/IEC 14496-3, 1.6.2.1)."""

from __future__ import annotations

from pi_cam_node.base.frozen import frozen

SAMPLES = 1024
"""Samples of each channel in a frame of AAC."""

# Longer ones are of codecs that this package does not copy. Every packet of sound brings its own.
CONFIG_BYTES_MAX = 8
_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_RATE_FOLLOWS, _LONG_TYPE = 15, 31
_LC, _SBR, _PS = 2, 5, 29


@frozen
class AacFormat:
    """Format of a stream of AAC.

    Attributes:
        rate_hz: Samples of each channel in a second.
        channels: Number of channels, 1 to 7.
    """

    rate_hz: int
    channels: int


def aac_format(config: bytes) -> AacFormat | None:
    """Return the format in an AudioSpecificConfig.

    ``None`` where it is damaged, or not of AAC-LC (with or without SBR) in frames of `SAMPLES`. With SBR the rate is
    that of the core, whose frames have as many samples.
    """
    if not 2 <= len(config) <= CONFIG_BYTES_MAX:
        return None
    bits = _Bits(config)
    kind = bits.object_type()
    rate_hz = bits.rate_hz()
    channels = bits.take(4)
    if kind in (_SBR, _PS):
        bits.rate_hz()
        kind = bits.object_type()
    has_short_frames = bits.take(1)
    if bits.is_over or kind != _LC or not rate_hz or (rate_hz >= 1 << 16 and rate_hz not in _RATES_HZ):
        return None
    return None if has_short_frames or not 1 <= channels <= 7 else AacFormat(rate_hz, channels)


def aac_codec_string(config: bytes) -> str:
    """Return the codec string of browsers and playlists, e.g. ``mp4a.40.2`` (RFC 6381)."""
    return f"mp4a.40.{_Bits(config).object_type()}"


class _Bits:
    """Reads bits, most significant first; zeros after the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data + bytes(8), 0
        self._end = 8 * len(data)

    @property
    def is_over(self) -> bool:
        return self._position > self._end

    def take(self, count: int) -> int:
        self._position += count
        return (int.from_bytes(self._data, "big") >> (8 * len(self._data) - self._position)) & ((1 << count) - 1)

    def object_type(self) -> int:
        kind = self.take(5)
        return 32 + self.take(6) if kind == _LONG_TYPE else kind

    def rate_hz(self) -> int:
        index = self.take(4)
        if index == _RATE_FOLLOWS:
            return self.take(24)
        return _RATES_HZ[index] if index < len(_RATES_HZ) else 0
