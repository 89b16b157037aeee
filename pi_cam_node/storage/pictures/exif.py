"""What a photo viewer shows about a picture: EXIF, put into a finished JPEG without encoding it again.

Pillow knows how a TIFF block is laid out and builds it; the block then becomes an APP1 segment
near the start of the file (Exif 2.32, section 4.5.4, says how). The scan data stays as it is, byte
for byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC

from pi_cam_node import __version__
from pi_cam_node.core.picture import Picture

_SOI = b"\xff\xd8"
_APP0, _APP1, _SOS = 0xE0, 0xE1, 0xDA
_EXIF_HEADER = b"Exif\0\0"

_IMAGE_DESCRIPTION, _SOFTWARE, _EXIF_IFD = 0x010E, 0x0131, 0x8769
_EXPOSURE_TIME, _ISO_SPEED_RATINGS, _EXIF_VERSION = 0x829A, 0x8827, 0x9000
_DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL, _SUB_SEC_TIME_ORIGINAL = 0x9003, 0x9011, 0x9291

_ISO_OF_GAIN_1 = 100
_SHORT_MAX = 65_535


def with_exif(jpeg: bytes, block: bytes) -> bytes:
    r"""Return the JPEG with the block as its only EXIF.

    Args:
        jpeg: A JPEG; an EXIF segment that it has already goes.
        block: ``Exif\0\0`` and a TIFF block, as from `exif_block`.

    Raises:
        ValueError: The bytes do not begin as a JPEG does.
    """
    header = list(_header_segments(jpeg))
    scan = jpeg[len(_SOI) + sum(map(len, header)) :]
    segments = [segment for segment in header if not _is_exif(segment)]
    # JFIF wants its APP0 first and EXIF its APP1; readers are used to APP0 before APP1.
    first = 1 if segments and segments[0][1] == _APP0 else 0
    segments.insert(first, bytes((0xFF, _APP1)) + struct.pack(">H", len(block) + 2) + block)
    return b"".join((_SOI, *segments, scan))


def exif_block(picture: Picture, picture_id: str) -> bytes:
    r"""Return what is known of the picture as ``Exif\0\0`` and a TIFF block.

    Time is UTC of the first frame, to the millisecond. ISO is 100 times the analogue gain, which is
    what the Raspberry Pi's own programs write.
    """
    # Pillow costs 30 ms and 4 MiB, and a node that saves no JPEG never needs it.
    from PIL import Image  # noqa: PLC0415
    from PIL.TiffImagePlugin import IFDRational  # noqa: PLC0415

    at = picture.first_at.astimezone(UTC)
    details: dict[int, object] = {
        _EXIF_VERSION: b"0232",
        _DATE_TIME_ORIGINAL: f"{at:%Y:%m:%d %H:%M:%S}",
        _SUB_SEC_TIME_ORIGINAL: f"{at.microsecond // 1000:03d}",
        _OFFSET_TIME_ORIGINAL: "+00:00",
    }
    if picture.sensor.exposure_us is not None:
        details[_EXPOSURE_TIME] = IFDRational(picture.sensor.exposure_us, 1_000_000)
    if picture.sensor.gain is not None:
        details[_ISO_SPEED_RATINGS] = min(_SHORT_MAX, round(picture.sensor.gain * _ISO_OF_GAIN_1))
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = picture_id
    exif[_SOFTWARE] = f"pi_cam_node {__version__}"
    exif[_EXIF_IFD] = details
    return exif.tobytes()


def _header_segments(jpeg: bytes) -> Iterator[bytes]:
    """Yield the segments between the start of the file and its first scan, markers included."""
    if not jpeg.startswith(_SOI):
        raise ValueError("not a JPEG: it does not begin with FF D8")
    at = len(_SOI)
    while True:
        if len(jpeg) < at + 4 or jpeg[at] != 0xFF:
            raise ValueError(f"not a JPEG: no segment at byte {at}")
        if jpeg[at + 1] == _SOS:
            return
        end = at + 2 + int(struct.unpack_from(">H", jpeg, at + 2)[0])
        yield jpeg[at:end]
        at = end


def _is_exif(segment: bytes) -> bool:
    return segment[1] == _APP1 and segment[4:].startswith(_EXIF_HEADER)
