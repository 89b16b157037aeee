"""What the table says after the node has said something."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from pi_cam_node.config import Config
from pi_cam_node.core import events as e
from pi_cam_node.web.state import BRIGHTNESS_KEPT_S, PICTURES_KEPT, StateCache
from tests.support.fakes.clock import FakeClock


def table() -> tuple[StateCache, FakeClock]:
    clock = FakeClock()
    return StateCache(Config(), clock), clock


def saved(name: str, clock: FakeClock) -> e.PictureSaved:
    at = clock.utcnow()
    return e.PictureSaved(name, "single", (Path(f"/captures/{name}.jpg"),), 1, "0" * 64, (1,), at, at, 1.0, 1.0)


def test_before_the_first_news_the_camera_is_away_and_nothing_is_made_up() -> None:
    state = table()[0].state
    assert state.states == {"camera": "offline", "privacy": "OFF", "last_error": "ok"}
    assert not state.broker


def test_states_are_those_told_last() -> None:
    keeper, clock = table()
    at = clock.utcnow()
    for fact in (
        e.BrightnessMeasured(41.26, 3.456),
        e.RingMeasured(29.84),
        e.ModeChanged("night", "dark", at),
        e.CameraChanged(online=True, reason="frames arrive", at=at),
        e.FaultReported("no_space", "the disk is full"),
        e.TelemetryTaken({"fps": 9.9}),
        e.SettingChanged("privacy.enable", True),
    ):
        keeper.on_event(fact)
    assert keeper.state.states == {
        "brightness": 41.3,
        "lux": 3.46,
        "ring_seconds": 29.8,
        "mode": "night",
        "camera": "online",
        "privacy": "ON",
        "last_error": "no_space: the disk is full",
    }
    assert keeper.state.telemetry == {"fps": 9.9}


def test_a_fault_that_is_over_and_a_camera_that_leaves_are_said() -> None:
    keeper, clock = table()
    keeper.on_event(e.FaultReported("no_space", "the disk is full"))
    keeper.on_event(e.FaultReported("ok", ""))
    keeper.on_event(e.CameraChanged(online=True, reason="", at=clock.utcnow()))
    keeper.on_event(e.CameraChanged(online=False, reason="no frames", at=clock.utcnow()))
    assert keeper.state.states["last_error"] == "ok"
    assert keeper.state.states["camera"] == "offline"


def test_brightness_is_kept_once_in_ten_seconds_and_for_an_hour() -> None:
    keeper, clock = table()
    for step in range(int(BRIGHTNESS_KEPT_S) * 2):
        keeper.on_event(e.BrightnessMeasured(step % 256, None))
        clock.advance(1)
    points = keeper.state.brightness
    assert len(points) == BRIGHTNESS_KEPT_S / 10 + 1
    assert points == sorted(points)
    assert {round(b[0] - a[0]) for a, b in pairwise(points)} == {10}
    assert points[-1][1] == (BRIGHTNESS_KEPT_S * 2 - 1) % 256


def test_a_clock_set_back_does_not_leave_points_in_the_future() -> None:
    keeper, clock = table()
    keeper.on_event(e.BrightnessMeasured(1, None))
    clock.step_utc(-86_400)
    keeper.on_event(e.BrightnessMeasured(2, None))
    assert [level for _, level in keeper.state.brightness] == [2]


def test_the_last_pictures_come_newest_first_and_not_for_ever() -> None:
    keeper, clock = table()
    for number in range(PICTURES_KEPT + 5):
        keeper.on_event(saved(f"p{number}", clock))
    ids = [media["id"] for media in keeper.state.media]
    assert ids == [f"p{n}" for n in range(PICTURES_KEPT + 4, 4, -1)]


def test_a_changed_setting_is_in_force() -> None:
    keeper, _ = table()
    keeper.on_event(e.SettingChanged("http.max_viewers", 64))
    assert keeper.state.config.http.max_viewers == 64


def test_a_setting_that_cannot_be_is_not_taken_over() -> None:
    keeper, _ = table()
    keeper.on_event(e.SettingChanged("http.max_viewers", -1))
    assert keeper.state.config.http.max_viewers == Config().http.max_viewers


def test_what_is_for_somebody_else_changes_nothing() -> None:
    keeper, _ = table()
    before = dict(keeper.state.states)
    keeper.on_event(e.ModeWanted("night"))
    keeper.on_event(e.Replied({}, None, None))
    assert keeper.state.states == before
