"""The frame hub: subscriptions, and privacy."""

from __future__ import annotations

from pi_cam_node.core.events import CameraChanged, FrameTaken, RingMeasured
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.imaging.frame import Frame
from tests.support.core_harness import CoreHarness


def test_a_frame_goes_to_every_subscriber_until_it_leaves() -> None:
    harness, hub, seen, other = CoreHarness(), FrameHub(), list[Frame | None](), list[Frame | None]()
    leave = hub.subscribe(seen.append)
    hub.subscribe(other.append)
    first, second = harness.frame(), harness.frame()
    hub.on_event(FrameTaken(first))
    leave()
    hub.on_event(FrameTaken(second))
    assert (seen, other, hub.latest) == ([first], [first, second], second)


def test_a_lost_camera_is_no_frame_and_other_events_are_none_either() -> None:
    harness, hub, seen = CoreHarness(), FrameHub(), list[Frame | None]()
    hub.subscribe(seen.append)
    hub.on_event(FrameTaken(harness.frame()))
    hub.on_event(RingMeasured(1.0))
    hub.on_event(CameraChanged(online=True, reason="", at=harness.clock.utcnow()))
    assert hub.latest is seen[0] is not None
    hub.on_event(CameraChanged(online=False, reason="no frames", at=harness.clock.utcnow()))
    assert (seen[1:], hub.latest) == ([None], None)


def test_a_closed_gate_takes_the_latest_frame_away_at_once() -> None:
    harness, gate = CoreHarness(), PrivacyGate()
    hub = FrameHub(gate)
    hub.on_event(FrameTaken(harness.frame()))
    gate.close()
    assert hub.latest is None
    hub.on_event(FrameTaken(harness.frame()))
    gate.open(harness.clock.monotonic() + 1)
    assert hub.latest is None, "it was taken in privacy"
