"""Placeholder picture while the camera is offline or privacy is on: a crossed-out camera, and the reason."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from pi_cam_node.imaging.jpeg import Pixels

_BACKGROUND = (44, 38, 34)
_INK = (176, 168, 160)
_SLASH = (72, 84, 216)


def draw(size: tuple[int, int], since: datetime | None, *, private: bool) -> Pixels:
    """Return the placeholder as (height, width, 3) uint8 in B, G, R order.

    Args:
        size: Width and height of the last frame, in pixels.
        since: Its capture time, UTC; ``None`` if unknown.
        private: Whether privacy is on (else the camera is offline).
    """
    width, height = size
    canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
    unit = min(width, height)
    _symbol(canvas, (width // 2, height * 2 // 5), unit // 6)
    _line(canvas, "Privacy is on" if private else "The camera is offline", height * 7 // 10, unit / 640)
    if since is not None and not private:
        text = f"Last picture {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        _line(canvas, text, height * 8 // 10, unit / 900)
    return canvas


def _symbol(canvas: Pixels, centre: tuple[int, int], half: int) -> None:
    """Draw a camera of twice ``half`` pixels' width with a bar across it."""
    import cv2  # noqa: PLC0415 - only this needs OpenCV

    x, y = centre
    thick = max(1, half // 12)
    cv2.rectangle(canvas, (x - half, y - half * 2 // 3), (x + half, y + half * 2 // 3), _INK, thick, cv2.LINE_AA)
    cv2.circle(canvas, centre, half * 2 // 5, _INK, thick, cv2.LINE_AA)
    cv2.line(canvas, (x - half, y + half), (x + half, y - half), _SLASH, thick * 2, cv2.LINE_AA)


def _line(canvas: Pixels, text: str, baseline: int, scale: float) -> None:
    """Write a line of text in the middle, as large as ``scale`` says or as fits."""
    import cv2  # noqa: PLC0415 - only this needs OpenCV

    room, font = canvas.shape[1] * 0.9, cv2.FONT_HERSHEY_SIMPLEX
    thick = max(1, round(scale * 2))
    width = cv2.getTextSize(text, font, scale, thick)[0][0]
    scale = min(scale, scale * room / max(1, width))
    width = cv2.getTextSize(text, font, scale, thick)[0][0]
    where = ((canvas.shape[1] - width) // 2, baseline)
    cv2.putText(canvas, text, where, font, scale, _INK, thick, cv2.LINE_AA)
