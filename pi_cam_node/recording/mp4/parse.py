"""Parses fragmented files written by this package, complete or truncated by a crash.

A fragment counts if its ``moof`` and ``mdat`` are complete; the rest is cut off. A damaged ``moof`` costs its own
fragment only. All lengths are checked against the file before reading.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import KEY_FLAGS, PICTURES, SOUND, TrackBoxes
from pi_cam_node.recording.mp4.sample_entries import SOUND_ENTRY_BYTES, config_of

# Maximum size of a header; 90 s of video at 60 pictures per second need 70 KiB.
_HEADER_BYTES_MAX = 1 << 20


class CutOffHeader(ValueError):
    """The file ends within its header: it holds no picture."""


@frozen
class Sample:
    """A picture or a sound frame: position in the file, and time in ticks of its track."""

    position: int
    size_bytes: int
    ticks: int
    duration: int
    key: bool


@frozen
class FragmentedFile:
    """The complete fragments of a fragmented file.

    Attributes:
        track: The header.
        samples: The pictures.
        whole_bytes: Length of the file up to the end of the last complete fragment.
        notes: Application data in the header.
        sound: The sound frames.
    """

    track: TrackBoxes
    samples: tuple[Sample, ...]
    whole_bytes: int
    notes: bytes = b""
    sound: tuple[Sample, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        if not self.samples:
            return 0.0
        return (self.samples[-1].ticks + self.samples[-1].duration - self.samples[0].ticks) / TIMESCALE_HZ

    @property
    def last_picture_s(self) -> float:
        """Seconds from the first picture to the last, which is shown until the end."""
        return (self.samples[-1].ticks - self.samples[0].ticks) / TIMESCALE_HZ if self.samples else 0.0


def read_fragmented(file: BinaryIO) -> FragmentedFile:
    """Parse a fragmented file.

    Args:
        file: Open for reading, seekable.

    Raises:
        CutOffHeader: The file ends within its header.
        ValueError: The header is damaged, or not of this package.
    """
    track: TrackBoxes | None = None
    samples: list[Sample] = []
    sound: list[Sample] = []
    run: tuple[list[Sample], list[Sample]] | None = None
    whole_bytes, notes = 0, b""
    for kind, begin, size in _top_level(file):
        if kind == b"moov":
            track = _track(_content(file, begin, size))
        elif kind == b"free" and track is None:
            notes = _content(file, begin, size)
        elif kind == b"moof":
            run = _whole_runs(file, begin, size)
        elif kind == b"mdat" and run is not None:
            if any(sample.position + sample.size_bytes > begin + size for sample in (*run[0], *run[1])):
                break
            samples += run[0]
            sound += run[1]
            run = None
        if run is None:
            whole_bytes = begin + size
    if track is None:
        is_short = file.seek(0, 2) <= 2 * _HEADER_BYTES_MAX
        raise CutOffHeader("no whole header") if is_short else ValueError("no header, and more than a header in it")
    return FragmentedFile(track, tuple(samples), whole_bytes, notes, tuple(sound))


def _whole_runs(file: BinaryIO, begin: int, size: int) -> tuple[list[Sample], list[Sample]] | None:
    """Return the runs of the ``moof`` at ``begin``; ``None`` if it is damaged."""
    try:
        return _runs(_content(file, begin, size), begin)
    except (ValueError, struct.error):
        return None


def _top_level(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, position and size of the complete top-level boxes of a file."""
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
        found = next(_all(content, kind), None)
        if found is None:
            raise ValueError(f"no {kind.decode()}")
        content = found
    return content


def _all(content: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the contents of all boxes of a kind.

    Raises:
        ValueError: A box is damaged.
    """
    position = 0
    while position + 8 <= len(content):
        size, found = struct.unpack_from(">I4s", content, position)
        if size < 8:
            raise ValueError(f"a box of {size} bytes")
        if found == kind:
            yield content[position + 8 : position + size]
        position += size


def _track(movie: bytes) -> TrackBoxes:
    pictures, *others = [_find(track, b"mdia", b"minf", b"stbl", b"stsd")[8:] for track in _all(movie, b"trak")] or [
        b""
    ]
    entry = _find(pictures, b"avc1")
    sound = config_of(_find(_find(others[0], b"mp4a")[SOUND_ENTRY_BYTES:], b"esds")) if others else b""
    width, height = struct.unpack_from(">HH", entry, 24)
    configuration = _find(entry[78:], b"avcC")
    try:
        (sps_bytes,) = struct.unpack_from(">H", configuration, 6)
        sps = configuration[8 : 8 + sps_bytes]
        (pps_bytes,) = struct.unpack_from(">H", configuration, 9 + sps_bytes)
        pps = configuration[11 + sps_bytes : 11 + sps_bytes + pps_bytes]
    except struct.error as error:
        raise ValueError(f"no parameter sets: {error}") from None
    return TrackBoxes((width, height), sps, pps, is_copied=b"colrnclx" not in entry, sound=sound)


def _runs(fragment: bytes, begin: int) -> tuple[list[Sample], list[Sample]]:
    """Return the pictures and sound frames of a ``moof``; ``begin`` is its position."""
    found: dict[int, list[Sample]] = {PICTURES: [], SOUND: []}
    tracks = list(_all(fragment, b"traf"))
    if not tracks:
        raise ValueError("no traf")
    for track in tracks:
        number = int.from_bytes(_find(track, b"tfhd")[4:8], "big")
        if number not in found:
            raise ValueError(f"a track {number}")
        found[number] += _run(track, begin)
    return found[PICTURES], found[SOUND]


def _run(track: bytes, begin: int) -> list[Sample]:
    """Return the samples of a ``traf``; ``begin`` is the position of its fragment."""
    try:
        (ticks,) = struct.unpack_from(">Q", _find(track, b"tfdt"), 4)
        content = _find(track, b"trun")
        count, offset = struct.unpack_from(">Ii", content, 4)
        rows = struct.iter_unpack(">3I", content[12 : 12 + 12 * count])
    except struct.error as error:
        raise ValueError(f"a fragment in an unknown format: {error}") from None
    samples, position = [], begin + offset
    for duration, size_bytes, flags in rows:
        samples.append(Sample(position, size_bytes, ticks, duration, flags == KEY_FLAGS))
        position += size_bytes
        ticks += duration
    return samples
