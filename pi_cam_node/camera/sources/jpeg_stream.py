"""Extracts JPEGs from a byte stream, ignoring everything between them.

Cameras differ in boundaries, line ends and lengths of MJPEG over HTTP, and some send wrong ones. So the JPEG structure
itself determines begin and end (ITU-T T.81, annex B): segments with a length up to the scan, and within the scan no
markers except restarts and the end.
"""

from __future__ import annotations

_SOI = b"\xff\xd8\xff"
_SOS = 0xDA
_FIRST_MARKER = 0xC0
# Markers without a length: TEM, RST0 to RST7, SOI, EOI.
_BARE = {0x01, *range(0xD0, 0xDA)}

MAX_JPEG_BYTES = 16 << 20
"""Longest accepted picture."""


class JpegSplitter:
    """Extracts complete JPEGs. Thread: one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Feed bytes; return completed pictures, oldest first."""
        self._buffer += data
        found: list[bytes] = []
        while (begin := self._buffer.find(_SOI)) >= 0:
            del self._buffer[:begin]
            end = _end_of(self._buffer)
            if end == 0:
                if len(self._buffer) > MAX_JPEG_BYTES:
                    del self._buffer[: len(_SOI)]
                    continue
                return found
            if end > 0:
                found.append(bytes(self._buffer[:end]))
            del self._buffer[: abs(end)]
        del self._buffer[: -len(_SOI) + 1]
        return found


def _end_of(data: bytearray) -> int:
    """Return the length of the JPEG at the start of the data, 0 if it is incomplete, negative if it is truncated.

    A negative number is the number of bytes to skip: the next picture begins before the end of this one.
    """
    at = 2
    while True:
        if len(data) < at + 4:
            return 0
        if data[at] != 0xFF:
            return -at
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker < _FIRST_MARKER and marker not in _BARE:
            return -at
        elif marker in _BARE:
            at += 2
        elif marker == _SOS:
            return _end_of_scan(data, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big"))
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _end_of_scan(data: bytearray, at: int) -> int:
    """Return the same from the first byte of a scan on; a progressive JPEG has several scans."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xD8:  # start of the next picture: this one is truncated
            return -at
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        else:  # tables between two scans
            if len(data) < at + 4:
                return 0
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0
