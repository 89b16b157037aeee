"""The picamera2 source with the fake library: failures."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.sources.picam.interface import InstalledPicamera2
from pi_cam_node.camera.sources.picam.source import Picamera2Source
from pi_cam_node.imaging import jpeg
from tests.support.fakes.picam_rig import DAY, NIGHT, SMALL, Rig
from tests.support.fakes.picamera2_requests import Hang


def test_a_silent_camera_raises_within_its_patience_and_leaves_nothing_queued(rig: Rig) -> None:
    rig.open()
    rig.read(2)
    rig.clock.run(0.5)
    rig.faults.stalled = True
    began_ns = rig.clock.now_ns
    rig.source.read()  # the one frame that picamera2 keeps
    with pytest.raises(SourceError, match=r"no image from the camera for 3.0 s"):
        rig.source.read()
    assert rig.clock.now_ns - began_ns == pytest.approx(3.0e9, rel=0.01)
    rig.faults.stalled = False
    rig.clock.run(1.0)
    assert [len(rig.read(1)) for _ in range(20)] == [1] * 20


def test_a_stalled_camera_can_be_closed_and_opened_again(rig: Rig) -> None:
    rig.open()
    rig.faults.stalled = True
    for _ in range(3):
        with pytest.raises(SourceError):
            rig.source.read()
    rig.source.close()
    rig.faults.stalled = False
    rig.open()
    assert len(rig.read(20)) == 20


def test_a_stalled_camera_can_still_be_switched(rig: Rig) -> None:
    rig.open()
    rig.faults.stalled = True
    with pytest.raises(SourceError):
        rig.source.read()
    rig.source.apply(NIGHT)
    rig.faults.stalled = False
    assert rig.modes(1) == ["night"]


def test_a_night_camera_is_waited_for_as_long_as_its_exposure_needs(rig: Rig) -> None:
    rig.open(replace(NIGHT, exposure_us=11_000_000))
    assert rig.source.read().sensor.exposure_us == 11_000_000
    rig.faults.stalled = True
    began_ns = rig.clock.now_ns
    with pytest.raises(SourceError, match=r"23\.0 s"):
        rig.read(2)
    assert rig.clock.now_ns - began_ns == pytest.approx(23e9, rel=0.01)


def test_damaged_images_are_dropped(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.faults.granted = {"format": "MJPEG", "stride": 200}
    good = jpeg.encode(np.full((64, 64, 3), 90, np.uint8), "bgr", 90)
    rig.faults.contents = lambda number: good if number > 2 else b"\0\0"
    rig.open()
    assert rig.source.read().pixels.shape == (64, 64, 3)
    assert caplog.text.count("was dropped") == 2


def test_nothing_but_damaged_images_is_a_failure(rig: Rig) -> None:
    rig.faults.granted = {"format": "MJPEG", "stride": 200}
    rig.open()
    with pytest.raises(SourceError, match="was damaged"):
        rig.source.read()


def test_a_failure_inside_picamera2_becomes_a_source_error(rig: Rig, mocker: MockerFixture) -> None:
    rig.open()
    mocker.patch.object(rig.factory.opened[0], "capture_request", side_effect=ZeroDivisionError("division by zero"))
    with pytest.raises(SourceError, match="picamera2 failed: division by zero"):
        rig.source.read()


def test_a_refused_configuration_leaves_the_camera_as_it_was(rig: Rig) -> None:
    rig.open()
    rig.read(2)
    rig.faults.once, rig.faults.configure_error = True, -22
    with pytest.raises(SourceError, match=r"Configuration failed.*; it goes on as it was"):
        rig.source.apply(NIGHT)
    assert rig.config()["use_case"] == "video"
    assert rig.modes(3) == ["day"] * 3


def test_a_night_configuration_of_another_size_is_refused(rig: Rig) -> None:
    rig.open()
    rig.faults.granted_still = {"size": (32, 32), "stride": 32}
    with pytest.raises(SourceError, match=r"still configuration gives .*\(32, 32\).*; it goes on as it was"):
        rig.source.apply(NIGHT)
    assert rig.source.read().pixels.shape == (96, 64)


def test_memory_that_is_short_for_the_night_leaves_the_day(rig: Rig) -> None:
    rig.open()
    rig.faults.once, rig.faults.alloc_fail_after = True, 2
    with pytest.raises(SourceError, match=r"CMA.*; it goes on as it was"):
        rig.source.apply(NIGHT)
    assert rig.modes(3) == ["day"] * 3


def test_a_switch_whose_start_fails_goes_back_on_a_camera_that_was_opened_anew(rig: Rig) -> None:
    rig.open()
    rig.read(2)
    rig.faults.once, rig.faults.start_error = True, RuntimeError("Failed to start camera")
    with pytest.raises(SourceError, match="Failed to start camera; it goes on as it was"):
        rig.source.apply(NIGHT)
    assert [camera.is_open for camera in rig.factory.opened] == [False, True]
    assert rig.modes(3) == ["day"] * 3


def test_a_camera_that_does_not_come_back_says_so_and_is_closed(rig: Rig) -> None:
    rig.open()
    rig.faults.configure_error = -22
    with pytest.raises(SourceError, match=r"and it stopped: Configuration failed"):
        rig.source.apply(NIGHT)
    with pytest.raises(SourceError, match="not open"):
        rig.source.read()
    assert not rig.factory.opened[0].is_open
    rig.faults.configure_error = 0
    rig.open(NIGHT)
    assert rig.modes(1) == ["night"]


def test_a_camera_that_does_not_start_is_closed(rig: Rig) -> None:
    rig.faults.start_error = RuntimeError("Failed to start camera")
    with pytest.raises(SourceError, match="imx219 cannot be opened: Failed to start camera"):
        rig.open()
    assert not rig.factory.opened[0].is_open
    rig.faults.start_error = None
    rig.open()
    assert len(rig.read(3)) == 3


def test_an_absent_camera_is_never_constructed(rig: Rig) -> None:
    rig.factory.listed = []
    with pytest.raises(SourceError, match="picamera2 finds no camera"):
        rig.open()
    assert rig.factory.opened == []


def test_a_busy_camera_says_so(rig: Rig) -> None:
    other = Picamera2Source("", rig.factory, rig.clock)
    other.open(SMALL, DAY)
    with pytest.raises(SourceError, match="another program uses the camera"):
        rig.open()
    other.close()
    rig.open()


def test_the_named_camera_is_opened() -> None:
    rig = Rig()
    rig.factory.listed = [{"Model": "imx708", "Id": "a", "Num": 1}, {"Model": "imx219", "Id": "b", "Num": 0}]
    source = Picamera2Source("imx219", rig.factory, rig.clock)
    assert source.open(SMALL, DAY).source == "picamera2:imx219"
    assert rig.factory.numbers == [1]


def test_close_may_come_twice_and_before_open(rig: Rig) -> None:
    rig.source.close()
    rig.open()
    rig.source.close()
    rig.source.close()
    assert not rig.factory.opened[0].is_open
    with pytest.raises(SourceError, match="not open"):
        rig.source.apply(NIGHT)


def test_a_close_that_fails_inside_picamera2_is_not_passed_on(rig: Rig, mocker: MockerFixture) -> None:
    rig.open()
    mocker.patch.object(rig.factory.opened[0], "close", side_effect=ZeroDivisionError("division by zero"))
    rig.source.close()
    with pytest.raises(SourceError, match="not open"):
        rig.source.read()


def test_opening_again_lets_go_of_the_camera_before(rig: Rig) -> None:
    rig.open()
    rig.open(NIGHT)
    assert [camera.is_open for camera in rig.factory.opened] == [False, True]


@pytest.mark.parametrize("error", [ImportError("No module named 'libcamera'"), ValueError("numpy.dtype size changed")])
def test_without_picamera2_opening_says_how_to_install_it(mocker: MockerFixture, error: Exception) -> None:
    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "picamera2":
                raise error

    mocker.patch.dict(sys.modules)
    sys.modules.pop("picamera2", None)
    mocker.patch.object(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(SourceError, match=r"apt install python3-picamera2.*--system-site-packages"):
        Picamera2Source("", InstalledPicamera2()).open(SMALL, DAY)


def test_the_fake_hangs_where_the_real_one_would(rig: Rig) -> None:
    rig.open()
    camera = rig.factory.opened[0]
    rig.faults.stalled = True
    with pytest.raises(Hang):
        camera.capture_request()
