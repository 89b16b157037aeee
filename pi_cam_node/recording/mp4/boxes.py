"""Builds the boxes of an MP4 file with an H.264 track, and optionally an AAC track."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from pi_cam_node.base.frozen import frozen
from pi_cam_node.imaging.aac import aac_format
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.mp4.sample_entries import avc1, box, full_box, mp4a

# Identity matrix of tkhd and mvhd.
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE_UNDEFINED = 0x55C4
# Track numbers in a file.
PICTURES, SOUND = 1, 2
# Sample flags of key frames and of other frames.
KEY_FLAGS, DELTA_FLAGS = 0x02000000, 0x01010000
# Seconds from 1904, the epoch of MP4, to 1970.
_EPOCH_S = 2_082_844_800


@frozen
class TrackBoxes:
    """Parameters of the tracks in a file's header.

    Attributes:
        size: Width and height in pixels.
        sps: Sequence parameter set, without start code.
        pps: Picture parameter set, without start code.
        title: Title shown by players.
        created_at: Seconds since 1970.
        is_copied: Whether the packets are the camera's own, so that only their parameter sets define the colours.
        sound: AudioSpecificConfig of the sound; empty for none.
    """

    size: tuple[int, int]
    sps: bytes
    pps: bytes
    title: str = ""
    created_at: float = 0.0
    is_copied: bool = False
    sound: bytes = b""

    @property
    def sound_rate_hz(self) -> int:
        """Ticks per second of the sound (its sample rate); 0 without sound."""
        sound = aac_format(self.sound)
        return sound.rate_hz if sound is not None else 0


@frozen
class SampleTable:
    """Samples of a track in a plain file.

    Attributes:
        sizes: Bytes of each sample.
        durations: Ticks of each sample.
        keys: Indices of the key frames, from 0; empty if every sample is one.
        chunks: Position in the file and number of samples of each run of consecutive bytes.
        starts: Ticks of the first sample.
    """

    sizes: Sequence[int]
    durations: Sequence[int]
    keys: Sequence[int]
    chunks: Sequence[tuple[int, int]]
    starts: int = 0


_EMPTY = SampleTable((), (), (), ())


def file_type(*, fragmented: bool) -> bytes:
    """Return the box at the beginning of a file."""
    brands = b"iso5iso6mp41avc1" if fragmented else b"isomiso2avc1mp41"
    return box(b"ftyp", brands[:4], struct.pack(">I", 512), brands)


def fragmented_header(track: TrackBoxes, notes: bytes = b"") -> bytes:
    """Return the header of a fragmented file (initialization segment).

    Args:
        track: Parameters of the tracks.
        notes: Application data, in a box that players ignore.
    """
    numbers = [PICTURES, SOUND] if track.sound else [PICTURES]
    extends = box(b"mvex", *(full_box(b"trex", 0, 0, struct.pack(">5I", number, 1, 0, 0, 0)) for number in numbers))
    movie = box(b"moov", _movie_header(track, 0), _pictures(track, _EMPTY), _sound(track, _EMPTY), extends)
    return file_type(fragmented=True) + (box(b"free", notes) if notes else b"") + movie


def plain_header(track: TrackBoxes, table: SampleTable, sound: SampleTable = _EMPTY) -> bytes:
    """Return the ``moov`` box of a plain file with pictures, and sound if there are samples of it."""
    ticks = max(sum(table.durations), _movie_ticks(track, sound))
    details = box(b"udta", _title(track.title)) if track.title else b""
    heard = _sound(track, sound) if sound.sizes else b""
    return box(b"moov", _movie_header(track, ticks), _pictures(track, table), heard, details)


def fragment(
    number: int,
    decode_ticks: int,
    samples: Sequence[tuple[bytes, int, bool]],
    sound_ticks: int = 0,
    sound: Sequence[tuple[bytes, int]] = (),
) -> bytes:
    """Return a fragment: ``moof`` and ``mdat``.

    Args:
        number: Number of the fragment in its file, from 1.
        decode_ticks: Time of its first picture.
        samples: Bytes, duration in ticks and key frame flag of each picture.
        sound_ticks: Time of its first sound sample.
        sound: Bytes and duration in ticks of each of its sound samples.
    """
    rows = [(duration, len(data), KEY_FLAGS if key else DELTA_FLAGS) for data, duration, key in samples]
    sound_rows = [(duration, len(data), KEY_FLAGS) for data, duration in sound]
    pictures_bytes = sum(size_bytes for _, size_bytes, _ in rows)

    def header(offset: int) -> bytes:
        runs = [_run(PICTURES, decode_ticks, rows, offset)]
        if sound:
            runs.append(_run(SOUND, sound_ticks, sound_rows, offset + pictures_bytes))
        return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), *runs)

    # The offset of the first sample is relative to the start of the moof, whose length does not depend on it.
    parts = [*(data for data, _, _ in samples), *(data for data, _ in sound)]
    start = struct.pack(">I", 8 + sum(map(len, parts))) + b"mdat"
    # Joined at once, to copy only once: a second of pictures is half a megabyte.
    return b"".join((header(len(header(0)) + 8), start, *parts))


def _run(track: int, ticks: int, rows: Sequence[tuple[int, int, int]], offset: int) -> bytes:
    """Return the ``traf`` of a track: duration, size and flags of each sample, and the offset of the first."""
    return box(
        b"traf",
        full_box(b"tfhd", 0, 0x020000, struct.pack(">I", track)),
        full_box(b"tfdt", 1, 0, struct.pack(">Q", ticks)),
        full_box(
            b"trun", 0, 0x000701, struct.pack(">Ii", len(rows), offset), *(struct.pack(">3I", *row) for row in rows)
        ),
    )


def _movie_header(track: TrackBoxes, ticks: int) -> bytes:
    created = _created(track)
    times = struct.pack(">QQIQ", created, created, TIMESCALE_HZ, ticks)
    rest = struct.pack(">IHHII", 0x10000, 0x0100, 0, 0, 0) + _MATRIX + bytes(24) + struct.pack(">I", SOUND + 1)
    return full_box(b"mvhd", 1, 0, times, rest)


@frozen
class _Media:
    """Differences between the media boxes of tracks: time scale, handler, header and sample entry."""

    timescale_hz: int
    handler: bytes
    header: bytes
    entry: bytes


def _pictures(track: TrackBoxes, table: SampleTable) -> bytes:
    width, height = track.size
    entry = avc1(track.size, track.sps, track.pps, is_copied=track.is_copied)
    media = _Media(TIMESCALE_HZ, b"vide" + bytes(12) + b"video\0", full_box(b"vmhd", 0, 1, bytes(8)), entry)
    size = struct.pack(">II", width << 16, height << 16)
    header = _track_header(track, PICTURES, sum(table.durations), size=size)
    return box(b"trak", header, _media(track, table, media))


def _sound(track: TrackBoxes, table: SampleTable) -> bytes:
    """Return the sound track; empty without sound."""
    if not track.sound:
        return b""
    edits, end_ticks = b"", _movie_ticks(track, table)
    if table.starts:  # silence until then
        late_ticks = table.starts * TIMESCALE_HZ // track.sound_rate_hz
        times = struct.pack(">QqIQqI", late_ticks, -1, 1 << 16, end_ticks - late_ticks, 0, 1 << 16)
        edits = box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", 2), times))
    handler, header = b"soun" + bytes(12) + b"sound\0", full_box(b"smhd", 0, 0, bytes(4))
    media = _Media(track.sound_rate_hz, handler, header, mp4a(track.sound))
    return box(b"trak", _track_header(track, SOUND, end_ticks, volume=0x0100), edits, _media(track, table, media))


def _movie_ticks(track: TrackBoxes, sound: SampleTable) -> int:
    """Return the end of the sound in ticks of the file."""
    samples = sound.starts + sum(sound.durations)
    return samples * TIMESCALE_HZ // track.sound_rate_hz if track.sound else 0


def _track_header(track: TrackBoxes, number: int, ticks: int, *, volume: int = 0, size: bytes = bytes(8)) -> bytes:
    created = _created(track)
    return full_box(
        b"tkhd",
        1,
        3,
        struct.pack(">QQIIQ", created, created, number, 0, ticks),
        bytes(8) + struct.pack(">HHHH", 0, 0, volume, 0) + _MATRIX + size,
    )


def _media(track: TrackBoxes, table: SampleTable, media: _Media) -> bytes:
    created, ticks = _created(track), sum(table.durations)
    media_header = full_box(
        b"mdhd", 1, 0, struct.pack(">QQIQHH", created, created, media.timescale_hz, ticks, _LANGUAGE_UNDEFINED, 0)
    )
    data = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    information = box(b"minf", media.header, data, _sample_tables(media.entry, table))
    return box(b"mdia", media_header, full_box(b"hdlr", 0, 0, bytes(4) + media.handler), information)


def _sample_tables(entry: bytes, table: SampleTable) -> bytes:
    description = full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry)
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
