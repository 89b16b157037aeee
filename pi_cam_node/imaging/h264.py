"""Converts H.264 from Annex B (encoders, cameras) to MP4's format (length-prefixed, parameter sets aside)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START_CODE = re.compile(rb"\x00\x00\x01")
_SPS, _PPS, _DELIMITER, _IDR, _SEI = 7, 8, 9, 5, 6
_RECOVERY_POINT = 6


def nal_units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B byte stream, without start codes."""
    return (bytes(unit) for unit in _units(data))


def _units(data: bytes) -> Iterator[bytes | memoryview]:
    """Yield the NAL units as they are found, the last uncopied: it is most of a picture, and few readers get so far."""
    match = _START_CODE.search(data)
    while match is not None:
        start, match = match.end(), _START_CODE.search(data, match.end())
        # Zeros before a start code belong to no unit.
        unit = memoryview(data)[start:] if match is None else data[start : match.start()].rstrip(b"\x00")
        if unit:
            yield unit


def kind_of(unit: bytes | memoryview) -> int:
    """Return the type of a NAL unit: 5 is an IDR picture, 7 an SPS, 8 a PPS."""
    return unit[0] & 0x1F


def parameter_sets(data: bytes) -> tuple[bytes, bytes] | None:
    """Return SPS and PPS of an access unit in Annex B, ``None`` where it has not both."""
    sps = pps = b""
    for unit in _units(data):
        kind = kind_of(unit)
        if kind == _SPS:
            sps = sps or bytes(unit)
        elif kind == _PPS:
            pps = pps or bytes(unit)
        elif kind <= _IDR:
            break  # the picture itself: what belongs to it came before
        if sps and pps:
            return sps, pps
    return None


def is_start(data: bytes) -> bool:
    """Return whether a decoder that begins with an access unit in Annex B shows it.

    So it is with an IDR picture, and with a recovery point (D.1.8) that counts no pictures. One that counts some, as of
    a camera that renews its picture strip by strip, is shown after these.
    """
    for unit in _units(data):
        kind = kind_of(unit)
        if kind == _SEI and len(unit) > 3 and unit[1] == _RECOVERY_POINT:
            return unit[3] >= 0x80  # the count is 0, in one bit
        if kind <= _IDR:
            return kind == _IDR
    return False


def has_one_pair(data: bytes) -> bool:
    """Return whether the parameter sets in Annex B are at most one SPS and one PPS: a film's header has one of each."""
    found = {bytes(unit) for unit in _units(data) if kind_of(unit) in (_SPS, _PPS)}
    return len(found) == len({kind_of(unit) for unit in found})


def to_sample(data: bytes) -> bytes:
    """Return an access unit in Annex B as a sample of an MP4: length-prefixed, without parameter sets."""
    parts: list[bytes | memoryview] = []
    for unit in _units(data):
        if kind_of(unit) not in (_SPS, _PPS, _DELIMITER):
            parts += len(unit).to_bytes(4, "big"), unit
    return b"".join(parts)


def codec_string(sps: bytes) -> str:
    """Return the codec string of browsers and playlists, e.g. ``avc1.42c01f`` (RFC 6381)."""
    return f"avc1.{sps[1:4].hex()}"


def with_parameter_sets(data: bytes, sps: bytes, pps: bytes) -> bytes:
    """Return an access unit in Annex B with parameter sets before it; of many cameras only the session has them."""
    return b"\x00\x00\x00\x01" + sps + b"\x00\x00\x00\x01" + pps + data
