"""Rotation and mirroring in both layouts."""

from __future__ import annotations

import io
from typing import get_args

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from pytest_mock import MockerFixture

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.headers import exif_orientation
from pi_cam_node.imaging.jpeg import Pixels, planes, size_of
from pi_cam_node.imaging.orientation import OF_EXIF, Orientation, Rotation

RANDOM = np.random.default_rng(2)


def corner(row: int, column: int) -> Pixels:
    """Return 6 x 4 pixels in blue with one corner white: (0, 0), (0, -1), (-1, 0) or (-1, -1)."""
    pixels = np.full((4, 6, 3), (200, 0, 0), np.uint8)
    pixels[row, column] = 255
    return pixels


@pytest.mark.parametrize(
    ("orientation", "where"),
    [
        (Orientation(90), (0, -1)),
        (Orientation(180), (-1, -1)),
        (Orientation(270), (-1, 0)),
        (Orientation(0, hflip=True), (0, -1)),
        (Orientation(0, vflip=True), (-1, 0)),
        (Orientation(90, hflip=True), (0, 0)),
        (Orientation(90, vflip=True), (-1, -1)),
        (Orientation(180, hflip=True), (-1, 0)),
        (Orientation(180, hflip=True, vflip=True), (0, 0)),
        (Orientation(270, hflip=True, vflip=True), (0, -1)),
    ],
    ids=str,
)
def test_the_upper_left_corner_goes_where_people_expect_it(orientation: Orientation, where: tuple[int, int]) -> None:
    turned = orientation.apply(corner(0, 0), "bgr")
    assert turned[where].tolist() == [255, 255, 255]
    assert (turned == 255).all(axis=2).sum() == 1
    assert size_of(turned, "bgr") == orientation.size_of((6, 4))


@pytest.mark.parametrize("rotation", get_args(Rotation))
@pytest.mark.parametrize(("hflip", "vflip"), [(False, False), (True, False), (False, True), (True, True)])
def test_each_plane_is_turned_as_the_picture(rotation: Rotation, hflip: bool, vflip: bool) -> None:
    orientation = Orientation(rotation, hflip, vflip)
    pixels = RANDOM.integers(0, 256, (36, 32), np.uint8)
    turned = orientation.apply(pixels, "i420")
    assert size_of(turned, "i420") == orientation.size_of((32, 24))
    for plane, before in zip(planes(turned), planes(pixels), strict=True):
        alone = orientation.apply(np.repeat(before[:, :, np.newaxis], 3, axis=2), "bgr")[:, :, 0]
        assert np.array_equal(plane, alone)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_what_is_upright_is_not_even_copied(layout: Layout) -> None:
    pixels = np.zeros((6, 4, 3) if layout == "bgr" else (6, 4), np.uint8)
    for orientation in (Orientation(), Orientation(180, hflip=True, vflip=True)):
        assert orientation.is_upright
        assert orientation.apply(pixels, layout) is pixels


def test_half_a_turn_is_both_mirrorings() -> None:
    assert Orientation(180).flips == (True, True)
    assert Orientation(180, hflip=True).flips == (False, True)
    assert Orientation(0, vflip=True).flips == (False, True)


@pytest.mark.parametrize("decoder", ["simplejpeg", "opencv"])
@pytest.mark.parametrize("number", range(1, 9))
def test_a_picture_is_shown_as_its_exif_tells(number: int, decoder: str, mocker: MockerFixture) -> None:
    """OpenCV turned it by itself, simplejpeg never."""
    if decoder == "opencv":
        mocker.patch.object(jpeg, "simplejpeg", None)
    blocks = RANDOM.integers(0, 256, (4, 6, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    exif, file = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = number
    Image.fromarray(blocks).save(file, "JPEG", exif=exif, quality=95, subsampling=0)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))[..., ::-1].astype(int)
    shown = OF_EXIF[exif_orientation(file.getvalue())].apply(jpeg.decode(file.getvalue()), "bgr")
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).max() < 8
