"""USB cameras with a fake capture: device detection, and use of the handle.

The handle is a stand-in for `cv2.VideoCapture`; that a real camera behaves like it is not shown here.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Adjustments, Controls
from pi_cam_node.camera.sources import auto
from pi_cam_node.camera.sources.v4l2 import V4l2Source
from pi_cam_node.camera.sources.v4l2_controls import FOCUS_AUTO, WHITE_BALANCE_K, V4l2Controls
from pi_cam_node.camera.sources.v4l2_devices import Device, cameras, parse_capability, query
from pi_cam_node.config import CameraConfig
from tests.support.fakes.v4l2_driver import WEBCAM, FakeDriver

DAY = Controls("day", 60.0, 2_000_000, 6.0, "still")
NIGHT = Controls("night", 60.0, 2_000_000, 6.0, "still")
CAPTURE, STREAMING, META, HAS_OWN = 0x1, 0x04000000, 0x00800000, 0x80000000


def capability(driver: bytes, card: bytes, whole: int, own: int) -> bytes:
    return struct.pack("16s32s32sIII12x", driver, card, b"usb-1", 0x60100, whole, own)


class FakeHandle:
    """A camera that knows manual exposure up to half a second, or none at all."""

    def __init__(self, *, manual: bool = True, is_open: bool = True) -> None:
        self.values: dict[int, float] = {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480}
        self.manual = manual
        self.is_open = is_open
        self.images = 1000
        self.released = False
        self.now_s = 1000.0

    def isOpened(self) -> bool:  # noqa: N802 # OpenCV's name
        return self.is_open

    def set(self, what: int, value: float) -> bool:
        if what in (cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE) and not self.manual:
            return False
        if what == cv2.CAP_PROP_EXPOSURE:
            value = min(value, 5000)
        if what not in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            self.values[what] = value
        return True

    def get(self, what: int) -> float:
        return self.values.get(what, -1.0)

    def grab(self) -> bool:
        self.images -= 1
        self.now_s += 1 / 30
        return self.images >= 0

    def retrieve(self) -> tuple[bool, Any]:
        return True, np.zeros((480, 640, 3), np.uint8)

    def release(self) -> None:
        self.released = True


def source_on(handle: FakeHandle) -> V4l2Source:
    # Any path that exists and may be opened does for the check; nothing is read from it.
    return V4l2Source("/dev/null", lambda *_: handle, lambda: handle.now_s)


def test_a_device_says_who_it_is_and_whether_it_captures() -> None:
    raw = capability(b"uvcvideo\0\0", b"HD Pro Webcam C920\0", HAS_OWN | CAPTURE, CAPTURE | STREAMING)
    assert parse_capability(raw) == Device("uvcvideo", "HD Pro Webcam C920", captures=True)


def test_the_device_beside_a_camera_that_only_tells_facts_is_no_camera() -> None:
    raw = capability(b"uvcvideo", b"C920", HAS_OWN | CAPTURE | STREAMING, META | STREAMING)
    assert not parse_capability(raw).is_camera


@pytest.mark.parametrize("driver", [b"unicam", b"bcm2835-isp", b"bcm2835-codec", b"rp1-cfe", b"pispbe"])
def test_the_parts_of_a_pi_s_own_camera_are_left_to_libcamera(driver: bytes) -> None:
    assert not parse_capability(capability(driver, b"x", CAPTURE | STREAMING, 0)).is_camera


def test_what_is_no_video_device_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "video0").write_bytes(b"")
    (tmp_path / "video1").symlink_to("/dev/null")
    (tmp_path / "videoconference").mkdir()
    assert query(tmp_path / "video7") is None
    assert cameras(tmp_path) == []


def test_a_device_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(SourceError, match="/dev/video99 does not exist; cameras that are there: "):
        V4l2Source("99").open(CameraConfig(), DAY)


def test_a_device_that_delivers_no_pictures_is_told_with_advice() -> None:
    with pytest.raises(SourceError, match=r"cannot open v4l2:/dev/null: .*fuser -v /dev/null"):
        V4l2Source("/dev/null").open(CameraConfig(), DAY)


def test_a_handle_that_does_not_open_is_released() -> None:
    handle = FakeHandle(is_open=False)
    with pytest.raises(SourceError):
        source_on(handle).open(CameraConfig(), DAY)
    assert handle.released


def test_the_granted_size_counts_not_the_one_asked_for() -> None:
    opened = source_on(FakeHandle()).open(CameraConfig(width=1024, height=768), DAY)
    assert (opened.size, opened.layout, opened.controls) == ((640, 480), "bgr", True)


def test_a_camera_without_manual_exposure_takes_modes_as_labels() -> None:
    source = source_on(FakeHandle(manual=False))
    assert not source.open(CameraConfig(), DAY).controls
    source.apply(NIGHT)
    modes = [source.read().mode for _ in range(4)]
    assert modes[-1] == "night"
    assert source.read().sensor.exposure_us is None


def test_night_fixes_the_exposure_at_what_the_camera_grants_and_day_frees_it() -> None:
    handle = FakeHandle()
    source = source_on(handle)
    source.open(CameraConfig(), DAY)
    assert handle.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
    source.apply(NIGHT)
    shots = [source.read() for _ in range(4)]
    assert [shot.mode for shot in shots] == ["day", "day", "night", "night"]
    assert shots[-1].sensor.exposure_us == 500_000
    assert shots[-1].captured_mono_s - shots[-1].exposed_mono_s == pytest.approx(0.5)
    source.apply(DAY)
    assert handle.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3


def test_a_refused_exposure_leaves_the_camera_as_it_was() -> None:
    handle = FakeHandle()
    source = source_on(handle)
    source.open(CameraConfig(), DAY)
    plain = handle.set
    handle.set = lambda what, value: what != cv2.CAP_PROP_EXPOSURE and plain(what, value)  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="refuses"):
        source.apply(NIGHT)
    assert handle.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3
    assert [source.read().mode for _ in range(4)] == ["day"] * 4


def test_a_camera_that_is_unplugged_makes_reading_fail() -> None:
    handle = FakeHandle()
    source = source_on(handle)
    source.open(CameraConfig(), DAY)
    handle.images = 0
    with pytest.raises(SourceError, match="plugged in"):
        source.read()


def test_auto_finds_no_camera_where_there_is_none_and_never_the_synthetic_one(mocker: MockerFixture) -> None:
    mocker.patch.object(auto, "known_cameras", return_value=[])
    mocker.patch.object(auto, "cameras", list)
    source = auto.AutoSource()
    with pytest.raises(SourceError, match="no camera found"):
        source.open(CameraConfig(source="auto"), DAY)
    with pytest.raises(SourceError):
        source.read()
    source.close()


def test_auto_says_why_there_is_no_pi_camera(mocker: MockerFixture) -> None:
    cause = SourceError("picamera2 cannot be imported (No module named 'libcamera'): apt install python3-picamera2")
    mocker.patch.object(auto, "known_cameras", side_effect=cause)
    mocker.patch.object(auto, "cameras", list)
    with pytest.raises(SourceError, match=r"picamera2 cannot be imported .* apt install"):
        auto.AutoSource().open(CameraConfig(source="auto"), DAY)


def test_auto_takes_the_first_camera_that_video4linux_serves(mocker: MockerFixture) -> None:
    mocker.patch.object(auto, "known_cameras", return_value=[])
    mocker.patch.object(auto, "cameras", return_value=["/dev/video99", "/dev/video100"])
    with pytest.raises(SourceError, match="v4l2:/dev/video99"):
        auto.AutoSource().open(CameraConfig(source="auto"), DAY)


def test_focus_and_white_balance_are_set_where_the_camera_has_them_and_refused_as_it_refuses() -> None:
    driver = FakeDriver(WEBCAM)
    handle = FakeHandle()
    source = V4l2Source(
        "/dev/null", lambda *_: handle, lambda: handle.now_s, lambda device: V4l2Controls(device, driver)
    )
    opened = source.open(CameraConfig(), replace(DAY, adjustments=Adjustments(awb="tungsten")))
    assert {"camera.autofocus", "camera.awb", "night.exposure_us"} <= set(opened.settings)
    assert driver.values[WHITE_BALANCE_K] == 2800
    with pytest.raises(SourceError, match="does not focus once"):
        source.apply(replace(NIGHT, adjustments=Adjustments("auto")))
    assert handle.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3, "and the exposure is as it was"
    source.apply(replace(DAY, adjustments=Adjustments("manual")))
    assert driver.values[FOCUS_AUTO] == 0
    source.close()
