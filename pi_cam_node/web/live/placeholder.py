"""Placeholder picture, as a part of the stream, shown while there is no live picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.web.live.multipart import Part, enclose

HEADERS = {"X-Placeholder": "1"}
PRIVATE_HEADERS = {"X-Placeholder": "privacy"}


@dataclass(frozen=True, slots=True)
class Away:
    """Size and time of the last frame, and whether privacy is why none follows.

    Attributes:
        size: Its width and height in pixels.
        since: UTC time of its capture; ``None`` where it is not known.
        private: The camera is not away: privacy is on.
    """

    size: tuple[int, int] = (640, 480)
    since: datetime | None = None
    private: bool = False


def placeholder_of(away: Away, images: ImageTasks) -> Part:
    """Return the placeholder as a part, marked by a header.

    Thread: any but the event loop's.
    """
    headers = PRIVATE_HEADERS if away.private else HEADERS
    return Part(None, enclose(images.placeholder(away.size, away.since, private=away.private), headers))
