"""Converts a fragmented file to a plain one with the index first, in which every player and editor can seek."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import accumulate
from typing import BinaryIO

from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.boxes import SampleTable, TrackBoxes, file_type, plain_header
from pi_cam_node.recording.mp4.fragments import Sample
from pi_cam_node.recording.mp4.parse import FragmentedFile

_COPY_BYTES = 1 << 18
# Copied parts of a larger film are dropped from the page cache at once. A smaller film is deleted before it fills the
# cache, and may not be on disk yet.
_CACHED_BYTES = 16 << 20
_LARGE_BOX = 16


def write_plain(
    source: BinaryIO, content: FragmentedFile, target: BinaryIO, track: TrackBoxes, beat: Callable[[], None]
) -> tuple[int, str]:
    """Write the samples of a fragmented file as a plain file; return its size in bytes and its SHA-256 as hex.

    Args:
        source: The fragmented file.
        content: Its complete fragments.
        target: File to write, positioned at its start.
        track: Title and time of the new file; everything else is copied.
        beat: Called regularly, as a card may be slow.

    Raises:
        OSError: A file cannot be read or written.
    """
    track = replace(content.track, title=track.title, created_at=track.created_at)
    # The order of pictures and sound is kept, which alternate every quarter of a second.
    heard = _moved(content.sound, content.samples[0].ticks * track.sound_rate_hz // TIMESCALE_HZ)
    pictures, sound = _runs(content.samples), _runs(heard)
    runs = sorted(pictures + sound)

    def head(start: int) -> bytes:
        places = dict(zip((run[0] for run in runs), accumulate((run[1] for run in runs), initial=start), strict=False))
        tables = _table(content.samples, pictures, places), _table(heard, sound, places)
        return file_type(fragmented=False) + plain_header(track, *tables)

    start = len(head(0)) + _LARGE_BOX
    header = head(start)
    data_bytes = sum(size for _, size, _ in runs)
    header += (1).to_bytes(4, "big") + b"mdat" + (data_bytes + _LARGE_BOX).to_bytes(8, "big")
    target.write(header)
    digest = hashlib.sha256(header)
    for position, size, _ in runs:
        for part in _parts(source, position, size):
            target.write(part)
            digest.update(part)
        if data_bytes > _CACHED_BYTES and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(source.fileno(), position, size, os.POSIX_FADV_DONTNEED)
        beat()
    return start + data_bytes, digest.hexdigest()


def _parts(source: BinaryIO, position: int, size: int) -> Iterator[bytes]:
    source.seek(position)
    left = size
    while left:
        part = source.read(min(left, _COPY_BYTES))
        if not part:
            raise OSError("the film became shorter while it was copied")
        yield part
        left -= len(part)


def _moved(sound: tuple[Sample, ...], late_ticks: int) -> tuple[Sample, ...]:
    """Return the sound of a film that begins later, as its first pictures are lost."""
    if not late_ticks:
        return sound
    return tuple(replace(each, ticks=each.ticks - late_ticks) for each in sound if each.ticks >= late_ticks)


def _runs(samples: tuple[Sample, ...]) -> list[tuple[int, int, int]]:
    """Return position, size and number of samples of each run of contiguous samples."""
    runs: list[tuple[int, int, int]] = []
    for sample in samples:
        if runs and runs[-1][0] + runs[-1][1] == sample.position:
            position, size, count = runs[-1]
            runs[-1] = (position, size + sample.size_bytes, count + 1)
        else:
            runs.append((sample.position, sample.size_bytes, 1))
    return runs


def _table(samples: tuple[Sample, ...], runs: list[tuple[int, int, int]], places: Mapping[int, int]) -> SampleTable:
    """Return the index of a track; ``places`` maps the old position of each run to the new one."""
    chunks = [(places[position], count) for position, _, count in runs]
    ends = [*(sample.ticks for sample in samples[1:]), samples[-1].ticks + samples[-1].duration] if samples else []
    durations = [end - sample.ticks for sample, end in zip(samples, ends, strict=True)]
    keys = [index for index, sample in enumerate(samples) if sample.key]
    if len(keys) == len(samples):  # e.g. sound: an empty list means that every sample is a key frame
        keys = []
    starts = samples[0].ticks if samples else 0
    return SampleTable([sample.size_bytes for sample in samples], durations, keys, chunks, starts)
