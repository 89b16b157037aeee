"""EXIF in saved JPEGs."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from PIL import Image

from pi_cam_node import __version__
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.storage.pictures.exif import exif_block, with_exif
from tests.support.pictures import picture, scene

ID = "20261120T194501123Z-3f2a91c0-000042-single"
EXIF_IFD = 0x8769


def plain_jpeg() -> bytes:
    return jpeg.encode(scene(), "bgr", 90)


def read(data: bytes) -> tuple[dict[int, Any], dict[int, Any]]:
    exif = Image.open(io.BytesIO(data)).getexif()
    return dict(exif), dict(exif.get_ifd(EXIF_IFD))


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """Walk a JPEG's header by hand: (marker, payload) up to the first scan, then the rest."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return [*found, (0xDA, data[at:])]


def test_the_picture_is_told_with_its_time_to_the_millisecond_in_utc() -> None:
    _, details = read(with_exif(plain_jpeg(), exif_block(picture(), ID)))
    assert details[0x9003] == "2026:11:20 19:45:01"
    assert details[0x9291] == "123"
    assert details[0x9011] == "+00:00"


def test_a_moment_in_another_zone_is_told_in_utc() -> None:
    there = datetime(2026, 11, 21, 1, 15, 1, 5000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    _, details = read(with_exif(plain_jpeg(), exif_block(picture(first_at=there), ID)))
    assert (details[0x9003], details[0x9291]) == ("2026:11:20 19:45:01", "005")
    assert there.astimezone(UTC).hour == 19


def test_exposure_gain_program_and_id_are_told() -> None:
    main, details = read(with_exif(plain_jpeg(), exif_block(picture(), ID)))
    assert float(details[0x829A]) == pytest.approx(0.02)
    assert details[0x8827] == 250
    assert main[0x0131] == f"pi_cam_node {__version__}"
    assert main[0x010E] == ID


def test_what_the_sensor_does_not_say_is_left_out() -> None:
    _, details = read(with_exif(plain_jpeg(), exif_block(picture(sensor=Sensor()), ID)))
    assert 0x829A not in details
    assert 0x8827 not in details


def test_a_gain_beyond_the_field_is_the_largest_that_fits() -> None:
    _, details = read(with_exif(plain_jpeg(), exif_block(picture(sensor=Sensor(gain=1000.0)), ID)))
    assert details[0x8827] == 65_535


def test_a_night_exposure_of_minutes_keeps_its_length() -> None:
    _, details = read(with_exif(plain_jpeg(), exif_block(picture(sensor=Sensor(exposure_us=200_000_000)), ID)))
    assert float(details[0x829A]) == pytest.approx(200.0)


def test_everything_but_the_new_segment_stays_byte_for_byte() -> None:
    before = segments(plain_jpeg())
    after = segments(with_exif(plain_jpeg(), exif_block(picture(), ID)))
    assert [segment for segment in after if segment[0] != 0xE1] == before
    assert [marker for marker, _ in after][:2] == [0xE0, 0xE1]


def test_the_segment_is_laid_out_as_exif_says() -> None:
    marker, payload = segments(with_exif(plain_jpeg(), exif_block(picture(), ID)))[1]
    assert (marker, payload[:6]) == (0xE1, b"Exif\0\0")
    order = {b"MM": ">", b"II": "<"}[payload[6:8]]
    magic, first = struct.unpack_from(order + "HI", payload, 8)
    entries = struct.unpack_from(order + "H", payload, 6 + first)[0]
    tags = [struct.unpack_from(order + "H", payload, 8 + first + 12 * n)[0] for n in range(entries)]
    assert magic == 42
    assert tags == sorted(tags) == [0x010E, 0x0131, EXIF_IFD]


def test_a_second_exif_takes_the_place_of_the_first() -> None:
    once = with_exif(plain_jpeg(), exif_block(picture(), "first"))
    twice = with_exif(once, exif_block(picture(), "second"))
    assert read(twice)[0][0x010E] == "second"
    assert [marker for marker, _ in segments(twice)].count(0xE1) == 1


def test_a_jpeg_without_jfif_gets_its_exif_first() -> None:
    whole = plain_jpeg()
    jfif_bytes = 2 + struct.unpack_from(">H", whole, 4)[0]
    bare = whole[:2] + whole[2 + jfif_bytes :]
    assert segments(bare)[0][0] != 0xE0
    assert segments(with_exif(bare, exif_block(picture(), ID)))[0][0] == 0xE1


@pytest.mark.parametrize(
    "wrong", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\xff\xff", b"\xff\xd8abcdef"]
)
def test_what_is_no_jpeg_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="not a JPEG"):
        with_exif(wrong, exif_block(picture(), ID))
