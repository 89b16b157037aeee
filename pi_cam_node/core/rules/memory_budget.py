"""Memory budget for everything that grows with picture size: frames in transit, video packets, queues, and the ring.

The ring gets the rest. Everything else has a fixed number of frames, so its size follows from the frame size.
"""

from __future__ import annotations

from pi_cam_node.base.errors import OutOfRange
from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.rules.ring import Limits

# Frames that can exist at once beside the ring: shared memory and inbox 8 (three times as many fit as JPEGs, which most
# frames are, or as planes for encoders), newest 1, in processing 1, and 3 for a stack or a PNG.
FRAMES_IN_FLIGHT = 13
# Messages, replies and pictures waiting for the broker.
QUEUES_BYTES = 4 * MIB
# Video packets of the last seconds from a network camera or the board's encoder: bytes, or a share of the budget if
# that is less.
PACKETS_BYTES, PACKETS_SHARE = 16 * MIB, 8
# Encoders that run at once (recorder, two of the live view, one still read by a clip), and the bytes of each one's
# packets, or the share of the budget.
ENCODERS, ENCODED_BYTES, ENCODED_SHARE = 4, 8 * MIB, 32
# Least useful size of the ring.
LEAST_RING_BYTES = 1 * MIB
# Least share of the budget for pictures that wait for the disk.
LEAST_WORK_SHARE = 8
# Upper limit of the automatic budget, which is half of the free memory.
AUTOMATIC_BYTES = 256 * MIB


def ring_budget_bytes(config: Config, frame_bytes: int, budget_bytes: int) -> int:
    """Return the bytes that the ring may take, at least `LEAST_RING_BYTES`.

    Args:
        config: The settings.
        frame_bytes: Bytes of one frame's pixels.
        budget_bytes: Bytes for everything.
    """
    return max(LEAST_RING_BYTES, min(_room_bytes(config, frame_bytes, budget_bytes), config.ring.max_bytes))


def packets_budget_bytes(budget_bytes: int) -> int:
    """Return the bytes for video packets of the last seconds, at least `LEAST_RING_BYTES`."""
    return max(LEAST_RING_BYTES, min(PACKETS_BYTES, budget_bytes // PACKETS_SHARE))


def encoded_budget_bytes(budget_bytes: int) -> int:
    """Return the bytes for the packets of one encoder, at least `LEAST_RING_BYTES`."""
    return max(LEAST_RING_BYTES, min(ENCODED_BYTES, budget_bytes // ENCODED_SHARE))


def video_budget_bytes(config: Config, budget_bytes: int) -> int:
    """Return the bytes for video packets: from the camera, and of all encoders.

    Independent of settings, as a film, clip or live view may begin at any time.
    """
    packets_bytes = packets_budget_bytes(budget_bytes) if keeps_packets(config) else 0
    return packets_bytes + ENCODERS * encoded_budget_bytes(budget_bytes)


def keeps_packets(config: Config) -> bool:
    """Return whether video packets may come with the pictures; see `recording.pre_roll`."""
    kind, recording = config.camera.source.partition(":")[0], config.recording
    is_wanted = recording.pre_roll == "packets" or recording.mode != "off"
    return kind in ("rtsp", "rtsps") or (
        kind in ("auto", "picamera2") and is_wanted and recording.pre_roll != "pictures"
    )


def job_budget_bytes(config: Config, frame_bytes: int, budget_bytes: int) -> int:
    """Return the bytes for pictures that wait to be saved: the rest of the budget, but at least a share.

    Most of them are also in the ring as long as the disk is fast enough.

    Args:
        config: The settings.
        frame_bytes: Bytes of one frame's pixels.
        budget_bytes: Bytes for everything.
    """
    ring_bytes = ring_budget_bytes(config, frame_bytes, budget_bytes)
    left = _room_bytes(config, frame_bytes, budget_bytes) - ring_bytes
    return max(left, budget_bytes // LEAST_WORK_SHARE)


def _room_bytes(config: Config, frame_bytes: int, budget_bytes: int) -> int:
    """Return the bytes that are left for the ring and for pictures that wait to be saved."""
    return budget_bytes - FRAMES_IN_FLIGHT * frame_bytes - QUEUES_BYTES - video_budget_bytes(config, budget_bytes)


def least_bytes(frame_bytes: int) -> int:
    """Return the least budget for frames of this size."""
    return FRAMES_IN_FLIGHT * frame_bytes + QUEUES_BYTES + LEAST_RING_BYTES


def limits_of(config: Config, frame_bytes: int, budget_bytes: int) -> Limits:
    """Return the limits of the ring from settings and budget."""
    return Limits(config.ring.size, config.ring.max_seconds, ring_budget_bytes(config, frame_bytes, budget_bytes))


def frame_bytes_of(config: Config) -> int:
    """Return the bytes of one frame of the configured size, at three bytes a pixel."""
    return config.camera.width * config.camera.height * 3


def automatic_budget(available_bytes: int) -> int:
    """Return the automatic budget (``node.memory_bytes`` 0): half of the free memory, within limits."""
    return min(AUTOMATIC_BYTES, available_bytes // 2)


class MemoryLimits:
    """Memory limits for the camera's frame size. No I/O; used by the node thread.

    Args:
        budget_bytes: Bytes for everything that grows with pictures.
    """

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._opened_bytes = 0

    def opened(self, width_px: int, height_px: int) -> None:
        """Set the actual frame size, which network cameras and films determine themselves."""
        self._opened_bytes = width_px * height_px * 3

    def limits(self, config: Config) -> Limits:
        """Return the bounds of the ring under these settings."""
        return limits_of(config, self._frame_bytes(config), self._budget_bytes)

    def for_work(self, config: Config) -> int:
        """Return the bytes for pictures that wait to be saved."""
        return job_budget_bytes(config, self._frame_bytes(config), self._budget_bytes)

    def check(self, old: Config, new: Config, key: str) -> None:
        """Check that a changed setting fits into memory.

        Raises:
            OutOfRange: Frames or ring of that size do not fit.
        """
        needed = least_bytes(frame_bytes_of(new))
        if needed > max(self._budget_bytes, least_bytes(frame_bytes_of(old))):
            raise OutOfRange(f"ERROR: {key}: frames of that size need a memory budget of {needed} B")
        room = ring_budget_bytes(new, self._frame_bytes(new), self._budget_bytes)
        if key == "ring.max_bytes" and room < new.ring.max_bytes:
            raise OutOfRange(f"ERROR: {key}: the memory budget leaves {room} B for the ring", data={"maximum": room})

    def shortage(self, config: Config) -> str:
        """Return a message if the ring is smaller than configured; empty otherwise."""
        room = ring_budget_bytes(config, self._frame_bytes(config), self._budget_bytes)
        if room >= config.ring.max_bytes:
            return ""
        return (
            f"the memory budget of {self._budget_bytes >> 20} MiB leaves {room >> 20} MiB for the ring, "
            f"not the {config.ring.max_bytes >> 20} MiB of ring.max_bytes"
        )

    def _frame_bytes(self, config: Config) -> int:
        return max(frame_bytes_of(config), self._opened_bytes)
