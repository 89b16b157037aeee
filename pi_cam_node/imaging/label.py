"""Text label in the picture, with name, time, mode and light."""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pi_cam_node.imaging.frame import Layout
    from pi_cam_node.imaging.jpeg import Pixels

FIELDS = ("name", "time", "mode", "lux")
# Font size as a share of the picture's height, and its minimum in pixels.
_HEIGHT_SHARE, _HEIGHT_MIN_PX = 1 / 28, 12
_INK, _GREY = 235, 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Transliteration of letters that the font lacks.
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "°": " deg"})


def check(template: str) -> str:
    """Validate a template of the label and return it.

    Raises:
        ValueError: The template names an unknown field, or has an unpaired brace.
    """
    if _CONTROL.search(template):
        raise ValueError("a line break or another control character is in it")
    try:
        fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
    except ValueError:
        raise ValueError("a brace is without its partner; write {{ or }} for one as text") from None
    for _, name, spec, conversion in fields:
        if name not in FIELDS or spec or conversion:
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            more = f"!{conversion}" if conversion else f":{spec}" if spec else ""
            raise ValueError(f"{{{f'{name}{more}'[:40]}}} is not known; known are {known}")
    return template


class Label:
    """Draws the label into pictures of one size. Thread: one."""

    def __init__(self, template: str, name: str) -> None:
        """Create a label.

        Args:
            template: Text with fields in braces; empty: nothing is written.
            name: Name of the node.
        """
        self._template, self._name = template, name
        self._drawn: tuple[str, int, Pixels] | None = None

    def text(self, at: datetime, mode: str, lux: float | None) -> str:
        """Return the text for a picture taken at a UTC time."""
        light = "-"
        if lux is not None:
            light = f"{lux:.0f}" if lux >= 10 else f"{lux:.2g}"
        return _ascii(self._template.format(name=self._name, time=f"{at:%Y-%m-%d %H:%M:%SZ}", mode=mode, lux=light))

    def draw(self, pixels: Pixels, layout: Layout, text: str) -> Pixels:
        """Return the picture with the text in its lower left corner, on dark ground; a new array."""
        height = pixels.shape[0] * 2 // 3 if layout == "i420" else pixels.shape[0]
        ink = self._ink(text, max(_HEIGHT_MIN_PX, round(height * _HEIGHT_SHARE)))[:height, : pixels.shape[1]]
        rows, columns = ink.shape
        pixels = pixels.copy()
        if layout == "bgr":
            box = pixels[height - rows : height, :columns]
            box[:] = (box >> 2) | ink[:, :, None]
            return pixels
        from pi_cam_node.imaging.jpeg import planes  # noqa: PLC0415 - brings numpy

        y, u, v = planes(pixels)
        y[height - rows : height, :columns] = (y[height - rows : height, :columns] >> 2) | ink
        for colour in (u, v):
            colour[(height - rows) // 2 :, : columns // 2] = _GREY
        return pixels

    def _ink(self, text: str, height_px: int) -> Pixels:
        """Return the text as a mask, 0 to `_INK`, of even width and height; kept until it changes."""
        if self._drawn is None or self._drawn[:2] != (text, height_px):
            self._drawn = (text, height_px, _rendered(text, height_px))
        return self._drawn[2]


def _rendered(text: str, height_px: int) -> Pixels:
    import numpy as np  # noqa: PLC0415 - the node's process has no use for it
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - 4 MiB that only a label needs

    try:
        font, scale = ImageFont.load_default(height_px * 0.8), 1
    except (TypeError, ImportError):  # before Pillow 10.1, or built without FreeType: a font of one size
        font, scale = ImageFont.load_default(), max(1, height_px // 12)
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (max(1, round(right - left)) + 6, max(1, round(bottom - top)) + 6))
    ImageDraw.Draw(mask).text((3 - left, 3 - top), text, fill=_INK, font=font)
    ink = np.asarray(mask, np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)
    return np.pad(ink, ((0, ink.shape[0] & 1), (0, ink.shape[1] & 1)))


def _ascii(text: str) -> str:
    """Return a text in the letters that the font has, German ones as they are written without dots."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace").decode()
