"""Selects the video packets sent with pictures: the camera's own, or those of the board's encoder.

A camera's own packets are unprocessed, so they are used only if pictures are neither rotated, masked nor labelled; its
sound is always used. The board's encoder gets finished pictures, and is idle if no video is needed or the camera has
its own packets.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pi_cam_node.imaging.packet import Packet

if TYPE_CHECKING:
    from pi_cam_node.camera.source import Shot
    from pi_cam_node.imaging.encoders import VideoEncoder, VideoOutput
    from pi_cam_node.imaging.frame import Layout
    from pi_cam_node.imaging.jpeg import Pixels

_log = logging.getLogger(__name__)

OpenEncoder = Callable[[tuple[int, int], "VideoOutput", int], "VideoEncoder"]
# Time after the first picture within which a camera with packets sends the first one, in seconds.
_OWN_S = 3.0
# Pause before a failed encoder (in use, no memory, hung) is retried, in seconds: doubled at each failure up to the
# maximum, and reset after it has worked for that long.
_RETRY_S, _RETRY_MAX_S = 30.0, 960.0
# First track number of the encoder, to differ from the camera's.
_FIRST_TRACK = 1_000


def open_board_encoder(size: tuple[int, int], wanted: VideoOutput, track: int) -> VideoEncoder:
    """Open the encoder of this board.

    Raises:
        OSError: There is none, or it is not usable.
    """
    from pi_cam_node.camera.encoder.board_encoder import BoardEncoder  # noqa: PLC0415 - most boards have none

    return BoardEncoder(size, wanted, track)


class VideoPackets:
    """Selects and encodes the packets of one session. Thread: one."""

    def __init__(self, size: tuple[int, int], layout: Layout, open_encoder: OpenEncoder = open_board_encoder) -> None:
        """Create the object without opening an encoder.

        Args:
            size: Width and height of the finished pictures.
            layout: Layout of their pixels.
            open_encoder: Opens an encoder for a size, an output and a track number; raises OSError.
        """
        self._size, self._layout, self._open_encoder = size, layout, open_encoder
        self._wanted: VideoOutput | None = None
        self._encoder: VideoEncoder | None = None
        self._track = _FIRST_TRACK
        self._first_s: float | None = None
        self._has_own = False
        self._opened_s = 0.0
        self._retry_wait_s, self._retry_at_s = _RETRY_S, float("-inf")

    def configure(self, wanted: VideoOutput | None) -> None:
        """Set the output of the board's encoder (``None``: off), from the next picture on."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._retry_wait_s, self._retry_at_s = _RETRY_S, float("-inf")
            self.close()

    def of(self, shot: Shot, pixels: Pixels, *, is_plain: bool) -> tuple[Packet, ...]:
        """Return the packets to send with a picture.

        Args:
            shot: Result of reading the source.
            pixels: The finished picture.
            is_plain: Whether it is unprocessed: not rotated, masked or labelled.
        """
        self._first_s = shot.captured_mono_s if self._first_s is None else self._first_s
        pictures = any(not packet.facts.sound for packet in shot.packets)
        self._has_own = is_plain and (self._has_own or pictures)
        if self._has_own or (is_plain and shot.captured_mono_s - self._first_s < _OWN_S):
            self.close()
            return shot.packets
        sound = tuple(packet for packet in shot.packets if packet.facts.sound)
        return (*self._made(pixels, shot.captured_mono_s), *sound)

    def close(self) -> None:
        """Release the encoder, if open."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()

    def _made(self, pixels: Pixels, mono_s: float) -> Sequence[Packet]:
        if self._wanted is None or mono_s < self._retry_at_s or self._layout != "i420":
            return ()
        try:
            if self._encoder is None:
                self._track += 1
                self._encoder, self._opened_s = self._open_encoder(self._size, self._wanted, self._track), mono_s
                _log.info("the board's encoder makes the video")
            return self._encoder.encode(pixels, self._layout, mono_s)
        except OSError as error:
            if self._encoder is not None and mono_s - self._opened_s >= _RETRY_MAX_S:
                self._retry_wait_s = _RETRY_S
            self.close()
            self._put_off(error, mono_s)
            return ()

    def _put_off(self, error: OSError, mono_s: float) -> None:
        """Fall back to software encoding: permanently if the board has no encoder, else for a while."""
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.EINVAL):
            self._retry_at_s = float("inf")
        else:
            self._retry_at_s = mono_s + self._retry_wait_s
            self._retry_wait_s = min(_RETRY_MAX_S, 2 * self._retry_wait_s)
        if error.errno not in (errno.ENOENT, errno.ENODEV):  # most boards have none
            _log.warning("the board's encoder cannot be used, video is encoded in software: %s", error)
