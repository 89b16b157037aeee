"""Entities that people change or press, derived from the settings and the commands."""

from __future__ import annotations

import re
from dataclasses import replace

from pi_cam_node.base.units import KIB, MIB
from pi_cam_node.config.catalogue import Kind, SettingInfo
from pi_cam_node.core.commands.registry import Button, Command
from pi_cam_node.core.entities.entity import Entity, Platform

# Controls enabled by default. All others are announced, too, but disabled until enabled in Home Assistant.
_DAILY = ("export.save_before_s", "motion.enable", "night.override", "privacy.enable", "recording.mode")

# Primary entities (no category), which Home Assistant puts on generated dashboards.
_MAIN = ("motion.enable", "night.override", "privacy.enable", "recording.mode")

_PLATFORMS: dict[Kind, Platform] = {
    "bool": "switch",
    "int": "number",
    "float": "number",
    "choice": "select",
    "list": "text",
    "text": "text",
}

_DEVICE_CLASSES = {"s": "duration", "ms": "duration", "d": "duration", "KiB": "data_size", "MiB": "data_size"}

# Icon by prefix of the key; the first match is used.
_ICONS = {
    "homeassistant.camera_fps": "mdi:video-outline",
    "night.override": "mdi:theme-light-dark",
    "night.": "mdi:weather-night",
    "privacy.enable": "mdi:eye-off-outline",
    "motion.": "mdi:motion-sensor",
    "recording.": "mdi:record-rec",
    "camera.": "mdi:camera-outline",
    "overlay.": "mdi:format-text",
    "ring.": "mdi:history",
    "export.save_before_s": "mdi:rewind",
    "export.stack_": "mdi:layers-outline",
    "export.auto_save_": "mdi:camera-timer",
    "export.": "mdi:image-outline",
    "mqtt.": "mdi:image-outline",
    "storage.": "mdi:harddisk",
    "telemetry.": "mdi:pulse",
    "logging.": "mdi:text-box-outline",
}


def of_command(command: Command, button: Button) -> Entity:
    """Return the button for a command without arguments."""
    return Entity(
        key=slug(command.verb),
        platform="button",
        name=button.title,
        verb=command.verb,
        device_class=button.device_class,
        category=button.category,
        icon=button.icon,
        needs_camera=command.needs_camera,
        enabled=not button.category,
    )


def of_setting(info: SettingInfo) -> Entity:
    """Return the control that changes a setting."""
    control = Entity(
        key=slug(info.key),
        platform=_PLATFORMS[info.kind],
        name=info.title,
        origin="config",
        source=info.key,
        category="" if info.key in _MAIN else "config",
        icon=next((icon for start, icon in _ICONS.items() if info.key.startswith(start)), ""),
        choices=info.choices,
        enabled=info.key in _DAILY,
    )
    return _with_range(control, info) if info.kind in ("int", "float") else control


def _with_range(control: Entity, info: SettingInfo) -> Entity:
    if info.minimum is None or info.maximum is None:
        raise ValueError(f"{info.key} is a number without a range")
    unit, scale = _shown_unit(info, info.maximum)
    fine = info.kind == "float" or unit == "ms"
    return replace(
        control,
        unit=unit,
        scale=scale,
        device_class=_DEVICE_CLASSES.get(unit, ""),
        minimum=info.minimum / scale,
        maximum=info.maximum / scale,
        step=info.step or (0.1 if fine else 1),
    )


def _shown_unit(info: SettingInfo, maximum: float) -> tuple[str, int]:
    """Return the display unit of a number, and its size in the setting's own unit."""
    if info.unit == "B":
        return ("KiB", KIB) if maximum <= 16 * MIB else ("MiB", MIB)
    if info.unit == "µs":
        return "ms", 1000
    return ("fps" if info.unit == "Hz" else info.unit), 1


def slug(name: str) -> str:
    """Return ``pastStack`` as ``past_stack`` and ``night.gain`` as ``night_gain``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace(".", "_").lower()
