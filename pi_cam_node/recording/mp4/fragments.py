"""Finds the complete fragments of a file, also behind damaged ones.

A fragment counts if its ``moof`` can be read and all its samples lie within the ``mdat`` behind it. Behind anything
else the search goes on at the next ``moof``, so that damage costs only the fragments in which it is.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.box_reader import box_at, boxes_of, content_of, find_box
from pi_cam_node.recording.mp4.boxes import KEY_FLAGS, PICTURES, SOUND

_MOOF = b"moof"
_SEARCH_BYTES = 1 << 16
# A longer picture, or distance of two fragments, is damage. Of sound it may be longer, as it may pause.
_LONGEST_TICKS = 3600 * TIMESCALE_HZ
_LONGEST_SOUND_TICKS = 0xFFFFFFFF
# Sound is written with the pictures that arrive at the same time.
_SOUND_AHEAD_S = 10


@frozen
class Sample:
    """A picture or a sound frame: position in the file, and time in ticks of its track."""

    position: int
    size_bytes: int
    ticks: int
    duration: int
    key: bool

    @property
    def end(self) -> int:
        """Position behind it."""
        return self.position + self.size_bytes

    @property
    def end_ticks(self) -> int:
        """Time of its end."""
        return self.ticks + self.duration


@frozen
class Fragment:
    """A complete fragment: its bytes in the file, and its samples."""

    begin: int
    end: int
    pictures: Sequence[Sample]
    sound: Sequence[Sample]


def read_fragments(file: BinaryIO, position: int, sound_rate_hz: int) -> Sequence[Fragment]:
    """Return the complete fragments of a file, whose times increase.

    Args:
        file: Open for reading, seekable.
        position: End of the header.
        sound_rate_hz: Ticks per second of the sound; 0 without sound.
    """
    found = list(_fragments(file, position))
    found = [found[index] for index in in_order([each.pictures for each in found], _LONGEST_TICKS)]
    sound = [index for index, each in enumerate(found) if _is_near(each, sound_rate_hz)]
    kept = {sound[index] for index in in_order([found[each].sound for each in sound], _LONGEST_SOUND_TICKS)}
    return [
        each if index in kept else Fragment(each.begin, each.end, each.pictures, ()) for index, each in enumerate(found)
    ]


def in_order(runs: Sequence[Sequence[Sample]], longest_ticks: int) -> Sequence[int]:
    """Return the indices of runs of samples that follow each other in time; as few as possible are left out.

    Args:
        runs: At least one sample each.
        longest_ticks: Longest distance of two runs.
    """
    ends: list[int] = []  # least time of the last sample of so many runs in order, and the last of these runs
    last: list[int] = []
    before: list[int | None] = []
    for index, run in enumerate(runs):
        count, end = bisect_left(ends, run[0].ticks), run[-1].ticks
        before.append(last[count - 1] if count else None)
        if count == len(ends) or end < ends[count]:
            ends[count : count + 1], last[count : count + 1] = [end], [index]
    chain, index_before = list[int](), last[-1] if last else None
    while index_before is not None:
        chain.append(index_before)
        index_before = before[index_before]
    chain.reverse()
    for place in range(1, len(chain)):
        if runs[chain[place]][0].ticks - runs[chain[place - 1]][-1].ticks > longest_ticks:
            return chain[:place]
    return chain


def _is_near(fragment: Fragment, sound_rate_hz: int) -> bool:
    """Return whether a fragment has sound that ends when it may end."""
    if not fragment.sound or not sound_rate_hz:
        return False
    latest_s = fragment.pictures[-1].end_ticks / TIMESCALE_HZ + _SOUND_AHEAD_S
    return fragment.sound[-1].end_ticks / sound_rate_hz <= latest_s


def _fragments(file: BinaryIO, position: int) -> Iterator[Fragment]:
    """Yield the complete fragments behind a position."""
    begin = _next_moof(file, position)
    while begin is not None:
        found = _fragment(file, begin)
        if found is not None:
            yield found
        begin = _next_moof(file, found.end if found else begin + 8)


def _next_moof(file: BinaryIO, position: int) -> int | None:
    """Return the position of the first ``moof`` at or behind a position; ``None`` if there is none."""
    begin, data = position, b""
    file.seek(begin)
    wanted = 8  # usually it is at the position itself
    while new := file.read(wanted):
        data += new
        at = data.find(_MOOF, 4)
        if at >= 0:
            return begin + at - 4
        begin, data = begin + max(0, len(data) - 7), data[-7:]
        wanted = _SEARCH_BYTES
    return None


def _fragment(file: BinaryIO, begin: int) -> Fragment | None:
    """Return the fragment at a position; ``None`` if it is damaged or incomplete."""
    header = box_at(file, begin)
    data = box_at(file, begin + header[1]) if header else None
    if header is None or data is None or data[0] != b"mdat":
        return None
    try:
        pictures, sound = _runs(content_of(file, begin, header[1]), begin)
    except (ValueError, struct.error):
        return None
    first, samples = begin + header[1] + 8, (*pictures, *sound)
    if not pictures or min(each.position for each in samples) < first:
        return None
    end = max(each.end for each in samples)
    if end > first + data[1] - 8 or max(each.duration for each in pictures) > _LONGEST_TICKS:
        return None
    return Fragment(begin, end, pictures, sound)


def _runs(fragment: bytes, begin: int) -> tuple[list[Sample], list[Sample]]:
    """Return the pictures and sound frames of a ``moof``; ``begin`` is its position."""
    found: dict[int, list[Sample]] = {PICTURES: [], SOUND: []}
    tracks = list(boxes_of(fragment, b"traf"))
    if not tracks:
        raise ValueError("no traf")
    for track in tracks:
        number = int.from_bytes(find_box(track, b"tfhd")[4:8], "big")
        if number not in found:
            raise ValueError(f"a track {number}")
        found[number] += _run(track, begin)
    return found[PICTURES], found[SOUND]


def _run(track: bytes, begin: int) -> list[Sample]:
    """Return the samples of a ``traf``; ``begin`` is the position of its fragment."""
    (ticks,) = struct.unpack_from(">Q", find_box(track, b"tfdt"), 4)
    content = find_box(track, b"trun")
    count, offset = struct.unpack_from(">Ii", content, 4)
    samples, position = [], begin + offset
    for duration, size_bytes, flags in struct.iter_unpack(">3I", content[12 : 12 + 12 * count]):
        samples.append(Sample(position, size_bytes, ticks, duration, flags == KEY_FLAGS))
        position += size_bytes
        ticks += duration
    return samples
