"""Live video of the node: manages its variants."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.errors import CameraDown, NotSaved
from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.base.schedule import Timed
from pi_cam_node.config import Config
from pi_cam_node.core.events import CameraChanged, Event, SettingChanged
from pi_cam_node.core.media_ids import boot_part
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.imaging.aac import aac_codec_string
from pi_cam_node.imaging.headers import jpeg_size
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder_pool import PacketSupply
from pi_cam_node.recording.hls.playlist import Uri, VariantLine, master_playlist
from pi_cam_node.recording.hls.variant import Newest, Variant

MAIN, REMOTE = "main", "remote"
# Greatest size of all segments.
_MAIN_BYTES, _REMOTE_BYTES = 12 << 20, 2 << 20
# Greatest ratio of the bits of video and JPEGs.
_SHARE_OF_JPEG = 0.5
# Peak factor of a limited bit rate.
_PEAK = 1.2
# Settings that change pictures or encoding, and restart the variants.
_RESTARTING = ("ring.downscale.", "recording.quality")


class LiveVideo:
    """Implements `pi_cam_node.core.ports.LiveVideoPort`. Thread: any, but for `on_event`.

    Attributes:
        timed: Ends variants without requests. Thread: the node thread.
    """

    def __init__(
        self,
        boot_id: str,
        clock: Clock,
        gate: PrivacyGate,
        *,
        packets: Mapping[str, PacketSupply],
        newest: Newest,
        current: Callable[[], Config],
        sound: Callable[[], bytes] = lambda: b"",
    ) -> None:
        """Start nothing yet.

        Args:
            boot_id: Boot id of the node.
            clock: Tells the time.
            gate: Privacy gate, which ends all variants.
            packets: Makes the packets of ``main``, and those of ``remote``.
            newest: See `Newest`. Thread: any.
            current: Returns the settings in force. Thread: any.
            sound: Returns the AudioSpecificConfig of the camera's sound; empty for none. Thread: any.
        """
        self._sound = sound
        self._boot = boot_part(boot_id)
        self._gate, self._newest, self._current = gate, newest, current
        self._is_online = False
        self._is_closed = False
        self._variants = {
            name: Variant(
                name,
                packets[name],
                newest,
                clock,
                segment_s=lambda: current().hls.segment_s,
                bytes_max=bytes_max,
                check=self._check,
            )
            for name, bytes_max in ((MAIN, _MAIN_BYTES), (REMOTE, _REMOTE_BYTES))
        }
        self.timed: Sequence[Timed] = tuple(self._variants.values())
        self.missing = "" if has_video() else video_hint()
        gate.watch(self._end)

    def on_event(self, event: Event) -> None:
        """End the variants when the camera is lost or relevant settings change. Thread: the node thread."""
        match event:
            case CameraChanged(online=online):
                self._is_online = online
                if not online:
                    self._end()
            case SettingChanged(key=key) if key.startswith(_RESTARTING):
                self._end()

    def close(self) -> None:
        """End every variant permanently."""
        self._is_closed = True
        self._end()

    def master(self, uri: Uri) -> str:
        """See `pi_cam_node.core.ports.LiveVideoPort`."""
        self._check()
        newest = self._newest()
        size = None if newest is None else jpeg_size(newest[2])
        if newest is None or size is None:
            raise CameraDown("ERROR: there is no picture yet")
        config = self._current()
        jpeg_bits = len(newest[2]) * 8 * config.camera.framerate
        return master_playlist([self._line(name, size, jpeg_bits, config) for name in self._variants], uri)

    def playlist(self, variant: str, uri: Uri) -> str | None:
        """See `pi_cam_node.core.ports.LiveVideoPort`."""
        return self._variants[variant].playlist(f"{variant}-{self._boot}", uri)

    def is_prompt(self, variant: str) -> bool:
        """See `pi_cam_node.core.ports.LiveVideoPort`."""
        return self._variants[variant].is_prompt

    def segment(self, variant: str, boot: str, number: int) -> bytes | None:
        """See `pi_cam_node.core.ports.LiveVideoPort`."""
        found = self._variants[variant].segment(number) if boot == self._boot else None
        return None if found is None else found.data

    def header(self, variant: str, boot: str, track: int) -> bytes | None:
        """See `pi_cam_node.core.ports.LiveVideoPort`."""
        found = self._variants[variant].header(track) if boot == self._boot else None
        return None if found is None else found.data

    def _line(self, name: str, size: tuple[int, int], jpeg_bits: float, config: Config) -> VariantLine:
        """Return what the master playlist says of a variant: as measured, or as expected before it was encoded."""
        variant, wanted = self._variants[name], format_of_variant(name, config)
        header = variant.newest_header()
        shown, codec = (header.size, header.codec) if header else (wanted.size_of(size), wanted.codec_of(size))
        if header is None and (sound := self._sound()):
            codec += f",{aac_codec_string(sound)}"
        bits: float = variant.peak_bits() or jpeg_bits * _SHARE_OF_JPEG
        limited = config.hls.remote.bitrate * _PEAK
        # A still or dark picture takes little: players would take the small variant for the better one.
        bits = limited if name == REMOTE else max(bits, limited + 1)
        return VariantLine(name, math.ceil(bits), shown, codec, config.camera.framerate)

    def _check(self) -> None:
        self._gate.check()
        if self.missing:
            raise NotSaved(f"ERROR: {self.missing}")
        if self._is_closed or not self._is_online:
            raise CameraDown("ERROR: the camera is offline; there is no live video")

    def _end(self) -> None:
        for variant in self._variants.values():
            variant.end()


def format_of_variant(name: str, config: Config) -> VideoFormat:
    """Return the format in which pictures are encoded for a variant."""
    if name == REMOTE:
        remote = config.hls.remote
        limit = (remote.width, remote.height)
        return VideoFormat(limit=limit, bitrate=remote.bitrate, rate_hz=config.camera.framerate)
    return VideoFormat(config.recording.quality)
