"""Settings of telemetry and logging."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pi_cam_node.config.sections.base import Section, Setting


class TelemetryConfig(Section):
    """Intervals of telemetry and of state messages."""

    interval_s: Annotated[
        float, Field(ge=1, le=86_400), Setting("Time between two telemetry messages.", "s", live=True)
    ] = 60.0
    refresh_s: Annotated[
        float,
        Field(ge=10, le=86_400),
        Setting("Interval at which unchanged states are published again.", "s", live=True),
    ] = 600.0
    brightness_deadband: Annotated[
        float, Field(ge=0, le=255), Setting("Smaller changes of brightness are not published.", live=True)
    ] = 2.0
    brightness_min_interval_s: Annotated[
        float, Field(ge=0, le=3600), Setting("Shortest time between two messages of the brightness.", "s", live=True)
    ] = 1.0


class LoggingConfig(Section):
    """Level and file of the log."""

    level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Setting("Lowest level of messages that are written.", live=True, title="Log level"),
    ] = "INFO"
    file: Annotated[
        Path | None, Setting("Also write to this file, 5 MiB at most, three old ones kept. Empty: console only.")
    ] = None

    @field_validator("level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value
