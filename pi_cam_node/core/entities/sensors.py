"""Entities that show pictures, states, events, and the figures of `pi_cam_node.core.telemetry`."""

from __future__ import annotations

from pi_cam_node.core.entities.entity import Entity, StateClass
from pi_cam_node.core.telemetry import Figure, Kind

EVENT_TYPES = (
    "picture_saved",
    "mode_changed",
    "camera_lost",
    "camera_back",
    "settings_rolled_back",
    "command_refused",
    "motion_started",
    "motion_ended",
    "triggered",
    "recording_started",
    "recording_saved",
    "recording_failed",
)

PICTURES = (
    Entity(key="camera", platform="camera", name=None, origin="frame", needs_camera=True),
    Entity(key="last_picture", platform="image", name="Last picture", origin="picture"),
    Entity(
        key="last_picture_time",
        platform="sensor",
        name="Last picture taken",
        origin="picture_time",
        device_class="timestamp",
        enabled=False,
    ),
    Entity(key="last_event", platform="image", name="Last event", origin="event_picture"),
    Entity(
        key="event", platform="event", name="Event", origin="event", choices=EVENT_TYPES, icon="mdi:bell-ring-outline"
    ),
)

STATES = (
    Entity(
        key="mode",
        platform="sensor",
        name="Mode",
        origin="state",
        source="mode",
        device_class="enum",
        choices=("day", "night"),
        icon="mdi:theme-light-dark",
        needs_camera=True,
    ),
    Entity(
        key="camera_link",
        platform="binary_sensor",
        name="Camera",
        origin="camera",
        device_class="connectivity",
        category="diagnostic",
    ),
    Entity(
        key="motion",
        platform="binary_sensor",
        name="Motion",
        origin="state",
        source="motion",
        device_class="motion",
        needs_camera=True,
    ),
    Entity(
        key="recording",
        platform="binary_sensor",
        name="Film recording",
        origin="state",
        source="recording",
        device_class="running",
        icon="mdi:record-rec",
    ),
    Entity(
        key="last_error",
        platform="sensor",
        name="Last error",
        origin="state",
        source="last_error",
        category="diagnostic",
        icon="mdi:alert-circle-outline",
    ),
)


def of_figure(figure: Figure) -> Entity:
    """Return the sensor that shows a figure."""
    state_class: dict[Kind, StateClass] = {"gauge": "measurement", "counter": "total_increasing"}
    return Entity(
        key=figure.key,
        platform="sensor",
        name=figure.title,
        origin=figure.source,
        source=figure.key,
        unit=figure.shown_unit or figure.unit,
        scale=figure.shown_scale,
        device_class=figure.device_class,
        state_class=state_class.get(figure.kind, ""),
        category=figure.category,
        icon=figure.icon,
        precision=figure.precision,
        enabled=figure.enabled,
        needs_camera=figure.needs_camera,
    )
