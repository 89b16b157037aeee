"""Pictures to save, and a folder to save them into."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pi_cam_node.config import Config, Format
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.index import Usage
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES, raw_of

BOOT = "3f2a91c0-6d1e-4b7f-9a55-0c1d2e3f4a5b"
ID = "20261120T194501123Z-3f2a91c0-000042-single"
ALL: list[Format] = ["jpg", "png", "npy"]


def scene(width: int = 64, height: int = 48) -> Pixels:
    """Return a smooth picture that is neither symmetric nor grey."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height))
    return np.stack(planes, axis=-1).astype(np.uint8)


def noise(width: int, height: int) -> Pixels:
    """Return a picture of noise, with a large JPEG."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def picture(**changes: Any) -> Picture:
    """Return a picture of frame 42 at 19:45:01.123 UTC with the id `ID`; ``changes`` replace fields."""
    at = datetime(2026, 11, 20, 19, 45, 1, 123_456, tzinfo=UTC)
    fields: dict[str, Any] = {
        "kind": "single",
        "content": raw_of(scene()),
        "frames": (42,),
        "first_at": at,
        "last_at": at,
        "first_mono_s": 1000.5,
        "last_mono_s": 1000.5,
        "mode": "day",
        "sensor": Sensor(exposure_us=20_000, gain=2.5),
    }
    wanted = {**fields, **changes}
    if isinstance(wanted["content"], np.ndarray):
        wanted["content"] = raw_of(wanted["content"])
    return Picture(**wanted)


def config(**storage: Any) -> Config:
    """Return settings without a reserve, and with these limits."""
    return Config.model_validate({"storage": {"min_free_bytes": 0, **storage}})


def archive_in(directory: Path, clock: FakeClock, boot: str = BOOT, *, clock_set: bool = True) -> PictureArchive:
    """Return the archive of one start of the node, in a sub-folder."""
    return PictureArchive(directory / "captures", boot, clock, IMAGES, clock_set=lambda: clock_set)


def save(archive: PictureArchive, frame: int = 42, formats: list[Format] | None = None, **limits: Any) -> str:
    """Save a small picture and return its id."""
    return archive.save(picture(frames=(frame,)), formats or ["jpg"], config(**limits)).id


def usage_of(archive: PictureArchive) -> Usage:
    """Return the usage of an opened archive."""
    usage = archive.usage()
    assert usage is not None
    return usage


def ids_on_disk(directory: Path) -> set[str]:
    """Return the ids of the pictures in the folder of `archive_in`."""
    return {path.stem for path in (directory / "captures").glob("*.json")}


def names(directory: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(entry.name for entry in directory.iterdir())
