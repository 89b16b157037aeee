"""Controls of USB cameras with a fake ioctl."""

from __future__ import annotations

import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Adjustments
from pi_cam_node.camera.sources.v4l2_controls import AUTO_WHITE_BALANCE, FOCUS_AUTO, WHITE_BALANCE_K, V4l2Controls
from tests.support.fakes.v4l2_driver import WEBCAM, FakeDriver


def controls(driver: FakeDriver) -> V4l2Controls:
    return V4l2Controls("/dev/null", driver)


def test_a_camera_follows_what_it_has() -> None:
    assert controls(FakeDriver(WEBCAM)).settings == ("camera.autofocus", "camera.awb")
    assert controls(FakeDriver({AUTO_WHITE_BALANCE: (0, 1)})).settings == (), "no temperature to choose"
    assert controls(FakeDriver({})).settings == ()


@pytest.mark.parametrize("flags", [0x1, 0x4])
def test_a_control_that_cannot_be_set_is_none(flags: int) -> None:
    assert controls(FakeDriver(WEBCAM, flags)).settings == ()


def test_white_balance_is_a_temperature_within_the_cameras_range() -> None:
    driver = FakeDriver(WEBCAM)
    camera = controls(driver)
    camera.apply(Adjustments("manual", 2.0, "cloudy"))
    assert driver.values == {FOCUS_AUTO: 0, AUTO_WHITE_BALANCE: 0, WHITE_BALANCE_K: 6000}
    camera.apply(Adjustments())
    assert (driver.values[FOCUS_AUTO], driver.values[AUTO_WHITE_BALANCE]) == (1, 1)


def test_what_the_camera_has_not_is_not_set() -> None:
    driver = FakeDriver({FOCUS_AUTO: (0, 1)})
    controls(driver).apply(Adjustments(awb="cloudy"))
    assert driver.values == {FOCUS_AUTO: 1}


def test_focusing_once_is_refused_with_what_there_is() -> None:
    with pytest.raises(SourceError, match="continuous or manual"):
        controls(FakeDriver(WEBCAM)).apply(Adjustments("auto"))


def test_a_driver_that_refuses_is_named() -> None:
    driver = FakeDriver(WEBCAM)
    camera = controls(driver)
    driver.ranges = {}
    with pytest.raises(SourceError, match=r"/dev/null refuses focus or white balance: .*Invalid argument"):
        camera.apply(Adjustments())


def test_a_device_is_closed_once() -> None:
    camera = controls(FakeDriver({}))
    camera.close()
    camera.close()
