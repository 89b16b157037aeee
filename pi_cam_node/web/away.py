"""What is known of the last frame while the camera is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Away:
    """What is known of the last frame.

    Attributes:
        size: Its width and height in pixels.
        since: UTC time of its capture; ``None`` where it is not known.
    """

    size: tuple[int, int] = (640, 480)
    since: datetime | None = None
