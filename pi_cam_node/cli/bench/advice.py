"""Settings that fit a board, derived from measured costs: rate, size, ring, viewers. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.units import GIB, MIB
from pi_cam_node.config import Config
from pi_cam_node.core.rules.memory_budget import automatic_budget, ring_budget_bytes

Size = tuple[int, int]

# A thread that is busy for a larger share of the time begins to lose frames.
USABLE = 0.8
# Shares of one core that frames and viewers may take at most: the board has other things to do.
FRAMES_SHARE, VIEWERS_SHARE = 0.5, 0.25
MAX_HZ, MIN_HZ = 60.0, 0.5
VIEWERS_MAX = 100


@frozen
class FrameCost:
    """Processor time and JPEG length of a frame in one size.

    Attributes:
        size: Width and height in pixels, as the camera granted them.
        camera_ms: Processor time of the camera's process.
        node_ms: Processor time of the node's process, ``luma_ms`` and ``encode_ms`` included.
        luma_ms: Time to measure the brightness.
        encode_ms: Time to encode the JPEG for the ring.
        jpeg_bytes: Length of that JPEG.
    """

    size: Size
    camera_ms: float
    node_ms: float
    luma_ms: float
    encode_ms: float
    jpeg_bytes: int

    @property
    def total_ms(self) -> float:
        """Processor time of both processes, in ms."""
        return self.camera_ms + self.node_ms


@frozen
class Board:
    """The machine: model name, number of cores, and free memory."""

    model: str
    cores: int
    available_bytes: int


@frozen
class ViewerCost:
    """Processor time in µs for one picture to one viewer, and the length of that picture."""

    picture_us: float
    jpeg_bytes: int


@frozen
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
    """Return the highest frame rate that the board keeps up with when it does nothing else."""
    # Camera and node work side by side where there are two cores.
    busy_ms = max(cost.camera_ms, cost.node_ms) if cores > 1 else cost.total_ms
    return min(MAX_HZ, USABLE * 1000 / busy_ms)


def affordable_hz(cost: FrameCost, cores: int) -> float:
    """Return the frame rate that takes `FRAMES_SHARE` of one core."""
    return min(held_hz(cost, cores), FRAMES_SHARE * 1000 / cost.total_ms)


def ring_bytes(size: Size, available_bytes: int) -> int:
    """Return the memory left for the ring beside the other buffers that grow with the size of frames."""
    unbounded = Config.model_validate({"ring": {"max_bytes": 64 * GIB}})
    return ring_budget_bytes(unbounded, size[0] * size[1] * 3, automatic_budget(available_bytes)) // MIB * MIB


def ring_seconds(cost: FrameCost, framerate: float, available_bytes: int) -> float:
    """Return how far back the ring reaches with frames of this cost at a frame rate, in seconds."""
    return ring_bytes(cost.size, available_bytes) / cost.jpeg_bytes / framerate


def viewers_held(viewer: ViewerCost, jpeg_bytes: int, fps: float) -> int:
    """Return the number of viewers that take `VIEWERS_SHARE` of one core, for pictures of a given length."""
    picture_us = viewer.picture_us * jpeg_bytes / viewer.jpeg_bytes
    return max(1, min(VIEWERS_MAX, int(VIEWERS_SHARE * 1e6 / max(picture_us * fps, 1.0))))


def advise(board: Board, costs: Sequence[FrameCost], viewer: ViewerCost, config: Config) -> Advice:
    """Return the configured settings where the board can afford them, else the nearest that it can.

    The size is reduced before the rate, and the rate only where even the smallest size costs too much.

    Args:
        board: The machine.
        costs: The measured sizes; at least one.
        viewer: The cost of a viewer.
        config: The wanted settings.
    """
    wanted_hz = config.camera.framerate
    cost = _choose(board, costs, config)
    framerate = wanted_hz
    if (most_hz := affordable_hz(cost, board.cores)) < wanted_hz:
        framerate = max(MIN_HZ, most_hz // MIN_HZ * MIN_HZ)
    room_bytes = ring_bytes(cost.size, board.available_bytes)
    frames = max(2, min(100_000, room_bytes // cost.jpeg_bytes))
    return Advice(
        cost.size,
        framerate,
        frames,
        room_bytes,
        frames / framerate,
        viewers_held(viewer, cost.jpeg_bytes, min(config.mjpeg_server.fps, framerate)),
        cost.total_ms * framerate / 1000,
    )


def _choose(board: Board, costs: Sequence[FrameCost], config: Config) -> FrameCost:
    """Return the wanted size if affordable, else the largest affordable one below it, else the smallest."""
    wanted_px = config.camera.width * config.camera.height
    ordered = sorted(costs, key=lambda cost: cost.size[0] * cost.size[1])
    fitting = [
        cost
        for cost in ordered
        if cost.size[0] * cost.size[1] <= wanted_px and affordable_hz(cost, board.cores) >= config.camera.framerate
    ]
    return fitting[-1] if fitting else ordered[0]
