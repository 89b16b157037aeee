"""Settings that only some cameras support."""

from __future__ import annotations

import logging

import pytest

from pi_cam_node.camera.sources.picam.controls import settings_of
from pi_cam_node.config import Config, settings
from pi_cam_node.core.camera_settings import CONDITIONAL, LIGHT, OPTIONAL, undecided, unserved
from pi_cam_node.core.entities import entities
from pi_cam_node.core.inputs import CameraOpened
from pi_cam_node.core.telemetry import FIGURES
from tests.support.core_harness import CoreHarness
from tests.support.fakes.picamera2_sensor import LENS_CONTROLS

FILM = CameraOpened("file:/films/road.mp4", (640, 360), controls=False)
USB = CameraOpened("v4l2:/dev/video0", (640, 480), True, ("camera.width", "camera.height", "night.exposure_us"))
LENS = CameraOpened("picamera2:imx708", (1024, 768), True, settings_of(LENS_CONTROLS), tells_light=True)


def keys(opened: CameraOpened | None) -> set[str]:
    found = entities(Config(), [], unserved(opened))
    return {entity.source for entity in found if entity.source in (*CONDITIONAL, LIGHT)}


def test_every_key_is_a_live_setting_or_a_figure() -> None:
    assert all(settings.describe(key).live for key in CONDITIONAL)
    assert LIGHT in {figure.key for figure in FIGURES}
    assert set(settings_of(LENS_CONTROLS)) == set(CONDITIONAL)


def test_entities_are_those_that_the_camera_serves() -> None:
    assert keys(FILM) == keys(None) == set()
    assert keys(USB) == {"camera.width", "camera.height", "night.exposure_us"}
    assert keys(LENS) == {*CONDITIONAL, LIGHT}


@pytest.mark.parametrize("source", ["file:a.mp4", "rtsp://porch/live", "HTTP://porch/snapshot"])
def test_of_a_film_or_a_network_camera_all_is_known_before_it_is_open(source: str) -> None:
    assert undecided(source, None) == frozenset()


def test_of_other_cameras_it_is_known_once_they_are_open() -> None:
    assert undecided("auto", None) == {*CONDITIONAL, LIGHT}
    assert undecided("auto", USB) == frozenset()


def test_a_setting_that_the_camera_does_not_follow_is_refused_by_name_and_changes_nothing() -> None:
    world = CoreHarness()
    world.step(USB)
    reply = world.send("set", "camera.lens_position 2")[0]
    assert (reply["code"], reply["message"]) == (
        "out_of_range",
        "ERROR: camera.lens_position: v4l2:/dev/video0 has no lens that focuses",
    )
    assert world.core.config.camera.lens_position == 0
    assert world.send("set", "camera.lens_position 0")[0]["ok"], "what it does anyway"
    assert world.send("set", "night.gain 7")[0]["ok"]


def test_a_camera_that_follows_it_takes_it_and_one_that_is_not_open_yet_may() -> None:
    world = CoreHarness()
    assert world.send("set", "camera.awb daylight")[0]["ok"]
    world.step(LENS)
    assert world.send("set", "camera.autofocus manual")[0]["ok"]
    assert world.send("get", "camera.autofocus")[0]["data"]["value"] == "manual"


def test_a_file_that_asks_for_what_the_camera_has_not_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world = CoreHarness(Config.model_validate({"camera": {"awb": "cloudy", "autofocus": "manual"}}))
    world.step(LENS)
    assert caplog.messages == []
    world.step(FILM)
    assert caplog.messages == [
        f"camera.autofocus has no effect: {FILM.source} has {OPTIONAL['camera.autofocus']}",
        f"camera.awb has no effect: {FILM.source} has {OPTIONAL['camera.awb']}",
    ]
    assert world.send("set", "night.gain 7")[0]["ok"], "and keeps nothing else from being set"


def test_the_size_that_the_camera_delivers_is_told() -> None:
    world = CoreHarness()
    assert world.core.figures()["resolution"] is None
    world.step(FILM)
    assert world.core.figures()["resolution"] == "640 x 360"
