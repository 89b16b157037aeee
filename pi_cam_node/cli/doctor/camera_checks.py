"""Check of the camera where no node runs: the configured source is opened for one frame."""

from __future__ import annotations

import time

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.camera.camera import Camera
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, skipped, warning
from pi_cam_node.cli.doctor.node_checks import CAMERA
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, CameraOpened
from pi_cam_node.imaging.frame import Frame

# A network camera may need ten seconds to its first key frame, a small board as long to start the process.
FIRST_FRAME_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 3.0
# Below and above these mean lumas (0–255) there is hardly a picture.
BLACK, WHITE = 2.0, 253.0


def check_camera(config: Config, privacy_doubt: str = "") -> Finding:
    """Open the configured source, wait for one frame, and close it; skipped while privacy is on.

    Args:
        config: The settings.
        privacy_doubt: Why it cannot be told whether privacy is on; empty where it can.
    """
    if privacy_doubt:
        return skipped(CAMERA, f"whether privacy is on cannot be told ({privacy_doubt}): the camera is left alone")
    if config.privacy.enable:
        return skipped(CAMERA, "privacy is on: the camera is left alone")
    inbox = Inbox()
    camera = Camera(config, inbox, SystemClock())
    began_s = time.monotonic()
    camera.start()
    try:
        return _wait_for_frame(inbox, began_s)
    finally:
        camera.stop(STOP_TIMEOUT_S)


def _wait_for_frame(inbox: Inbox, began_s: float) -> Finding:
    source = "the camera"
    while (left_s := began_s + FIRST_FRAME_TIMEOUT_S - time.monotonic()) > 0:
        match inbox.take(left_s):
            case Frame() as frame:
                return judge_frame(source, frame, time.monotonic() - began_s)
            case CameraOpened(source=source, size=size, controls=controls):
                source = f"{source}, {size[0]} x {size[1]}{'' if controls else ', exposure not ours to set'}"
            case CameraFailed(reason=reason):
                return failed(
                    CAMERA, reason, "check camera.source, the cable, and whether another program has the camera"
                )
            case _:
                continue
    return failed(CAMERA, f"no frame within {FIRST_FRAME_TIMEOUT_S:.0f} s", "check camera.source, cable and power")


def judge_frame(source: str, frame: Frame, took_s: float) -> Finding:
    """Judge the brightness of a first frame."""
    level = frame.brightness
    text = f"{source}: first frame after {took_s:.1f} s, brightness {level:.1f}"
    if BLACK <= level <= WHITE:
        return ok(CAMERA, text)
    return warning(CAMERA, text, "is the lens covered, or the exposure still settling? Look at a picture: `save jpg`")
