"""Ports: interfaces of the parts around the core, connected by the composition root, faked in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Progress, Submit
from pi_cam_node.config import Config
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.history import EventRow, Page, Query, RecordingRow, RecordingState, Waiting
from pi_cam_node.core.picture import Archive
from pi_cam_node.core.privacy_gate import PrivacyGate
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
        """Begin a recording at a time; a running one ends there."""
        ...

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        """End the newest order at a time."""
        ...

    def stop_now(self, reason: EndReason) -> None:
        """End all orders at once."""
        ...

    def make_clip(self, order: ClipOrder, progress: Progress, /) -> Film:
        """Encode and save a span of the ring.

        Thread: the worker.

        Raises:
            NoFrames: The ring has no frames of the span.
            NoSpace: The disk is full.
            NotSaved: The film could not be encoded or written.
        """
        ...


class LiveVideoPort(Protocol):
    """Port of live video over HTTP Live Streaming; see `pi_cam_node.recording.hls`. Never waits. Thread: any."""

    @property
    def missing(self) -> str:
        """Packages that live video lacks; empty where nothing is missing."""
        ...

    def master(self, uri: Callable[[str], str], /) -> str:
        """Return the master playlist; starts no encoder.

        Args:
            uri: Returns the URI of a file by its name.

        Raises:
            CameraDown: No frames arrive.
            PrivacyOn: Privacy is on.
            NotSaved: See `missing`.
        """
        ...

    def playlist(self, variant: str, uri: Callable[[str], str], /) -> str | None:
        """Return the playlist of ``main`` or ``remote``; ``None`` if there are too few segments yet.

        Starts the encoder of the variant, which stops seconds after the last request.

        Raises:
            CameraDown, PrivacyOn, NotSaved: As `master`.
            Busy: Too many encodes run.
        """
        ...

    def is_prompt(self, variant: str, /) -> bool:
        """Return whether a request for a variant takes a few milliseconds at most, as between two of a viewer's."""
        ...

    def segment(self, variant: str, boot: str, number: int, /) -> bytes | None:
        """Return a segment; ``None`` if it does not exist (any more, or yet).

        Args:
            variant: ``main`` or ``remote``.
            boot: First 8 hex digits of the boot id in its name.
            number: Its number.
        """
        ...

    def header(self, variant: str, boot: str, track: int, /) -> bytes | None:
        """Return the initialization section of a track; ``None`` if it does not exist (any more)."""
        ...


class NoLiveVideo:
    """Implements `LiveVideoPort` without live video."""

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
        """Store whether privacy is on; if so, wait until no process or thread of the node uses the camera.

        Thread: the worker.

        Raises:
            NotSaved, NoSpace: It could not be stored.
            CameraDown: The camera's process, or one that encodes its pictures, does not end in time.
        """
        ...

    def erase(self) -> EraseReport:
        """Erase all data of the node; return a report. Thread: the worker."""
        ...


@frozen
class Links:
    """Port of the HTTP server and the broker for replies: links and limits. Called by the node thread at any time.

    Attributes:
        thumbnail_url: Returns a link to the small copy of a picture or film; ``None`` where HTTP is off.
        web_address: Returns ``url`` and ``tls_sha256`` of the HTTP server, each empty where there is none.
        packet_limit_bytes: Returns the broker's packet limit; ``None`` if unknown.
    """

    thumbnail_url: Callable[[str], str | None]
    web_address: Callable[[], Mapping[str, object]]
    packet_limit_bytes: Callable[[], int | None]


class EventStore(Protocol):
    """Port of the event database: events and films as rows.

    Complete rows are saved at begin and end; the last one of an id counts. `save_event`, `save_recording` and
    `forget_recording` never block and may be called by any thread; `flush` waits until earlier rows are on disk. All
    other methods may read the disk: call them on the worker or another thread that may block.
    """

    def save_event(self, row: EventRow) -> None:
        """Store the complete row of an event."""
        ...

    def save_recording(self, row: RecordingRow) -> None:
        """Store the complete row of a film."""
        ...

    def forget_recording(self, recording_id: str) -> None:
        """Delete the row of a film whose file is gone."""
        ...

    def recordings(self, *states: RecordingState) -> Sequence[RecordingRow]:
        """Return films in these states, oldest first; films that are ``open`` at start were interrupted by a crash."""
        ...

    def flush(self, deadline_s: float) -> bool:
        """Wait until all saved rows are on disk; return whether they are."""
        ...

    def events(self, query: Query) -> Page[EventRow]:
        """Return events. Thread: the worker; may read the disk.

        Raises:
            LookupError: ``before`` is an id that no event has.
        """
        ...


class Outbox(Protocol):
    """Pending messages for the broker, preserved over a restart; limited in number, the oldest are dropped."""

    def put(self, topic: str, body: bytes) -> int:
        """Store a message; return its number for `sent` in this run. Never blocks. Thread: any."""
        ...

    def waiting(self) -> Sequence[Waiting]:
        """Return pending messages, oldest first. May read the disk."""
        ...

    def sent(self, numbers: Sequence[int]) -> None:
        """Delete messages that the broker has acknowledged. Never blocks. Thread: any."""
        ...


@frozen
class Ports:
    """All ports of the core, connected to their implementations.

    Attributes:
        archive: Archive of pictures.
        submit: Queues a job on the worker thread.
        vitals: Returns memory, temperature, disk and the like.
        write_config: Writes settings into the configuration file. Thread: the worker.
        stop: Ends the node with an exit code.
        privacy_port: Privacy and erase.
        images: Image processing. Thread: the worker.
        demand: Requests additional data with the first frame exposed at or after a monotonic time.
        url_of: Returns a link to saved media; ``None`` if HTTP is off.
        links: Links and limits of the HTTP server and the broker.
        tickets: Issues tickets, which the HTTP server checks.
        events: Database of events.
        recorder: Recorder of films.
    """

    archive: Archive
    submit: Submit
    vitals: Callable[[], Mapping[str, object]]
    write_config: Callable[[Config], Path]
    stop: Callable[[int], None]
    privacy_port: PrivacyPort
    images: ImageTasks
    demand: Callable[[float, Demand], None]
    url_of: Callable[[str], str | None]
    links: Links
    tickets: Tickets
    events: EventStore
    recorder: RecorderPort
