"""Parses fragmented files written by this package, complete, truncated by a crash, or damaged."""

from __future__ import annotations

import struct
from typing import BinaryIO

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.box_reader import HEADER_BYTES_MAX, box_at, boxes_of, content_of, find_box
from pi_cam_node.recording.mp4.boxes import TrackBoxes
from pi_cam_node.recording.mp4.fragments import Sample, read_fragments
from pi_cam_node.recording.mp4.sample_entries import SOUND_ENTRY_BYTES, config_of


class CutOffHeader(ValueError):
    """The file ends within its header: it holds no picture."""


@frozen
class FragmentedFile:
    """The complete fragments of a fragmented file.

    Attributes:
        track: The header.
        samples: The pictures.
        whole_bytes: Length of the file up to the end of the last complete fragment.
        notes: Application data in the header.
        sound: The sound frames.
        is_damaged: Whether something before that end is no complete fragment.
    """

    track: TrackBoxes
    samples: tuple[Sample, ...]
    whole_bytes: int
    notes: bytes = b""
    sound: tuple[Sample, ...] = ()
    is_damaged: bool = False

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.samples[-1].end_ticks - self.samples[0].ticks) / TIMESCALE_HZ if self.samples else 0.0

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
    notes, end = b"", 0
    while track is None and (found := box_at(file, end)) is not None:
        kind, size = found
        if kind == b"moov":
            track = _track(content_of(file, end, size))
        elif kind == b"free":
            notes = content_of(file, end, size)
        end += size
    if track is None:
        is_short = file.seek(0, 2) <= 2 * HEADER_BYTES_MAX
        if is_short and not read_fragments(file, 0, 0):
            raise CutOffHeader("no whole header")
        raise ValueError("no header, and more than a header in it")
    fragments = read_fragments(file, end, track.sound_rate_hz)
    samples = tuple(sample for each in fragments for sample in each.pictures)
    sound = tuple(sample for each in fragments for sample in each.sound)
    whole_bytes = fragments[-1].end if fragments else end
    is_damaged = end + sum(each.end - each.begin for each in fragments) != whole_bytes
    return FragmentedFile(track, samples, whole_bytes, notes, sound, is_damaged)


def _track(movie: bytes) -> TrackBoxes:
    """Return the tracks of a ``moov``.

    Raises:
        ValueError: It is damaged.
    """
    tables = [find_box(track, b"mdia", b"minf", b"stbl", b"stsd")[8:] for track in boxes_of(movie, b"trak")]
    pictures, *others = tables or [b""]
    entry = find_box(pictures, b"avc1")
    sound = config_of(find_box(find_box(others[0], b"mp4a")[SOUND_ENTRY_BYTES:], b"esds")) if others else b""
    configuration = find_box(entry[78:], b"avcC")
    try:
        width, height = struct.unpack_from(">HH", entry, 24)
        (sps_bytes,) = struct.unpack_from(">H", configuration, 6)
        sps = configuration[8 : 8 + sps_bytes]
        (pps_bytes,) = struct.unpack_from(">H", configuration, 9 + sps_bytes)
        pps = configuration[11 + sps_bytes : 11 + sps_bytes + pps_bytes]
    except struct.error as error:
        raise ValueError(f"no parameter sets: {error}") from None
    if len(sps) < 4 or not pps:
        raise ValueError("no parameter sets: empty")
    return TrackBoxes((width, height), sps, pps, is_copied=b"colrnclx" not in entry, sound=sound)
