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
        key: Names it within the node: lower case, digits and underscores.
        platform: What it is.
        name: For people; ``None`` where it bears the name of the whole device.
        origin: Where its value comes from; empty for none. ``camera``: whether frames arrive;
            ``picture``: the last saved one; ``picture_time``: when that one was taken;
            ``event_picture``: that of the last event.
        source: Which one there: a state key, a setting or a telemetry field.
        verb: The command of a button.
        unit: Unit as shown; empty for none.
        scale: How many units of the source one shown unit is: 1048576 where bytes are shown as MiB.
        device_class: What kind of quantity it is, in Home Assistant's words; empty for none.
        state_class: ``measurement`` or ``total_increasing`` where statistics make sense.
        category: ``config`` or ``diagnostic``; empty for what the node is for.
        icon: Material design icon; empty for the one of the device class.
        minimum: Least number, in shown units.
        maximum: Greatest number, in shown units.
        step: Distance of two numbers, in shown units.
        choices: Values of a choice, or items of a list.
        precision: Decimals shown; ``None`` for all.
        enabled: Home Assistant enables it by default.
        needs_camera: Means nothing while no frames arrive.
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
