"""Films and clips from packets of the board's encoder."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from pi_cam_node.camera.encoder.board_encoder import BoardEncoder
from pi_cam_node.camera.encoder.v4l2_codec import V4l2Codec
from pi_cam_node.core.film import ClipOrder
from pi_cam_node.imaging.encoders import VideoOutput
from pi_cam_node.recording.camera_packets import CameraFirst, CameraPackets
from pi_cam_node.recording.clip_copy import copy_clip
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.v4l2_codec import FakePiEncoder
from tests.support.film_folder import film_folder
from tests.unit.recording.test_camera_packets import Encoder

SIZE = (320, 192)


def test_a_clip_of_them_is_no_copy_of_the_camera_s_and_tells_its_colours(tmp_path: Path) -> None:
    clock = FakeClock()
    packets = CameraPackets(lambda: 5.0, lambda: False, clock)
    first = CameraFirst(packets, Encoder(), lambda: "auto")
    board = BoardEncoder(SIZE, VideoOutput(60, 10.0), 1001, V4l2Codec("/dev/video11", FakePiEncoder()))
    start_s = clock.monotonic()
    for number in range(40):
        pixels = np.full((288, 320), 128, np.uint8)
        pixels[:192] = number * 4
        clock.advance(0.1)
        packets.take(1, SIZE, board.encode(pixels, "i420", clock.monotonic()))
    encoder: str = first.encoder
    assert encoder == "board"
    order = ClipOrder(start_s + 1.0, start_s + 3.0, 60, masked=True)
    film = copy_clip(packets.stream, order, lambda _done, _all: None, film_folder(tmp_path, clock))
    assert film is not None
    assert film.gap_s == 0.0
    assert json.loads(film.path.with_suffix(".json").read_text())["copied"] is False
    with av.open(str(film.path)) as opened:
        assert opened.streams.video[0].codec_context.color_range == 2, "full range, as JPEGs are"
        lumas = [frame.to_ndarray()[:192].mean() for frame in opened.decode(video=0)]
    assert len(lumas) >= 20
    assert np.diff(lumas) == pytest.approx([4.0] * (len(lumas) - 1), abs=1.5)
