"""The board's encoder with a fake kernel that behaves as the driver's source."""

from __future__ import annotations

import ctypes
import errno
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import av
import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.encoder import v4l2_structures as v
from pi_cam_node.camera.encoder.board_encoder import BoardEncoder, bitrate_of
from pi_cam_node.camera.encoder.v4l2_codec import V4l2Codec
from pi_cam_node.imaging.encoders import VideoOutput
from pi_cam_node.imaging.h264 import parameter_sets
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.packet import Packet
from tests.support.fakes.v4l2_codec import FakePiEncoder

SIZE = (200, 120)  # rows of 200 bytes are none that the driver takes
OUTPUT = VideoOutput(60, 10.0)


def picture(number: int) -> Pixels:
    """Return a grey picture whose luma tells its number, with a red right half."""
    width, height = SIZE
    pixels = np.full((height * 3 // 2, width), 128, np.uint8)
    pixels[:height] = 40 + number * 5 % 160
    red = pixels.reshape(-1)[width * height :].reshape(2, height // 2, width // 2)
    red[0, :, width // 4 :], red[1, :, width // 4 :] = 90, 220
    return pixels


def encoder(kernel: FakePiEncoder, output: VideoOutput = OUTPUT, size: tuple[int, int] = SIZE) -> BoardEncoder:
    return BoardEncoder(size, output, 7, V4l2Codec("/dev/video11", kernel))


def encoded(made: BoardEncoder, count: int, rate_hz: float = 10.0, start_s: float = 100.0) -> list[Packet]:
    return [
        packet for number in range(count) for packet in made.encode(picture(number), "i420", start_s + number / rate_hz)
    ]


def decoded(packets: list[Packet]) -> Iterator[Pixels]:
    codec = av.CodecContext.create("h264", "r")
    for packet in packets:
        for frame in codec.decode(av.Packet(packet.data)):
            yield frame.to_ndarray().astype(np.uint8)
    for frame in codec.decode(None):
        yield frame.to_ndarray().astype(np.uint8)


# From linux/videodev2.h by a C compiler: what depends on the length of an address, on 32 and on 64 bits.
LAYOUTS = {
    32: ([0xC0CC5605, 0xC0445609, 0xC044560F, 0xC0445611], (4, 20, 52, 56, 60)),
    64: ([0xC0D05605, 0xC0585609, 0xC058560F, 0xC0585611], (8, 24, 64, 72, 64)),
}


@pytest.mark.parametrize("bits", LAYOUTS)
def test_the_numbers_of_the_calls_are_those_of_the_kernel(bits: int, mocker: MockerFixture) -> None:
    signed, unsigned = (ctypes.c_int32, ctypes.c_uint32) if bits == 32 else (ctypes.c_int64, ctypes.c_uint64)
    mocker.patch.multiple(ctypes, c_long=signed, c_ulong=unsigned, c_void_p=unsigned)
    spec = spec_from_file_location("pi_cam_node_v4l2_structures", v.__file__)
    assert spec is not None
    assert spec.loader is not None
    made: Any = module_from_spec(spec)
    mocker.patch.dict(sys.modules, {spec.name: made})
    spec.loader.exec_module(made)
    numbers = [made.S_FMT, made.QUERYBUF, made.QBUF, made.DQBUF]
    head = made.Buffer
    offsets = (made.Format.fmt.offset, head.seconds.offset, head.planes.offset, head.length.offset)
    assert (numbers, (*offsets, ctypes.sizeof(made.Plane))) == LAYOUTS[bits]
    assert [made.QUERYCAP, made.REQBUFS, made.S_PARM, made.S_CTRL] == [0x80685600, 0xC0145608, 0xC0CC5616, 0xC008561C]
    assert made.STREAMON == 0x40045612


def test_the_layout_in_use_is_that_of_this_machine() -> None:
    _, _, queue, _ = LAYOUTS[8 * ctypes.sizeof(ctypes.c_void_p)][0]
    assert queue == v.QBUF


def test_every_picture_becomes_a_packet_with_its_own_time_and_can_be_decoded() -> None:
    kernel = FakePiEncoder()
    packets = encoded(encoder(kernel), 40)
    assert [packet.mono_s for packet in packets] == pytest.approx([100 + number / 10 for number in range(38)])
    assert {packet.facts.track for packet in packets} == {7}
    assert all(packet.facts.is_made for packet in packets)
    pictures = list(decoded(packets))
    assert len(pictures) == 38
    for number, pixels in enumerate(pictures):
        left, right = picture(number)[:120, :100], pixels[:120, :100]
        assert abs(int(left.mean()) - float(right.mean())) < 6, number
    red = pictures[10].reshape(-1)[200 * 120 :].reshape(2, 60, 100)
    assert red[1, :, 60:].mean() > 200 > 140 > red[1, :, :40].mean()


@pytest.mark.parametrize("rate_hz", [2.0, 10.0, 30.0])
def test_a_key_frame_comes_each_second_at_any_rate_and_brings_its_parameter_sets(rate_hz: float) -> None:
    packets = encoded(encoder(FakePiEncoder(), VideoOutput(60, rate_hz)), round(rate_hz * 5), rate_hz)
    keys = [packet.mono_s for packet in packets if packet.key]
    assert np.diff(keys) == pytest.approx([1.0] * (len(keys) - 1), abs=0.51 / rate_hz)
    assert len(keys) >= 4
    assert all(parameter_sets(packet.data) for packet in packets if packet.key)


def test_a_driver_that_repeats_no_parameter_sets_is_helped() -> None:
    kernel = FakePiEncoder()
    made = encoder(kernel)
    kernel.controls[v.REPEAT_SEQ_HEADER] = 0
    packets = encoded(made, 30)
    assert [bool(parameter_sets(packet.data)) for packet in packets if packet.key] == [True, True, True]


def test_quality_becomes_a_bit_rate_and_the_rate_is_told() -> None:
    assert bitrate_of((1024, 768), 60) == pytest.approx(1_966_080)
    assert bitrate_of((1024, 768), 75) == 2 * bitrate_of((1024, 768), 60)
    assert bitrate_of((64, 48), 1) == 100_000
    assert bitrate_of((1920, 1080), 100) == 20_000_000
    kernel = FakePiEncoder()
    encoder(kernel, VideoOutput(60, 4.0))
    assert kernel.controls[v.BITRATE] == 100_000
    assert kernel.controls[v.H264_I_PERIOD] == 8


def test_a_damaged_packet_is_left_out_with_those_that_need_it() -> None:
    kernel = FakePiEncoder(late=0)
    made = encoder(kernel)
    encoded(made, 4)
    kernel.damaged = 1
    packets = encoded(made, 8, start_s=100.4)
    assert packets[1].key
    assert len(packets) == 7
    assert len(list(decoded(packets[1:]))) == 6


def test_pictures_are_left_out_while_the_encoder_is_busy_and_it_counts_as_failed_after_seconds() -> None:
    kernel = FakePiEncoder()
    made = encoder(kernel)
    assert encoded(made, 4)
    kernel.is_hung = True
    encoded(made, 40, start_s=100.4)
    with pytest.raises(OSError, match="no usable packets"):
        encoded(made, 40, start_s=104.4)


def test_an_encoder_that_answers_none_of_a_few_pictures_of_the_night_has_not_failed() -> None:
    kernel = FakePiEncoder(late=0)
    made = encoder(kernel)
    assert encoded(made, 4)
    kernel.is_hung = True
    for number in range(1, 9):
        encoded(made, 1, start_s=100.0 + 20 * number)
    with pytest.raises(OSError, match="no usable packets"):
        encoded(made, 3, start_s=300.0)


def test_an_encoder_whose_packets_tell_no_picture_counts_as_failed() -> None:
    kernel = FakePiEncoder()
    made = encoder(kernel)
    kernel.forgets_times = True
    assert encoded(made, 40) == []
    with pytest.raises(OSError, match="no usable packets"):
        encoded(made, 40, start_s=104.0)


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (FakePiEncoder(missing=True), errno.ENOENT),
        (FakePiEncoder(driver=b"rockchip-vpu"), errno.ENODEV),
    ],
)
def test_a_board_without_the_encoder_is_told_apart(kernel: FakePiEncoder, reason: int) -> None:
    with pytest.raises(OSError) as caught:
        encoder(kernel)
    assert caught.value.errno == reason
    assert kernel.open_contexts == 0


@pytest.mark.parametrize("request_number", [v.S_FMT, v.S_CTRL, v.S_PARM, v.REQBUFS, v.QUERYBUF, v.QBUF, v.STREAMON])
def test_whatever_the_driver_refuses_everything_is_given_back(request_number: int) -> None:
    kernel = FakePiEncoder()
    kernel.refused[request_number] = errno.EBUSY
    with pytest.raises(OSError, match="refused"):
        encoder(kernel)
    assert kernel.open_contexts == 0


@pytest.mark.parametrize("size", [(2048, 768), (1920, 1440)])
def test_pictures_that_are_too_large_are_refused(size: tuple[int, int]) -> None:
    kernel = FakePiEncoder()
    with pytest.raises(OSError, match=f"{size[0]}x{size[1]}"):
        encoder(kernel, size=size)
    assert kernel.open_contexts == 0


def test_rows_that_are_too_short_for_a_picture_are_refused() -> None:
    kernel = FakePiEncoder()
    kernel.row_bytes = SIZE[0] - 8
    with pytest.raises(OSError, match="does not fit"):
        encoder(kernel)
    assert kernel.open_contexts == 0


def test_closing_gives_the_device_back() -> None:
    kernel = FakePiEncoder()
    made = encoder(kernel)
    encoded(made, 5)
    made.close()
    made.close()
    assert kernel.open_contexts == 0
