"""Converts camera buffers to the layouts BGR and I420.

Uses the granted format, never the requested one, as libcamera adjusts format, size and stride without an error. Rows
may be padded to any stride. libcamera's RGB names give the order within a little-endian word, so the order in memory
is reversed: ``RGB888`` is B, G, R.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import Pixels

_Converter: TypeAlias = "Callable[[Pixels, Granted], Pixels]"


class _Format(NamedTuple):
    """Conversion of a pixel format, and bytes per pixel in a row of its first plane."""

    layout: Layout
    row_bytes_a_pixel: int
    convert: _Converter


@frozen
class Granted:
    """A stream as the camera delivers it.

    Attributes:
        pixel_format: libcamera's name of the format, e.g. ``YUV420``.
        size: Width and height in pixels.
        stride_bytes: Bytes from one row to the next, of the first plane; 0 for a stream without rows (``MJPEG``).
        limited: Limited range: luma from 16 to 235 and chroma from 16 to 240, instead of 0 to 255.
    """

    pixel_format: str
    size: tuple[int, int]
    stride_bytes: int
    limited: bool = False

    @classmethod
    def of(cls, stream: Mapping[str, Any], *, limited: bool = False) -> Granted:
        """Read picamera2's stream configuration.

        Raises:
            ValueError: Its frames cannot be converted to pictures; the message says why.
        """
        width, height = stream["size"]
        granted = cls(str(stream["format"]), (int(width), int(height)), int(stream.get("stride") or 0), limited)
        granted.check()
        return granted

    def check(self) -> None:
        """Check that `convert` supports the stream.

        Raises:
            ValueError: The format is unknown, the size odd, or the stride odd or shorter than a row.
        """
        width, height = self.size
        if self.pixel_format not in _FORMATS:
            known = ", ".join(_FORMATS)
            raise ValueError(f"pixel format {self.pixel_format} is not supported; these are: {known}")
        if self.layout == "i420" and (width % 2 or height % 2):
            raise ValueError(f"{self.pixel_format} of {width}x{height}: both sides must be even")
        row_bytes = width * _FORMATS[self.pixel_format].row_bytes_a_pixel
        if self.stride_bytes < row_bytes or (self.layout == "i420" and self.stride_bytes % 2):
            raise ValueError(f"{self.pixel_format} of width {width} with a stride of {self.stride_bytes} bytes")

    @property
    def layout(self) -> Layout:
        """Layout of the pixels in memory after `convert`."""
        return _FORMATS[self.pixel_format].layout


def convert(buffer: Pixels, granted: Granted) -> Pixels:
    """Return the picture in a buffer.

    Args:
        buffer: One-dimensional uint8, may be longer than the picture. A copy of camera memory, as the result may be a
            view of it.
        granted: Format, size and stride of the buffer.

    Returns:
        Contiguous uint8. ``bgr``: (height, width, 3). ``i420``: (height * 3 / 2, width), full range.

    Raises:
        ValueError: The buffer is too short, or its JPEG cannot be decoded.
    """
    return np.ascontiguousarray(_FORMATS[granted.pixel_format].convert(buffer, granted))


def _rows(buffer: Pixels, offset: int, rows: int, stride_bytes: int) -> Pixels:
    """Return a number of rows with their padding, as a view."""
    end = offset + rows * stride_bytes
    if len(buffer) < end:
        raise ValueError(f"the camera's buffer has {len(buffer)} bytes where {end} are needed")
    return buffer[offset:end].reshape(rows, stride_bytes)


def _interleaved(order: Literal["BGR", "RGB", "BGRA", "RGBA"]) -> _Converter:
    """Return a converter for interleaved colours in some order."""
    channels = len(order)

    def converter(buffer: Pixels, granted: Granted) -> Pixels:
        width, height = granted.size
        rows = _rows(buffer, 0, height, granted.stride_bytes)
        pixels = rows[:, : width * channels].reshape(height, width, channels)
        if order == "BGR":
            return pixels
        from pi_cam_node.imaging import opencv  # noqa: PLC0415 - brings OpenCV, which YUV420 does without

        return opencv.to_bgr(pixels, order)

    return converter


def _planar(u_first: bool) -> _Converter:
    """Return a converter for three planes; U and V have half the stride of Y."""

    def converter(buffer: Pixels, granted: Granted) -> Pixels:
        width, height = granted.size
        stride = granted.stride_bytes
        if stride == width and u_first and not granted.limited:
            return _rows(buffer, 0, height * 3 // 2, stride)
        y = _rows(buffer, 0, height, stride)[:, :width]
        chroma = _rows(buffer, height * stride, height, stride // 2)[:, : width // 2]
        first, second = chroma[: height // 2], chroma[height // 2 :]
        return _i420(y, first if u_first else second, second if u_first else first, granted)

    return converter


def _semi_planar(u_first: bool) -> _Converter:
    """Return a converter for a Y plane and one of interleaved U and V."""

    def converter(buffer: Pixels, granted: Granted) -> Pixels:
        width, height = granted.size
        stride = granted.stride_bytes
        y = _rows(buffer, 0, height, stride)[:, :width]
        chroma = _rows(buffer, height * stride, height // 2, stride)[:, :width]
        first, second = chroma[:, 0::2], chroma[:, 1::2]
        return _i420(y, first if u_first else second, second if u_first else first, granted)

    return converter


def _packed_yuv(y_at: int, u_at: int, v_at: int) -> _Converter:
    """Return a converter for four bytes per two pixels; chroma is the mean of two rows."""

    def converter(buffer: Pixels, granted: Granted) -> Pixels:
        width, height = granted.size
        rows = _rows(buffer, 0, height, granted.stride_bytes)[:, : width * 2]
        u, v = (_mean_of_pairs(rows[:, at::4]) for at in (u_at, v_at))
        return _i420(rows[:, y_at::2], u, v, granted)

    return converter


def _mean_of_pairs(rows: Pixels) -> Pixels:
    """Return the rounded mean of each pair of rows."""
    total = rows[0::2].astype(np.uint16) + rows[1::2] + 1
    return (total >> 1).astype(np.uint8)


def _i420(y: Pixels, u: Pixels, v: Pixels, granted: Granted) -> Pixels:
    """Concatenate three planes, and convert them to full range."""
    width, height = granted.size
    out = np.empty((height * 3 // 2, width), np.uint8)
    chroma = out[height:].reshape(2, height // 2, width // 2)
    out[:height], chroma[0], chroma[1] = y, u, v
    if granted.limited:
        from pi_cam_node.imaging import opencv  # noqa: PLC0415 - brings OpenCV, which full range does without

        opencv.stretch_to_full_range(out)
    return out


def _jpeg(buffer: Pixels, granted: Granted) -> Pixels:
    """Decode a JPEG; the rest of the buffer after its end is ignored."""
    pixels = jpeg.decode(buffer.tobytes())
    if jpeg.size_of(pixels, "bgr") != granted.size:
        width, height = jpeg.size_of(pixels, "bgr")
        raise ValueError(f"a JPEG of {width}x{height} came from a stream of {granted.size[0]}x{granted.size[1]}")
    return pixels


_FORMATS = {
    "YUV420": _Format("i420", 1, _planar(u_first=True)),
    "YVU420": _Format("i420", 1, _planar(u_first=False)),
    "NV12": _Format("i420", 1, _semi_planar(u_first=True)),
    "NV21": _Format("i420", 1, _semi_planar(u_first=False)),
    "YUYV": _Format("i420", 2, _packed_yuv(0, 1, 3)),
    "YVYU": _Format("i420", 2, _packed_yuv(0, 3, 1)),
    "UYVY": _Format("i420", 2, _packed_yuv(1, 0, 2)),
    "VYUY": _Format("i420", 2, _packed_yuv(1, 2, 0)),
    "RGB888": _Format("bgr", 3, _interleaved("BGR")),
    "BGR888": _Format("bgr", 3, _interleaved("RGB")),
    "XRGB8888": _Format("bgr", 4, _interleaved("BGRA")),
    "XBGR8888": _Format("bgr", 4, _interleaved("RGBA")),
    "MJPEG": _Format("bgr", 0, _jpeg),
}
