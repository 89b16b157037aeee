"""Reads fragmented files that this package wrote, whole or cut off anywhere by a crash.

A fragment counts when its ``moof`` and its ``mdat`` are there to the last byte; the rest is cut off. Nothing is
trusted: lengths are checked against the file before anything is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pi_cam_node.recording.mp4.boxes import KEY_FLAGS, TIMESCALE, TrackBoxes

# Larger headers are not of this package: 90 s of video at 60 a second need 70 KiB.
_HEADER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a file: where it lies, and when it is shown."""

    position: int
    size_bytes: int
    ticks: int
    duration: int
    key: bool


@dataclass(frozen=True, slots=True)
class FragmentedFile:
    """The whole fragments of a fragmented file.

    Attributes:
        track: The header.
        samples: Every sample of every whole fragment.
        whole_bytes: Length of the file up to the end of the last whole fragment.
        notes: Application data in the header.
    """

    track: TrackBoxes
    samples: tuple[Sample, ...]
    whole_bytes: int
    notes: bytes = b""

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        if not self.samples:
            return 0.0
        return (self.samples[-1].ticks + self.samples[-1].duration - self.samples[0].ticks) / TIMESCALE


def read_fragmented(file: BinaryIO) -> FragmentedFile:
    """Read a fragmented file.

    Args:
        file: Open for reading, seekable.

    Raises:
        ValueError: The file has no whole header of this package.
    """
    track: TrackBoxes | None = None
    samples: list[Sample] = []
    run: list[Sample] | None = None
    whole_bytes, notes = 0, b""
    for kind, begin, size in _top_level(file):
        if kind == b"moov":
            track = _track(_content(file, begin, size))
        elif kind == b"free" and track is None:
            notes = _content(file, begin, size)
        elif kind == b"moof":
            run = _run(_content(file, begin, size), begin)
        elif kind == b"mdat" and run is not None:
            if any(sample.position + sample.size_bytes > begin + size for sample in run):
                break
            samples += run
            run = None
        if run is None:
            whole_bytes = begin + size
    if track is None:
        raise ValueError("no whole header")
    return FragmentedFile(track, tuple(samples), whole_bytes, notes)


def _top_level(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, position and size of the boxes of the file that are there to the last byte."""
    file_bytes = file.seek(0, 2)
    position = 0
    while position + 8 <= file_bytes:
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size < 8 or position + size > file_bytes:
            return
        yield kind, position, size
        position += size


def _content(file: BinaryIO, begin: int, size: int) -> bytes:
    if size > _HEADER_BYTES_MAX:
        raise ValueError(f"a header of {size} bytes")
    file.seek(begin + 8)
    return file.read(size - 8)


def _find(content: bytes, *path: bytes) -> bytes:
    """Return the content of the first box below a path of kinds.

    Raises:
        ValueError: The box is missing.
    """
    for kind in path:
        position = 0
        while position + 8 <= len(content):
            size, found = struct.unpack_from(">I4s", content, position)
            if size < 8:
                raise ValueError(f"a box of {size} bytes")
            if found == kind:
                content = content[position + 8 : position + size]
                break
            position += size
        else:
            raise ValueError(f"no {kind.decode()}")
    return content


def _track(movie: bytes) -> TrackBoxes:
    entry = _find(_find(movie, b"trak", b"mdia", b"minf", b"stbl", b"stsd")[8:], b"avc1")
    width, height = struct.unpack_from(">HH", entry, 24)
    configuration = _find(entry[78:], b"avcC")
    try:
        (sps_bytes,) = struct.unpack_from(">H", configuration, 6)
        sps = configuration[8 : 8 + sps_bytes]
        (pps_bytes,) = struct.unpack_from(">H", configuration, 9 + sps_bytes)
        pps = configuration[11 + sps_bytes : 11 + sps_bytes + pps_bytes]
    except struct.error as error:
        raise ValueError(f"no parameter sets: {error}") from None
    return TrackBoxes((width, height), sps, pps, is_copied=b"colrnclx" not in entry)


def _run(fragment: bytes, begin: int) -> list[Sample]:
    """Return the samples that a ``moof`` announces; ``begin`` is its position."""
    track = _find(fragment, b"traf")
    try:
        (ticks,) = struct.unpack_from(">Q", _find(track, b"tfdt"), 4)
        content = _find(track, b"trun")
        count, offset = struct.unpack_from(">Ii", content, 4)
        rows = struct.iter_unpack(">3I", content[12 : 12 + 12 * count])
    except struct.error as error:
        raise ValueError(f"a fragment that is not ours: {error}") from None
    samples, position = [], begin + offset
    for duration, size_bytes, flags in rows:
        samples.append(Sample(position, size_bytes, ticks, duration, flags == KEY_FLAGS))
        position += size_bytes
        ticks += duration
    return samples
