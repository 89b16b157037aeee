"""Check of what encodes video here: PyAV, and the board's encoder, whose packets are decoded."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.cli.doctor.finding import Finding, ok, skipped, warning
from pi_cam_node.imaging.encoders import VideoOutput

if TYPE_CHECKING:
    from pi_cam_node.camera.worker.video_packets import OpenEncoder
    from pi_cam_node.imaging.packet import Packet

VIDEO = "video"
_SIZE, _PICTURES, _RATE_HZ = (640, 480), 15, 15.0
# How much a picture's mean luma may differ from what went in, 0 to 255.
_LUMA_OFF = 8
_ADVICE = "films are encoded in software meanwhile, and `recording.pre_roll: pictures` leaves the board's encoder alone"
_NO_RIGHT = f"the user of the node must be in the group `video`; {_ADVICE}"


def check_video(open_encoder: OpenEncoder | None = None, pause: Callable[[float], None] = time.sleep) -> Finding:
    """Say what films and live video are encoded with.

    Args:
        open_encoder: Opens the board's encoder.
        pause: Waits for some seconds.
    """
    if not has_video():
        return skipped(VIDEO, video_hint())
    from pi_cam_node.camera.worker.video_packets import open_board_encoder  # noqa: PLC0415 - brings numpy

    software = f"PyAV {metadata.version('av')}"
    try:
        fault = _fault(_encoded(open_encoder or open_board_encoder, pause))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV):
            return ok(VIDEO, f"{software}; encoded in software, for this machine has no encoder that the node knows")
        advice = _NO_RIGHT if isinstance(error, PermissionError) else _ADVICE
        return warning(VIDEO, f"{software}; the board's encoder cannot be used: {error}", advice)
    if fault:
        return warning(VIDEO, f"{software}; the board's encoder {fault}", _ADVICE)
    return ok(
        VIDEO, f"{software}; the board's encoder makes the video of Pi and network cameras, see recording.pre_roll"
    )


def _luma(number: int) -> int:
    return 40 + number * 10


def _encoded(open_encoder: OpenEncoder, pause: Callable[[float], None]) -> Sequence[Packet]:
    """Return the packets of some grey pictures; raises OSError where the encoder fails."""
    import numpy as np  # noqa: PLC0415 - checked before

    encoder = open_encoder(_SIZE, VideoOutput(60, _RATE_HZ), 0)
    try:
        packets: list[Packet] = []
        for number in range(_PICTURES):
            pixels = np.full((_SIZE[1] * 3 // 2, _SIZE[0]), 128, np.uint8)
            pixels[: _SIZE[1]] = _luma(number)
            packets += encoder.encode(pixels, "i420", 1 + number / _RATE_HZ)
            pause(1 / _RATE_HZ)
        return packets
    finally:
        encoder.close()


def _fault(packets: Sequence[Packet]) -> str:
    """Return what is wrong with the packets, in words; empty where nothing is."""
    import av  # noqa: PLC0415 - it is installed

    if len(packets) < _PICTURES // 2:
        return f"made {len(packets)} packets of {_PICTURES} pictures"
    decoder: Any = av.CodecContext.create("h264", "r")
    try:
        frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.data))]
        frames += decoder.decode(None)
    except av.FFmpegError as error:
        return f"made packets that cannot be decoded: {error}"
    lumas = [float(frame.to_ndarray()[: _SIZE[1]].mean()) for frame in frames]
    if len(lumas) != len(packets):
        return f"made {len(packets)} packets, of which {len(lumas)} can be decoded"
    off = max(abs(luma - _luma(number)) for number, luma in enumerate(lumas))
    return f"changes the brightness by {off:.0f}" if off > _LUMA_OFF else ""
