"""Format of encoded video: size, profile, level and rate control, known before anything is encoded."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.frozen import frozen

# Scale of `recording.quality`: 60 is CRF 23, each further step 0.4 less.
_QUALITY_OF_CRF_23, _CRF_PER_QUALITY = 60, 0.4
# H.264, table A-1: level times ten, macroblocks of a picture, macroblocks a second.
_LEVELS = (
    (30, 1_620, 40_500),
    (31, 3_600, 108_000),
    (32, 5_120, 216_000),
    (40, 8_192, 245_760),
    (42, 8_704, 522_240),
    (50, 22_080, 589_824),
    (51, 36_864, 983_040),
    (52, 36_864, 2_073_600),
)
# Rate at which a level has to suffice.
_RATE_HZ = 30
# Buffer time of rate control (VBV).
_BUFFER_S = 1


@frozen
class VideoFormat:
    """Requested size, rate and quality of encoded video.

    Attributes:
        quality: 1 to 100, of pictures in the size in which they come; see `recording.quality`.
        limit: Greatest width and height in pixels, to which pictures are scaled down; (0, 0): none.
        bitrate: Bit rate in bits a second instead of a quality; 0: none.
        rate_hz: Pictures a second, as expected, from which a bit rate follows for each; the encoder corrects it.
    """

    quality: int = 60
    limit: tuple[int, int] = (0, 0)
    bitrate: int = 0
    rate_hz: float = 10.0

    def arguments(self) -> Sequence[str]:
        """Return the format as command-line arguments; see `format_of`."""
        return [str(number) for number in (self.quality, *self.limit, self.rate_hz, self.bitrate)]

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the video of pictures of a size: even, and no larger than they are."""
        width, height = size
        scale = min(1.0, self.limit[0] / width, self.limit[1] / height) if all(self.limit) else 1.0
        return max(2, round(width * scale) & ~1), max(2, round(height * scale) & ~1)

    def codec_of(self, size: tuple[int, int]) -> str:
        """Return the codec string (RFC 6381) of the video of pictures of a size."""
        profile = "4d40" if self.bitrate else "42c0"
        return f"avc1.{profile}{level_of(self.size_of(size)):02x}"

    def options_of(self, size: tuple[int, int]) -> dict[str, str]:
        """Return the options of libx264 for the video of pictures of a size.

        No global header: SPS and PPS go before each key frame, so that a film can begin at any of them.
        """
        rate = {"preset": "ultrafast", "profile": "baseline", "crf": f"{crf_of(self.quality):g}"}
        if self.bitrate:
            bits = str(self.bitrate)
            rate = {"preset": "veryfast", "profile": "main", "b": bits, "maxrate": bits}
            rate["bufsize"] = str(self.bitrate * _BUFFER_S)
            rate["x264-params"] = "vbv-init=0.5"  # with a full buffer the first second takes half as much again
        return {
            **rate,
            "tune": "zerolatency",
            "level": str(level_of(self.size_of(size))),
            "threads": "1",
            "g": "9999",
            "forced-idr": "1",
            "sc_threshold": "0",
        }


def format_of(arguments: Sequence[str]) -> VideoFormat:
    """Parse the result of `VideoFormat.arguments`."""
    quality, width, height, rate_hz, bitrate = arguments
    return VideoFormat(int(quality), (int(width), int(height)), int(bitrate), float(rate_hz))


def crf_of(quality: int) -> float:
    """Return the constant rate factor of libx264 for a quality of 1 to 100."""
    return min(51.0, max(1.0, 23 + (_QUALITY_OF_CRF_23 - quality) * _CRF_PER_QUALITY))


def level_of(size: tuple[int, int]) -> int:
    """Return the lowest level that suffices for pictures of a size at 30 Hz, times ten."""
    blocks = -(-size[0] // 16) * -(-size[1] // 16)
    return next((level for level, most, rate in _LEVELS if blocks <= most and blocks * _RATE_HZ <= rate), 52)
