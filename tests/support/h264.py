"""Access units with H.264 headers but no picture data, for tests without decoding."""

from __future__ import annotations

SPS = bytes.fromhex("6742c016da0280f69b828302a000000300200000030291e2c5d4")
PPS = bytes.fromhex("68ce3c80")
_START = b"\x00\x00\x00\x01"


def access_unit(number: int, *, key: bool = False, size_bytes: int = 200) -> bytes:
    """Return an access unit in Annex B that bears a number; a key frame brings its parameter sets."""
    body = _numbered(number) + bytes((number * 7 + k) % 251 + 4 for k in range(size_bytes))
    if key:
        return _START + SPS + _START + PPS + _START + b"\x65" + body
    return _START + b"\x41" + body


def number_of(sample: bytes) -> int:
    """Return the number in a sample of an MP4."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(sample[5:9]))


def _numbered(number: int) -> bytes:
    """Return a number without zero bytes, which encoders take care never to write in a row."""
    return bytes(0x80 | (number >> 7 * place & 0x7F) for place in range(4))
