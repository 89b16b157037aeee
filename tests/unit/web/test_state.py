"""The cached state after events."""

from __future__ import annotations

from itertools import pairwise

from pi_cam_node.config import Config
from pi_cam_node.core import events as e
from pi_cam_node.core.activity_events import MotionChanged, RecordingChanged
from pi_cam_node.web.state import BRIGHTNESS_KEPT_S, PICTURES_KEPT, StateCache
from tests.support.fakes.clock import FakeClock


def state_cache() -> tuple[StateCache, FakeClock]:
    clock = FakeClock()
    return StateCache(Config(), clock), clock


def saved(name: str, clock: FakeClock) -> e.PictureSaved:
    at = clock.utcnow()
    return e.PictureSaved(name, "single", (f"/captures/{name}.jpg",), 1, "0" * 64, (1,), at, at, 1.0, 1.0)


def test_before_the_first_news_the_camera_is_away_and_nothing_is_made_up() -> None:
    state = state_cache()[0].state
    assert state.states == {"camera": "offline", "privacy": "OFF", "last_error": "ok"}
    assert not state.broker


def test_states_are_those_told_last() -> None:
    cache, clock = state_cache()
    at = clock.utcnow()
    for fact in (
        e.BrightnessMeasured(41.26, 3.456),
        e.RingMeasured(29.84),
        e.ModeChanged("night", "dark", at),
        e.CameraChanged(online=True, reason="frames arrive", at=at),
        e.FaultReported("no_space", "the disk is full"),
        e.TelemetryTaken({"fps": 9.9}),
        e.SettingChanged("privacy.enable", True),
        MotionChanged("", on=True),
        MotionChanged("door", on=True),
        MotionChanged("gone", on=False),
        MotionChanged("gone", on=None),
        RecordingChanged(on=True),
    ):
        cache.on_event(fact)
    assert cache.state.states == {
        "brightness": 41.3,
        "lux": 3.46,
        "ring_seconds": 29.8,
        "mode": "night",
        "camera": "online",
        "privacy": "ON",
        "last_error": "no_space: the disk is full",
        "motion": "ON",
        "motion/door": "ON",
        "recording": "ON",
    }
    assert cache.state.telemetry == {"fps": 9.9}


def test_a_fault_that_is_over_and_a_camera_that_leaves_are_said() -> None:
    cache, clock = state_cache()
    cache.on_event(e.FaultReported("no_space", "the disk is full"))
    cache.on_event(e.FaultReported("ok", ""))
    cache.on_event(e.CameraChanged(online=True, reason="", at=clock.utcnow()))
    cache.on_event(e.CameraChanged(online=False, reason="no frames", at=clock.utcnow()))
    assert cache.state.states["last_error"] == "ok"
    assert cache.state.states["camera"] == "offline"


def test_brightness_is_kept_once_in_ten_seconds_and_for_an_hour() -> None:
    cache, clock = state_cache()
    for step in range(int(BRIGHTNESS_KEPT_S) * 2):
        cache.on_event(e.BrightnessMeasured(step % 256, None))
        clock.advance(1)
    points = cache.state.brightness
    assert len(points) == BRIGHTNESS_KEPT_S / 10 + 1
    assert points == sorted(points)
    assert {round(b[0] - a[0]) for a, b in pairwise(points)} == {10}
    assert points[-1][1] == (BRIGHTNESS_KEPT_S * 2 - 1) % 256


def test_a_clock_set_back_does_not_leave_points_in_the_future() -> None:
    cache, clock = state_cache()
    cache.on_event(e.BrightnessMeasured(1, None))
    clock.step_utc(-86_400)
    cache.on_event(e.BrightnessMeasured(2, None))
    assert [level for _, level in cache.state.brightness] == [2]


def test_the_last_pictures_come_newest_first_and_not_for_ever() -> None:
    cache, clock = state_cache()
    for number in range(PICTURES_KEPT + 5):
        cache.on_event(saved(f"p{number}", clock))
    ids = [media["id"] for media in cache.state.media]
    assert ids == [f"p{n}" for n in range(PICTURES_KEPT + 4, 4, -1)]


def test_a_deleted_picture_is_not_shown_any_more() -> None:
    cache, clock = state_cache()
    for name in ("a", "b", "c"):
        cache.on_event(saved(name, clock))
    cache.on_event(e.MediaDeleted("b"))
    assert [media["id"] for media in cache.state.media] == ["c", "a"]


def test_a_changed_setting_is_in_force() -> None:
    cache, _ = state_cache()
    cache.on_event(e.SettingChanged("http.max_viewers", 64))
    assert cache.state.config.http.max_viewers == 64


def test_a_setting_that_cannot_be_is_not_taken_over() -> None:
    cache, _ = state_cache()
    cache.on_event(e.SettingChanged("http.max_viewers", -1))
    assert cache.state.config.http.max_viewers == Config().http.max_viewers


def test_what_is_for_somebody_else_changes_nothing() -> None:
    cache, _ = state_cache()
    before = dict(cache.state.states)
    cache.on_event(e.ModeWanted("night"))
    cache.on_event(e.Replied({}, None, None))
    assert cache.state.states == before
