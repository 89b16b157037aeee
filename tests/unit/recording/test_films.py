"""Settings of recorder and clips."""

from __future__ import annotations

from pathlib import Path

from pytest_mock import MockerFixture

from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import Config
from pi_cam_node.core.rules.memory_budget import ENCODERS
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.films import Films
from tests.support.fakes.clock import FakeClock
from tests.support.h264 import access_unit


def films_of(config: Config, clock: FakeClock, encoded_bytes: int = 1 << 20) -> Films:
    folder = FilmFolder(
        config.export.base_dir, "3f2a91c0", clock, storage=lambda: config.storage, removed=lambda _film_id: None
    )
    return Films(
        folder,
        clock,
        pictures=lambda _mono_s: None,  # type: ignore[arg-type, return-value]
        current=lambda: config,
        post=lambda _message: True,
        event=lambda _event_id: None,
        is_private=lambda: False,
        encoded_bytes=encoded_bytes,
    )


def test_recordings_and_clips_are_for_whom_storage_file_mode_says(tmp_path: Path) -> None:
    config = Config.model_validate({"export": {"base_dir": str(tmp_path)}, "storage": {"file_mode": "0640"}})
    films = films_of(config, FakeClock())
    assert films._recorder._folder.access.mode == 0o640
    assert films._clips._folder.access.mode == 0o640


def test_packets_are_kept_until_slow_motion_is_an_event(tmp_path: Path) -> None:
    """With `motion.min_s` of 3 s the first seconds of the pre-roll were gone when the event was noticed."""
    values = {"export": {"base_dir": str(tmp_path)}, "recording": {"pre_roll_s": 4}, "motion": {"min_s": 3}}
    config, clock = Config.model_validate(values), FakeClock()
    films = films_of(config, clock)
    for number in range(200):
        clock.advance(0.1)
        data = access_unit(number, key=number % 10 == 0, size_bytes=200)
        packet = Packet(clock.monotonic(), number % 10 == 0, data, PacketFacts(pts_of(clock.monotonic())))
        films.camera_packets.take(1, (64, 48), [packet])
    noticed_s = clock.monotonic() - 3.0
    assert films.camera_packets.reaches(noticed_s - 4.0)


def test_what_hangs_shares_the_time_for_a_stop(tmp_path: Path, mocker: MockerFixture) -> None:
    """Each thread had all of it: recorder, timelapse and encoders on a card that hangs took six times as long."""
    clock = FakeClock()
    films = films_of(Config.model_validate({"export": {"base_dir": str(tmp_path)}}), clock)
    mocker.patch.object(MonitoredThread, "join", lambda _self, deadline_s: clock.advance(deadline_s))
    assert not films.close(1.5)
    assert clock.monotonic() == FakeClock().monotonic() + 1.5


def test_a_clip_that_still_reads_an_encode_takes_none_from_recorder_and_live_view(tmp_path: Path) -> None:
    """After an event the recorder goes back to fewer pictures; without an encoder left its thread ended."""
    films = films_of(Config.model_validate({"export": {"base_dir": str(tmp_path)}}), FakeClock())
    live, event = films.live_packets.acquire(97.0), films.live_packets.acquire(90.0)
    assert event is not live
    assert films.live_packets.share(90.0) is event
    films.live_packets.release(event)
    assert films.live_packets.acquire(100.0, spacing_s=1.0) not in (live, event)


def test_each_encoder_holds_as_many_packets_as_the_budget_gives_it(tmp_path: Path) -> None:
    films = films_of(Config.model_validate({"export": {"base_dir": str(tmp_path)}}), FakeClock(), 20_000)
    encoders = (*films.packets.encoders, *films.remote_packets.encoders)
    assert len(encoders) == ENCODERS
    for encoder in encoders:
        encoder.need(0.0)
        for number in range(100):
            data = access_unit(number, key=True, size_bytes=1000)
            encoder.stream.append(Packet(float(number), True, data, PacketFacts(pts_of(number))))
        assert 10_000 < encoder.stream.size_bytes <= 20_000


def test_privacy_ends_every_encode_whoever_still_needs_it(tmp_path: Path) -> None:
    """A film that a slow card does not take yet keeps its encoder, and that the planes of pictures."""
    films = films_of(Config.model_validate({"export": {"base_dir": str(tmp_path)}}), FakeClock())
    encoders = [films.packets.acquire(0.0), films.packets.acquire(0, 1.0), films.remote_packets.acquire(0.0)]
    assert [encoder.has(0.0, encoder._spacing_s) for encoder in encoders] == [True, True, True]
    films.stop_now("privacy")
    assert [encoder.has(0.0, encoder._spacing_s) for encoder in encoders] == [False, False, False]
    assert films.wait_released(0.0)
    for encoder in encoders[:2]:
        films.packets.release(encoder)
