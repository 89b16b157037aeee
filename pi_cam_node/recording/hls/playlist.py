"""Playlists of HTTP Live Streaming as text (RFC 8216)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pi_cam_node.base.clock import iso
from pi_cam_node.base.frozen import frozen
from pi_cam_node.recording.hls.segmenter import LISTED, Segment

# Fragmented MP4 with EXT-X-MAP needs 6, and 7 where it is not for I-frames alone.
_VERSION = 7

Uri = Callable[[str], str]
"""Returns the URI of a file by its name."""


@frozen
class VariantLine:
    """A variant in the master playlist.

    Attributes:
        name: ``main`` or ``remote``.
        bandwidth: Peak rate in bits a second.
        size: Width and height in pixels.
        codec: Codec string of RFC 6381.
        rate_hz: Pictures a second.
    """

    name: str
    bandwidth: int
    size: tuple[int, int]
    codec: str
    rate_hz: float


def master_playlist(variants: Sequence[VariantLine], uri: Uri) -> str:
    """Return the playlist that names the variants."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}"]
    for one in variants:
        facts = f"BANDWIDTH={one.bandwidth},RESOLUTION={one.size[0]}x{one.size[1]}"
        lines.append(f'#EXT-X-STREAM-INF:{facts},CODECS="{one.codec}",FRAME-RATE={one.rate_hz:.3f}')
        lines.append(uri(f"{one.name}.m3u8"))
    return "\n".join(lines) + "\n"


def media_playlist(segments: Sequence[Segment], target_s: int, name: str, uri: Uri) -> str:
    """Return the playlist of a variant: its newest segments.

    Args:
        segments: At least one, oldest first.
        target_s: Least target duration in seconds: it may not become less.
        name: What the names of the variant's files begin with.
        uri: Returns the URI of a file.
    """
    listed = segments[-LISTED:]
    first = listed[0]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target_s}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities - first.begins_track}",
    ]
    if all(segment.is_independent for segment in listed):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    track = 0
    for segment in listed:
        if segment.begins_track:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.track != track:
            track = segment.track
            lines.append(f'#EXT-X-MAP:URI="{uri(f"{name}-{track}.mp4")}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{iso(segment.at)}")
        lines += [f"#EXTINF:{segment.seconds:.5f},", uri(f"{name}-{segment.number}.m4s")]
    return "\n".join(lines) + "\n"


def target_duration_s(segments: Sequence[Segment], least_s: int) -> int:
    """Return the target duration: no segment is longer once its duration is rounded (RFC 8216, 4.3.3.1)."""
    return max(least_s, *(int(segment.seconds + 0.5) for segment in segments))
