"""Motion detector: returns a report for each picture. Runs in the camera's process; no I/O, no clock.

Each picture is smoothed and divided by its light (`light`). Three gates suppress detection for a while: a switch by the
node itself, a jump of the light, and a change of the whole picture. A large enough connected area that differs from
the background (MOG2: Zivkovic, 2004) is a blob, and a blob that moves coherently (`tracks`) is motion. The background
does not learn moving areas; otherwise a person standing still would disappear within three seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.masks import rasterize
from pi_cam_node.imaging.motion.interface import BLOBS_MAX, Blob, Failed, Gate, MotionReport, MotionSettings
from pi_cam_node.imaging.motion.light import JUMP_LOG, LightNormalizer
from pi_cam_node.imaging.motion.tracks import Box, Track, Tracker

# Number of pictures in the background model: thirty seconds at ten per second.
_HISTORY = 300
# Learning rate after a gate, and its duration in pictures.
_RELEARN_RATE, _RELEARN_PICTURES = 0.25, 6
# Learning rate while a gate is active.
_HELD_RATE = 0.1
# Duration of a gate after its cause has ended, and the maximum for consecutive gates.
_HOLD_S, _HOLDS_MAX_S = 1.0, 10.0
# Duration at start, when the noise of the sensor must be learned, too.
_START_HOLD_S = 4.0
# Longest pause between consecutive gates; after a longer one the light counts as settled.
_ROW_S = 1.5
# Switching a lamp changes a part of the picture strongly and the rest slightly: a change of more than this share is not
# an object if the light changed by this much (logarithm).
_LIT_SHARE, _LIT_LOG = 0.25, 0.06
# A simultaneous change of more than this share of the picture is not an object.
_WHOLE_SHARE = 0.45
# Threshold of MOG2, and smallest blob (share of the picture), at sensitivity 1, 50 and 100; geometric interpolation.
_THRESHOLDS = (36.0, 20.0, 9.0)
_FLOORS = (0.004, 0.0012, 0.0003)
# Blobs down to this share of the smallest size are reported as too small, for adjusting the sensitivity.
_NEARLY = 0.33
_KERNEL = np.ones((3, 3), np.uint8)
# A pixel of at least this luma may be overexposed: divided by the light, it is too dark.
_BRIGHT = 240


class MotionDetector:
    """Analyses pictures of one size. Thread: one."""

    def __init__(self, size: tuple[int, int], settings: MotionSettings) -> None:
        """Create a detector without a learned background.

        Args:
            size: Width and height of the pictures, in pixels.
            settings: Sensitivity and rate.
        """
        self._width, self._height = size
        self._background = cv2.createBackgroundSubtractorMOG2(_HISTORY, 20, False)
        self._normalizer = LightNormalizer()
        self._tracker = Tracker(size)
        self._mode = "day"
        self._gates = _Gates()
        self._relearn = 0
        self._last_s: float | None = None
        self.configure(settings)

    def configure(self, settings: MotionSettings) -> None:
        """Change the settings; the background is kept."""
        self._settings = settings
        self._ignored = None
        if settings.ignore:
            covered = rasterize(settings.ignore, (self._width, self._height))
            self._ignored = np.where(covered, 255, 0).astype(np.uint8)
        self._normalizer.ignore(self._ignored)
        self._counted_px = self._width * self._height - (
            0 if self._ignored is None else np.count_nonzero(self._ignored)
        )
        self._set_sensitivity()

    def switched(self, mono_s: float, mode: str) -> None:
        """Record a switch of mode or camera controls by the node."""
        self._mode = mode
        self._set_sensitivity()
        self._gates.own(mono_s, self._settings.settle_s)
        self._restart()

    def analyse(
        self, luma: Pixels, mono_s: float, rate_fps: float, between: Sequence[tuple[float, Pixels]] = ()
    ) -> MotionReport:
        """Analyse a picture.

        Args:
            luma: (height, width) uint8.
            mono_s: Monotonic time of the end of its exposure; increases from call to call.
            rate_fps: Current pictures per second, for the report.
            between: Pictures since the last analysed one, with times; used only if this one shows changes.
        """
        interval_s = 0.1 if self._last_s is None else min(5.0, max(0.001, mono_s - self._last_s))
        if self._last_s is None:
            self._gates.start(mono_s)
            self._relearn = _RELEARN_PICTURES + 2
        self._last_s = mono_s
        mask, share, cause = self._subtract(luma, mono_s, interval_s)
        if cause:
            self._gates.close(cause, mono_s)
            if not self._gates.unsettled:
                self._restart()
        gate = self._gates.at(mono_s)
        blobs: tuple[Blob, ...] = ()
        if not gate and mask is not None:
            blobs = self._blobs(mask, share, mono_s, between)
        light = self._normalizer.light
        return MotionReport(mono_s, gate, self._gates.unsettled, light, share, rate_fps, blobs)

    # ------------------------------------------------------------ background

    def _subtract(self, luma: Pixels, mono_s: float, interval_s: float) -> tuple[Pixels | None, float, Gate]:
        """Return the mask of changed pixels, their share outside ignored areas, and the resulting gate."""
        smooth = np.asarray(cv2.GaussianBlur(luma, (3, 3), 0), dtype=np.uint8)
        even = self._normalizer.normalize(smooth, interval_s)
        moved_log = self._normalizer.moved_log(mono_s)
        if moved_log > JUMP_LOG and not self._gates.unsettled:
            return None, 0.0, "light"
        if self._relearn > 0:
            rate = _RELEARN_RATE
            self._relearn -= 1
        elif self._gates.at(mono_s):
            rate = _HELD_RATE
        else:
            rate = 1 - (1 - 1 / _HISTORY) ** (interval_s / 0.1)
        mask = self._without_overexposed(self._learn(even, rate, mono_s), smooth, even)
        counted = mask if self._ignored is None else cv2.subtract(mask, self._ignored)
        share = cv2.countNonZero(counted) / max(1, self._counted_px)
        if share > _LIT_SHARE and moved_log > _LIT_LOG and not self._gates.unsettled:
            return mask, share, "light"
        return mask, share, "whole" if share > _WHOLE_SHARE else ""

    def _learn(self, even: Pixels, rate: float, mono_s: float) -> Pixels:
        """Return the mask of changed pixels, and update the background except in moving areas."""
        live = self._tracker.live(mono_s, self._settings.min_s)
        if not live:
            return np.asarray(self._background.apply(even, learningRate=rate), dtype=np.uint8)
        mask = np.asarray(self._background.apply(even, learningRate=0), dtype=np.uint8)
        known, learned = self._background.getBackgroundImage(), even.copy()
        for track in live:
            box = track.box
            part = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
            learned[part] = known[part]
        self._background.apply(learned, learningRate=rate)
        return mask

    def _without_overexposed(self, mask: Pixels, smooth: Pixels, even: Pixels) -> Pixels:
        """Return the mask without overexposed pixels that are darker than the background only by the division."""
        if cv2.norm(smooth, cv2.NORM_INF, mask) < _BRIGHT:  # the brightest pixel of the mask
            return mask
        _, bright = cv2.threshold(smooth, _BRIGHT - 1, 255, cv2.THRESH_BINARY)
        doubted = cv2.bitwise_and(mask, bright)
        darker = cv2.compare(self._background.getBackgroundImage(), even, cv2.CMP_GT)
        return np.asarray(cv2.subtract(mask, cv2.bitwise_and(doubted, darker)), dtype=np.uint8)

    def _restart(self) -> None:
        """Reset light reference, background and tracks."""
        self._normalizer.reset()
        self._tracker.clear()
        self._relearn = _RELEARN_PICTURES

    # ------------------------------------------------------------ blobs

    def _blobs(
        self, mask: Pixels, share: float, mono_s: float, between: Sequence[tuple[float, Pixels]]
    ) -> tuple[Blob, ...]:
        # Usually no pixel differs.
        if not share and (self._ignored is None or not cv2.countNonZero(mask)):
            self._tracker.follow((), mono_s)
            return ()
        boxes, small = self._boxes(mask)
        if boxes:
            self._catch_up(between)
        tracks = self._tracker.follow(boxes, mono_s)
        found = [self._blob(track.box, track.began_s, self._failed(track)) for track in tracks]
        found += [self._blob(box, mono_s, "floor") for box in small]
        if self._ignored is not None:
            ignored, _ = self._boxes(mask, within=True)
            found += [self._blob(box, mono_s, "mask") for box in ignored]
        return tuple(sorted(found, key=lambda blob: (blob.failed != "", -blob.area_share))[:BLOBS_MAX])

    def _catch_up(self, between: Sequence[tuple[float, Pixels]]) -> None:
        """Track the blobs of the current picture through the preceding pictures, which were not analysed."""
        for at_s, luma in between:
            smooth = np.asarray(cv2.GaussianBlur(luma, (3, 3), 0), dtype=np.uint8)
            light = self._normalizer.light
            even = self._normalizer.normalize(smooth, 0.1, learn=False)
            self._normalizer.light = light
            mask = np.asarray(self._background.apply(even, learningRate=0), dtype=np.uint8)
            self._tracker.follow(self._boxes(mask)[0], at_s)

    def _boxes(self, mask: Pixels, *, within: bool = False) -> tuple[list[Box], list[Box]]:
        """Return the blobs of at least the smallest size, and slightly smaller ones.

        Args:
            mask: 255 where the picture differs from the background.
            within: Return blobs in ignored areas, instead of those elsewhere.
        """
        if self._ignored is not None:
            cut = cv2.bitwise_and if within else cv2.subtract
            mask = np.asarray(cut(mask, self._ignored), dtype=np.uint8)
        whole = cv2.erode(mask, _KERNEL)
        if not cv2.countNonZero(whole):
            return [], []
        # Second half of an opening, and another dilation to connect parts of one object.
        grown = cv2.dilate(whole, _KERNEL, iterations=2)
        contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes: list[Box] = []
        small: list[Box] = []
        for contour in contours:
            area = cv2.contourArea(contour)
            if area >= _NEARLY * self._floor_px:
                x, y, width, height = map(int, cv2.boundingRect(contour))
                box = Box(x, y, width, height, area)
                (boxes if area >= self._floor_px else small).append(box)
        return boxes, sorted(small, key=lambda box: -box.area)[: BLOBS_MAX // 2]

    def _failed(self, track: Track) -> Failed:
        return "" if track.is_motion(self._settings.min_s) else "track"

    def _blob(self, box: Box, began_s: float, failed: Failed) -> Blob:
        width, height = self._width, self._height
        return Blob(
            round(box.x / width, 4),
            round(box.y / height, 4),
            round(box.width / width, 4),
            round(box.height / height, 4),
            round(box.area / (width * height), 6),
            began_s,
            failed,
        )

    def _set_sensitivity(self) -> None:
        settings = self._settings
        sensitivity = settings.night_sensitivity if self._mode == "night" else settings.sensitivity
        self._background.setVarThreshold(_between(_THRESHOLDS, sensitivity))
        self._floor_px = _between(_FLOORS, sensitivity) * self._width * self._height


class _Gates:
    """Gates of the detector: the active one, and its end."""

    def __init__(self) -> None:
        self._gate: Gate = ""
        self._until_s = self._closed_s = float("-inf")
        self._row_s = float("inf")
        self.unsettled = False

    def start(self, mono_s: float) -> None:
        """Start the gate for learning the noise."""
        self._gate, self._until_s = "start", mono_s + _START_HOLD_S
        self._closed_s = self._row_s = mono_s

    def own(self, mono_s: float, settle_s: float) -> None:
        """Start a gate for a switch by the node itself, which is no sign of unsettled light."""
        self._gate, self._until_s = "own", max(self._until_s, mono_s + max(settle_s, _HOLD_S))
        self._closed_s = self._row_s = mono_s
        self.unsettled = False

    def close(self, gate: Gate, mono_s: float) -> None:
        """Start or extend a gate for a cause in this picture, unless causes have followed each other for too long."""
        if mono_s - max(self._closed_s, self._until_s) > _ROW_S:
            self._row_s = mono_s
        self._closed_s = mono_s
        self.unsettled = mono_s - self._row_s > _HOLDS_MAX_S
        if not self.unsettled:
            if mono_s >= self._until_s or self._gate not in ("start", "own"):
                self._gate = gate
            self._until_s = max(self._until_s, mono_s + _HOLD_S)

    def at(self, mono_s: float) -> Gate:
        """Return the gate that is active at a time."""
        if self.unsettled and mono_s - self._closed_s > _HOLD_S + _ROW_S:
            self.unsettled = False
        return self._gate if mono_s < self._until_s else ""


def _between(values: tuple[float, float, float], sensitivity: int) -> float:
    least, middle, most = values
    if sensitivity < 50:
        return float(least * (middle / least) ** ((sensitivity - 1) / 49))
    return float(middle * (most / middle) ** ((sensitivity - 50) / 50))
