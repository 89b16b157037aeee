"""What follows from the measurements: rates, seconds, viewers, and settings that leave room for others. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pi_cam_node.config import GIB, MIB, Config
from pi_cam_node.core.rules.memory_budget import automatic_budget, ring_budget_bytes

Size = tuple[int, int]

# A thread that is busy for more of the time than this begins to lose frames.
USABLE = 0.8
# What the node shall take at most of one core, for frames and for viewers: the board has other things to do.
FRAMES_SHARE, VIEWERS_SHARE = 0.5, 0.25
FASTEST_HZ, SLOWEST_HZ = 60.0, 0.5
MOST_VIEWERS = 100


@dataclass(frozen=True, slots=True)
class FrameCost:
    """What a frame costs in one size.

    Attributes:
        size: Width and height in pixels, as the camera granted them.
        camera_ms: Processor time of the camera's process.
        node_ms: That of the node, ``luma_ms`` and ``encode_ms`` included.
        luma_ms: Measuring the brightness.
        encode_ms: The JPEG for the ring.
        jpeg_bytes: Its length.
    """

    size: Size
    camera_ms: float
    node_ms: float
    luma_ms: float
    encode_ms: float
    jpeg_bytes: int

    @property
    def total_ms(self) -> float:
        """Processor time of both processes."""
        return self.camera_ms + self.node_ms


@dataclass(frozen=True, slots=True)
class Board:
    """The machine: its name, its cores, and the memory that is free for us."""

    model: str
    cores: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class ViewerCost:
    """Processor time in µs for one picture to one viewer, and the length of that picture."""

    picture_us: float
    jpeg_bytes: int


@dataclass(frozen=True, slots=True)
class Advice:
    """Settings that fit the board.

    Attributes:
        size: For `camera.width` and `camera.height`.
        framerate: For `camera.framerate`, in hertz.
        ring_frames: For `ring.size`.
        ring_bytes: For `ring.max_bytes`.
        ring_seconds: How far back that reaches.
        viewers: For `http.max_viewers`.
        frames_share: Part of one core that the frames take.
    """

    size: Size
    framerate: float
    ring_frames: int
    ring_bytes: int
    ring_seconds: float
    viewers: int
    frames_share: float


def held_hz(cost: FrameCost, cores: int) -> float:
    """Return the frames a second that the board keeps up with, with nothing else to do."""
    # Camera and node work side by side where there are two cores.
    busy_ms = max(cost.camera_ms, cost.node_ms) if cores > 1 else cost.total_ms
    return min(FASTEST_HZ, USABLE * 1000 / busy_ms)


def affordable_hz(cost: FrameCost, cores: int) -> float:
    """Return the frames a second that take `FRAMES_SHARE` of one core."""
    return min(held_hz(cost, cores), FRAMES_SHARE * 1000 / cost.total_ms)


def ring_bytes(size: Size, available_bytes: int) -> int:
    """Return the memory that the ring can have beside everything else that grows with the frames."""
    unbounded = Config.model_validate({"ring": {"max_bytes": 64 * GIB}})
    return ring_budget_bytes(unbounded, size[0] * size[1] * 3, automatic_budget(available_bytes)) // MIB * MIB


def ring_seconds(cost: FrameCost, framerate: float, available_bytes: int) -> float:
    """Return how far back a ring of this size of frames reaches."""
    return ring_bytes(cost.size, available_bytes) / cost.jpeg_bytes / framerate


def viewers_held(viewer: ViewerCost, jpeg_bytes: int, fps: float) -> int:
    """Return how many viewers take `VIEWERS_SHARE` of one core, with pictures of a length."""
    picture_us = viewer.picture_us * jpeg_bytes / viewer.jpeg_bytes
    return max(1, min(MOST_VIEWERS, int(VIEWERS_SHARE * 1e6 / max(picture_us * fps, 1.0))))


def advise(board: Board, costs: Sequence[FrameCost], viewer: ViewerCost, config: Config) -> Advice:
    """Return settings: those in the configuration where the board can afford them, or the nearest that it can.

    Size gives way before rate, and rate only where even the smallest size is too dear.

    Args:
        board: The machine.
        costs: At least one.
        viewer: What a viewer costs.
        config: What is wanted.
    """
    wanted_hz = config.camera.framerate
    cost = _choose(board, costs, config)
    framerate = wanted_hz
    if (most_hz := affordable_hz(cost, board.cores)) < wanted_hz:
        framerate = max(SLOWEST_HZ, most_hz // SLOWEST_HZ * SLOWEST_HZ)
    room = ring_bytes(cost.size, board.available_bytes)
    frames = max(2, min(100_000, room // cost.jpeg_bytes))
    return Advice(
        cost.size,
        framerate,
        frames,
        room,
        frames / framerate,
        viewers_held(viewer, cost.jpeg_bytes, min(config.mjpeg_server.fps, framerate)),
        cost.total_ms * framerate / 1000,
    )


def _choose(board: Board, costs: Sequence[FrameCost], config: Config) -> FrameCost:
    """Return the wanted size where it can be afforded, or the largest below it that can, or the smallest."""
    wanted_px = config.camera.width * config.camera.height
    ordered = sorted(costs, key=lambda cost: cost.size[0] * cost.size[1])
    fitting = [
        cost
        for cost in ordered
        if cost.size[0] * cost.size[1] <= wanted_px and affordable_hz(cost, board.cores) >= config.camera.framerate
    ]
    return fitting[-1] if fitting else ordered[0]
