"""Pydantic models of rules: fixed sets of triggers, conditions and actions."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pi_cam_node.config.sections.base import Section
from pi_cam_node.config.sections.node import NODE_ID_PATTERN

CameraId = Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]
SensorKey = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,128}$")]
AccountName = Annotated[str, Field(min_length=1, max_length=64)]

RULES_MAX = 200
ACTIONS_MAX = 16
# Longer than any ring buffer of a node.
PAST_MAX_S = 3600.0


class When(Section):
    """Trigger of a rule: a change of a sensor, or an event of a camera."""

    sensor: SensorKey | None = None
    becomes: Literal["open", "closed", "on", "off"] | None = None
    camera: CameraId | None = None
    event: Literal["motion_started"] | None = None
    zone: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> When:
        by_sensor = self.sensor is not None and self.becomes is not None
        by_camera = self.camera is not None and self.event is not None
        if by_sensor == by_camera or (by_sensor and self.zone) or (self.sensor is not None and self.camera is not None):
            raise ValueError("expected {sensor, becomes} or {camera, event, zone}")
        return self


class Condition(Section):
    """Further conditions of a rule."""

    mode: Literal["home", "away"] | None = None
    between: tuple[str, str] | None = None

    @field_validator("between")
    @classmethod
    def _times_of_day(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value is not None:
            for text in value:
                time_of_day(text)
        return value

    def holds(self, mode: str, local: time) -> bool:
        """Tell whether the condition holds at a local time of day; the span may pass midnight; its end is exclusive."""
        if self.mode is not None and self.mode != mode:
            return False
        if self.between is None:
            return True
        begin, end = (time_of_day(text) for text in self.between)
        return begin <= local < end if begin <= end else local >= begin or local < end


class Action(Section):
    """Action of a rule; exactly one of the fields is set."""

    past: CameraId | None = None
    at: Annotated[float, Field(ge=0, le=PAST_MAX_S)] | None = None
    save: CameraId | None = None
    clip: CameraId | None = None
    before_s: Annotated[float, Field(ge=0, le=PAST_MAX_S)] | None = None
    push: Annotated[list[AccountName], Field(min_length=1, max_length=32)] | None = None
    text: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Action:
        given = [name for name in ("past", "save", "clip", "push") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("expected one of past, save, clip and push")
        belongs = {"past": {"at"}, "save": set(), "clip": {"before_s"}, "push": {"text"}}[given[0]]
        stray = [n for n in ("at", "before_s", "text") if getattr(self, n) is not None and n not in belongs]
        if stray:
            raise ValueError(f"{stray[0]} does not belong to {given[0]}")
        return self

    @property
    def camera(self) -> str | None:
        """Id of the action's node; ``None`` for a push."""
        return self.past or self.save or self.clip


class Rule(Section):
    """An automation rule."""

    name: Annotated[str, Field(max_length=64)] = ""
    when: When
    condition: Annotated[Condition, Field(alias="if")] = Condition()
    do: Annotated[list[Action], Field(min_length=1, max_length=ACTIONS_MAX)]
    again_after: Annotated[float, Field(ge=0, le=86_400)] = 60.0

    @property
    def title(self) -> str:
        """Display name of the rule."""
        if self.name:
            return self.name
        if self.when.sensor is not None:
            return f"{self.when.sensor} becomes {self.when.becomes}"
        return f"motion at {self.when.camera}" + (f", {self.when.zone}" if self.when.zone else "")


def time_of_day(text: str) -> time:
    """Parse a time of day such as ``22:00``.

    Raises:
        ValueError: The text is no time of day.
    """
    if not re.fullmatch(r"[0-2]?[0-9]:[0-5][0-9]", text):
        raise ValueError(f"expected a time of day such as 22:00, found {text!r}")
    hour, minute = text.split(":")
    return time(int(hour), int(minute))
