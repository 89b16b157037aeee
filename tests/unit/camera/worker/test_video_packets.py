"""Selection of video packets: the camera's own, or the board's encoder."""

from __future__ import annotations

import errno
from typing import Any

import av
import numpy as np
import pytest

from pi_cam_node.camera.encoder.board_encoder import BoardEncoder
from pi_cam_node.camera.encoder.v4l2_codec import V4l2Codec
from pi_cam_node.camera.source import Opened, Shot
from pi_cam_node.camera.worker.messages import Output
from pi_cam_node.camera.worker.picture_maker import PictureMaker
from pi_cam_node.camera.worker.video_packets import OpenEncoder
from pi_cam_node.imaging.encoders import VideoEncoder, VideoOutput
from pi_cam_node.imaging.frame import Layout, Sensor
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.orientation import Orientation
from pi_cam_node.imaging.packet import Packet, PacketFacts
from tests.support.fakes.v4l2_codec import FakePiEncoder

SIZE = (192, 96)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
VIDEO = Output(85, video=VideoOutput(60, 10.0))
AAC = bytes.fromhex("1408")
OWN = Packet(5.0, True, b"own", PacketFacts(450_000))
SOUND = Packet(5.0, False, b"sound", PacketFacts(450_000, sound=AAC))


def opener(kernel: FakePiEncoder) -> OpenEncoder:
    return lambda size, wanted, track: BoardEncoder(size, wanted, track, V4l2Codec("/dev/video11", kernel))


def maker(kernel: FakePiEncoder, output: Output = VIDEO, layout: Layout = "i420", **changes: Any) -> PictureMaker:
    fields: dict[str, Any] = {"orientation": Orientation(), "masks": (), "output": output, **changes}
    return PictureMaker(Opened("test", SIZE, layout, controls=True), open_video=opener(kernel), **fields)


def packets(made: PictureMaker, count: int, start_s: float = 5.0, own: tuple[Packet, ...] = ()) -> list[Packet]:
    found: list[Packet] = []
    for number in range(count):
        pixels = np.full((144, 192), 150, np.uint8)
        mono_s = start_s + number / 10
        found += made.make(Shot(pixels, mono_s - 0.01, mono_s, "day", Sensor(10_000, 2.0), packets=own)).packets
    return found


def test_what_the_masks_hide_is_not_in_the_video_of_the_board() -> None:
    found = packets(maker(FakePiEncoder(), masks=[LEFT]), 20)
    assert len(found) == 18
    assert {packet.facts.is_made for packet in found} == {True}
    codec = av.CodecContext.create("h264", "r")
    for packet in found:
        for frame in codec.decode(av.Packet(packet.data)):
            luma = frame.to_ndarray()[:96]
            assert luma[:, :92].max() < 20
            assert luma[:, 100:].min() > 140


def test_a_camera_with_packets_of_its_own_needs_no_encoder_unless_its_pictures_are_changed() -> None:
    kernel = FakePiEncoder()
    plain = maker(kernel)
    assert packets(plain, 60, own=(OWN, SOUND)) == [OWN, SOUND] * 60
    assert kernel.open_contexts == 0
    plain.configure(Output(85, label="{name}", video=VIDEO.video))
    found = packets(plain, 10, 11.0, own=(OWN, SOUND))
    assert kernel.open_contexts == 1
    assert OWN not in found, "a label would be missing in it"
    assert sum(packet.facts.is_made for packet in found) == 8
    assert found.count(SOUND) == 10, "sound hides nothing"


def test_a_camera_without_packets_is_encoded_after_it_had_time_to_send_some() -> None:
    kernel = FakePiEncoder()
    found = packets(maker(kernel), 60)
    assert found[0].key
    assert found[0].mono_s == pytest.approx(8.0)
    assert len(found) == 28


def test_nothing_is_encoded_that_nobody_wants_and_another_wish_begins_another_track() -> None:
    kernel = FakePiEncoder()
    made = maker(kernel, Output(85), masks=[LEFT])
    assert packets(made, 5) == []
    assert kernel.open_contexts == 0
    made.configure(VIDEO)
    first = packets(made, 5, 6.0)
    made.configure(Output(70, video=VideoOutput(60, 10.0)))
    first += packets(made, 5, 6.5)
    assert len({packet.facts.track for packet in first}) == 1, "the same wish goes on"
    made.configure(Output(85, video=VideoOutput(80, 10.0)))
    second = packets(made, 5, 7.0)
    assert second[0].key
    assert len({packet.facts.track for packet in (*first, *second)}) == 2
    assert kernel.open_contexts == 1
    made.configure(Output(85))
    assert kernel.open_contexts == 0


@pytest.mark.parametrize("failure", [errno.EBUSY, errno.ENOENT, errno.ENOMEM])
def test_where_the_encoder_cannot_be_had_the_pictures_go_on_and_it_is_said_once(
    failure: int, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def refuse(*_arguments: Any) -> BoardEncoder:
        asked.append(1)
        raise OSError(failure, "no encoder")

    made = PictureMaker(Opened("test", SIZE, "i420", controls=True), Orientation(), [LEFT], VIDEO, open_video=refuse)
    assert packets(made, 20) == []
    assert len(asked) == 1
    assert ("software" in caplog.text) == (failure != errno.ENOENT)


def test_an_encoder_that_was_busy_is_tried_again() -> None:
    kernel, refusals, asked_s = FakePiEncoder(), 2, []
    made: PictureMaker

    def busy_at_first(*arguments: Any) -> VideoEncoder:
        asked_s.append(now_s)
        if len(asked_s) <= refusals:
            raise OSError(errno.EBUSY, "another program has it")
        return opener(kernel)(*arguments)

    made = PictureMaker(
        Opened("test", SIZE, "i420", controls=True), Orientation(), [LEFT], VIDEO, open_video=busy_at_first
    )
    found = []
    for now_s in range(100):
        found += packets(made, 1, float(now_s))
    assert asked_s == [0, 30, 90], "and not at every picture"
    assert found[0].key
    assert found[0].mono_s == pytest.approx(90.0)


def test_an_encoder_that_fails_now_and_then_is_back_soon_each_time() -> None:
    opened_s: list[int] = []

    class Hourly:
        """Hangs an hour after it was opened."""

        def encode(self, _pixels: Pixels, _layout: Layout, _mono_s: float) -> list[Packet]:
            if now_s - opened_s[-1] >= 3600:
                raise OSError(errno.ETIMEDOUT, "it hangs")
            return []

        def close(self) -> None:
            """Do nothing: there is nothing to release."""

    def hourly(*_arguments: Any) -> VideoEncoder:
        opened_s.append(now_s)
        return Hourly()

    made = PictureMaker(Opened("test", SIZE, "i420", controls=True), Orientation(), [LEFT], VIDEO, open_video=hourly)
    for now_s in range(0, 30_000, 10):
        packets(made, 1, float(now_s))
    assert opened_s == [number * 3630 for number in range(9)]


@pytest.mark.parametrize("failure", [errno.ENODEV, errno.EINVAL])
def test_an_encoder_that_is_not_there_or_takes_no_such_pictures_is_not_tried_again(failure: int) -> None:
    asked = []

    def refuse(*_arguments: Any) -> BoardEncoder:
        asked.append(1)
        raise OSError(failure, "none")

    made = PictureMaker(Opened("test", SIZE, "i420", controls=True), Orientation(), [LEFT], VIDEO, open_video=refuse)
    for now_s in range(0, 5000, 50):
        packets(made, 1, float(now_s))
    assert len(asked) == 1


def test_an_encoder_that_hangs_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    kernel = FakePiEncoder()
    made = maker(kernel, masks=[LEFT])
    assert packets(made, 5)
    kernel.is_hung = True
    packets(made, 80, 5.5)
    assert "no usable packets" in caplog.text
    assert kernel.open_contexts == 0


def test_pixels_in_another_layout_are_left_to_software() -> None:
    kernel = FakePiEncoder()
    made = maker(kernel, layout="bgr", masks=[LEFT])
    image = made.make(Shot(np.full((96, 192, 3), 9, np.uint8), 1.0, 1.1, "day", Sensor(10_000, 2.0)))
    assert image.packets == ()
    assert kernel.open_contexts == 0


def test_closing_releases_the_encoder() -> None:
    kernel = FakePiEncoder()
    made = maker(kernel, masks=[LEFT])
    packets(made, 3)
    made.close()
    assert kernel.open_contexts == 0
