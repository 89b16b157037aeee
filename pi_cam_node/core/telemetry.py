"""Telemetry figures, each declared once: topics, Home Assistant's sensors and Prometheus' metrics derive from them.

A new figure is one row here, and its value under the same key where the value is known: `Core.figures` or
`pi_cam_node.runtime.ports`; a test holds both to the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pi_cam_node.base.errors import CODES
from pi_cam_node.base.units import MIB

Kind = Literal["gauge", "counter", "text", "flag", "data"]

# Factors from a unit to the base unit that Prometheus asks for. Source: its "Metric and label naming".
_TO_BASE = {"MiB": float(MIB), "%": 0.01, "ms": 0.001}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Declaration of one telemetry figure.

    Attributes:
        key: Key in the telemetry, or of its state topic.
        doc: Description, one sentence.
        kind: ``gauge`` goes up and down, ``counter`` only grows and begins again with the node, ``text``, ``flag``
            (true or false) and ``data`` (of several values) are no numbers.
        unit: Unit of the value; empty for none.
        source: Whether it is part of the telemetry or a state of its own.
        metric: Prometheus name, in base units, without prefix; empty for none.
        title: Display name in Home Assistant; empty: no sensor there.
        icon: Material design icon; empty: that of the device class.
        device_class: Home Assistant's device class; empty for none.
        precision: Decimals that the sensor shows; ``None`` for all.
        shown_unit: Display unit of the sensor, if different.
        shown_scale: Size of the display unit in its own unit.
        category: ``diagnostic``, or empty for primary entities.
        needs_camera: Whether it is unavailable while no frames arrive.
        enabled: Whether the sensor is enabled by default.
        properties: JSON schemas of the fields of ``data``.
    """

    key: str
    doc: str
    kind: Kind = "gauge"
    unit: str = ""
    source: Literal["telemetry", "state"] = "telemetry"
    metric: str = ""
    title: str = ""
    icon: str = ""
    device_class: str = ""
    precision: int | None = None
    shown_unit: str = ""
    shown_scale: int = 1
    category: Literal["diagnostic", ""] = "diagnostic"
    needs_camera: bool = False
    enabled: bool = False
    properties: Mapping[str, Mapping[str, object]] | None = None

    @property
    def metric_scale(self) -> float:
        """The factor from its unit to the base unit of its metric."""
        return _TO_BASE.get(self.unit, 1.0)


FIGURES = (
    # ---- states: topics of their own
    Figure(
        key="brightness",
        source="state",
        doc="Mean luma of the picture, 0 to 255.",
        metric="brightness",
        title="Brightness",
        icon="mdi:brightness-6",
        precision=1,
        category="",
        needs_camera=True,
        enabled=True,
    ),
    Figure(
        key="lux",
        source="state",
        doc="Estimated illuminance of the scene.",
        unit="lx",
        metric="illuminance_lux",
        title="Illuminance",
        device_class="illuminance",
        precision=1,
        category="",
        needs_camera=True,
    ),
    Figure(
        key="ring_seconds",
        source="state",
        doc="Time between the oldest and the newest frame of the ring.",
        unit="s",
        metric="ring_seconds",
        title="Ring length",
        icon="mdi:history",
        device_class="duration",
        precision=0,
    ),
    # ---- this process and its machine
    Figure(
        key="cpu_pct",
        doc="Processor cores in use by the node and its processes for camera, pictures and films.",
        unit="%",
        metric="cpu_cores",
        title="CPU use",
        icon="mdi:cpu-64-bit",
        precision=0,
    ),
    Figure(
        key="temperature_c",
        doc="Temperature of the processor.",
        unit="°C",
        metric="temperature_celsius",
        title="CPU temperature",
        device_class="temperature",
        precision=1,
    ),
    Figure(
        key="throttled",
        kind="text",
        doc="What slows a Raspberry Pi down now.",
        title="CPU throttling",
        icon="mdi:speedometer-slow",
    ),
    Figure(
        key="load_1m",
        doc="Load average of the last minute.",
        metric="load1",
        title="CPU load",
        icon="mdi:gauge",
        precision=2,
    ),
    Figure(
        key="rss_mib",
        doc="Memory of the node and its processes for camera, pictures and films.",
        unit="MiB",
        metric="resident_memory_bytes",
        title="Memory use",
        icon="mdi:memory",
        device_class="data_size",
        precision=0,
    ),
    Figure(
        key="swap_pct",
        doc="Share of the swap space in use.",
        unit="%",
        metric="swap_used_ratio",
        title="Memory swapped",
        icon="mdi:swap-horizontal",
        precision=0,
    ),
    Figure(
        key="memory_available_mib",
        doc="Memory that is free for programs.",
        unit="MiB",
        metric="memory_available_bytes",
    ),
    Figure(
        key="disk_free_mib",
        doc="Free space on the disk of the pictures.",
        unit="MiB",
        metric="disk_free_bytes",
        title="Storage free",
        icon="mdi:harddisk",
        device_class="data_size",
        precision=0,
    ),
    Figure(key="storage", kind="text", doc="Whether pictures can be saved: ok, no_space or not_saved."),
    Figure(key="clock_set", kind="flag", doc="Whether the wall clock has been set since the machine started."),
    Figure(
        key="uptime_s",
        doc="Time since the node started.",
        unit="s",
        metric="uptime_seconds",
        title="Uptime",
        icon="mdi:clock-outline",
        device_class="duration",
        precision=1,
        shown_unit="h",
        shown_scale=3600,
    ),
    # ---- frames
    Figure(
        key="resolution",
        kind="text",
        doc="Size of the pictures as the camera delivers them, turned, in pixels: width x height.",
        title="Picture size",
        icon="mdi:image-size-select-large",
    ),
    Figure(
        key="fps",
        doc="Frames that arrive from the camera.",
        metric="frames_per_second",
        title="Frame rate",
        icon="mdi:speedometer",
        precision=1,
        shown_unit="fps",
    ),
    Figure(
        key="latency_ms",
        doc="From the end of an exposure to the end of the work on it.",
        unit="ms",
        metric="frame_latency_seconds",
        title="Latency",
        icon="mdi:timer-outline",
        device_class="duration",
        precision=0,
    ),
    Figure(
        key="frames_dropped",
        kind="counter",
        doc="Frames that came while the node was busy.",
        metric="frames_dropped",
        title="Frames dropped",
        icon="mdi:image-broken-variant",
        precision=0,
    ),
    Figure(
        key="ring_frames",
        doc="Frames in the ring.",
        metric="ring_frames",
        title="Ring frames",
        icon="mdi:history",
        precision=0,
    ),
    Figure(
        key="ring_mib",
        doc="Memory of the ring.",
        unit="MiB",
        metric="ring_bytes",
        title="Ring memory",
        icon="mdi:history",
        device_class="data_size",
        precision=1,
    ),
    Figure(key="packets_mib", doc="Memory of packets of video that are kept.", unit="MiB", metric="packets_bytes"),
    Figure(
        key="packets_limit_mib",
        doc="Limit for those of the camera's own video.",
        unit="MiB",
        metric="packets_limit_bytes",
    ),
    Figure(
        key="camera_restarts",
        kind="counter",
        doc="Times the camera's process was started again.",
        metric="camera_restarts",
        title="Camera restarts",
        icon="mdi:camera-retake-outline",
        precision=0,
    ),
    # ---- commands and the broker
    Figure(key="commands_waiting", doc="Commands without an answer so far.", metric="commands_waiting"),
    Figure(
        key="messages_refused",
        kind="counter",
        doc="Commands that came while the inbox was full.",
        metric="messages_refused",
    ),
    Figure(
        key="broker_sessions",
        kind="counter",
        doc="Connections to the broker.",
        metric="broker_sessions",
        title="Broker sessions",
        icon="mdi:lan-connect",
        precision=0,
    ),
    Figure(
        key="mqtt",
        kind="data",
        doc="The connection to the broker: protocol, sessions, messages waiting and lost.",
        properties={
            "connected": {"type": "boolean"},
            "protocol": {"enum": ["5", "3.1.1", None]},
            "sessions": {"type": "integer"},
            "messages_waiting": {"type": "integer"},
            "messages_dropped": {"type": "integer"},
            "messages_refused": {"type": "integer"},
            "callback_errors": {"type": "integer"},
        },
    ),
    Figure(
        key="last_error",
        kind="data",
        doc="The fault that lasts: code, message, and since when in UTC; or none.",
        properties={"code": {"enum": list(CODES)}, "message": {"type": "string"}, "since": {"type": "string"}},
    ),
)
"""Every figure. The order is that of the sensors in Home Assistant and of the metrics."""
