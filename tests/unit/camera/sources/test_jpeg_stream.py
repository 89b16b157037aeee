"""Extraction of JPEGs from arbitrary camera streams."""

from __future__ import annotations

import re

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from pi_cam_node.camera.sources import jpeg_stream
from pi_cam_node.camera.sources.jpeg_stream import JpegSplitter
from tests.support.http_camera_server import picture

PICTURES = [picture(number) for number in range(4)]
BETWEEN = st.sampled_from(
    [b"", b"\r\n", b"\n--frame\nContent-Length: 7\n\n", b"--x\r\nContent-Type: image/jpeg\r\n\r\n"]
)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    splitter, found, at = JpegSplitter(), [], 0
    for size in [*sizes, len(data)]:
        found += splitter.feed(data[at : at + size])
        at += size
    return found


@given(st.lists(st.tuples(BETWEEN, st.integers(0, 3)), max_size=5), st.lists(st.integers(1, 3000), max_size=20))
def test_pictures_come_out_whole_however_they_are_framed_and_cut(
    parts: list[tuple[bytes, int]], sizes: list[int]
) -> None:
    data = b"".join(between + PICTURES[index] for between, index in parts)
    assert cut(data, sizes) == [PICTURES[index] for _, index in parts]


@given(st.integers(3, len(PICTURES[0]) - 3))
def test_a_picture_that_was_cut_short_costs_no_more_than_a_segment_holds(at: int) -> None:
    more = 40
    found = cut(PICTURES[0][:at] + b"\r\n--frame\r\n\r\n" + PICTURES[1] * more, [100])
    assert found[-1] == PICTURES[1]
    assert len(found) >= more - 1 - (1 << 16) // len(PICTURES[1])


def test_a_picture_with_every_restart_marker_comes_out_whole() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])
    data = encoded.tobytes()
    assert all(data.count(bytes((0xFF, 0xD0 + number))) for number in range(8))
    assert cut(data * 2, [700]) == [data] * 2


@given(st.binary(max_size=2000))
def test_noise_is_passed_over(noise: bytes) -> None:
    assert cut(noise.replace(b"\xff", b"") + PICTURES[0], [7]) == [PICTURES[0]]
    JpegSplitter().feed(noise)


def test_a_thumbnail_inside_is_no_picture_of_its_own() -> None:
    inner = picture(9, (32, 32))
    exif = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    outer = PICTURES[0][:2] + exif + PICTURES[0][2:]
    assert cut(outer + PICTURES[1], [50]) == [outer, PICTURES[1]]


def test_what_never_ends_does_not_stay_in_memory(mocker: MockerFixture) -> None:
    mocker.patch.object(jpeg_stream, "MAX_JPEG_BYTES", 10_000)
    splitter = JpegSplitter()
    endless = PICTURES[0][:-2]
    for _ in range(50):
        splitter.feed(endless.replace(b"\xff\xd8", b"", 1) if splitter._buffer else endless)
        splitter.feed(bytes(1000))
    assert len(splitter._buffer) < 20_000
    assert splitter.feed(PICTURES[1])[-1:] == [PICTURES[1]]


def test_a_picture_in_small_pieces_is_looked_at_once(mocker: MockerFixture) -> None:
    """Each piece was looked at with all before it: a picture of 700 KiB in packets of 1448 bytes took 0.2 s."""
    search = jpeg_stream._IN_SCAN.search
    seen: list[int] = []

    def counted(data: bytearray, at: int) -> re.Match[bytes] | None:
        match = search(data, at)
        seen.append((match.end() if match else len(data)) - at)
        return match

    mocker.patch.object(jpeg_stream, "_IN_SCAN", mocker.Mock(search=counted))
    pieces = [10] * (len(PICTURES[0]) // 10)
    assert cut(PICTURES[0], pieces) == [PICTURES[0]]
    assert len(pieces) / 2 < len(seen) <= len(pieces) + 1
    assert sum(seen) <= len(PICTURES[0]) + len(seen)
