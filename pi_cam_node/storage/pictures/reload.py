"""Saved pictures read back from the disk: facts, image and thumbnail, as they were told when they were saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from pi_cam_node.config import Config
from pi_cam_node.core.events import PictureSaved
from pi_cam_node.core.media_ids import SIDECAR, parse_id
from pi_cam_node.core.picture import Kind, Picture
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.tasks import ImageTasks
from pi_cam_node.storage.directory import is_plain_file
from pi_cam_node.storage.pictures.previews import previews
from pi_cam_node.storage.pictures.sidecar import read_sidecar


def reload(
    directory: Path, picture_id: str, config: Config, images: ImageTasks, packet_limit_bytes: int | None
) -> PictureSaved | None:
    """Return a saved picture; without image and thumbnail where it was not saved as a JPEG.

    Thread: the worker.

    Args:
        directory: Where the pictures are.
        picture_id: Which.
        config: The settings that bound image and thumbnail.
        images: Makes those.
        packet_limit_bytes: See `previews`.

    Returns:
        ``None`` where one of its files is gone, or its side-car does not tell what is needed.
    """
    name = parse_id(picture_id)
    if name is None or name.kind not in get_args(Kind):
        return None
    facts = read_sidecar(directory / f"{picture_id}.{SIDECAR}")
    try:
        paths = {file["format"]: directory / Path(file["name"]).name for file in facts["files"]}
        if not all(map(is_plain_file, paths.values())):  # before any is read: a pipe would hold the worker for good
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


def _picture(facts: Mapping[str, Any], jpg: Path | None) -> Picture:
    """Return the picture of a side-car.

    Raises:
        KeyError, TypeError, ValueError: The side-car is not one that the node wrote.
        OSError: The JPEG cannot be read.
    """
    return Picture(
        kind=facts["kind"],
        content=b"" if jpg is None else jpg.read_bytes(),
        frames=tuple(int(frame) for frame in facts["frames"]),
        first_at=datetime.fromisoformat(facts["first_at"]),
        last_at=datetime.fromisoformat(facts["last_at"]),
        first_mono_s=float(facts["first_mono_s"]),
        last_mono_s=float(facts["last_mono_s"]),
        mode=facts["mode"],
        sensor=Sensor(),
    )
