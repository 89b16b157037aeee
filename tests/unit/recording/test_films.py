"""What recorder and clips are told of the settings."""

from __future__ import annotations

from pathlib import Path

from pi_cam_node.config import Config
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of
from pi_cam_node.recording.films import Films
from tests.support.fakes.clock import FakeClock
from tests.support.h264 import access_unit


def test_recordings_and_clips_are_for_whom_storage_file_mode_says(tmp_path: Path) -> None:
    config = Config.model_validate({"export": {"base_dir": str(tmp_path)}, "storage": {"file_mode": "0640"}})
    films = Films(
        config,
        "3f2a91c0-0000",
        FakeClock(),
        pictures=lambda _mono_s: None,  # type: ignore[arg-type, return-value]
        current=lambda: config,
        post=lambda _message: True,
        event=lambda _event_id: None,
        is_private=lambda: False,
    )
    assert films._recorder._settings().access.mode == 0o640
    assert films._clips._access().mode == 0o640


def test_packets_are_kept_until_slow_motion_is_an_event(tmp_path: Path) -> None:
    """With `motion.min_s` of 3 s the first seconds of the pre-roll were gone when the event was noticed."""
    values = {"export": {"base_dir": str(tmp_path)}, "recording": {"pre_roll_s": 4}, "motion": {"min_s": 3}}
    config, clock = Config.model_validate(values), FakeClock()
    films = Films(
        config,
        "3f2a91c0-0000",
        clock,
        pictures=lambda _mono_s: None,  # type: ignore[arg-type, return-value]
        current=lambda: config,
        post=lambda _message: True,
        event=lambda _event_id: None,
        is_private=lambda: False,
    )
    for number in range(200):
        clock.advance(0.1)
        data = access_unit(number, key=number % 10 == 0, size_bytes=200)
        packet = Packet(clock.monotonic(), number % 10 == 0, data, PacketFacts(pts_of(clock.monotonic())))
        films.camera_packets.take(1, (64, 48), [packet])
    noticed_s = clock.monotonic() - 3.0
    assert films.camera_packets.reaches(noticed_s - 4.0)
