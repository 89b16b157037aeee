"""Scales live pictures, once for each width and all viewers."""

from __future__ import annotations

import asyncio
import importlib
from concurrent.futures import Executor

QUALITY = 72
WIDTH_MIN, WIDTH_MAX = 64, 3840
# Larger pictures are not decoded: a JPEG of few bytes may hold up to 65500 x 65500 pixels.
PIXELS_MAX = 100_000_000
# Decoding at 1/2, 1/4 or 1/8 is enough if it yields this share of the requested width.
_ENOUGH = 0.75


class LiveFrame:
    """A live picture of a camera, and its smaller versions. Thread: the loop's.

    Attributes:
        at_ms: When it was taken, UTC epoch milliseconds.
        jpeg: JPEG as received from the node.
    """

    __slots__ = ("_scaled", "at_ms", "jpeg")

    def __init__(self, jpeg: bytes, at_ms: int) -> None:
        self.jpeg = jpeg
        self.at_ms = at_ms
        self._scaled: dict[int, asyncio.Future[bytes]] = {}

    async def at_width(self, width_px: int, executor: Executor) -> bytes:
        """Return the picture for a tile of a width, see `scaled`; 0: as it is."""
        if not WIDTH_MIN <= width_px <= WIDTH_MAX:
            return self.jpeg
        step = 1 << max(6, (width_px - 1).bit_length())  # a few widths serve all sizes of windows
        if step not in self._scaled:
            self._scaled[step] = asyncio.get_running_loop().run_in_executor(executor, scaled, self.jpeg, width_px)
        return await asyncio.shield(self._scaled[step])


def load() -> None:
    """Import the scaler ahead of the first picture. Thread: an executor."""
    importlib.import_module("simplejpeg")


def scaled(jpeg: bytes, width_px: int) -> bytes:
    """Return a JPEG scaled for a tile; unchanged if it is unreadable, small already, or huge.

    Scaled by 1/2, 1/4 or 1/8 if that yields three quarters of the width: libjpeg-turbo decodes these with vector
    instructions, while other scales take half as long again as the full size. Else by n/8.
    """
    import simplejpeg  # noqa: PLC0415 - numpy with it; a console whose viewers take whole pictures needs neither

    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        if width <= width_px or width * height > PIXELS_MAX:
            return jpeg
        least_px = _least_width_px(width, width_px)
        pixels = simplejpeg.decode_jpeg(
            jpeg, "BGR", fastdct=True, fastupsample=True, min_width=least_px, min_height=1
        )  # fmt: skip
        if pixels.shape[1] >= width:
            return jpeg
        return bytes(simplejpeg.encode_jpeg(pixels, QUALITY, "BGR", "420", fastdct=True))
    except ValueError:
        return jpeg


def _least_width_px(width: int, wanted_px: int) -> int:
    """Return the least width at which a picture is decoded."""
    halves = (-(-width // parts) for parts in (8, 4, 2))
    return next((half for half in halves if half >= _ENOUGH * wanted_px), wanted_px)
