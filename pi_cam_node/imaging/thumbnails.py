"""Small copies of pictures, made by Pillow: neither numpy nor OpenCV is needed for the picture of an event."""

from __future__ import annotations

import io

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from pi_cam_node.imaging.headers import LARGEST_PX

# Quality gives way first, then size, down to this width.
_QUALITIES = (75, 60, 45, 30)
_LEAST_PX = 16
# Pixels are averaged in whole blocks first, as a JPEG's decoder does it: half of the time, and no difference to see.
_REDUCING_GAP = 1.5


def thumbnail_of_pixels(
    pixels: Image.SupportsArrayInterface, size: tuple[int, int], width_px: int, max_bytes: int
) -> bytes:
    """Return a small copy of pixels as `thumbnail` does of a JPEG.

    Args:
        pixels: (height, width, 3) uint8 in B, G, R order.
        size: Width and height.
        width_px: Width at most.
        max_bytes: Length at most.
    """
    picture = Image.frombuffer("RGB", size, pixels, "raw", "BGR", 0, 1)
    return _within(_resized(picture, _small_size(picture, width_px)), max_bytes)


def thumbnail(jpeg: bytes, width_px: int, max_bytes: int) -> bytes:
    """Return a small copy of a JPEG: ``width_px`` wide at most and ``max_bytes`` long at most; never enlarges.

    Quality gives way first, then size.

    Raises:
        ValueError: The bytes are not a JPEG that can be read.
    """
    try:
        picture = JpegImageFile(io.BytesIO(jpeg))
        if picture.width * picture.height > LARGEST_PX:
            raise ValueError(f"a JPEG of {picture.width} x {picture.height} pixels")
        size = _small_size(picture, width_px)
        # The decoder leaves out what a smaller picture does not need, at an eighth of the size at least.
        picture.draft("RGB", size)
        picture.load()
    except (OSError, SyntaxError) as error:
        raise ValueError(f"not a JPEG that can be read: {error}") from error
    # Converted only where it has to be: a copy of a large picture is tens of megabytes.
    small = picture if picture.mode == "RGB" else picture.convert("RGB")
    return _within(_resized(small, size), max_bytes)


def _small_size(picture: Image.Image, width_px: int) -> tuple[int, int]:
    width = min(width_px, picture.width)
    return width, max(1, round(picture.height * width / picture.width))


def _within(small: Image.Image, max_bytes: int) -> bytes:
    while True:
        for quality in _QUALITIES:
            encoded = _encoded(small, quality)
            if len(encoded) <= max_bytes or (small.width <= _LEAST_PX and quality == _QUALITIES[-1]):
                return encoded
        width = max(_LEAST_PX, small.width * 2 // 3)
        small = _resized(small, (width, max(1, round(small.height * width / small.width))))


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a picture in a size; each pixel is a mean of those that it covers."""
    return (
        picture if picture.size == size else picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
    )


def _encoded(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, comment=b"")  # that of the picture may be 64 KiB
    return buffer.getvalue()
