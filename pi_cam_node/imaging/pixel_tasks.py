"""Image tasks on arrays. Imports numpy, and OpenCV if needed."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from pi_cam_node.base.threads import Progress
from pi_cam_node.imaging import jpeg, placeholder, png
from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.headers import LARGEST_PX, parse_npy_header
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.stacking import stack
from pi_cam_node.imaging.tasks import Blob, Outcome
from pi_cam_node.imaging.thumbnails import thumbnail_of_pixels

_PLACEHOLDER_QUALITY = 80
# Width and height of a PNG stand in its first chunk (PNG, 11.2.1).
_PNG_SIZE = slice(16, 24)


def run(task: str, arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
    """Run one of these tasks; see `tasks.Run`."""
    return _TASKS[task](arguments, blobs, progress)


def _encode(arguments: Mapping[str, Any], blobs: Sequence[Blob], _progress: Progress) -> Outcome:
    pixels = _pixels(arguments["raw"], blobs[0])
    match arguments["form"]:
        case "jpg":
            layout: Layout = arguments["raw"]["layout"] if arguments["raw"] else "bgr"
            return {}, [jpeg.encode(pixels, layout, arguments["quality"])]
        case "png":
            return {}, [bytes(png.encode(_bgr(arguments["raw"], pixels)))]
        case _:
            buffer = io.BytesIO()
            np.save(buffer, _bgr(arguments["raw"], pixels), allow_pickle=False)
            return {}, [buffer.getvalue()]


def _jpeg_of_file(arguments: Mapping[str, Any], blobs: Sequence[Blob], _progress: Progress) -> Outcome:
    content = bytes(blobs[0])
    pixels = _npy(content) if arguments["suffix"] == ".npy" else _png(content)
    return {}, [jpeg.encode(pixels, "bgr", arguments["quality"])]


def _resize(arguments: Mapping[str, Any], blobs: Sequence[Blob], _progress: Progress) -> Outcome:
    width, height = arguments["size"]
    pixels = jpeg.resize(jpeg.decode(bytes(blobs[0])), "bgr", (width, height))
    return {}, [jpeg.encode(pixels, "bgr", arguments["quality"])]


def _stack(arguments: Mapping[str, Any], blobs: Sequence[Blob], progress: Progress) -> Outcome:
    made = stack(
        [bytes(blob) if isinstance(blob, memoryview) else blob for blob in blobs], arguments["method"], progress
    )
    height, width = made.pixels.shape[:2]
    quality, small = arguments["quality"], arguments["small"]
    data = made.pixels.tobytes() if quality is None else jpeg.encode(made.pixels, "bgr", quality)
    copies = [] if small is None else [thumbnail_of_pixels(made.pixels, (width, height), *small)]
    return {"size": [width, height], "used": list(made.used)}, [data, *copies]


def _placeholder(arguments: Mapping[str, Any], _blobs: Sequence[Blob], _progress: Progress) -> Outcome:
    since = arguments["since"]
    width, height = arguments["size"]
    canvas = placeholder.draw(
        (width, height), datetime.fromisoformat(since) if since else None, private=arguments["private"]
    )
    return {}, [jpeg.encode(canvas, "bgr", _PLACEHOLDER_QUALITY)]


def _pixels(raw: Mapping[str, Any] | None, blob: Blob) -> Pixels:
    """Return raw pixels in their layout, or a JPEG decoded as BGR."""
    if raw is None:
        return jpeg.decode(bytes(blob))
    width, height = raw["size"]
    shape = (height, width, 3) if raw["layout"] == "bgr" else (height * 3 // 2, width)
    return np.frombuffer(blob, np.uint8).reshape(shape)


def _bgr(raw: Mapping[str, Any] | None, pixels: Pixels) -> Pixels:
    return jpeg.to_bgr(pixels, raw["layout"]) if raw else pixels


def _npy(content: bytes) -> Pixels:
    header = parse_npy_header(content)
    if header is None:
        raise ValueError("it holds no picture")
    shape, offset = header
    pixels = np.frombuffer(content, np.uint8, offset=offset)
    if pixels.size != shape[0] * shape[1] * shape[2] or not pixels.size:
        raise ValueError("it is not whole")
    return pixels.reshape(shape)


def _png(content: bytes) -> Pixels:
    width, height = (int.from_bytes(content[_PNG_SIZE][at : at + 4], "big") for at in (0, 4))
    if width * height > LARGEST_PX:
        raise ValueError(f"it says that it has {width} x {height} pixels")
    from pi_cam_node.imaging import opencv  # noqa: PLC0415 - brings OpenCV, which nothing else here needs

    return opencv.decode(content)


_TASKS: Mapping[str, Callable[[Mapping[str, Any], Sequence[Blob], Progress], Outcome]] = {
    "encode": _encode,
    "jpeg_of_file": _jpeg_of_file,
    "resize": _resize,
    "stack": _stack,
    "placeholder": _placeholder,
}
