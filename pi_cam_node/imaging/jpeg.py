"""JPEG encoding and decoding of numpy arrays, by simplejpeg if installed, else OpenCV.

simplejpeg encodes the planes of a YUV frame without a colour conversion and scales while it
decodes; OpenCV is within five percent of it on BGR. All of it works with one thread and releases
the interpreter lock.

OpenCV takes 15 MiB and, on a small board, seconds to import: `opencv` contains everything that needs it, and is
imported on use. Frames of a Pi camera pass from the sensor into the ring without it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.headers import LARGEST_PX

try:
    import simplejpeg
except (ImportError, ValueError):  # ValueError: built against another numpy ABI (apt's beside pip's)
    simplejpeg = None
if not hasattr(simplejpeg, "encode_jpeg_yuv_planes"):  # before 1.8
    simplejpeg = None

Pixels = npt.NDArray[np.uint8]


def size_of(pixels: Pixels, layout: Layout) -> tuple[int, int]:
    """Return ``(width, height)`` in pixels of an array in the given layout."""
    rows, columns = pixels.shape[:2]
    return (columns, rows * 2 // 3) if layout == "i420" else (columns, rows)


def planes(pixels: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Return the Y, U and V planes of an I420 array ``(height * 3 / 2, width)`` as views."""
    rows, width = pixels.shape
    height = rows * 2 // 3
    half = (height // 2, width // 2)
    chroma_bytes = half[0] * half[1]
    u, v = pixels.reshape(-1)[width * height :].reshape(2, chroma_bytes)
    return pixels[:height], u.reshape(half), v.reshape(half)


def to_bgr(pixels: Pixels, layout: Layout) -> Pixels:
    """Return the picture as ``(height, width, 3)`` uint8 in B, G, R order.

    I420 is taken as full-range sYCC, which is what a JPEG stores; OpenCV's own conversion would
    assume limited range and stretch the contrast.
    """
    if layout == "bgr":
        return pixels
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - see the top

    return opencv.bgr_of(*planes(pixels))


def to_i420(bgr: Pixels) -> Pixels:
    """Return a picture of even width and height, B, G, R, as full-range I420 planes ``(height * 3 / 2, width)``."""
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - see the top

    height, width = bgr.shape[:2]
    pixels = np.empty((height * 3 // 2, width), np.uint8)
    opencv.fill_planes(bgr, *planes(pixels))
    return pixels


def encode(pixels: Pixels, layout: Layout, quality: int) -> bytes:
    """Return the picture as a baseline 4:2:0 JPEG of the given quality (1 to 100)."""
    if simplejpeg is None:
        from pi_cam_node.imaging import opencv  # noqa: PLC0415 - see the top

        return opencv.encode(to_bgr(pixels, layout), quality)
    if layout == "i420":
        y, u, v = planes(pixels)
        return bytes(simplejpeg.encode_jpeg_yuv_planes(y, u, v, quality))
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "BGR", "420"))


class SoftwareJpegEncoder:
    """Implements `pi_cam_node.imaging.encoders.JpegEncoder` by `encode`."""

    encode = staticmethod(encode)


def decode(data: bytes) -> Pixels:
    """Return a JPEG as ``(height, width, 3)`` uint8 in B, G, R order.

    Raises:
        ValueError: The bytes are not a JPEG that can be read.
    """
    if simplejpeg is not None:
        _check_size(data)
        return np.asarray(simplejpeg.decode_jpeg(data, "BGR"), dtype=np.uint8)
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - see the top

    return opencv.decode(data)


def resize(pixels: Pixels, layout: Layout, size: tuple[int, int]) -> Pixels:
    """Return the picture in another size, ``(width, height)`` even, in the same layout."""
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - see the top

    if layout == "bgr":
        return opencv.resize(pixels, size)
    width, height = size
    half = (width // 2, height // 2)
    y, u, v = planes(pixels)
    scaled = [opencv.resize(p, s) for p, s in ((y, size), (u, half), (v, half))]
    return np.concatenate([p.reshape(-1) for p in scaled]).reshape(height * 3 // 2, width)


def _check_size(data: bytes) -> None:
    """Check the size that the header of a JPEG names, before memory is allocated for it.

    Raises:
        ValueError: The bytes are no JPEG header, or no picture is that large.
    """
    height, width, _colour, _sampling = simplejpeg.decode_jpeg_header(data)
    if width * height > LARGEST_PX:
        raise ValueError(f"a JPEG of {width} x {height} pixels")
