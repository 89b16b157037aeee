"""Motion state ON or OFF, overall and for each zone, from the reports of the detector. No I/O.

ON comes with the report that completes a track; OFF when nothing moved for ``clear_s``, and at once when detection
stops: the camera is lost, privacy, or motion is disabled. Without zones every blob counts; with zones only those
whose foot point lies in one. Times are monotonic, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config.sections.video import MotionConfig
from pi_cam_node.imaging.motion.interface import Blob, MotionReport
from pi_cam_node.imaging.polygon import Zone, parse_zone

# Age from which a report is ignored.
_STALE_S = 10.0


@frozen
class MotionSeen:
    """Motion in one report.

    Attributes:
        began_mono_s: When the oldest track was first seen, monotonic seconds.
        mono_s: Capture time, monotonic seconds.
        zones: Zones with motion.
        area_share: Area of the largest blob, as a share of the picture.
    """

    began_mono_s: float
    mono_s: float
    zones: tuple[str, ...]
    area_share: float


@dataclass(slots=True)
class _Place:
    """Motion state of the whole picture or of one zone."""

    on: bool = False
    seen_s: float = float("-inf")


class MotionRule:
    """State of motion. Used by one thread."""

    def __init__(self, config: MotionConfig) -> None:
        self._since_s = float("-inf")
        self._places = {"": _Place()}
        self._report: MotionReport | None = None
        self._gate: tuple[str, float] | None = None
        self._holds = 0
        self.configure(config)

    @property
    def on(self) -> bool:
        """Whether motion is ON."""
        return self._places[""].on

    @property
    def due_s(self) -> float:
        """Time at which the next zone goes OFF, if nothing moves until then."""
        return min(
            (place.seen_s + self._config.clear_s for place in self._places.values() if place.on), default=float("inf")
        )

    def configure(self, config: MotionConfig) -> dict[str, bool | None]:
        """Apply new settings; return changed states by zone, ``None`` for a removed zone."""
        self._config = config
        self._zones = tuple(Zone(*parse_zone(text)) for text in config.zones)
        names = {"", *(zone.name for zone in self._zones)}
        changed: dict[str, bool | None] = dict.fromkeys(self._places.keys() - names)
        for name in changed:
            del self._places[name]
        for zone in self._zones:
            if zone.name not in self._places:
                self._places[zone.name] = _Place()
                changed[zone.name] = False
        return changed if config.enable else {**changed, **self.stop()}

    def observe(self, report: MotionReport) -> MotionSeen | None:
        """Process a report; return its motion, ``None`` without any. Call `changes` afterwards."""
        was_held, self._report = self._report is not None and self._report.gate != "", report
        if report.gate:
            self._holds += not was_held
            self._gate = (report.gate, report.mono_s)
        moving = [blob for blob in report.blobs if not blob.failed and self._counts(blob)]
        if not moving or not self._config.enable:
            return None
        names = tuple(zone.name for zone in self._zones if any(zone.holds(blob.foot) for blob in moving))
        for name in ("", *names):
            self._places[name].seen_s = report.mono_s
        began_s = min(blob.began_mono_s for blob in moving)
        return MotionSeen(began_s, report.mono_s, names, max(blob.area_share for blob in moving))

    def changes(self, now_s: float) -> dict[str, bool]:
        """Return the new states of changed zones."""
        changed: dict[str, bool] = {}
        for name, place in self._places.items():
            on = now_s - place.seen_s < self._config.clear_s
            if on != place.on:
                place.on = changed[name] = on
        if "" in changed:
            self._since_s = now_s
        return changed

    def stop(self) -> dict[str, bool]:
        """Set every zone that is ON to OFF, because detection stopped; return them."""
        self._report = self._gate = None
        changed = {name: False for name, place in self._places.items() if place.on}
        for place in self._places.values():
            place.on, place.seen_s = False, float("-inf")
        return changed

    def explain(self, now_s: float) -> Mapping[str, object]:
        """Return the last report, and the reasons against motion."""
        report = self._report if self._report and now_s - self._report.mono_s < _STALE_S else None
        gate = report.gate if report else ""
        return {
            "state": "ON" if self.on else "OFF",
            "since_s": round(now_s - self._since_s, 1) if self._since_s > float("-inf") else None,
            "armed": self._config.enable and report is not None and not gate,
            "gate": gate or (self._gate[0] if self._gate else ""),
            "gate_age_s": round(now_s - self._gate[1], 1) if self._gate else None,
            "holds": self._holds,
            "unsettled": bool(report and report.unsettled),
            "light": round(report.light, 3) if report else None,
            "share": round(report.share, 4) if report else None,
            "rate_fps": report.rate_fps if report else 0.0,
            "blobs": [self._told(blob) for blob in report.blobs] if report else [],
        }

    def _counts(self, blob: Blob) -> bool:
        return not self._zones or any(zone.holds(blob.foot) for zone in self._zones)

    def _told(self, blob: Blob) -> dict[str, object]:
        zone = next((zone.name for zone in self._zones if zone.holds(blob.foot)), "")
        failed = blob.failed or ("" if self._counts(blob) else "zone")
        return {"zone": zone, "area_share": round(blob.area_share, 5), "failed": failed}
