"""Composition of the recording: the encoders, the recorder, clips, and room on the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.base.threads import MonitoredThread, Progress
from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.events import Event, FrameTaken
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.inputs import Input
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.imaging.shared_planes import PlanesStore
from pi_cam_node.recording.camera_packets import (
    CAPACITY_BYTES,
    LIVE_KEY_DISTANCE_S,
    CameraFirst,
    CameraPackets,
    PreRoll,
)
from pi_cam_node.recording.clip import ClipMaker
from pi_cam_node.recording.encoder.process import EncoderProcess
from pi_cam_node.recording.encoder_pool import EncoderPool, LiveSupply
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.hls.live_video import MAIN, REMOTE, format_of_variant
from pi_cam_node.recording.live_encoder import LiveEncoder, PictureReader
from pi_cam_node.recording.packet_stream import CAPACITY_BYTES as ENCODED_BYTES
from pi_cam_node.recording.recorder import Recorder, RecorderSettings
from pi_cam_node.recording.timelapse import Timelapse, TimelapseSettings


class Films:
    """Implements `pi_cam_node.core.ports.RecorderPort` with PyAV in a process of its own."""

    def __init__(
        self,
        folder: FilmFolder,
        clock: Clock,
        *,
        pictures: Callable[[float], PictureReader],
        current: Callable[[], Config],
        post: Callable[[Input], bool],
        event: Callable[[str], Mapping[str, object] | None],
        is_private: Callable[[], bool],
        packets_bytes: int = CAPACITY_BYTES,
        encoded_bytes: int = ENCODED_BYTES,
        planes: PlanesStore | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            folder: The folder of the films.
            clock: Tells the time.
            pictures: Returns a reader of the ring that begins with the last picture at or before a monotonic moment.
            current: Returns the settings in force. Thread: any.
            post: Takes what becomes of an order.
            event: Returns what is known of an event by its id. Thread: any.
            is_private: Returns whether privacy is on. Thread: any.
            packets_bytes: Room for the packets of the camera.
            encoded_bytes: Room for the packets of each encoder.
            planes: Has the planes of the newest pictures.
        """
        self._current, self._pictures, self._clock = current, pictures, clock
        self._packets_bytes, self._encoded_bytes, self._planes = packets_bytes, encoded_bytes, planes
        self.camera_packets = CameraPackets(self._kept_s, is_private, clock, self._has_sound, packets_bytes)
        # The recorder and the live view: one each, where they cannot share; and one that a clip still reads.
        self.packets = EncoderPool([self._encoder(MAIN, name) for name in ("encoder", "encoder-2", "encoder-3")])
        self.remote_packets = EncoderPool([self._encoder(REMOTE, "encoder-remote")])
        self._film_packets = CameraFirst(self.camera_packets, self.packets, self._pre_roll)
        live = LiveSupply(self.packets)
        self.live_packets = CameraFirst(self.camera_packets, live, self._pre_roll, LIVE_KEY_DISTANCE_S)
        self._recorder = Recorder(
            folder, packets=self._film_packets, post=post, settings=self._settings, event=event, clock=clock
        )
        self._clips = ClipMaker(
            folder, pictures=pictures, clock=clock, packets=self._film_packets, sound=self.camera_packets.sound
        )
        self._timelapse = self._new_timelapse(folder, post)
        self.missing = "" if has_video() else video_hint()

    @property
    def loops(self) -> tuple[MonitoredThread, ...]:
        """The threads, for the watchdog."""
        return (*(one.loop for one in self._encoders), self._recorder.loop, self._timelapse.loop)

    def start(self) -> None:
        """Start the threads; films that a crash cut off are repaired first."""
        for encoder in self._encoders:
            encoder.start()
        self._recorder.start()
        self._timelapse.start()

    @property
    def encoder(self) -> EncoderKind:
        """See `RecorderPort`."""
        return "none" if self.missing else self._film_packets.encoder

    def begin(self, order: RecordingOrder) -> None:
        """See `RecorderPort`."""
        self._recorder.begin(order)

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        """See `RecorderPort`."""
        self._recorder.end_at(mono_s, reason)

    def stop_now(self, reason: EndReason) -> None:
        """See `RecorderPort`."""
        self._recorder.stop_now(reason)
        if reason == "privacy":
            # Not only when the films are closed, which may wait for a slow card: they hold pictures.
            for encoder in self._encoders:
                encoder.release()
            self.camera_packets.forget()
            self._timelapse.forget()
        elif reason == "stopped":
            self._timelapse.stop_now(reason)

    def sound(self) -> bytes:
        """Return the AudioSpecificConfig of the camera's sound; empty where there is none to be used. Thread: any."""
        newest = self.camera_packets.sound.newest_for(self._clock.monotonic())
        return b"" if newest is None else newest.facts.sound

    def make_clip(self, order: ClipOrder, progress: Progress) -> Film:
        """See `RecorderPort`."""
        return self._clips.make(order, progress)

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is written and no packet is held; return whether that came in time. Thread: any."""
        is_idle = self._recorder.wait_idle(timeout_s)
        return self._timelapse.wait_idle(timeout_s) and is_idle

    def wait_released(self, timeout_s: float) -> bool:
        """Wait, after privacy has ended everything, until no encoder holds a picture; return whether that is so."""
        deadline_s = self._clock.monotonic() + timeout_s
        waited = [one.wait_released(max(0.0, deadline_s - self._clock.monotonic())) for one in self._encoders]
        return all(waited)

    def on_event(self, event: Event) -> None:
        """Have a new picture encoded, where it is wanted. Thread: the node thread."""
        if isinstance(event, FrameTaken):
            for encoder in self._encoders:
                encoder.wake()

    def close(self, deadline_s: float) -> bool:
        """Finish what is being written and end the threads; return whether that went in time."""
        self.stop_now("stopped")  # both at once: where the card hangs, it hangs for both
        end_s = self._clock.monotonic() + deadline_s
        closings = (self._recorder.close, self._timelapse.close, *(encoder.close for encoder in self._encoders))
        closed = [close(max(0.0, end_s - self._clock.monotonic())) for close in closings]
        return all(closed)

    @property
    def encoder_pids(self) -> Sequence[int | None]:
        """Process ids of the encoders; ``None`` for one that does not run. Thread: any."""
        return [encoder.pid for encoder in self._encoders]

    @property
    def packet_figures(self) -> Mapping[str, float]:
        """Memory of the packets of the last seconds, and the camera's share of the budget; MiB. Thread: any."""
        camera = self.camera_packets
        used = camera.size_bytes + sum(encoder.stream.size_bytes for encoder in self._encoders)
        return {"packets_mib": round(used / MIB, 2), "packets_limit_mib": round(self._packets_bytes / MIB, 2)}

    @property
    def _encoders(self) -> Sequence[LiveEncoder]:
        return (*self.packets.encoders, *self.remote_packets.encoders)

    def _encoder(self, variant: str, name: str) -> LiveEncoder:
        """Return an encoder of the pictures for a variant of the live video; recordings are as its main one."""
        make, sound, room = partial(self._new_process, variant), self.camera_packets.sound, self._encoded_bytes
        return LiveEncoder(self._pictures, self._clock, make, name, sound, capacity_bytes=room, planes=self._planes)

    def _new_timelapse(self, folder: FilmFolder, post: Callable[[Input], bool]) -> Timelapse:
        return Timelapse(
            folder,
            pictures=self._pictures,
            make=self._new_process,
            post=post,
            settings=self._timelapse_settings,
            clock=self._clock,
            may_write=lambda: self._recorder.is_repaired,
        )

    def _new_process(self, variant: str = MAIN) -> EncoderProcess:
        return EncoderProcess(format_of_variant(variant, self._current()))

    def _pre_roll(self) -> PreRoll:
        return self._current().recording.pre_roll

    def _settings(self) -> RecorderSettings:
        config = self._current()
        masked = bool(config.privacy.masks)
        return RecorderSettings(config.recording.max_s, masked, 1 / config.recording.idle_fps)

    def _timelapse_settings(self) -> TimelapseSettings:
        config = self._current()
        interval_s = 0.0 if self.missing else config.timelapse.interval_s
        return TimelapseSettings(interval_s, bool(config.privacy.masks))

    def _kept_s(self) -> float:
        """Return how long packets are kept: what moves is an event once it has moved for `motion.min_s`."""
        config = self._current()
        return config.recording.pre_roll_s + config.motion.min_s

    def _has_sound(self) -> bool:
        return self._current().recording.sound != "off"
