"""A core with test doubles for its ports: an archive in memory, a worker that is stepped, synthetic frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pi_cam_node.base.errors import BadRequest, Busy, Forbidden, NodeError
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config, Format
from pi_cam_node.core.core import Core
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.events import Event, PictureSaved, Replied
from pi_cam_node.core.history import MediaRow, Page, Query, page_of
from pi_cam_node.core.inputs import CommandArrived, WorkEnded
from pi_cam_node.core.picture import Picture
from pi_cam_node.core.ports import Links, Ports, RecorderPort
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.frame import Demand, Frame, Mode
from pi_cam_node.imaging.jpeg import encode, resize
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.ports import NO_LINKS, NoRecorder
from tests.support.frames import IMAGES, frame_of


class MemoryArchive:
    """Archive in memory; fails with ``error`` if set."""

    def __init__(self) -> None:
        self.saved: list[tuple[Picture, list[Format]]] = []
        self.error: Exception | None = None
        self.rows: dict[str, MediaRow] = {}
        self.gone: set[str] = set()
        self._pictures: dict[str, PictureSaved] = {}

    def save(self, picture: Picture, formats: Sequence[Format], config: Config) -> PictureSaved:
        if self.error is not None:
            raise self.error
        self.saved.append((picture, list(formats)))
        name = f"{picture.kind}-{len(self.saved):04d}"
        self.rows[name] = MediaRow(name, picture.kind, picture.first_at, f"/captures/{name}.jpg", 1)
        self._pictures[name] = PictureSaved(
            id=name,
            kind=picture.kind,
            paths=tuple(f"/captures/{name}.{f}" for f in formats),
            size_bytes=1,
            sha256="0" * 64,
            frames=picture.frames,
            first_at=picture.first_at,
            last_at=picture.last_at,
            first_mono_s=picture.first_mono_s,
            last_mono_s=picture.last_mono_s,
            thumbnail=b"thumb" if config.export.thumbnail_px else None,
        )
        return self._pictures[name]

    def reload(self, config: Config, picture_id: str = "") -> PictureSaved | None:
        return self._pictures.get(picture_id or next(reversed(self._pictures), ""))

    def media(self, query: Query) -> Page[MediaRow]:
        return page_of(self.rows.values(), query)

    def keep(self, media_id: str, *, kept: bool) -> None:
        self.rows[media_id] = replace(self._row(media_id), kept=kept)

    def delete(self, media_id: str) -> None:
        if self._row(media_id).kept:
            raise Forbidden("ERROR: it is kept")
        del self.rows[media_id]

    def _row(self, media_id: str) -> MediaRow:
        if media_id not in self.rows:
            raise BadRequest("ERROR: no such id", data={"missing": media_id})
        return self.rows[media_id]

    def is_gone(self, media_id: str) -> bool:
        return media_id in self.gone

    def find(self, picture_id: str) -> str | None:
        return next((f"/captures/{picture_id}.jpg" for p, _ in self.saved if p.kind in picture_id), None)


class FakePrivacyPort:
    """Privacy port: releases the camera at once; the disk stores the state, or fails as set by the test."""

    def __init__(self, privacy_gate: PrivacyGate) -> None:
        self.privacy_gate = privacy_gate
        self.released: list[bool] = []
        self.persisted: list[bool] = []
        self.error: NodeError | None = None
        self.erasures = 0
        self.erased = EraseReport("/captures", 2, 6, 4096, 61, 0)

    def release_camera(self) -> None:
        self.released.append(True)

    def acquire_camera(self) -> None:
        self.released.append(False)

    def persist(self, closed: bool) -> None:
        if self.error is not None:
            raise self.error
        self.persisted.append(closed)

    def erase(self) -> EraseReport:
        self.erasures += 1
        return self.erased


class CoreHarness:
    """A core with clock and ports controlled by the test."""

    def __init__(
        self, config: Config | None = None, budget_bytes: int = 256 << 20, recorder: RecorderPort | None = None
    ) -> None:
        self.clock = FakeClock()
        self.archive = MemoryArchive()
        self.jobs: list[tuple[int, Job]] = []
        self.worker_full = False
        self.exit_code: int | None = None
        # Requests to the camera; frames include the requested data while `delivers`.
        self.demands: list[tuple[float, Demand]] = []
        self.delivers = True
        self.written: list[Config] = []
        self.write_error: NodeError | None = None
        self.packet_limit_bytes: int | None = None
        self.privacy_port = FakePrivacyPort(PrivacyGate(closed=config is not None and config.privacy.enable))
        ports = Ports(
            archive=self.archive,
            submit=self._submit,
            vitals=lambda: {"rss_mib": 61.5, "swap_pct": 0.0},
            write_config=self._write,
            stop=self._stop,
            privacy_port=self.privacy_port,
            url_of=lambda picture_id: f"http://porch/media/{picture_id}",
            tickets=Tickets(self.clock),
            links=Links(
                web_address=NO_LINKS.web_address,
                thumbnail_url=lambda picture_id: f"http://porch/media/{picture_id}/thumbnail",
                packet_limit_bytes=lambda: self.packet_limit_bytes,
            ),
            images=IMAGES,
            demand=lambda after_mono_s, demand: self.demands.append((after_mono_s, demand)),
            events=RecentEvents(),
            recorder=recorder or NoRecorder(),
        )
        self.core = Core(
            config or Config(), self.clock, ports, boot_id="3f2a91c0", budget_bytes=budget_bytes, node_id="porch"
        )
        self.facts: list[Event] = []
        self._seq = 0
        self._works = 0

    def _submit(self, job: Job) -> int:
        if self.worker_full:
            raise Busy("ERROR: too much work is waiting")
        self._works += 1
        self.jobs.append((self._works, job))
        return self._works

    def _write(self, config: Config) -> Path:
        if self.write_error is not None:
            raise self.write_error
        self.written.append(config)
        return Path("/etc/config.yaml")

    def _stop(self, code: int) -> None:
        self.exit_code = code

    def frame(self, level: int = 128, *, mode: Mode = "day", exposed_before_s: float = 0.0) -> Frame:
        """Return a frame of one grey level, exposed just now."""
        self._seq += 1
        now_s = self.clock.monotonic()
        pixels = np.full((48, 64, 3), level, np.uint8)
        at = self.clock.utcnow()
        config = self.core.config
        small = config.ring.downscale
        frame = frame_of(
            pixels,
            self._seq,
            now_s,
            at,
            exposed_mono_s=now_s - exposed_before_s,
            mode=mode,
            quality=config.ring.quality,
            others=[config.export.jpeg_quality] if self.delivers else [],
            raw=self.delivers,
        )
        if not small.enable:
            return frame
        ring_pixels = resize(pixels, "bgr", (small.width, small.height))
        return replace(frame, ring_jpeg=encode(ring_pixels, "bgr", config.ring.quality))

    def see(self, count: int = 1, level: int = 128, *, mode: Mode = "day", every_s: float = 0.1) -> None:
        """Step the core with frames at a constant rate."""
        for _ in range(count):
            self.clock.advance(every_s)
            self.step(self.frame(level, mode=mode))

    def step(self, message: Any = None) -> list[Event]:
        """Step the core and collect its events."""
        facts = self.core.step(message)
        self.facts += facts
        return facts

    def wait(self, seconds: float) -> list[Event]:
        """Advance the time without frames."""
        self.clock.advance(seconds)
        return self.step()

    def send(self, verb: str, payload: str | bytes = b"", **fields: Any) -> list[dict[str, Any]]:
        """Send a command; return immediate replies."""
        raw = payload.encode() if isinstance(payload, str) else payload
        facts = self.step(CommandArrived(verb, raw, self.clock.monotonic(), **fields))
        return [dict(f.body) for f in facts if isinstance(f, Replied)]

    def work(self) -> list[dict[str, Any]]:
        """Run submitted jobs; return resulting replies."""
        replies: list[dict[str, Any]] = []
        jobs, self.jobs = self.jobs, []
        for number, job in jobs:
            try:
                ended = WorkEnded(number, result=job(lambda _done, _total: None))
            except Exception as error:
                ended = WorkEnded(number, error=error)
            replies += [dict(f.body) for f in self.step(ended) if isinstance(f, Replied)]
        return replies

    def said(self, kind: type) -> list[Any]:
        """Return the events of a type so far."""
        return [fact for fact in self.facts if isinstance(fact, kind)]
