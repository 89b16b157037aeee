"""Whether the camera delivers: asked of the running node, which holds it, or tried as the node would."""

from __future__ import annotations

import time

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.camera.camera import Camera
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, skipped, warning
from pi_cam_node.cli.doctor.node import Seen
from pi_cam_node.config import Config
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import CameraFailed, CameraOpened
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.mqtt.topics import Topics

CHECK = "camera"
# A network camera may need ten seconds to its first key frame, a small board as long to start the process.
PATIENCE_S = 40.0
STOP_S = 3.0
# Below and above these mean lumas (0–255) there is hardly a picture.
BLACK, WHITE = 2.0, 253.0


def from_node(topics: Topics, seen: Seen) -> Finding:
    """Return what the running node says of its camera."""
    said = seen.retained
    if said.get(topics.camera_availability) == "online":
        level = said.get(topics.state("brightness"), "unknown")
        figures = seen.health["data"] if seen.health is not None else {}
        rate = f", {figures['fps']} frames a second" if "fps" in figures else ""
        return ok(CHECK, f"the running node has it: brightness {level}{rate}")
    if said.get(topics.state("privacy")) == "ON":
        return ok(CHECK, "privacy is on: the running node has let go of it")
    fault = said.get(topics.state("last_error"), "no reason given")
    return failed(CHECK, f"the node runs, but no frames arrive: {fault}", "its log says more; check cable and power")


def check(config: Config, doubt: str = "") -> Finding:
    """Open the configured source, wait for one frame, and close it; in privacy it is left alone.

    Args:
        config: The settings.
        doubt: Why it cannot be told whether privacy is on; empty where it can.
    """
    if doubt:
        return skipped(CHECK, f"whether privacy is on cannot be told ({doubt}): the camera is left alone")
    if config.privacy.enable:
        return skipped(CHECK, "privacy is on: the camera is left alone")
    inbox = Inbox()
    camera = Camera(config, inbox, SystemClock())
    began_s = time.monotonic()
    camera.start()
    try:
        return _wait(inbox, began_s)
    finally:
        camera.stop(STOP_S)


def _wait(inbox: Inbox, began_s: float) -> Finding:
    source = "the camera"
    while (left_s := began_s + PATIENCE_S - time.monotonic()) > 0:
        match inbox.take(left_s):
            case Frame() as frame:
                return judge(source, frame, time.monotonic() - began_s)
            case CameraOpened(source=source, size=size, controls=controls):
                source = f"{source}, {size[0]} x {size[1]}{'' if controls else ', exposure not ours to set'}"
            case CameraFailed(reason=reason):
                return failed(
                    CHECK, reason, "check camera.source, the cable, and whether another program has the camera"
                )
            case _:
                continue
    return failed(CHECK, f"no frame within {PATIENCE_S:.0f} s", "check camera.source, cable and power")


def judge(source: str, frame: Frame, took_s: float) -> Finding:
    """Judge a first frame."""
    level = frame.brightness
    text = f"{source}: first frame after {took_s:.1f} s, brightness {level:.1f}"
    if BLACK <= level <= WHITE:
        return ok(CHECK, text)
    return warning(CHECK, text, "is the lens covered, or the exposure still settling? Look at a picture: `save jpg`")
