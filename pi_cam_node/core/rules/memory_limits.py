"""What the memory budget leaves for the ring, once it is known how large the camera's frames are."""

from __future__ import annotations

from pi_cam_node.base.errors import OutOfRange
from pi_cam_node.config import Config
from pi_cam_node.core.rules.memory_budget import (
    frame_bytes_of,
    job_budget_bytes,
    least_bytes,
    limits_of,
    ring_budget_bytes,
)
from pi_cam_node.core.rules.ring import Limits


class MemoryLimits:
    """The budget and the frames that share it. Pure; used by the node thread.

    Args:
        budget_bytes: Bytes for everything that grows with pictures.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._opened_bytes = 0

    def opened(self, width_px: int, height_px: int) -> None:
        """Take note of the size that the camera has; a network camera or a film has one of its own."""
        self._opened_bytes = width_px * height_px * 3

    def limits(self, config: Config) -> Limits:
        """Return the bounds of the ring under these settings."""
        return limits_of(config, self._frame_bytes(config), self._budget_bytes)

    def for_work(self, config: Config) -> int:
        """Return what pictures that wait to be saved may take."""
        return job_budget_bytes(config, self._frame_bytes(config), self._budget_bytes)

    def check(self, old: Config, new: Config, key: str) -> None:
        """Let a changed setting pass where the memory allows it.

        Raises:
            OutOfRange: Frames of that size, or a ring of that size, do not fit.
        """
        needed = least_bytes(frame_bytes_of(new))
        if needed > max(self._budget_bytes, least_bytes(frame_bytes_of(old))):
            raise OutOfRange(f"ERROR: {key}: frames of that size need a memory budget of {needed} B")
        room = ring_budget_bytes(new, self._frame_bytes(new), self._budget_bytes)
        if key == "ring.max_bytes" and room < new.ring.max_bytes:
            raise OutOfRange(f"ERROR: {key}: the memory budget leaves {room} B for the ring", data={"maximum": room})

    def shortage(self, config: Config) -> str:
        """Return by how much the ring is smaller than the settings ask for, in words; empty where it is not."""
        room = ring_budget_bytes(config, self._frame_bytes(config), self._budget_bytes)
        if room >= config.ring.max_bytes:
            return ""
        return (
            f"the memory budget of {self._budget_bytes >> 20} MiB leaves {room >> 20} MiB for the ring, "
            f"not the {config.ring.max_bytes >> 20} MiB of ring.max_bytes"
        )

    def _frame_bytes(self, config: Config) -> int:
        return max(frame_bytes_of(config), self._opened_bytes)
