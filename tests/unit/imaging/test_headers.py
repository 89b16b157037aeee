"""Size of a JPEG from its header."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.headers import jpeg_size
from tests.support.numbered import numbered_jpeg


@pytest.mark.parametrize("size", [(320, 240), (336, 16), (641, 481)])
def test_width_and_height_are_those_of_the_picture(size: tuple[int, int]) -> None:
    assert jpeg_size(numbered_jpeg(5, size)) == size


def test_what_is_no_jpeg_has_none() -> None:
    whole = numbered_jpeg(5)
    for data in (b"", b"\xff\xd8", b"\x89PNG" + whole, whole[:40], b"\xff\xd8\xff\xda" + bytes(20)):
        assert jpeg_size(data) is None
