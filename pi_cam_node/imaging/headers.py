"""Headers of JPEG and npy files, read without numpy and without a decoder.

numpy's own reader evaluates the header of an npy file and believes its shape, so a damaged file could ask for any
amount of memory, or raise almost anything.
"""

from __future__ import annotations

import re

# Far more than any camera here has. A damaged header may say 65 535 x 65 535, which would not fit into memory.
LARGEST_PX = 100_000_000

NPY_HEADER_MAX_BYTES = 256
_NPY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,5}), ([0-9]{1,5}), 3\), \} *\n",
    re.DOTALL,
)

_SOS = 0xDA
# Frame headers: SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG in pixels (ITU-T T.81, annex B); ``None`` for other bytes."""
    at = 2
    while data[:2] == b"\xff\xd8" and len(data) >= at + 9 and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _FRAMES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        elif marker == _SOS:
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def parse_npy_header(content: bytes | memoryview) -> tuple[tuple[int, int, int], int] | None:
    """Return shape and offset of the picture in an npy file of this package; ``None`` where the file is another.

    Args:
        content: The file, or its first `NPY_HEADER_MAX_BYTES`.
    """
    header = _NPY_HEADER.match(content)
    return None if header is None else ((int(header[1]), int(header[2]), 3), header.end())
