"""EXIF metadata for photo viewers, inserted into a finished JPEG without encoding it again.

A TIFF block of two directories becomes an APP1 segment near the start of the file (Exif 2.32, section 4.5.4). The scan
data is not changed. Pillow is not used, since it would load a JPEG library into the node's process.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC

from pi_cam_node import __version__
from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.headers import APP1, EXIF_HEADER, jpeg_segments

_SOI, _SOS = b"\xff\xd8", b"\xff\xda"
_APP0 = 0xE0

_IMAGE_DESCRIPTION, _SOFTWARE, _EXIF_IFD = 0x010E, 0x0131, 0x8769
_EXPOSURE_TIME, _ISO_SPEED_RATINGS, _EXIF_VERSION = 0x829A, 0x8827, 0x9000
_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL, _SUB_SEC_TIME_ORIGINAL = 0x9003, 0x9011, 0x9291

_ISO_OF_GAIN_1 = 100
_SHORT_MAX = 65_535

# TIFF field types, and the offset of the first directory.
_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 2, 3, 4, 5, 7
_FIRST_IFD = 8


def with_exif(jpeg: bytes, block: bytes) -> bytes:
    r"""Return the JPEG with the block as its only EXIF.

    Args:
        jpeg: A JPEG; an existing EXIF segment is removed.
        block: ``Exif\0\0`` and a TIFF block, as from `exif_block`.

    Raises:
        ValueError: The bytes are not a JPEG.
    """
    segments, scan_at = [], len(_SOI)
    for marker, at in jpeg_segments(jpeg):
        scan_at = at + int.from_bytes(jpeg[at : at + 2], "big")
        if not (marker == APP1 and jpeg.startswith(EXIF_HEADER, at + 2)):
            segments.append(jpeg[at - 2 : scan_at])
    if not jpeg.startswith(_SOI) or jpeg[scan_at : scan_at + 2] != _SOS:
        raise ValueError(f"not a JPEG: no scan at byte {scan_at}")
    # JFIF requires APP0 first and EXIF APP1; readers expect APP0 before APP1.
    first = 1 if segments and segments[0][1] == _APP0 else 0
    segments.insert(first, bytes((0xFF, APP1)) + struct.pack(">H", len(block) + 2) + block)
    return b"".join((_SOI, *segments, jpeg[scan_at:]))


def exif_block(picture: Picture, picture_id: str) -> bytes:
    r"""Return the picture's metadata as ``Exif\0\0`` and a TIFF block.

    Time is UTC of the first frame, to the millisecond. ISO is 100 times the analogue gain, which is
    what the Raspberry Pi's own programs write.
    """
    at = picture.first_at.astimezone(UTC)
    details = [
        _ascii(_DATE_TIME_ORIGINAL, f"{at:%Y:%m:%d %H:%M:%S}"),
        _Field(_EXIF_VERSION, _UNDEFINED, 4, b"0232"),
        _ascii(_OFFSET_TIME_ORIGINAL, "+00:00"),
        _ascii(_SUB_SEC_TIME_ORIGINAL, f"{at.microsecond // 1000:03d}"),
    ]
    if picture.sensor.gain is not None:
        speed = min(_SHORT_MAX, round(picture.sensor.gain * _ISO_OF_GAIN_1))
        details.append(_Field(_ISO_SPEED_RATINGS, _SHORT, 1, struct.pack(">H", speed)))
    if picture.sensor.exposure_us is not None:
        exposure = struct.pack(">II", picture.sensor.exposure_us, 1_000_000)
        details.append(_Field(_EXPOSURE_TIME, _RATIONAL, 1, exposure))
    main = [_ascii(_IMAGE_DESCRIPTION, picture_id), _ascii(_SOFTWARE, f"pi_cam_node {__version__}")]
    header = b"MM\0*" + struct.pack(">I", _FIRST_IFD)
    where = _FIRST_IFD + len(_directory([*main, _long(_EXIF_IFD, 0)], _FIRST_IFD))
    directory = _directory([*main, _long(_EXIF_IFD, where)], _FIRST_IFD)
    return EXIF_HEADER + header + directory + _directory(details, where)


@frozen
class _Field:
    """A field of a TIFF directory: tag, type, count of values, and their bytes."""

    tag: int
    kind: int
    count: int
    data: bytes


def _ascii(tag: int, text: str) -> _Field:
    data = text.encode("ascii", "replace") + b"\0"
    return _Field(tag, _ASCII, len(data), data)


def _long(tag: int, value: int) -> _Field:
    return _Field(tag, _LONG, 1, struct.pack(">I", value))


def _directory(fields: Sequence[_Field], at: int) -> bytes:
    """Return a directory for an offset, followed by its values longer than four bytes (TIFF 6.0)."""
    entries, values = [], b""
    rest_at = at + 2 + 12 * len(fields) + 4
    for each in sorted(fields, key=lambda field: field.tag):
        value = each.data.ljust(4, b"\0")
        if len(each.data) > 4:
            value = struct.pack(">I", rest_at + len(values))
            values += each.data + b"\0" * (len(each.data) % 2)
        entries.append(struct.pack(">HHI", each.tag, each.kind, each.count) + value)
    return struct.pack(">H", len(fields)) + b"".join(entries) + b"\0\0\0\0" + values
