"""The folder of films on a disk with room, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pi_cam_node.base.clock import Clock
from pi_cam_node.config import StorageConfig
from pi_cam_node.recording.film_folder import FilmFolder


def film_folder(
    directory: Path,
    clock: Clock,
    *,
    min_free_bytes: int = 0,
    removed: Callable[[str], None] = lambda _film_id: None,
) -> FilmFolder:
    """Return the folder of the films of the run 3f2a91c0."""
    storage = StorageConfig(min_free_bytes=min_free_bytes)
    return FilmFolder(directory, "3f2a91c0", clock, storage=lambda: storage, removed=removed)
