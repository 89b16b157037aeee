"""The doctor's checks of video: PyAV, and a board's encoder."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.encoder.board_encoder import BoardEncoder
from pi_cam_node.camera.encoder.v4l2_codec import V4l2Codec
from pi_cam_node.cli.doctor.video_checks import check_video
from pi_cam_node.imaging.packet import Packet
from tests.support.fakes.v4l2_codec import FakePiEncoder


class Darker(BoardEncoder):
    """An encoder that shows pictures too dark."""

    def encode(self, pixels: Any, layout: Any, mono_s: float) -> Sequence[Packet]:
        return super().encode(pixels // 2, layout, mono_s)


def check(kernel: FakePiEncoder, kind: type[BoardEncoder] = BoardEncoder) -> tuple[str, str]:
    finding = check_video(
        lambda size, wanted, track: kind(size, wanted, track, V4l2Codec("/dev/video11", kernel)), lambda _s: None
    )
    assert kernel.open_contexts == 0
    return finding.state, finding.text


def test_a_machine_without_an_encoder_encodes_in_software() -> None:
    state, text = check(FakePiEncoder(missing=True))
    assert state == "ok"
    assert "software" in text


def test_the_encoder_of_the_board_is_tried() -> None:
    state, text = check(FakePiEncoder())
    assert state == "ok"
    assert "the board's encoder makes the video" in text


@pytest.mark.parametrize(
    ("kind", "words"), [(Darker, "changes the brightness"), (BoardEncoder, "made 0 packets of 15 pictures")]
)
def test_an_encoder_that_makes_something_else_is_warned_of(kind: type[BoardEncoder], words: str) -> None:
    kernel = FakePiEncoder()
    kernel.is_hung = kind is BoardEncoder
    state, text = check(kernel, kind)
    assert state == "warning"
    assert words in text


@pytest.mark.parametrize(("number", "is_right_missing"), [(errno.ENOMEM, False), (errno.EACCES, True)])
def test_an_encoder_that_refuses_is_warned_of(number: int, is_right_missing: bool) -> None:
    def refuse(*_: object) -> BoardEncoder:
        raise OSError(number, "refused", "/dev/video11")

    finding = check_video(refuse, lambda _s: None)
    assert finding.state == "warning"
    assert "cannot be used" in finding.text
    assert ("the group `video`" in finding.advice) == is_right_missing


def test_without_pyav_it_says_what_to_install(mocker: MockerFixture) -> None:
    mocker.patch("pi_cam_node.cli.doctor.video_checks.has_video", return_value=False)
    state, text = check(FakePiEncoder())
    assert state == "skipped"
    assert "PyAV" in text
    assert "pip install" in text
