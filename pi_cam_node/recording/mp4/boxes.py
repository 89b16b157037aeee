"""The boxes of an MP4 with one H.264 track, as bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

# Ticks a second of all tracks: a multiple of every usual frame rate.
TIMESCALE = 90_000
# Unity matrix of tkhd and mvhd.
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE_UNDEFINED = 0x55C4
# Profiles of H.264 whose configuration has four more bytes.
_HIGH_PROFILES = (100, 110, 122, 144)
# Flags of a sample: it depends on no other (a key frame), or it does.
KEY_FLAGS, DELTA_FLAGS = 0x02000000, 0x01010000
# Seconds between 1904, where MP4 counts from, and 1970.
_EPOCH_S = 2_082_844_800


@dataclass(frozen=True, slots=True)
class TrackBoxes:
    """Parameters of the track in a file's header.

    Attributes:
        size: Width and height in pixels.
        sps: Sequence parameter set, without start code.
        pps: Picture parameter set, without start code.
        title: For people who find the file.
        created_at: Seconds since 1970.
        is_copied: The packets are the camera's own, whose parameter sets alone tell the colours.
    """

    size: tuple[int, int]
    sps: bytes
    pps: bytes
    title: str = ""
    created_at: float = 0.0
    is_copied: bool = False


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Samples of a plain file: sizes, durations in ticks, which are key frames, and runs of consecutive bytes.

    Attributes:
        sizes: Bytes of each sample.
        durations: Ticks of each sample.
        keys: Indices of the key frames, from 0.
        chunks: Position in the file and number of samples of each run.
    """

    sizes: Sequence[int]
    durations: Sequence[int]
    keys: Sequence[int]
    chunks: Sequence[tuple[int, int]]


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of a four-letter kind."""
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Return a box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def file_type(*, fragmented: bool) -> bytes:
    """Return the box at the beginning of a file."""
    brands = b"iso5iso6mp41avc1" if fragmented else b"isomiso2avc1mp41"
    return box(b"ftyp", brands[:4], struct.pack(">I", 512), brands)


def fragmented_header(track: TrackBoxes, notes: bytes = b"") -> bytes:
    """Return the header of a fragmented file, which a player needs before any fragment.

    Args:
        track: Parameters of the track.
        notes: Kept in a box that players pass over.
    """
    empty = SampleTable((), (), (), ())
    extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0)))
    movie = box(b"moov", _movie_header(track, 0), _track(track, empty, 0), extends)
    return file_type(fragmented=True) + (box(b"free", notes) if notes else b"") + movie


def plain_header(track: TrackBoxes, table: SampleTable) -> bytes:
    """Return the ``moov`` box of a plain file."""
    ticks = sum(table.durations)
    details = box(b"udta", _title(track.title)) if track.title else b""
    return box(b"moov", _movie_header(track, ticks), _track(track, table, ticks), details)


def fragment(number: int, decode_ticks: int, samples: Sequence[tuple[bytes, int, bool]]) -> bytes:
    """Return a fragment: ``moof`` and ``mdat``.

    Args:
        number: Number of the fragment in its file, from 1.
        decode_ticks: Time of its first sample.
        samples: Bytes, duration in ticks and whether it is a key frame, of each.
    """
    rows = b"".join(
        struct.pack(">3I", duration, len(data), KEY_FLAGS if key else DELTA_FLAGS) for data, duration, key in samples
    )

    def header(offset: int) -> bytes:
        run = full_box(b"trun", 0, 0x000701, struct.pack(">Ii", len(samples), offset), rows)
        track = box(
            b"traf",
            full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1)),
            full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_ticks)),
            run,
        )
        return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), track)

    # The offset of the first sample counts from the beginning of the moof, whose length does not depend on it.
    return header(len(header(0)) + 8) + box(b"mdat", *(data for data, _, _ in samples))


def _movie_header(track: TrackBoxes, ticks: int) -> bytes:
    created = _created(track)
    times = struct.pack(">QQIQ", created, created, TIMESCALE, ticks)
    rest = struct.pack(">IHHII", 0x10000, 0x0100, 0, 0, 0) + _MATRIX + bytes(24) + struct.pack(">I", 2)
    return full_box(b"mvhd", 1, 0, times, rest)


def _track(track: TrackBoxes, table: SampleTable, ticks: int) -> bytes:
    created, (width, height) = _created(track), track.size
    header = full_box(
        b"tkhd",
        1,
        3,
        struct.pack(">QQIIQ", created, created, 1, 0, ticks),
        bytes(8) + struct.pack(">HHHH", 0, 0, 0, 0) + _MATRIX + struct.pack(">II", width << 16, height << 16),
    )
    media_header = full_box(
        b"mdhd", 1, 0, struct.pack(">QQIQHH", created, created, TIMESCALE, ticks, _LANGUAGE_UNDEFINED, 0)
    )
    handler = full_box(b"hdlr", 0, 0, bytes(4) + b"vide" + bytes(12) + b"video\0")
    data = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    information = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), data, _sample_tables(track, table))
    return box(b"trak", header, box(b"mdia", media_header, handler, information))


def _sample_tables(track: TrackBoxes, table: SampleTable) -> bytes:
    description = full_box(b"stsd", 0, 0, struct.pack(">I", 1), _avc1(track))
    durations = _runs(table.durations)
    times = struct.pack(">I", len(durations)) + b"".join(struct.pack(">II", *run) for run in durations)
    sizes = struct.pack(f">II{len(table.sizes)}I", 0, len(table.sizes), *table.sizes)
    keys = struct.pack(f">I{len(table.keys)}I", len(table.keys), *(index + 1 for index in table.keys))
    counts: list[tuple[int, int]] = []  # first chunk, samples in each from there on
    for number, (_, count) in enumerate(table.chunks, 1):
        if not counts or counts[-1][1] != count:
            counts.append((number, count))
    chunks = struct.pack(">I", len(counts)) + b"".join(struct.pack(">III", first, n, 1) for first, n in counts)
    offsets = struct.pack(f">I{len(table.chunks)}Q", len(table.chunks), *(offset for offset, _ in table.chunks))
    return box(
        b"stbl",
        description,
        full_box(b"stts", 0, 0, times),
        full_box(b"stss", 0, 0, keys) if table.keys else b"",
        full_box(b"stsc", 0, 0, chunks),
        full_box(b"stsz", 0, 0, sizes),
        full_box(b"co64", 0, 0, offsets),
    )


def _avc1(track: TrackBoxes) -> bytes:
    sps, pps = track.sps, track.pps
    configuration = bytes((1, *sps[1:4], 0xFF, 0xE1)) + struct.pack(">H", len(sps)) + sps
    configuration += b"\x01" + struct.pack(">H", len(pps)) + pps
    if sps[1] in _HIGH_PROFILES:  # 4:2:0 of 8 bits, the only one of these that cameras send and browsers show
        configuration += b"\xfd\xf8\xf8\x00"
    width, height = track.size
    entry = (
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    )
    # Full range, BT.601: what a JPEG is. Untagged, browsers would stretch the contrast.
    colour = b"" if track.is_copied else box(b"colr", b"nclx", struct.pack(">HHHB", 5, 6, 5, 0x80))
    return box(b"avc1", entry, bytes(32), struct.pack(">Hh", 24, -1), box(b"avcC", configuration), colour)


def _title(title: str) -> bytes:
    value = box(b"data", struct.pack(">II", 1, 0), title.encode())
    handler = full_box(b"hdlr", 0, 0, bytes(4) + b"mdirappl" + bytes(9))
    return full_box(b"meta", 0, 0, handler, box(b"ilst", box(b"\xa9nam", value)))


def _created(track: TrackBoxes) -> int:
    return int(track.created_at) + _EPOCH_S if track.created_at > 0 else 0


def _runs(values: Sequence[int]) -> list[tuple[int, int]]:
    """Return equal neighbours as (count, value)."""
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] == value:
            runs[-1] = (runs[-1][0] + 1, value)
        else:
            runs.append((1, value))
    return runs
