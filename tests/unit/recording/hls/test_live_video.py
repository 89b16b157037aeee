"""Live video of the node: its end, and its variants before encoding."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import CameraDown, NotSaved, PrivacyOn
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config import Config
from pi_cam_node.core.events import CameraChanged, SettingChanged
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.recording.encoder_pool import PacketSource
from pi_cam_node.recording.hls import live_video
from pi_cam_node.recording.hls.live_video import MAIN, REMOTE, LiveVideo
from pi_cam_node.recording.hls.variant import Variant
from pi_cam_node.recording.packet_stream import PacketStream
from tests.support.fakes.clock import FakeClock
from tests.support.numbered import numbered_jpeg

BOOT = "3f2a91c0-1111-4222-8333-444455556666"


class FakeSupply:
    """Counts who needs packets, and makes none."""

    def __init__(self) -> None:
        self.users = 0
        self.stream, self.failure, self.is_drained, self.has_ended = PacketStream(), "", True, False
        self.has_ended, self.key_distance_s = False, 1.0

    def acquire(self, _from_mono_s: float, _spacing_s: float = 0.0) -> PacketSource:
        self.users += 1
        return self

    def share(self, _from_mono_s: float) -> PacketSource | None:
        return self

    def release(self, _source: PacketSource) -> None:
        self.users -= 1


class Rig:
    """Live video of a camera whose pictures have a size."""

    def __init__(self, size: tuple[int, int] = (1024, 768)) -> None:
        self.clock, self.gate, self.config = FakeClock(), PrivacyGate(), Config()
        self.main, self.remote = FakeSupply(), FakeSupply()
        self.jpeg: bytes | None = numbered_jpeg(1, size)
        self.live = LiveVideo(
            BOOT,
            self.clock,
            self.gate,
            packets={MAIN: self.main, REMOTE: self.remote},
            newest=lambda: None if self.jpeg is None else (self.clock.monotonic(), 0.1, self.jpeg),
            current=lambda: self.config,
        )
        self.camera(online=True)

    def camera(self, *, online: bool) -> None:
        self.live.on_event(CameraChanged(online=online, reason="", at=datetime(2026, 11, 29, tzinfo=UTC)))

    def look(self, variant: str = MAIN) -> None:
        assert self.live.playlist(variant, str) is None

    @property
    def users(self) -> tuple[int, int]:
        return self.main.users, self.remote.users


@pytest.fixture(autouse=True)
def with_video(mocker: MockerFixture) -> None:
    mocker.patch.object(live_video, "has_video", return_value=True)


def test_the_master_playlist_encodes_nothing_and_foretells_the_variants() -> None:
    rig = Rig()
    lines = rig.live.master(str).splitlines()
    assert 'RESOLUTION=1024x768,CODECS="avc1.42c01f",FRAME-RATE=10.000' in lines[2]
    assert lines[3] == "main.m3u8"
    assert lines[4] == ('#EXT-X-STREAM-INF:BANDWIDTH=600000,RESOLUTION=320x240,CODECS="avc1.4d401e",FRAME-RATE=10.000')
    assert rig.users == (0, 0)


def test_the_remote_variant_has_the_size_of_its_settings_where_the_picture_has_that_shape() -> None:
    assert "RESOLUTION=426x240" in Rig((1280, 720)).live.master(str)


def test_the_whole_picture_is_the_best_variant_also_where_it_is_still_or_dark(mocker: MockerFixture) -> None:
    """Players take the one of the highest rate, and had the small one."""
    mocker.patch.object(Variant, "peak_bits", return_value=9_804)
    rates = re.findall(r"BANDWIDTH=(\d+)", Rig().live.master(str))
    assert rates == ["600001", "600000"]


def test_only_the_variant_that_is_asked_for_is_encoded() -> None:
    rig = Rig()
    rig.look(REMOTE)
    assert rig.users == (0, 1)
    rig.look(MAIN)
    rig.look(MAIN)
    assert rig.users == (1, 1)


def test_it_ends_when_nobody_asks_any_more() -> None:
    rig = Rig()
    rig.look()
    rig.clock.advance(60)
    for variant in rig.live.timed:
        variant.on_time(rig.clock.monotonic())
    assert rig.users == (0, 0)
    assert {variant.due_s for variant in rig.live.timed} == {NEVER_S}


def test_privacy_ends_it_before_the_switch_returns_and_refuses_it_until_it_is_off() -> None:
    rig = Rig()
    rig.look()
    rig.gate.close()
    assert rig.users == (0, 0)
    with pytest.raises(PrivacyOn):
        rig.live.playlist(MAIN, str)
    with pytest.raises(PrivacyOn):
        rig.live.master(str)
    rig.gate.open(rig.clock.monotonic())
    rig.look()
    assert rig.users == (1, 0)


def test_a_camera_that_is_lost_ends_it_until_it_is_back() -> None:
    rig = Rig()
    rig.look()
    rig.camera(online=False)
    assert rig.users == (0, 0)
    with pytest.raises(CameraDown, match="the camera is offline"):
        rig.live.playlist(MAIN, str)
    rig.camera(online=True)
    rig.look()


@pytest.mark.parametrize("key", ["recording.quality", "ring.downscale.width"])
def test_settings_of_its_pictures_let_it_begin_anew(key: str) -> None:
    rig = Rig()
    rig.look()
    rig.live.on_event(SettingChanged("motion.enable", True))
    assert rig.users == (1, 0)
    rig.live.on_event(SettingChanged(key, 1))
    assert rig.users == (0, 0)


def test_after_an_erase_there_is_none() -> None:
    rig = Rig()
    rig.look()
    rig.live.close()
    assert rig.users == (0, 0)
    with pytest.raises(CameraDown):
        rig.live.playlist(MAIN, str)


def test_without_pictures_there_is_none() -> None:
    rig = Rig()
    rig.jpeg = None
    with pytest.raises(CameraDown, match="no picture yet"):
        rig.live.master(str)


def test_without_the_extra_it_says_what_to_install(mocker: MockerFixture) -> None:
    mocker.patch.object(live_video, "has_video", return_value=False)
    rig = Rig()
    assert " -m pip install 'av" in rig.live.missing
    with pytest.raises(NotSaved, match="PyAV"):
        rig.live.playlist(MAIN, str)


def test_files_of_another_run_of_the_node_are_not_there() -> None:
    rig = Rig()
    rig.look()
    assert rig.live.segment(MAIN, "00000000", 0) is None
    assert rig.live.header(MAIN, "00000000", 1) is None
