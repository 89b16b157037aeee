"""Encodes a picture to the bytes of a file; pixels are processed by `ImageTasks`."""

from __future__ import annotations

from pi_cam_node.config import Format
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.frame import Frame, RawImage
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.storage.pictures.exif import exif_block, with_exif


def encoded(picture: Picture, picture_id: str, wanted: Format, quality: int, images: ImageTasks) -> bytes:
    """Return the content of the picture's file in one format.

    - ``jpg``: a finished JPEG as it is, or the pixels at ``quality``; with EXIF.
    - ``png``: lossless.
    - ``npy``: numpy's own format, an array (height, width, 3) of uint8 in B, G, R order.

    Raises:
        ValueError: The content is not a picture, or does not fit the format.
        NotSaved: The image process failed.
    """
    if wanted == "jpg":
        return with_exif(as_jpeg(picture, quality, images), exif_block(picture, picture_id))
    return images.encode(_source(picture), wanted)


def as_jpeg(picture: Picture, quality: int, images: ImageTasks) -> bytes:
    """Return the picture as a JPEG without EXIF, reusing an existing JPEG.

    A frame without pixels yields its own JPEG, whatever its quality.

    Raises:
        ValueError: The pixels cannot be encoded.
    """
    content = picture.content
    if isinstance(content, Frame):
        finished = content.jpeg_at(quality)
        if finished is None and content.raw is not None:
            return images.encode(content.raw, "jpg", quality)
        return finished or content.jpeg
    return content if isinstance(content, bytes) else images.encode(content, "jpg", quality)


def _source(picture: Picture) -> RawImage | bytes:
    content = picture.content
    return (content.raw or content.jpeg) if isinstance(content, Frame) else content
