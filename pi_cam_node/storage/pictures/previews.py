"""Previews of a saved picture for MQTT: small copies that fit a message."""

from __future__ import annotations

import logging

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.units import KIB
from pi_cam_node.config import Config
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.tasks import THUMBNAIL_MAX_BYTES, ImageTasks
from pi_cam_node.storage.pictures.encoders import as_jpeg

_log = logging.getLogger(__name__)

# Larger than any width: the size is only reduced to fit the byte limit.
_ANY_WIDTH_PX = 1 << 16
# Overhead of a packet: topic and properties.
_PACKET_REST_BYTES = KIB


def previews(
    picture: Picture, jpg: bytes | None, config: Config, images: ImageTasks, packet_limit_bytes: int | None = None
) -> tuple[bytes | None, bytes | None]:
    """Return image and thumbnail of a picture as JPEGs, each ``None`` if not wanted.

    Errors are logged only, since the picture itself is saved already.

    Args:
        picture: The picture.
        jpg: Its JPEG, if one was written.
        config: The settings; `mqtt.image_max_bytes` bounds the image, `export.thumbnail_px` the thumbnail's width.
        images: Image processing.
        packet_limit_bytes: The broker's packet limit; ``None`` if unknown.
    """
    image_max_bytes, thumbnail_px = config.mqtt.image_max_bytes, config.export.thumbnail_px
    thumbnail_max_bytes = THUMBNAIL_MAX_BYTES
    if packet_limit_bytes is not None:
        image_max_bytes = max(0, min(image_max_bytes, packet_limit_bytes - _PACKET_REST_BYTES))
        # base64 expands three bytes to four.
        thumbnail_max_bytes = min(thumbnail_max_bytes, (packet_limit_bytes - _PACKET_REST_BYTES) * 3 // 4)
    if not image_max_bytes and not thumbnail_px:
        return None, None
    try:
        source = jpg or as_jpeg(picture, config.export.jpeg_quality, images)
        small = picture.small
        if small is None or len(small) > thumbnail_max_bytes:
            small = _small(source, thumbnail_px, thumbnail_max_bytes, images)
        return _within(source, image_max_bytes, images), small
    except (ValueError, NotSaved) as error:
        _log.warning("no preview of a picture that was saved: %s", error)
        return None, None


def _small(source: bytes, width_px: int, max_bytes: int, images: ImageTasks) -> bytes | None:
    if not width_px or max_bytes <= 0:
        return None
    smaller = images.thumbnail(source, width_px, max_bytes)
    return smaller if len(smaller) <= max_bytes else None


def _within(source: bytes, max_bytes: int, images: ImageTasks) -> bytes | None:
    if not max_bytes:
        return None
    if len(source) <= max_bytes:
        return source
    smaller = images.thumbnail(source, _ANY_WIDTH_PX, max_bytes)
    if len(smaller) > max_bytes:
        _log.warning("no picture is as small as mqtt.image_max_bytes or the broker allows (%d)", max_bytes)
        return None
    return smaller
