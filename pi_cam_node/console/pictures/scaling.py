"""Scaling of live pictures: once for each width, for all viewers."""

from __future__ import annotations

import asyncio
import importlib
from concurrent.futures import Executor

QUALITY = 72
WIDTH_MIN, WIDTH_MAX = 64, 3840


class LiveFrame:
    """A live picture of a camera, and its smaller versions. Thread: the loop's.

    Attributes:
        at_ms: When it was taken, UTC epoch milliseconds.
        jpeg: As the node sent it.
    """

    __slots__ = ("_scaled", "at_ms", "jpeg")

    def __init__(self, jpeg: bytes, at_ms: int) -> None:
        self.jpeg = jpeg
        self.at_ms = at_ms
        self._scaled: dict[int, asyncio.Future[bytes]] = {}

    async def at_width(self, width_px: int, executor: Executor) -> bytes:
        """Return the picture, not narrower than a width unless it is; 0: as it is."""
        if not WIDTH_MIN <= width_px <= WIDTH_MAX:
            return self.jpeg
        step = 1 << max(6, (width_px - 1).bit_length())  # few widths for many sizes of windows
        if step not in self._scaled:
            self._scaled[step] = asyncio.get_running_loop().run_in_executor(executor, scaled, self.jpeg, width_px)
        return await asyncio.shield(self._scaled[step])


def load() -> None:
    """Import what makes pictures smaller, so that the first one does not wait for it. Thread: an executor."""
    importlib.import_module("simplejpeg")


def scaled(jpeg: bytes, width_px: int) -> bytes:
    """Return a JPEG by n/8 smaller, at least ``width_px`` wide; itself where it cannot be read or is small already.

    libjpeg leaves out what is not needed while it decodes, so a small version costs a fraction of a whole one.
    """
    import simplejpeg  # noqa: PLC0415 - numpy with it; a console whose viewers take whole pictures needs neither

    try:
        _height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        if width <= width_px:
            return jpeg
        pixels = simplejpeg.decode_jpeg(jpeg, colorspace="BGR", fastdct=True, min_width=width_px, min_height=1)
        if pixels.shape[1] >= width:
            return jpeg
        return bytes(simplejpeg.encode_jpeg(pixels, quality=QUALITY, colorspace="BGR", fastdct=True))
    except ValueError:
        return jpeg
