"""Events about motion, scene events and recordings, for the listeners."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pi_cam_node.core.film import Film
from pi_cam_node.core.history import EventRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened


@dataclass(frozen=True, slots=True)
class MotionChanged:
    """Motion began or ended: in a zone, or (with an empty name) at all. ``None``: the zone is gone."""

    zone: str
    on: bool | None


@dataclass(frozen=True, slots=True)
class SceneEventBegan:
    """A scene event began, and goes on."""

    event: EventRow


@dataclass(frozen=True, slots=True)
class SceneEventEnded:
    """A scene event ended."""

    event: EventRow


@dataclass(frozen=True, slots=True)
class EventPictured:
    """The picture of an event is saved: ``image`` as `PictureSaved.image`, ``url`` a link to it.

    ``reloaded``: it was saved before, and is told again; see `core.last_pictures`.
    """

    event: EventRow
    image: bytes | None = field(repr=False)
    url: str | None
    reloaded: bool = False


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """A film is being written, or none any more."""

    on: bool


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    """A film began; ``event`` is what it is for, where that is known."""

    film: FilmOpened
    event: EventRow | None


@dataclass(frozen=True, slots=True)
class RecordingSaved:
    """A film is on the disk, whole and synced."""

    film: Film
    event: EventRow | None


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """A film was ordered and could not be written."""

    failure: FilmFailed
    event: EventRow | None
    at: datetime
