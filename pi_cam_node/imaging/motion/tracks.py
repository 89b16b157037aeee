"""Tracks blobs: a blob is motion once it was followed from picture to picture for long enough.

Rain, snow and noise cause blobs, too, but not near the same place a tenth of a second later, and again after that. In
heavy rain there is always another streak near the same place, so a match counts the less, the more blobs there are.
The rule uses times instead of counts, so it holds at any rate of analysis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pi_cam_node.base.frozen import frozen

# A blob continues a track seen within this time, or within this many intervals of the analysis,
_LINK_S = 0.35
_LINK_INTERVALS = 1.8
# whose centre is within this distance: pixels, plus a share of its size,
_REACH_PX, _REACH_SHARE = 4.0, 0.6
# which increases with intervals above this, up to a factor,
_REACH_INTERVAL_S, _REACH_FACTOR_MAX = 0.15, 2.0
# and whose area is between these multiples of its own.
_AREA_LEAST, _AREA_MOST = 0.3, 3.3
# Minimum number of pictures for movement at any interval, and the share of pictures in which it must be visible.
_PICTURES_LEAST, _SEEN_SHARE = 3, 0.75
# Sufficient number of pictures at any rate, as an object may be hidden now and then.
_PICTURES_ENOUGH = 12
_SLACK_S = 0.02
# Against mere oscillation: least ratio of the distance from its origin to the length of its path, unless it moves less
# than this per picture, in pixels. An oscillating object has a ratio of one third at its fourth picture.
_AWAY_SHARE, _TREMBLE_PX = 0.335, 2.5
# Least distance from its origin in pixels, as a lamp that was switched on does not move.
_GONE_PX = 2.0
# A blob whose box has at least this share in common with that of a track stands still, and continues that track.
_SAME_SHARE = 0.75
# Evidence of a match: minus the logarithm of its probability if the picture's blobs were scattered at random, minus
# this, so that random matches add nothing in the long run;
_RANDOM_LOG = 3.0
# at most this for each picture, and at most this in total, so that a track lost among raindrops does not go on there.
_EVIDENCE_MAX, _EVIDENCE_KEPT = 4.5, 18.0
# How much a blob of another size counts among those that could have matched.
_UNLIKE_SHARE = 0.125
# Uncertainty of the position of a blob, in pixels.
_PLACE_PX = 2.0
# A blob that does not move for this long becomes background (parked).
PARKED_S = 60.0


@frozen
class Box:
    """A blob in one picture: box and area in pixels."""

    x: int
    y: int
    width: int
    height: int
    area: float

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def box_area(self) -> int:
        """Area of the box, in pixels."""
        return self.width * self.height


@frozen
class Track:
    """A blob followed up to one picture.

    Attributes:
        box: Position and size.
        seen_s: When, on the monotonic clock.
        began_s: When it was first seen.
        pictures: Number of pictures in which it was seen.
        anchor: Position when it last moved by more than the matching distance.
        anchored_s: Time of that.
        has_moved: Whether it ever left the place where it was first seen.
        origin: Position of its centre when it was first seen.
        way_px: Length of the path of its centre since then.
        interval_s: Seconds between the last two analysed pictures.
        step: Movement of its centre between the last two pictures in which it was seen, in pixels.
        evidence: How unlikely it is that it consists of random matches; see `_RANDOM_LOG`.
    """

    box: Box
    seen_s: float
    began_s: float
    pictures: int
    anchor: tuple[float, float]
    anchored_s: float
    has_moved: bool
    origin: tuple[float, float]
    way_px: float
    interval_s: float
    step: tuple[float, float]
    evidence: float

    def is_motion(self, min_s: float) -> bool:
        """Return whether the blob moved coherently for at least this long."""
        followed_s = self.seen_s - self.began_s + self.interval_s  # the first picture covers the interval before it
        least = max(_PICTURES_LEAST, _SEEN_SHARE * followed_s / self.interval_s, min_s / self.interval_s - 0.5)
        if followed_s < min_s - _SLACK_S or self.pictures < min(least, _PICTURES_ENOUGH):
            return False
        if self.evidence < _EVIDENCE_MAX * min(_PICTURES_LEAST, math.ceil(least) - 1):
            return False
        trembles = self.way_px > _TREMBLE_PX * (self.pictures - 1)
        gone_px = _distance(self.box.centre, self.origin)
        return self.has_moved or gone_px >= max(_GONE_PX, _AWAY_SHARE * self.way_px if trembles else 0.0)

    @property
    def is_parked(self) -> bool:
        """Whether the blob has stood still for `PARKED_S`."""
        return self.seen_s - self.anchored_s >= PARKED_S


class Tracker:
    """The tracks of one scene. Pure: times are arguments."""

    def __init__(self, size: tuple[int, int]) -> None:
        """Create a tracker without tracks.

        Args:
            size: Width and height of the pictures, in pixels.
        """
        self._picture_px = size[0] * size[1]
        self._tracks: list[Track] = []  # the newest first
        self._last_s = float("-inf")
        self._interval_s = 1.0

    def clear(self) -> None:
        """Forget all tracks."""
        self._tracks = []

    def follow(self, boxes: Iterable[Box], mono_s: float) -> list[Track]:
        """Match the blobs of a picture to tracks; return their tracks in the same order."""
        interval_s = min(1.0, mono_s - self._last_s)
        self._last_s, self._interval_s = mono_s, interval_s
        link_s = max(_LINK_S, _LINK_INTERVALS * interval_s)
        old = [track for track in self._tracks if mono_s - track.seen_s < link_s]
        new = [self._continued(box, old, mono_s) for box in boxes]
        self._tracks = new + old
        return new

    def live(self, mono_s: float, min_s: float) -> list[Track]:
        """Return moving tracks at their last position, except parked ones; the background is not updated there."""
        found = [track for track in self._tracks if mono_s - track.seen_s < max(_LINK_S, _LINK_INTERVALS)]
        return [track for track in found if track.has_moved and track.is_motion(min_s) and not track.is_parked]

    def _continued(self, box: Box, old: list[Track], mono_s: float) -> Track:
        reachable: list[Track] = []
        elsewhere: list[Track] = []
        for each in old:
            (reachable if _is_near(box, each, mono_s) else elsewhere).append(each)
        if not reachable:
            return _first(box, mono_s, self._interval_s)
        same = [track for track in reachable if _common_share(box, track.box) >= _SAME_SHARE]
        track = max(same or reachable, key=lambda each: (each.pictures, each.seen_s))
        # Those of older pictures may be of the same object.
        others = [each for each in elsewhere if each.seen_s == old[0].seen_s]
        moved = _distance(box.centre, track.anchor) > _REACH_PX + 0.25 * max(box.width, box.height)
        anchor, anchored_s = (box.centre, mono_s) if moved else (track.anchor, track.anchored_s)
        return Track(
            box,
            mono_s,
            track.began_s,
            track.pictures + 1,
            anchor,
            anchored_s,
            has_moved=track.has_moved or (moved and track.pictures >= _PICTURES_LEAST),
            origin=track.origin,
            way_px=track.way_px + _distance(box.centre, track.box.centre),
            interval_s=self._interval_s,
            step=(box.centre[0] - track.box.centre[0], box.centre[1] - track.box.centre[1]),
            evidence=min(_EVIDENCE_KEPT, max(0.0, track.evidence + self._evidence(box, track, others))),
        )

    def _evidence(self, box: Box, track: Track, others: list[Track]) -> float:
        """Return the evidence of a match: the less, the more other blobs could be where this one is."""
        count = sum(1.0 if _is_alike(box, each) else _UNLIKE_SHARE for each in others)
        if not count:
            return _EVIDENCE_MAX
        (x, y), (dx, dy) = track.box.centre, track.step
        away_px = min(_distance(box.centre, (x, y)), _distance(box.centre, (x + dx, y + dy)))
        side_px = 2 * (away_px + _PLACE_PX)
        return min(_EVIDENCE_MAX, -math.log(count * side_px**2 / self._picture_px) - _RANDOM_LOG)


def _first(box: Box, mono_s: float, interval_s: float) -> Track:
    return Track(box, mono_s, mono_s, 1, box.centre, mono_s, False, box.centre, 0.0, interval_s, (0.0, 0.0), 0.0)


def _is_near(box: Box, track: Track, mono_s: float) -> bool:
    factor = min(max(1.0, (mono_s - track.seen_s) / _REACH_INTERVAL_S), _REACH_FACTOR_MAX)
    reach = (_REACH_PX + _REACH_SHARE * max(box.width, box.height)) * factor
    (x, y), (old_x, old_y) = box.centre, track.box.centre
    return abs(x - old_x) < reach and abs(y - old_y) < reach and _is_alike(box, track)


def _is_alike(box: Box, track: Track) -> bool:
    return _AREA_LEAST < track.box.box_area / box.box_area < _AREA_MOST


def _common_share(one: Box, other: Box) -> float:
    """Return the common area of two boxes as a share of what both cover."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(0, width) * max(0, height)
    return common / (one.box_area + other.box_area - common)


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))
