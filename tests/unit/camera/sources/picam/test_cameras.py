"""Selection of a Pi camera, and the messages if there is none."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.sources.picam.cameras import PiCamera, choose, known_cameras
from pi_cam_node.camera.sources.picam.interface import explain
from tests.support.fakes.picamera2_factory import FakeFactory

FRONT = PiCamera(0, "imx708_wide", "/base/axi/i2c@88000/imx708@1a")
BACK = PiCamera(1, "imx219", "/base/axi/i2c@80000/imx219@10")
WEBCAM = PiCamera(2, "C920: HD Pro", "/base/axi/usb@200000/xhci-2:1.0-046d:08e5")
ALL = [FRONT, BACK, WEBCAM]


class NoDevices(FakeFactory):
    def cameras(self) -> list[dict[str, Any]]:
        raise RuntimeError("Failed to start CameraManager: No such device")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", FRONT), ("1", BACK), ("imx219", BACK), ("IMX708_Wide", FRONT), (BACK.id, BACK), ("c920: hd pro", WEBCAM)],
)
def test_a_camera_is_found_by_number_model_or_id(name: str, expected: PiCamera) -> None:
    assert choose(name, ALL) is expected


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(SourceError, match=r"no camera called 'ov5647'; there is: 0 \(imx708_wide, /base.*1 \(imx219"):
        choose("ov5647", ALL)


def test_one_of_two_equal_models_has_to_be_named_by_its_id() -> None:
    twins = [BACK, PiCamera(1, "imx219", "/base/axi/i2c@88000/imx219@10")]
    with pytest.raises(SourceError, match="2 cameras called 'imx219'"):
        choose("imx219", twins)
    assert choose(twins[1].id, twins) is twins[1]


def test_no_camera_at_all_says_where_to_look() -> None:
    with pytest.raises(SourceError, match="check its cable"):
        choose("", [])


def test_a_usb_camera_is_known_by_its_id() -> None:
    assert [camera.is_usb for camera in ALL] == [False, False, True]


def test_cameras_are_numbered_in_picamera2s_order_and_not_in_libcameras() -> None:
    factory = FakeFactory()
    factory.listed = [{"Model": "b", "Id": "z", "Num": 1}, {"Model": "a", "Id": "y", "Num": 0}]
    assert known_cameras(factory) == [PiCamera(0, "b", "z"), PiCamera(1, "a", "y")]


def test_a_camera_without_a_model_is_listed() -> None:
    factory = FakeFactory()
    factory.listed = [{"Id": "z", "Num": 0}]
    assert known_cameras(factory) == [PiCamera(0, "", "z")]


def test_without_camera_devices_opening_says_why() -> None:
    with pytest.raises(SourceError, match=r"No such device \(this system has no camera devices"):
        known_cameras(NoDevices())


def busy() -> RuntimeError:
    error = RuntimeError("Camera __init__ sequence did not complete.")
    error.__cause__ = RuntimeError("Failed to acquire camera: Device or resource busy")
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (busy(), "Failed to acquire camera: Device or resource busy (another program uses the camera; stop it"),
        (OSError(errno.ENOMEM, "Out of memory"), "(the camera's memory (CMA) is short: lower camera.width"),
        (PermissionError(errno.EACCES, "Permission denied"), "add it to the group video"),
        (RuntimeError("Could not open any dmaHeap device"), "add it to the group video"),
        (RuntimeError("No camera number 3 found"), "the camera is gone"),
        (IndexError("list index out of range"), "the camera is gone"),
    ],
)
def test_an_error_is_explained_with_what_to_do(error: Exception, expected: str) -> None:
    assert expected in explain(error)


def test_an_error_that_nobody_knows_is_passed_on_in_its_own_words() -> None:
    assert explain(RuntimeError("the sensor has left the building")) == "the sensor has left the building"
    assert explain(TimeoutError()) == "TimeoutError"
