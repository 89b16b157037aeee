"""Conversion of camera buffers of every format, width and padding to BGR or I420."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.camera.sources.picam.formats import Granted, convert
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Pixels

HEIGHT = 6
EVERY_EVEN_WIDTH = range(2, 513, 2)
YUV_FORMATS = ["YUV420", "YVU420", "NV12", "NV21"]
PACKED_YUV_FORMATS = ["YUYV", "YVYU", "UYVY", "VYUY"]
RGB_FORMATS = ["RGB888", "BGR888", "XRGB8888", "XBGR8888"]


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def padded(rows: Pixels, stride_bytes: int) -> bytes:
    """Return rows with noise behind each, so that a byte too many is a byte wrong."""
    out = noise(len(rows), stride_bytes)
    out[:, : rows.shape[1]] = rows
    return out.tobytes()


def stride_of(row_bytes: int, alignment: int) -> int:
    return -(-row_bytes // alignment) * alignment


def interleaved(first: Pixels, second: Pixels) -> Pixels:
    return np.dstack([first, second]).reshape(len(first), -1)


def yuv_buffer(name: str, y: Pixels, u: Pixels, v: Pixels, stride: int) -> bytes:
    first, second = (u, v) if name in ("YUV420", "NV12") else (v, u)
    if name in ("YUV420", "YVU420"):
        return padded(y, stride) + padded(first, stride // 2) + padded(second, stride // 2)
    return padded(y, stride) + padded(interleaved(first, second), stride)


def array_of(data: bytes, spare_bytes: int = 100) -> Pixels:
    """Return a buffer as the camera gives it: longer than its picture."""
    return np.frombuffer(data + bytes(spare_bytes), np.uint8)


@pytest.mark.parametrize("alignment", [64, 128])
@pytest.mark.parametrize("name", YUV_FORMATS)
def test_yuv_of_every_even_width_loses_its_padding(name: str, alignment: int) -> None:
    for width in EVERY_EVEN_WIDTH:
        y, u, v = noise(HEIGHT, width), noise(HEIGHT // 2, width // 2), ~noise(HEIGHT // 2, width // 2)
        granted = Granted(name, (width, HEIGHT), stride_of(width, alignment))
        pixels = convert(array_of(yuv_buffer(name, y, u, v, granted.stride_bytes)), granted)
        assert pixels.flags.c_contiguous
        assert jpeg.size_of(pixels, "i420") == (width, HEIGHT)
        for plane, expected in zip(jpeg.planes(pixels), (y, u, v), strict=True):
            np.testing.assert_array_equal(plane, expected)


@pytest.mark.parametrize("alignment", [2, 32, 64, 128])
@pytest.mark.parametrize("name", RGB_FORMATS)
def test_rgb_of_every_even_width_comes_out_as_bgr(name: str, alignment: int) -> None:
    for width in EVERY_EVEN_WIDTH:
        bgr = noise(HEIGHT, width, 3)
        order = {"RGB888": [0, 1, 2], "BGR888": [2, 1, 0], "XRGB8888": [0, 1, 2], "XBGR8888": [2, 1, 0]}[name]
        memory = bgr[:, :, order]
        if name.startswith("X"):
            memory = np.dstack([memory, noise(HEIGHT, width)])
        rows = memory.reshape(HEIGHT, -1)
        granted = Granted(name, (width, HEIGHT), stride_of(rows.shape[1], alignment))
        pixels = convert(array_of(padded(rows, granted.stride_bytes)), granted)
        assert pixels.flags.c_contiguous
        np.testing.assert_array_equal(pixels, bgr)


@pytest.mark.parametrize("alignment", [32, 64])
@pytest.mark.parametrize("name", PACKED_YUV_FORMATS)
def test_packed_yuv_of_every_even_width_keeps_luma_and_the_mean_chroma(name: str, alignment: int) -> None:
    for width in EVERY_EVEN_WIDTH:
        samples = {"Y": noise(HEIGHT, width), "U": noise(HEIGHT, width // 2), "V": ~noise(HEIGHT, width // 2)}
        rows = np.empty((HEIGHT, width * 2), np.uint8)
        for letter, plane in samples.items():
            rows[:, name.index(letter) :: 2 if letter == "Y" else 4] = plane
        granted = Granted(name, (width, HEIGHT), stride_of(width * 2, alignment))
        y, u, v = jpeg.planes(convert(array_of(padded(rows, granted.stride_bytes)), granted))
        np.testing.assert_array_equal(y, samples["Y"])
        for plane, source in ((u, samples["U"]), (v, samples["V"])):
            mean = (source[0::2].astype(float) + source[1::2]) / 2
            assert np.abs(plane - mean).max() <= 0.5


@pytest.mark.parametrize("name", [*YUV_FORMATS, *PACKED_YUV_FORMATS])
def test_limited_range_is_stretched_to_the_full_one(name: str) -> None:
    width, stride = 4, 8
    y = np.array([[16, 235, 0, 255]] * 4, np.uint8)
    neutral, extreme = np.full((2, 2), 128, np.uint8), np.full((2, 2), 240, np.uint8)
    if name in YUV_FORMATS:
        data = yuv_buffer(name, y, neutral, extreme, stride)
    else:
        rows = np.empty((4, width * 2), np.uint8)
        rows[:, name.index("Y") :: 2] = y
        rows[:, name.index("U") :: 4], rows[:, name.index("V") :: 4] = 128, 240
        data = rows.tobytes()
    pixels = convert(array_of(data), Granted(name, (width, 4), stride, limited=True))
    luma, u, v = jpeg.planes(pixels)
    assert luma[0].tolist() == [0, 255, 0, 255]
    assert set(u.ravel()) == {128}
    assert set(v.ravel()) == {255}


def test_full_range_luma_is_left_as_it_is() -> None:
    y = np.arange(256, dtype=np.uint8).reshape(2, 128)
    grey = np.full((1, 64), 128, np.uint8)
    granted = Granted("YUV420", (128, 2), 128)
    np.testing.assert_array_equal(convert(array_of(yuv_buffer("YUV420", y, grey, grey, 128)), granted)[:2], y)


def test_a_jpeg_is_decoded_and_what_follows_it_ignored() -> None:
    grey = np.full((48, 64, 3), 90, np.uint8)
    granted = Granted("MJPEG", (64, 48), 0)
    pixels = convert(array_of(jpeg.encode(grey, "bgr", 90), spare_bytes=5000), granted)
    assert granted.layout == "bgr"
    assert np.abs(pixels.astype(int) - grey).max() <= 2


def test_a_damaged_jpeg_is_refused() -> None:
    with pytest.raises(ValueError):
        convert(np.zeros(1000, np.uint8), Granted("MJPEG", (64, 48), 0))


def test_a_jpeg_of_another_size_is_refused() -> None:
    data = array_of(jpeg.encode(noise(32, 32, 3), "bgr", 90))
    with pytest.raises(ValueError, match="32x32 came from a stream of 64x48"):
        convert(data, Granted("MJPEG", (64, 48), 0))


@pytest.mark.parametrize("name", [*YUV_FORMATS, *PACKED_YUV_FORMATS, *RGB_FORMATS])
def test_a_buffer_that_is_too_short_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="are needed"):
        convert(np.zeros(64 * 4 + 1, np.uint8), Granted(name, (16, 6), 64))


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (
            {"format": "SRGGB10_CSI2P", "size": (640, 480), "stride": 800},
            "SRGGB10_CSI2P is not supported",
        ),
        ({"format": "YUV420", "size": (641, 480), "stride": 704}, "must be even"),
        ({"format": "NV12", "size": (640, 481), "stride": 640}, "must be even"),
        ({"format": "RGB888", "size": (640, 480), "stride": 640}, "with a stride of 640"),
        ({"format": "YUYV", "size": (640, 480), "stride": 640}, "with a stride of 640"),
        ({"format": "YUV420", "size": (640, 480), "stride": 641}, "with a stride of 641"),
        ({"format": "YUV420", "size": (640, 480), "stride": None}, "with a stride of 0"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused(stream: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Granted.of(stream)


@pytest.mark.parametrize("name", RGB_FORMATS)
def test_rgb_may_have_odd_sides(name: str) -> None:
    granted = Granted.of({"format": name, "size": (3, 5), "stride": 32})
    assert convert(np.zeros(5 * 32, np.uint8), granted).shape == (5, 3, 3)
