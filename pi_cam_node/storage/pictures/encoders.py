"""A picture as the bytes of a file, one function per format."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from pi_cam_node.config import Format
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging import jpeg, png
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.storage.pictures.exif import exif_block, with_exif

Bytes = bytes | memoryview


def encoded(picture: Picture, picture_id: str, wanted: Format, quality: int) -> Bytes:
    """Return the content of the picture's file in one format.

    - ``jpg``: a finished JPEG as it is, or the pixels at ``quality``; with EXIF.
    - ``png``: lossless.
    - ``npy``: numpy's own format, an array (height, width, 3) of uint8 in B, G, R order.

    Raises:
        ValueError: The content is not a picture, or not one that the format can hold.
    """
    return _ENCODERS[wanted](picture, picture_id, quality)


def as_jpeg(picture: Picture, quality: int) -> bytes:
    """Return the picture as a JPEG without EXIF; nothing is encoded twice.

    Raises:
        ValueError: The pixels cannot be encoded.
    """
    content = picture.content
    if isinstance(content, bytes):
        return content
    return content.jpeg(quality) if isinstance(content, Frame) else jpeg.encode(content, "bgr", quality)


def as_pixels(picture: Picture) -> Pixels:
    """Return the picture as (height, width, 3) uint8 in B, G, R order.

    Raises:
        ValueError: The content is not a JPEG that can be read.
    """
    content = picture.content
    if isinstance(content, bytes):
        return jpeg.decode(content)
    return content.bgr() if isinstance(content, Frame) else content


def _jpg(picture: Picture, picture_id: str, quality: int) -> bytes:
    return with_exif(as_jpeg(picture, quality), exif_block(picture, picture_id))


def _png(picture: Picture, _picture_id: str, _quality: int) -> Bytes:
    return png.encode(as_pixels(picture))


def _npy(picture: Picture, _picture_id: str, _quality: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, as_pixels(picture), allow_pickle=False)
    return buffer.getvalue()


_ENCODERS: dict[Format, Callable[[Picture, str, int], Bytes]] = {"jpg": _jpg, "png": _png, "npy": _npy}
