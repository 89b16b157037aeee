"""Headers of JPEG and npy files, and the EXIF orientation of a JPEG, read without numpy and without a decoder.

numpy's own reader evaluates the header of an npy file and believes its shape, so a damaged file could ask for any
amount of memory, or raise almost anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

# Maximum number of pixels, far more than any supported camera has; a damaged header may claim 65 535 x 65 535.
LARGEST_PX = 100_000_000

_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,5}), ([0-9]{1,5}), 3\), \} *\n",
    re.DOTALL,
)

APP1 = 0xE1
EXIF_HEADER = b"Exif\0\0"
_SOS = 0xDA
# EXIF tag of the orientation; directories of more entries are nonsense.
_ORIENTATION, _ENTRIES_MAX = 0x0112, 200
# Frame headers: SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG in pixels (ITU-T T.81, annex B); ``None`` for other bytes."""
    for marker, at in jpeg_segments(data):
        if marker in _FRAMES and len(data) >= at + 7:
            return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 3 : at + 5], "big")
    return None


def exif_orientation(data: bytes) -> int:
    """Return how a JPEG says that it is to be shown: 1 to 8 (Exif 2.32, section 4.6.4); 1 where it says nothing."""
    for marker, at in jpeg_segments(data):
        if marker == APP1 and data.startswith(EXIF_HEADER, at + 2):
            end = at + int.from_bytes(data[at : at + 2], "big")
            return _orientation_in(data[at + 2 + len(EXIF_HEADER) : end])
    return 1


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and offset of each segment before the pixels; the offset is that of its length."""
    at = 2
    while data[:2] == b"\xff\xd8" and len(data) >= at + 4 and data[at] == 0xFF and data[at + 1] != _SOS:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
        else:
            yield data[at + 1], at + 2
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _orientation_in(tiff: bytes) -> int:
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    start = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[start : start + 2], order)
    for entry in range(min(count, _ENTRIES_MAX)):
        at = start + 2 + 12 * entry
        if int.from_bytes(tiff[at : at + 2], order) == _ORIENTATION:
            value = int.from_bytes(tiff[at + 8 : at + 10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def parse_npy_header(content: bytes | memoryview) -> tuple[tuple[int, int, int], int] | None:
    """Return shape and offset of the picture in an npy file of this package; ``None`` for any other file.

    Args:
        content: The file, or at least its header.
    """
    header = _NPY_HEADER.match(content)
    return None if header is None else ((int(header[1]), int(header[2]), 3), header.end())
