"""The picture drawn while the camera is away or privacy is on: a crossed-out camera on dark ground, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.web.live.multipart import Part, enclose

HEADERS = {"X-Placeholder": "1"}
PRIVATE_HEADERS = {"X-Placeholder": "privacy"}
QUALITY = 80

_BACKGROUND = (44, 38, 34)
_INK = (176, 168, 160)
_SLASH = (72, 84, 216)


@dataclass(frozen=True, slots=True)
class Away:
    """What is known of the last frame.

    Attributes:
        size: Its width and height in pixels.
        since: UTC time of its capture; ``None`` where it is not known.
        private: The camera is not away, it was sent away: privacy is on.
    """

    size: tuple[int, int] = (640, 480)
    since: datetime | None = None
    private: bool = False


def placeholder_of(away: Away) -> Part:
    """Return the placeholder as a part, marked by a header.

    Thread: any.
    """
    headers = PRIVATE_HEADERS if away.private else HEADERS
    return Part(None, enclose(jpeg.encode(draw(away), "bgr", QUALITY), headers))


def draw(away: Away) -> Pixels:
    """Return the placeholder as (height, width, 3) uint8 in B, G, R order."""
    width, height = away.size
    canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
    unit = min(width, height)
    _symbol(canvas, (width // 2, height * 2 // 5), unit // 6)
    _line(canvas, "Privacy is on" if away.private else "The camera is away", height * 7 // 10, unit / 640)
    if away.since is not None and not away.private:
        text = f"Last picture {away.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        _line(canvas, text, height * 8 // 10, unit / 900)
    return canvas


def _symbol(canvas: Pixels, centre: tuple[int, int], half: int) -> None:
    """Draw a camera of twice ``half`` pixels' width with a bar across it."""
    import cv2  # noqa: PLC0415 - frames do without OpenCV

    x, y = centre
    thick = max(1, half // 12)
    cv2.rectangle(canvas, (x - half, y - half * 2 // 3), (x + half, y + half * 2 // 3), _INK, thick, cv2.LINE_AA)
    cv2.circle(canvas, centre, half * 2 // 5, _INK, thick, cv2.LINE_AA)
    cv2.line(canvas, (x - half, y + half), (x + half, y - half), _SLASH, thick * 2, cv2.LINE_AA)


def _line(canvas: Pixels, text: str, baseline: int, scale: float) -> None:
    """Write a line of text in the middle, as large as ``scale`` says or as fits."""
    import cv2  # noqa: PLC0415 - frames do without OpenCV

    room, font = canvas.shape[1] * 0.9, cv2.FONT_HERSHEY_SIMPLEX
    thick = max(1, round(scale * 2))
    width = cv2.getTextSize(text, font, scale, thick)[0][0]
    scale = min(scale, scale * room / max(1, width))
    width = cv2.getTextSize(text, font, scale, thick)[0][0]
    where = ((canvas.shape[1] - width) // 2, baseline)
    cv2.putText(canvas, text, where, font, scale, _INK, thick, cv2.LINE_AA)
