"""The header of an npy file, read without numpy.

numpy's own reader evaluates the header and believes its shape, so a damaged file could ask for any amount of memory, or
raise almost anything.
"""

from __future__ import annotations

import re

HEADER_MAX_BYTES = 256
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,5}), ([0-9]{1,5}), 3\), \} *\n",
    re.DOTALL,
)


def parse_header(content: bytes | memoryview) -> tuple[tuple[int, int, int], int] | None:
    """Return shape and offset of the picture in an npy file of this package; ``None`` where the file is another.

    Args:
        content: The file, or its first `HEADER_MAX_BYTES`.
    """
    header = _HEADER.match(content)
    return None if header is None else ((int(header[1]), int(header[2]), 3), header.end())
