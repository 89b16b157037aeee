"""Previews of saved pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pi_cam_node.config import Config
from pi_cam_node.imaging import jpeg
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES
from tests.support.pictures import BOOT, config, noise, picture, scene


def test_the_image_is_the_saved_jpg_where_that_fits(archive: PictureArchive) -> None:
    saved = archive.save(picture(), ["png", "jpg"], config())
    assert saved.image == Path(saved.paths[1]).read_bytes()


def test_an_image_too_large_for_the_broker_is_made_smaller(archive: PictureArchive) -> None:
    settings = Config.model_validate({"mqtt": {"image_max_bytes": 50_000}, "storage": {"min_free_bytes": 0}})
    saved = archive.save(picture(content=noise(640, 480)), ["jpg"], settings)
    assert saved.image is not None
    assert saved.size_bytes > 50_000 >= len(saved.image)
    assert jpeg.decode(saved.image).shape[2] == 3


def test_an_image_larger_than_the_packets_of_this_broker_is_made_smaller(tmp_path: Path, clock: FakeClock) -> None:
    archive = PictureArchive(tmp_path, BOOT, clock, IMAGES, packet_limit=lambda: 50_000)
    saved = archive.save(picture(content=noise(640, 480)), ["jpg"], config())
    assert saved.image is not None
    assert saved.size_bytes > 50_000 > len(saved.image) + 1000, "topic and properties have room beside it"


def test_a_bound_that_no_picture_meets_gives_no_image(
    archive: PictureArchive, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Config.model_validate({"mqtt": {"image_max_bytes": 100}, "storage": {"min_free_bytes": 0}})
    assert archive.save(picture(), ["jpg"], settings).image is None
    assert "image_max_bytes" in caplog.text


def test_a_picture_without_a_jpg_has_an_image_and_a_thumbnail_too(archive: PictureArchive) -> None:
    saved = archive.save(picture(content=scene(640, 480)), ["npy"], config())
    assert saved.image is not None
    assert saved.thumbnail is not None
    assert jpeg.decode(saved.image).shape == (480, 640, 3)
    assert jpeg.decode(saved.thumbnail).shape == (240, 320, 3)


def test_a_thumbnail_stays_within_48_kib(archive: PictureArchive) -> None:
    settings = Config.model_validate({"export": {"thumbnail_px": 1024}, "storage": {"min_free_bytes": 0}})
    thumbnail = archive.save(picture(content=noise(1024, 768)), ["jpg"], settings).thumbnail
    assert thumbnail is not None
    assert len(thumbnail) <= 48 * 1024


def test_a_thumbnail_that_is_there_already_is_not_made_again(tmp_path: Path, clock: FakeClock) -> None:
    small = IMAGES.thumbnail(jpeg.encode(noise(640, 480), "bgr", 90), 320, 48 << 10)
    stacked = replace(picture(content=noise(640, 480)), small=small)
    archive = PictureArchive(tmp_path, BOOT, clock, IMAGES)
    assert archive.save(stacked, ["jpg"], config()).thumbnail == small
    archive = PictureArchive(tmp_path, BOOT, clock, IMAGES, packet_limit=lambda: 10_000)
    smaller = archive.save(stacked, ["jpg"], config()).thumbnail
    assert smaller is not None
    assert len(smaller) < 10_000 < len(small), "the broker would refuse it"


def test_no_small_copies_are_made_where_none_are_wanted(archive: PictureArchive) -> None:
    off = {"mqtt": {"image_max_bytes": 0}, "export": {"thumbnail_px": 0}, "storage": {"min_free_bytes": 0}}
    saved = archive.save(picture(), ["jpg"], Config.model_validate(off))
    assert (saved.image, saved.thumbnail) == (None, None)


def test_a_jpeg_that_cannot_be_decoded_is_saved_without_small_copies(
    archive: PictureArchive, caplog: pytest.LogCaptureFixture
) -> None:
    whole = jpeg.encode(scene(), "bgr", 90)
    header_only = whole[: whole.index(b"\xff\xda") + 4]
    saved = archive.save(picture(content=header_only), ["jpg"], config())
    assert Path(saved.paths[0]).exists()
    assert saved.thumbnail is None
    assert "no preview" in caplog.text
