"""Extracts JPEGs from a byte stream, ignoring everything between them.

Cameras differ in boundaries, line ends and lengths of MJPEG over HTTP, and some send wrong ones. So the JPEG structure
itself determines begin and end (ITU-T T.81, annex B): segments with a length up to the scan, and within the scan no
markers except restarts and the end.
"""

from __future__ import annotations

import re

_SOI = b"\xff\xd8\xff"
_SOI_MARKER, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FIRST_MARKER = 0xC0
# Markers without a length: TEM, RST0 to RST7, SOI, EOI.
_BARE = {0x01, *range(0xD0, 0xDA)}
# A marker within a scan: neither data (FF 00), nor a fill byte (FF FF), nor a restart.
_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

MAX_JPEG_BYTES = 16 << 20
"""Longest accepted picture."""


class JpegSplitter:
    """Extracts complete JPEGs, and looks at each byte once, however small the pieces are. Thread: one."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._begin_search()

    def feed(self, data: bytes) -> list[bytes]:
        """Feed bytes; return completed pictures, oldest first."""
        self._buffer += data
        found: list[bytes] = []
        while self._has_begun or self._find_begin():
            end = self._end()
            if end == 0:
                if len(self._buffer) <= MAX_JPEG_BYTES:
                    return found
                end = -len(self._buffer)
            if end > 0:
                found.append(bytes(self._buffer[:end]))
            del self._buffer[: abs(end)]
            self._begin_search()
        del self._buffer[: -len(_SOI) + 1]
        return found

    def _begin_search(self) -> None:
        # Offset of what was not looked at yet of the picture at the start of the buffer.
        self._at, self._has_begun, self._is_scan = len(_SOI) - 1, False, False

    def _find_begin(self) -> bool:
        """Drop what comes before the next picture; return whether one begins."""
        begin = self._buffer.find(_SOI)
        del self._buffer[: max(begin, 0)]
        self._has_begun = begin >= 0
        return self._has_begun

    def _end(self) -> int:
        """Return the length of the JPEG at the start of the buffer, 0 if it is incomplete, negative if it is truncated.

        A negative number is the number of bytes to skip: the next picture begins before the end of this one.
        """
        data = self._buffer
        while not self._is_scan:
            at = self._at
            if len(data) < at + 4:
                return 0
            marker = data[at + 1]
            if data[at] != 0xFF or (marker < _FIRST_MARKER and marker not in _BARE):
                return -at
            if marker == 0xFF:  # a fill byte
                self._at += 1
            elif marker in _BARE:
                self._at += 2
            else:
                self._skip_segment()
                self._is_scan = marker == _SOS
        return self._end_of_scan()

    def _end_of_scan(self) -> int:
        """Return the same within a scan; a progressive JPEG has several scans."""
        data = self._buffer
        while match := _IN_SCAN.search(data, self._at):
            self._at = match.start()
            marker = data[self._at + 1]
            if marker == _EOI:
                return self._at + 2
            if marker == _SOI_MARKER:  # start of the next picture: this one is truncated
                return -self._at
            if len(data) < self._at + 4:
                return 0
            self._skip_segment()  # tables between two scans
        self._at = max(self._at, len(data) - 1)  # its last byte may be the first of a marker
        return 0

    def _skip_segment(self) -> None:
        self._at += 2 + int.from_bytes(self._buffer[self._at + 2 : self._at + 4], "big")
