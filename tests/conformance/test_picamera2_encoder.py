"""Video of the board's encoder from pictures of the real picamera2, with a stand-in for the encoder's driver alone.

Everything above the system calls is what runs on a board: libcamera's virtual camera, picamera2, the source, the masks,
and the encoder. What this cannot show: the driver itself, its speed, and how much memory it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

from pi_cam_node.camera.encoder.board_encoder import BoardEncoder  # noqa: E402 - after the check that PyAV is there
from pi_cam_node.camera.encoder.v4l2_codec import V4l2Codec  # noqa: E402
from pi_cam_node.camera.source import Controls  # noqa: E402
from pi_cam_node.camera.sources.picam.source import Picamera2Source  # noqa: E402
from pi_cam_node.camera.worker.messages import Output  # noqa: E402
from pi_cam_node.camera.worker.picture_maker import PictureMaker  # noqa: E402
from pi_cam_node.config import CameraConfig  # noqa: E402
from pi_cam_node.imaging.encoders import VideoEncoder, VideoOutput  # noqa: E402
from pi_cam_node.imaging.orientation import Orientation  # noqa: E402
from pi_cam_node.imaging.packet import Packet  # noqa: E402
from tests.support.fakes.v4l2_codec import FakePiEncoder  # noqa: E402
from tests.support.picamera2_rig import SIZE, real_only, rig_of  # noqa: E402

pytestmark = [
    pytest.mark.picamera2_real,
    real_only,
    pytest.mark.filterwarnings("ignore:setDaemon\\(\\) is deprecated:DeprecationWarning"),
]

CAMERA = CameraConfig(width=640, height=480, framerate=30)
DAY = Controls("day", 30.0, 100_000, 6.0, "still")
VIDEO = Output(85, video=VideoOutput(60, 30.0))
KEY_S = 0.98  # as the encoder asks for them
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


@pytest.fixture
def source() -> Iterator[Picamera2Source]:
    with rig_of("real"):
        source = Picamera2Source("Virtual1")
        yield source
        source.close()


def packets_of(source: Picamera2Source, made: PictureMaker, count: int) -> tuple[list[Packet], list[float]]:
    """Return the packets of so many pictures, and when each picture was captured."""
    found: list[Packet] = []
    captured_s: list[float] = []
    for _ in range(count):
        shot = source.read()
        captured_s.append(shot.captured_mono_s)
        found += made.make(shot).packets
    return found, captured_s


def maker(source: Picamera2Source, kernel: FakePiEncoder, masks: list[Any]) -> PictureMaker:
    def open_encoder(size: tuple[int, int], wanted: VideoOutput, track: int) -> VideoEncoder:
        return BoardEncoder(size, wanted, track, V4l2Codec("/dev/video11", kernel))

    return PictureMaker(source.open(CAMERA, DAY), Orientation(), masks, VIDEO, open_video=open_encoder)


def test_what_the_encoder_gets_is_masked_and_its_packets_bear_the_sensors_time(source: Picamera2Source) -> None:
    kernel = FakePiEncoder()
    made = maker(source, kernel, [LEFT])
    found, captured_s = packets_of(source, made, 45)
    made.close()
    assert len(found) >= 40
    assert found[0].key
    assert {packet.facts.is_made for packet in found} == {True}
    assert {packet.mono_s for packet in found} <= set(captured_s)
    keys_s = [packet.mono_s for packet in found if packet.key]
    for each, later in pairwise(keys_s):
        assert later == min(at_s for at_s in captured_s if at_s - each >= KEY_S), "at the first picture that is due"
    codec = av.CodecContext.create("h264", "r")
    luma = [frame.to_ndarray()[: SIZE[1]] for packet in found for frame in codec.decode(av.Packet(packet.data))]
    assert len(luma) >= len(found) - 1
    for each in luma:
        assert each.shape == (SIZE[1], SIZE[0])
        assert each[:, : SIZE[0] // 2 - 8].max() < 24, "the mask is in the video"
        assert np.ptp(each[:, SIZE[0] // 2 + 8 :]) > 100, "the rest is the camera's"


def test_a_switch_to_night_goes_on_in_the_same_video(source: Picamera2Source) -> None:
    kernel = FakePiEncoder()
    made = maker(source, kernel, [LEFT])
    before, _ = packets_of(source, made, 10)
    source.apply(replace(DAY, mode="night"))
    after, _ = packets_of(source, made, 20)
    made.close()
    times_s = [packet.mono_s for packet in (*before, *after)]
    assert times_s == sorted(set(times_s))
    assert kernel.open_contexts == 0, "closed, and no second one left"
    codec = av.CodecContext.create("h264", "r")
    assert sum(len(codec.decode(av.Packet(packet.data))) for packet in (*before, *after)) >= len(times_s) - 1
