"""Events about motion, scene events and recordings, for the listeners."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from pi_cam_node.base.frozen import frozen
from pi_cam_node.core.film import Film
from pi_cam_node.core.history import EventRow
from pi_cam_node.core.inputs import FilmFailed, FilmOpened


@frozen
class MotionChanged:
    """Motion began or ended: in a zone, or (with an empty name) at all. ``None``: the zone was removed."""

    zone: str
    on: bool | None


@frozen
class SceneEventBegan:
    """A scene event began, and goes on."""

    event: EventRow


@frozen
class SceneEventEnded:
    """A scene event ended."""

    event: EventRow


@frozen
class EventPictured:
    """The picture of an event is saved: ``image`` as `PictureSaved.image`, ``url`` a link to it.

    ``reloaded``: it was saved earlier and is published again; see `core.last_pictures`.
    """

    event: EventRow
    image: bytes | None = field(repr=False)
    url: str | None
    reloaded: bool = False


@frozen
class NoEventPictured:
    """No event has a picture that still exists; found after the start or after privacy."""


@frozen
class RecordingChanged:
    """Whether a film is being written."""

    on: bool


@frozen
class RecordingStarted:
    """A film began; ``event`` is its event, if known."""

    film: FilmOpened
    event: EventRow | None


@frozen
class RecordingSaved:
    """A film is on the disk, whole and synced."""

    film: Film
    event: EventRow | None


@frozen
class RecordingFailed:
    """A film was ordered and could not be written."""

    failure: FilmFailed
    event: EventRow | None
    at: datetime
