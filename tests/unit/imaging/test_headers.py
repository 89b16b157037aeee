"""Size and orientation of a JPEG from its header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.imaging.headers import exif_orientation, jpeg_size
from tests.support.numbered import numbered_jpeg


@pytest.mark.parametrize("size", [(320, 240), (336, 16), (641, 481)])
def test_width_and_height_are_those_of_the_picture(size: tuple[int, int]) -> None:
    assert jpeg_size(numbered_jpeg(5, size)) == size


def test_what_is_no_jpeg_has_none() -> None:
    whole = numbered_jpeg(5)
    for data in (b"", b"\xff\xd8", b"\x89PNG" + whole, whole[:40], b"\xff\xd8\xff\xda" + bytes(20)):
        assert jpeg_size(data) is None


def exif(tiff: bytes) -> bytes:
    body = b"Exif\0\0" + tiff
    return b"\xff\xd8\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + numbered_jpeg(5)[2:]


def test_the_orientation_is_read_in_both_byte_orders() -> None:
    assert exif_orientation(exif(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0")) == 8
    assert exif_orientation(exif(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0")) == 3
    assert exif_orientation(numbered_jpeg(5)) == exif_orientation(b"") == 1


@given(st.binary(max_size=80))
def test_damaged_exif_says_nothing_and_hides_no_size(tiff: bytes) -> None:
    assert 1 <= exif_orientation(exif(tiff)) <= 8
    assert exif_orientation(exif(b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\x01\0\0\0\x09\0")) == 1
    assert jpeg_size(exif(tiff)) == jpeg_size(numbered_jpeg(5))
