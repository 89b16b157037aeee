"""Description of an entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Platform = Literal[
    "camera", "image", "sensor", "binary_sensor", "number", "select", "switch", "text", "button", "event"
]
StateClass = Literal["", "measurement", "total_increasing"]
Origin = Literal[
    "", "state", "config", "telemetry", "camera", "frame", "picture", "picture_time", "event_picture", "event"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity of the home automation system: a sensor, switch, number, button or camera.

    Attributes:
        key: Unique within the node: lower case, digits and underscores.
        platform: Home Assistant platform.
        name: Display name; ``None``: that of the device.
        origin: Kind of its value's source; empty for none. ``camera``: whether frames arrive; ``picture``: last saved
            picture; ``picture_time``: its time; ``event_picture``: picture of the last event.
        source: State key, setting or telemetry field.
        verb: The command of a button.
        unit: Unit as shown; empty for none.
        scale: How many units of the source one shown unit is: 1048576 where bytes are shown as MiB.
        device_class: Home Assistant's device class; empty for none.
        state_class: ``measurement`` or ``total_increasing``, for statistics.
        category: ``config`` or ``diagnostic``; empty for primary entities.
        icon: Material design icon; empty: that of the device class.
        minimum: Least number, in shown units.
        maximum: Greatest number, in shown units.
        step: Distance of two numbers, in shown units.
        choices: Values of a choice, or items of a list.
        precision: Decimals shown; ``None`` for all.
        enabled: Whether it is enabled by default.
        needs_camera: Whether it is unavailable while no frames arrive.
    """

    key: str
    platform: Platform
    name: str | None
    origin: Origin = ""
    source: str = ""
    verb: str = ""
    unit: str = ""
    scale: int = 1
    device_class: str = ""
    state_class: StateClass = ""
    category: str = ""
    icon: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    precision: int | None = None
    enabled: bool = True
    needs_camera: bool = False
