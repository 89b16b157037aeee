"""Telemetry figures that the parts around the core know."""

from __future__ import annotations

from collections.abc import Mapping

from pi_cam_node.base.time_sync import clock_is_set
from pi_cam_node.camera.camera import Camera
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.storage.disk_monitor import DiskMonitor
from pi_cam_node.system.metrics import SystemMetrics


def figures_of(
    system: SystemMetrics, inbox: Inbox, camera: Camera, disk: DiskMonitor, link: BrokerLink
) -> Mapping[str, object]:
    """Return the figures as they stand; the core adds its own. Thread: the node thread."""
    return {
        **system.read(),
        "frames_dropped": inbox.frames_dropped + camera.frames_skipped,
        "messages_refused": inbox.messages_refused,
        "storage": disk.code,
        "clock_set": clock_is_set(),
        "camera_restarts": camera.restarts,
        "broker_sessions": link.sessions,
        "mqtt": dict(link.figures()),
    }
