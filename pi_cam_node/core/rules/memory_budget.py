"""One budget for everything that grows with pictures: frames on their way, encoders, queues, and the ring.

The ring is what gives way. Everything else is bounded by its own count of frames, so what it takes
follows from the size of one frame.
"""

from __future__ import annotations

from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.rules.ring import Limits

# Frames that can exist at once beside the ring: shared memory 4, inbox 4, newest 1, being worked on 1, and
# the three that a stack or a PNG needs.
FRAMES_IN_FLIGHT = 13
# Messages, replies and pictures waiting for the broker.
QUEUES_BYTES = 4 * MIB
# A ring below this is of no use to anybody.
LEAST_RING_BYTES = 1 * MIB
# Pictures that wait for the disk may take this share of the budget, though nothing else leaves them that much.
LEAST_WORK_SHARE = 8
# What half of the free memory may be at most where the setting leaves it to us.
AUTOMATIC_BYTES = 256 * MIB


def ring_budget_bytes(config: Config, frame_bytes: int, budget_bytes: int) -> int:
    """Return the bytes that the ring may take, at least `LEAST_RING_BYTES`.

    Args:
        config: The settings.
        frame_bytes: Bytes of one frame's pixels.
        budget_bytes: Bytes for everything.
    """
    room = budget_bytes - FRAMES_IN_FLIGHT * frame_bytes - QUEUES_BYTES
    return max(LEAST_RING_BYTES, min(room, config.ring.max_bytes))


def job_budget_bytes(config: Config, frame_bytes: int, budget_bytes: int) -> int:
    """Return the bytes that pictures which wait to be saved may hold: what the rest leaves, and a share at least.

    Most of what they hold is in the ring too as long as the disk keeps up.

    Args:
        config: The settings.
        frame_bytes: Bytes of one frame's pixels.
        budget_bytes: Bytes for everything.
    """
    ring_bytes = ring_budget_bytes(config, frame_bytes, budget_bytes)
    left = budget_bytes - FRAMES_IN_FLIGHT * frame_bytes - QUEUES_BYTES - ring_bytes
    return max(left, budget_bytes // LEAST_WORK_SHARE)


def least_bytes(frame_bytes: int) -> int:
    """Return the least budget in which frames of this size and a ring can live."""
    return FRAMES_IN_FLIGHT * frame_bytes + QUEUES_BYTES + LEAST_RING_BYTES


def limits_of(config: Config, frame_bytes: int, budget_bytes: int) -> Limits:
    """Return the bounds of the ring that the settings and the budget give."""
    return Limits(config.ring.size, config.ring.max_seconds, ring_budget_bytes(config, frame_bytes, budget_bytes))


def frame_bytes_of(config: Config) -> int:
    """Return the bytes of one frame as asked for; three bytes a pixel, which is the dearest layout."""
    return config.camera.width * config.camera.height * 3


def automatic_budget(available_bytes: int) -> int:
    """Return the budget where ``node.memory_bytes`` is 0: half of what is free, within bounds."""
    return min(AUTOMATIC_BYTES, available_bytes // 2)
