"""Sample entries of an MP4 file: decoder configuration of H.264 and AAC (ISO/IEC 14496-14, 14496-15)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pi_cam_node.imaging.aac import aac_format

# H.264 profiles whose configuration has four more bytes.
_HIGH_PROFILES = (100, 110, 122, 144)
# Descriptor tags of ``esds``; object type AAC, stream type audio.
_ES_TAG, _DECODER_TAG, _SPECIFIC_TAG, _SYNC_TAG = 3, 4, 5, 6
_AAC_TYPE, _SOUND_STREAM = 0x40, 0x15
# Length of the fixed fields before the boxes in a sound sample entry.
SOUND_ENTRY_BYTES = 28


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of a four-letter kind."""
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Return a box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def avc1(size: tuple[int, int], sps: bytes, pps: bytes, *, is_copied: bool) -> bytes:
    """Return the H.264 entry for a size in pixels; see `TrackBoxes`."""
    configuration = bytes((1, *sps[1:4], 0xFF, 0xE1)) + struct.pack(">H", len(sps)) + sps
    configuration += b"\x01" + struct.pack(">H", len(pps)) + pps
    if sps[1] in _HIGH_PROFILES:  # 4:2:0 with 8 bits, the only one of these that cameras send and browsers support
        configuration += b"\xfd\xf8\xf8\x00"
    width, height = size
    entry = (
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    )
    # Full range and BT.601, as in JPEG. Without this tag browsers would increase the contrast.
    colour = b"" if is_copied else box(b"colr", b"nclx", struct.pack(">HHHB", 5, 6, 5, 0x80))
    return box(b"avc1", entry, bytes(32), struct.pack(">Hh", 24, -1), box(b"avcC", configuration), colour)


def mp4a(config: bytes) -> bytes:
    """Return the AAC entry for an AudioSpecificConfig.

    Raises:
        ValueError: The config is not AAC.
    """
    sound = aac_format(config)
    if sound is None:
        raise ValueError(f"no AAC: {config.hex()}")
    # Fixed-point 16.16: rates above 65 kHz do not fit, and players use the rate of the config.
    rate = min(sound.rate_hz, 0xFFFF) << 16
    entry = bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHII", sound.channels, 16, 0, rate)
    rates = bytes((_AAC_TYPE, _SOUND_STREAM, 0, 0, 0)) + bytes(8)  # the bit rates are unknown
    decoder = _descriptor(_DECODER_TAG, rates + _descriptor(_SPECIFIC_TAG, config))
    stream = _descriptor(_ES_TAG, bytes(3) + decoder + _descriptor(_SYNC_TAG, b"\x02"))
    return box(b"mp4a", entry, full_box(b"esds", 0, 0, stream))


def config_of(entry: bytes) -> bytes:
    """Return the AudioSpecificConfig from the content of an ``esds`` written by `mp4a`.

    Raises:
        ValueError: It is damaged.
    """
    content = entry[4:]
    for wanted, skipped in ((_ES_TAG, 3), (_DECODER_TAG, 13), (_SPECIFIC_TAG, 0)):
        tag, content = next(_descriptors(content), (0, b""))
        if tag != wanted:
            raise ValueError("no config of the sound")
        content = content[skipped:]
    if aac_format(content) is None:
        raise ValueError("no config of AAC")
    return content


def _descriptor(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def _descriptors(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 2 <= len(data):
        end = position + 2 + data[position + 1]
        yield data[position], data[position + 2 : end]
        position = end
