"""What the node shows: pictures, states, events, and figures of its telemetry."""

from __future__ import annotations

from dataclasses import replace

from pi_cam_node.core.entities.entity import Entity

EVENT_TYPES = ("picture_saved", "mode_changed", "camera_lost", "camera_back", "settings_rolled_back")

PICTURES = (
    Entity(key="camera", platform="camera", name=None, origin="frame", needs_camera=True),
    Entity(key="last_picture", platform="image", name="Last picture", origin="picture"),
    Entity(
        key="last_picture_time",
        platform="sensor",
        name="Last picture taken",
        origin="picture_time",
        device_class="timestamp",
    ),
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
        key="brightness",
        platform="sensor",
        name="Brightness",
        origin="state",
        source="brightness",
        state_class="measurement",
        icon="mdi:brightness-6",
        precision=1,
        needs_camera=True,
    ),
    Entity(
        key="lux",
        platform="sensor",
        name="Illuminance",
        origin="state",
        source="lux",
        unit="lx",
        device_class="illuminance",
        state_class="measurement",
        precision=1,
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
        key="ring_seconds",
        platform="sensor",
        name="Ring length",
        origin="state",
        source="ring_seconds",
        unit="s",
        device_class="duration",
        category="diagnostic",
        icon="mdi:history",
        precision=0,
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


def _text(field: str, name: str, icon: str) -> Entity:
    return Entity(
        key=field,
        platform="sensor",
        name=name,
        origin="telemetry",
        source=field,
        category="diagnostic",
        icon=icon,
    )


def _gauge(field: str, name: str, unit: str, icon: str, *, device_class: str = "", precision: int = 0) -> Entity:
    """Return a figure that goes up and down."""
    return replace(
        _text(field, name, icon),
        unit=unit,
        device_class=device_class,
        state_class="measurement",
        precision=precision,
    )


def _counter(field: str, name: str, icon: str) -> Entity:
    """Return a figure that only grows, and begins again with the node."""
    return replace(_text(field, name, icon), state_class="total_increasing", precision=0)


def _hidden(entity: Entity) -> Entity:
    return replace(entity, enabled=False)


FIGURES = (
    _gauge("cpu_pct", "CPU use", "%", "mdi:cpu-64-bit"),
    _gauge("temperature_c", "CPU temperature", "°C", "", device_class="temperature", precision=1),
    _text("throttled", "CPU throttling", "mdi:speedometer-slow"),
    _hidden(_gauge("load_1m", "CPU load", "", "mdi:gauge", precision=2)),
    _gauge("rss_mib", "Memory use", "MiB", "mdi:memory", device_class="data_size"),
    _hidden(_gauge("swap_pct", "Memory swapped", "%", "mdi:swap-horizontal")),
    _gauge("disk_free_mib", "Storage free", "MiB", "mdi:harddisk", device_class="data_size"),
    _gauge("fps", "Frame rate", "fps", "mdi:speedometer", precision=1),
    _counter("frames_dropped", "Frames dropped", "mdi:image-broken-variant"),
    _hidden(_gauge("ring_frames", "Ring frames", "", "mdi:history")),
    _gauge("ring_mib", "Ring memory", "MiB", "mdi:history", device_class="data_size", precision=1),
    _gauge("latency_ms", "Latency", "ms", "mdi:timer-outline", device_class="duration"),
    _counter("camera_restarts", "Camera restarts", "mdi:camera-retake-outline"),
    _counter("broker_sessions", "Broker sessions", "mdi:lan-connect"),
    Entity(
        key="uptime_s",
        platform="sensor",
        name="Uptime",
        origin="telemetry",
        source="uptime_s",
        unit="h",
        scale=3600,
        device_class="duration",
        category="diagnostic",
        icon="mdi:clock-outline",
        precision=1,
    ),
)
