"""Size of a JPEG from its header (ITU-T T.81, annex B), without numpy or a decoder."""

from __future__ import annotations

_SOS = 0xDA
# Frame headers: SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels; ``None`` where the bytes do not begin as a JPEG does."""
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
