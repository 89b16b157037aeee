"""The activity logic of a node with scripted motion, and a fake recorder that records its orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_cam_node.base.threads import Progress
from pi_cam_node.config import Config
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.history import Query
from pi_cam_node.core.inputs import FilmOpened
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder
from pi_cam_node.imaging.motion.interface import Blob, MotionReport
from tests.support.core_harness import CoreHarness

AT = datetime(2026, 11, 29, 4, 32, 59, tzinfo=UTC)


class FakeRecorder:
    """A recorder that records its orders and makes no film."""

    def __init__(self) -> None:
        self.missing = ""
        self.encoder: EncoderKind = "software"
        self.calls: list[tuple[Any, ...]] = []
        self.clips: list[ClipOrder] = []

    def begin(self, order: RecordingOrder) -> None:
        self.calls.append(("begin", order))

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        self.calls.append(("end_at", mono_s, reason))

    def stop_now(self, reason: EndReason) -> None:
        self.calls.append(("stop_now", reason))

    def make_clip(self, order: ClipOrder, _progress: Progress) -> Film:
        self.clips.append(order)
        return film("20261129T043259000Z-3f2a91c0-500001-clip")


def film(film_id: str, event_id: str = "", **fields: Any) -> Film:
    told = {
        "seconds": 12.0,
        "last_picture_s": 11.0,
        "frames": 120,
        "gap_s": 0.0,
        "pre_roll_s": 3.0,
        "size_bytes": 9,
        "size": (64, 48),
        "codec": "avc1.42c016",
    }
    kind: Any = film_id.rpartition("-")[2]
    made = Film(film_id, kind, Path("/captures/x.mp4"), event_id, "motion", AT, 1.0, **told, reason="end")  # type: ignore[arg-type]
    return replace(made, **fields)


class Scene:
    """The activity logic of a node with scripted motion and triggers, on a fake clock."""

    def __init__(self, **settings: Any) -> None:
        config: dict[str, dict[str, Any]] = {
            "motion": {"enable": True, "clear_s": 2},
            "recording": {"mode": "motion", "post_roll_s": 3},
        }
        for section, values in settings.items():
            config[section] = {**config.get(section, {}), **values}
        self.recorder = FakeRecorder()
        self.harness = CoreHarness(Config.model_validate(config), recorder=self.recorder)
        self.harness.see(30)
        self.harness.facts.clear()

    def moves(self, *, x: float = 0.2, share: float = 0.01) -> None:
        """Show a picture in which something moves."""
        harness = self.harness
        harness.clock.advance(0.1)
        now_s = harness.clock.monotonic()
        blob = Blob(x, 0.4, 0.05, 0.2, share, now_s - 0.3, "")
        report = MotionReport(now_s, "", False, 1.0, share, 10.0, (blob,))
        harness.step(replace(harness.frame(), motion=report))

    def rests(self, seconds: float) -> None:
        self.harness.see(round(seconds * 10))

    def trigger(self, seconds: float) -> None:
        """Begin an event for some seconds."""
        self.harness.send("trigger", f'{{"seconds": {seconds}}}')

    def opens(self, film_id: str, event_id: str, first_mono_s: float) -> None:
        """Report that the recorder opened a film."""
        self.harness.step(FilmOpened(event_id, film_id, "trigger", 3.0, AT, Path("/c/f.mp4"), first_mono_s))

    @property
    def now_s(self) -> float:
        return self.harness.clock.monotonic()

    def film_ids(self) -> dict[str, str | None]:
        """Return the film of each event."""
        return {row.id: row.recording_id for row in self.events()}

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.harness.facts if isinstance(event, kind)]

    def events(self) -> list[Any]:
        return list(self.harness.core.events.events(Query()).rows)
