"""Reads saved pictures back from disk: metadata, image and thumbnail as published when saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_cam_node.config import Config
from pi_cam_node.core.events import PictureSaved
from pi_cam_node.core.history import PICTURE_KINDS
from pi_cam_node.core.media_ids import SIDECAR, parse_id
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.storage.directory import is_plain_file
from pi_cam_node.storage.pictures.previews import previews
from pi_cam_node.storage.pictures.sidecar import read_sidecar


def reload(
    directory: Path, picture_id: str, config: Config, images: ImageTasks, packet_limit_bytes: int | None
) -> PictureSaved | None:
    """Read a saved picture; without image and thumbnail if it was not saved as a JPEG.

    Thread: the worker.

    Args:
        directory: Folder of the pictures.
        picture_id: Id of the picture.
        config: Settings with the limits of image and thumbnail.
        images: Image processing.
        packet_limit_bytes: See `previews`.

    Returns:
        ``None`` if a file is missing or the side-car is incomplete.
    """
    name = parse_id(picture_id)
    if name is None or name.kind not in PICTURE_KINDS:
        return None
    facts = read_sidecar(directory / f"{picture_id}.{SIDECAR}")
    try:
        paths = {file["format"]: str(directory / Path(file["name"]).name) for file in facts["files"]}
        # Checked before reading: a pipe would block the worker for ever.
        if not all(map(is_plain_file, paths.values())):
            return None
        picture = _picture(facts, paths.get("jpg"))
        first = facts["files"][0]
        size_bytes, sha256 = int(first["bytes"]), str(first["sha256"])
    except (KeyError, IndexError, TypeError, ValueError, OSError):
        return None
    shown: tuple[bytes | None, bytes | None] = None, None
    if isinstance(picture.content, bytes) and picture.content:
        shown = previews(picture, picture.content, config, images, packet_limit_bytes)
    return picture.saved_as(picture_id, tuple(paths.values()), (size_bytes, sha256), shown)


def _picture(facts: Mapping[str, Any], jpg: str | None) -> Picture:
    """Return the picture of a side-car.

    Raises:
        KeyError, TypeError, ValueError: The side-car was not written by the node.
        OSError: The JPEG cannot be read.
    """
    return Picture(
        kind=facts["kind"],
        content=b"" if jpg is None else Path(jpg).read_bytes(),
        frames=tuple(int(frame) for frame in facts["frames"]),
        first_at=datetime.fromisoformat(facts["first_at"]),
        last_at=datetime.fromisoformat(facts["last_at"]),
        first_mono_s=float(facts["first_mono_s"]),
        last_mono_s=float(facts["last_mono_s"]),
        mode=facts["mode"],
        sensor=Sensor(),
    )
