"""The stages of a frame, and their events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pi_cam_node.config import Config
from pi_cam_node.core.events import BrightnessMeasured, Event, LiveFrameDue, ModeChanged, RingMeasured
from pi_cam_node.core.pipeline import RING_INTERVAL_S
from tests.support.core_harness import CoreHarness


def seen(world: CoreHarness, kind: type, count: int, level: int = 128, *, every_s: float = 0.1) -> list[Event]:
    world.facts.clear()
    world.see(count, level, every_s=every_s)
    return world.said(kind)


def harness(**sections: Any) -> CoreHarness:
    return CoreHarness(Config.model_validate(sections))


def test_the_first_frame_tells_light_mode_and_ring() -> None:
    world = CoreHarness()
    world.see()
    told = [type(event) for event in world.facts]
    assert told.index(BrightnessMeasured) < told.index(ModeChanged) < told.index(RingMeasured)


def test_brightness_is_told_beyond_the_dead_band_and_not_more_often_than_its_interval() -> None:
    world = harness(telemetry={"brightness_deadband": 2, "brightness_min_interval_s": 1})
    assert len(seen(world, BrightnessMeasured, 1, 100)) == 1
    assert seen(world, BrightnessMeasured, 20, 101) == [], "within the dead-band"
    (told,) = seen(world, BrightnessMeasured, 9, 110)
    assert told.level == 110  # type: ignore[union-attr]
    assert seen(world, BrightnessMeasured, 1, 150) == [], "too soon"
    assert len(seen(world, BrightnessMeasured, 10, 150)) == 1


def test_the_length_of_the_ring_is_told_each_five_seconds_while_it_grows() -> None:
    world = CoreHarness()
    told = seen(world, RingMeasured, 200)
    assert 1 + 20 // RING_INTERVAL_S - 1 <= len(told) <= 1 + 20 // RING_INTERVAL_S


def test_a_frame_with_the_small_picture_that_was_asked_for_is_a_live_frame() -> None:
    world = harness(homeassistant={"camera_fps": 0.1})
    assert len(seen(world, LiveFrameDue, 10)) == 1
    world.step(replace(world.frame(), preview=b"small"))
    (due,) = world.said(LiveFrameDue)[1:]
    assert due.frame.preview == b"small"
    world = harness(homeassistant={"camera_fps": 0})
    world.step(replace(world.frame(), preview=b"small"))
    assert world.said(LiveFrameDue) == [], "wanted no more"


def test_a_live_frame_is_due_at_the_rate_of_the_camera_entity() -> None:
    assert len(seen(harness(homeassistant={"camera_fps": 2}), LiveFrameDue, 100)) in range(19, 22)
    assert seen(harness(homeassistant={"camera_fps": 0}), LiveFrameDue, 20) == []
    assert seen(harness(homeassistant={"enable": False}), LiveFrameDue, 20) == []
