"""Image tasks, executed in the calling thread; for the process see `tests/integration/test_task_process.py`."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import RawImage
from pi_cam_node.imaging.tasks import ImageTasks
from tests.support.frames import AT, IMAGES, raw_of
from tests.support.pictures import noise, scene

RED = RawImage((32, 32), "i420", bytes([76] * 1024 + [85] * 256 + [255] * 256))


@pytest.mark.parametrize("image", [raw_of(scene()), jpeg.encode(scene(), "bgr", 100)], ids=["raw", "jpeg"])
def test_every_format_shows_the_picture(image: RawImage | bytes) -> None:
    pictures = [
        np.load(io.BytesIO(IMAGES.encode(image, "npy"))),
        cv2.imdecode(np.frombuffer(IMAGES.encode(image, "png"), np.uint8), cv2.IMREAD_COLOR),
        jpeg.decode(IMAGES.encode(image, "jpg", 95)),
    ]
    for picture in pictures:
        assert np.abs(np.asarray(picture).astype(int) - scene()).mean() < 4


def test_planes_become_the_same_colours() -> None:
    for picture in (np.load(io.BytesIO(IMAGES.encode(RED, "npy"))), jpeg.decode(IMAGES.encode(RED, "jpg", 95))):
        assert np.abs(picture.astype(int) - (0, 0, 255)).max() <= 3


def test_a_picture_in_another_size() -> None:
    small = jpeg.decode(IMAGES.resize(jpeg.encode(scene(64, 48), "bgr", 95), (32, 24), 85))
    assert small.shape == (24, 32, 3)


@pytest.mark.parametrize("image", [raw_of(noise(640, 480)), jpeg.encode(noise(640, 480), "bgr", 95)])
def test_a_thumbnail_is_bounded(image: RawImage | bytes) -> None:
    small = IMAGES.thumbnail(image, 320, 20_000)
    assert len(small) <= 20_000
    assert jpeg.decode(small).shape[1] <= 320


def test_a_stack_tells_what_it_was_made_of() -> None:
    frames = [jpeg.encode(np.full((48, 64, 3), level, np.uint8), "bgr", 95) for level in (100, 120)]
    told: list[tuple[int, int]] = []
    other = jpeg.encode(np.zeros((16, 16, 3), np.uint8), "bgr", 95)
    made = IMAGES.stack([other, *frames], "mean", lambda done, total: told.append((done, total)))
    assert isinstance(made.image, RawImage)
    assert (made.used, made.image.size, made.image.layout) == ((1, 2), (64, 48), "bgr")
    assert set(made.image.data) == {110}
    assert told[-1][0] == told[-1][1]


def test_a_stack_comes_as_a_jpeg_where_a_quality_is_asked_for() -> None:
    frames = [jpeg.encode(np.full((48, 64, 3), level, np.uint8), "bgr", 95) for level in (100, 120)]
    made = IMAGES.stack(frames, "mean", quality=90)
    assert isinstance(made.image, bytes)
    assert made.used == (0, 1)
    assert abs(jpeg.decode(made.image).astype(int) - 110).max() <= 1


@pytest.mark.parametrize("quality", [None, 90])
def test_a_small_copy_comes_with_the_stack_where_one_is_asked_for(quality: int | None) -> None:
    frames = [jpeg.encode(np.full((480, 640, 3), (level, 90, 30), np.uint8), "bgr", 95) for level in (100, 120)]
    made = IMAGES.stack(frames, "mean", quality=quality, small=(320, 48 << 10))
    assert made.small is not None
    small = jpeg.decode(made.small)
    assert small.shape == (240, 320, 3)
    assert abs(small.astype(int) - (110, 90, 30)).max() <= 3
    assert IMAGES.stack(frames, "mean", quality=quality).small is None


@pytest.mark.parametrize("private", [False, True])
def test_the_placeholder_is_as_large_as_asked(private: bool) -> None:
    assert jpeg.decode(IMAGES.placeholder((320, 240), AT, private=private)).shape == (240, 320, 3)
    assert jpeg.decode(IMAGES.placeholder((64, 48), None, private=private)).shape == (48, 64, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".npy"])
def test_a_file_without_a_picture_is_refused(suffix: str) -> None:
    for content in (b"", b"nothing", bytes(1000)):
        with pytest.raises(ValueError):
            IMAGES.thumbnail_of_file(content, suffix, 64, 48 << 10)


def test_what_the_process_is_told_is_plain() -> None:
    """Arguments are what JSON knows, pictures are bytes."""
    calls: list[tuple[str, object, list[bytes]]] = []

    def run(task: str, arguments: object, blobs: object, _progress: object) -> tuple[dict[str, object], list[bytes]]:
        calls.append((task, arguments, list(blobs)))  # type: ignore[call-overload]
        return {}, [b"done"]

    assert ImageTasks(run).encode(RED, "png") == b"done"
    assert calls == [("encode", {"form": "png", "quality": 0, "raw": {"size": (32, 32), "layout": "i420"}}, [RED.data])]
