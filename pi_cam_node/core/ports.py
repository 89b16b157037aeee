"""Ports: what the core needs of the parts around it. The composition root connects them, tests have fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Progress, Submit
from pi_cam_node.config import Config
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.picture import Archive
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.frame import Demand
from pi_cam_node.imaging.tasks import ImageTasks


class RecorderPort(Protocol):
    """Port of the recorder; see `pi_cam_node.recording`. Never waits, but for `make_clip`. Thread: the node thread."""

    @property
    def missing(self) -> str:
        """Packages that recording lacks; empty where nothing is missing."""
        ...

    @property
    def encoder(self) -> EncoderKind:
        """What makes the video at present."""
        ...

    def begin(self, order: RecordingOrder) -> None:
        """Record from a moment on; what is recorded already ends first."""
        ...

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        """End the newest order with the pictures of a moment."""
        ...

    def stop_now(self, reason: EndReason) -> None:
        """End every order at once, with what is there."""
        ...

    def make_clip(self, order: ClipOrder, progress: Progress, /) -> Film:
        """Encode and save a span of the ring.

        Thread: the worker.

        Raises:
            NoFrames: The ring holds nothing of it.
            NoSpace: There is no room.
            NotSaved: It could not be encoded or written.
        """
        ...


class NoRecorder:
    """Implements `RecorderPort` where nothing can be recorded."""

    missing = "this node cannot record"
    encoder: EncoderKind = "none"

    def begin(self, order: RecordingOrder) -> None:
        """Record nothing."""

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        """There is nothing to end."""

    def stop_now(self, reason: EndReason) -> None:
        """There is nothing to end."""

    def make_clip(self, _order: ClipOrder, _progress: Progress) -> Film:
        """Refuse."""
        raise NotSaved(f"ERROR: {self.missing}")


class LiveVideoPort(Protocol):
    """Port of live video over HTTP Live Streaming; see `pi_cam_node.recording.hls`. Never waits. Thread: any."""

    @property
    def missing(self) -> str:
        """Packages that live video lacks; empty where nothing is missing."""
        ...

    def master(self, uri: Callable[[str], str], /) -> str:
        """Return the playlist that names the variants; nothing is encoded for it.

        Args:
            uri: Returns the URI of a file by its name.

        Raises:
            CameraDown: There is no picture.
            PrivacyOn: Privacy is on.
            NotSaved: See `missing`.
        """
        ...

    def playlist(self, variant: str, uri: Callable[[str], str], /) -> str | None:
        """Return the playlist of ``main`` or ``remote``; ``None`` where it has too few segments yet.

        The variant is encoded from now on, until some seconds after the last request.

        Raises:
            CameraDown, PrivacyOn, NotSaved: As `master`.
            Busy: Too many encodes run.
        """
        ...

    def is_prompt(self, variant: str, /) -> bool:
        """Return whether a request for a variant takes a few milliseconds at most, as between two of a viewer's."""
        ...

    def segment(self, variant: str, boot: str, number: int, /) -> bytes | None:
        """Return a segment; ``None`` where it is gone, or does not exist yet.

        Args:
            variant: ``main`` or ``remote``.
            boot: First 8 hex digits of the boot id in its name.
            number: Its number.
        """
        ...

    def header(self, variant: str, boot: str, track: int, /) -> bytes | None:
        """Return what a decoder needs before the segments of a track; ``None`` where it is gone."""
        ...


class NoLiveVideo:
    """Implements `LiveVideoPort` where there is no live video."""

    missing = "this node has no live video"

    def master(self, _uri: Callable[[str], str]) -> str:
        """Refuse."""
        raise NotSaved(f"ERROR: {self.missing}")

    def playlist(self, _variant: str, _uri: Callable[[str], str]) -> str | None:
        """Refuse."""
        raise NotSaved(f"ERROR: {self.missing}")

    def is_prompt(self, _variant: str) -> bool:
        """Return that nothing has to be waited for."""
        return True

    def segment(self, _variant: str, _boot: str, _number: int) -> bytes | None:
        """Return nothing: there is none."""
        return None

    def header(self, _variant: str, _boot: str, _track: int) -> bytes | None:
        """Return nothing: there is none."""
        return None


class PrivacyPort(Protocol):
    """Port of privacy and erase: camera, marker file, and removal of data."""

    privacy_gate: PrivacyGate

    def release_camera(self) -> None:
        """Release the camera without waiting for it. Thread: the node thread."""
        ...

    def acquire_camera(self) -> None:
        """Acquire the camera again, without waiting for it. Thread: the node thread."""
        ...

    def persist(self, closed: bool) -> None:
        """Store on disk whether privacy is on; where it is, wait until no process or thread of the node has the camera.

        Thread: the worker.

        Raises:
            NotSaved, NoSpace: It is not remembered.
            CameraDown: The camera's process, or one that encodes its pictures, does not end in time.
        """
        ...

    def erase(self) -> EraseReport:
        """Remove everything that the node leaves behind, and say what that was. Thread: the worker."""
        ...


@frozen
class Links:
    """Port of the HTTP server and the broker for replies: links and limits. Called by the node thread at any time.

    Attributes:
        thumbnail_url: Returns a link to the small copy of a picture or film; ``None`` where HTTP is off.
        web_address: Returns ``url`` and ``tls_sha256`` of the HTTP server, each empty where there is none.
        packet_limit_bytes: Returns the largest packet that the broker takes; ``None`` where it did not say.
    """

    thumbnail_url: Callable[[str], str | None] = lambda _media_id: None
    web_address: Callable[[], Mapping[str, object]] = lambda: {"url": "", "tls_sha256": ""}
    packet_limit_bytes: Callable[[], int | None] = lambda: None


class EventStore(Protocol):
    """Port of the event database: events and films as rows.

    A row is saved as a whole, once when it begins and once when it ends; the last one of an id holds. `save_event`,
    `save_recording` and `forget_recording` never block and may be called by any thread; `flush` waits until what was
    saved before is on disk. All else may read the disk: call it on the worker or on a thread of your own.
    """

    def save_event(self, row: EventRow) -> None:
        """Store an event that began, changed or ended: the whole row as it is now."""
        ...

    def save_recording(self, row: RecordingRow) -> None:
        """Store a film that was begun, closed or repaired: the whole row as it is now."""
        ...

    def forget_recording(self, recording_id: str) -> None:
        """Drop the row of a film whose file is gone."""
        ...

    def recordings(self, *states: RecordingState) -> Sequence[RecordingRow]:
        """Return films in these states, oldest first; those that are ``open`` at start were cut off by a crash."""
        ...

    def flush(self, deadline_s: float) -> bool:
        """Wait until what was saved so far is on disk; return whether it is."""
        ...

    def events(self, query: Query) -> Page[EventRow]:
        """Return events. Thread: the worker; may read the disk.

        Raises:
            LookupError: ``before`` is an id that no event has.
        """
        ...


class Outbox(Protocol):
    """Messages that wait for the broker, over a restart too; bounded, the oldest go first."""

    def put(self, topic: str, body: bytes) -> int:
        """Store a message; return the number by which `sent` knows it in this run. Never blocks. Thread: any."""
        ...

    def waiting(self) -> Sequence[Waiting]:
        """Return what waits, oldest first. May read the disk."""
        ...

    def sent(self, numbers: Sequence[int]) -> None:
        """Drop messages that the broker has acknowledged. Never blocks. Thread: any."""
        ...


@frozen
class Ports:
    """All ports of the core, connected to their implementations.

    Attributes:
        archive: Where pictures are kept.
        submit: Puts work on the worker thread.
        vitals: Returns memory, temperature, disk and the like.
        write_config: Writes a configuration into the configuration file. Thread: the worker.
        stop: Ends the node with an exit code.
        discretion: Sees to it that nothing is seen, and nothing left behind.
        images: Does what needs pixels. Thread: the worker.
        demand: Asks the camera for more of the first frame exposed at a monotonic time or later.
        url_of: Returns a link to saved media, ``None`` where HTTP is off.
        links: What replies tell of the HTTP server and the broker.
        tickets: Makes tickets; the HTTP server checks them.
        events: Where events are kept.
        recorder: Writes films.
    """

    archive: Archive
    submit: Submit
    vitals: Callable[[], Mapping[str, object]]
    write_config: Callable[[Config], Path]
    stop: Callable[[int], None]
    privacy_port: PrivacyPort
    images: ImageTasks
    demand: Callable[[float, Demand], None]
    url_of: Callable[[str], str | None] = lambda _picture_id: None
    links: Links = field(default_factory=Links)
    tickets: Tickets = field(default_factory=lambda: Tickets(SystemClock()))
    events: EventStore = field(default_factory=RecentEvents)
    recorder: RecorderPort = field(default_factory=NoRecorder)
