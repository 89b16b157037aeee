"""Gates and background of the motion detector, on artificial pictures."""

from __future__ import annotations

import numpy as np
import pytest

from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.motion.detector import MotionDetector
from pi_cam_node.imaging.motion.interface import MotionReport, MotionSettings

SIZE = (160, 120)
RNG = np.random.default_rng(5)
TEXTURE = RNG.integers(60, 160, (SIZE[1], SIZE[0])).astype(np.int16)


def picture(*, gain: float = 1.0, box: tuple[int, int, int, int] | None = None) -> Pixels:
    pixels = TEXTURE * gain + RNG.normal(0, 1.5, TEXTURE.shape)
    if box is not None:
        x, y, width, height = box
        pixels[y : y + height, x : x + width] = 230
    return np.clip(pixels, 0, 255).astype(np.uint8)


class Watch:
    """A detector that looks at ten pictures a second."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self.detector = MotionDetector(SIZE, settings or MotionSettings())
        self.now_s = 100.0

    def see(self, pixels: Pixels) -> MotionReport:
        self.now_s += 0.1
        return self.detector.analyse(pixels, self.now_s, 10.0)

    def settle(self, seconds: float = 6.0) -> MotionReport:
        report = self.see(picture())
        for _ in range(round(seconds * 10)):
            report = self.see(picture())
        return report


def test_the_start_holds_until_the_noise_is_learned() -> None:
    watch = Watch()
    assert watch.see(picture()).gate == "start"
    assert watch.settle().gate == ""


def test_a_jump_of_the_light_holds_for_a_second_and_then_detection_goes_on() -> None:
    watch = Watch()
    watch.settle()
    assert watch.see(picture(gain=1.4)).gate == "light"
    gates = [watch.see(picture(gain=1.4)).gate for _ in range(30)]
    assert "" not in gates[:8]
    assert set(gates[25:]) == {""}


def test_light_that_does_not_come_to_rest_does_not_end_detection_for_ever() -> None:
    watch = Watch()
    watch.settle()
    reports = [watch.see(picture(gain=1.0 if k // 5 % 2 else 1.5)) for k in range(160)]
    assert any(report.unsettled for report in reports)
    first = next(k for k, report in enumerate(reports) if report.unsettled)
    assert 90 <= first <= 130
    assert all(not report.gate for report in reports[first + 12 : first + 14])


def test_what_stands_still_after_it_moved_stays_motion_and_is_background_after_a_minute() -> None:
    watch = Watch()
    watch.settle()
    for x in range(10, 80, 3):
        last = watch.see(picture(box=(x, 50, 20, 40)))
    assert [blob.failed for blob in last.blobs if blob.area_share > 0.02] == [""]
    standing = [watch.see(picture(box=(79, 50, 20, 40))) for _ in range(300)]
    assert any(not blob.failed for blob in standing[-1].blobs), "thirty seconds later it is still there"
    for _ in range(900):
        last = watch.see(picture(box=(79, 50, 20, 40)))
    assert not any(not blob.failed for blob in last.blobs), "parked"


def test_masked_black_does_not_hide_a_change_of_the_light() -> None:
    watch = Watch()
    mask = np.ones_like(TEXTURE, dtype=np.uint8)
    mask[:, : SIZE[0] * 3 // 4] = 0
    for _ in range(60):
        watch.see(picture() * mask)
    assert watch.see(picture(gain=1.5) * mask).gate == "light"


def test_what_changes_in_an_ignored_area_does_not_hide_a_person_elsewhere() -> None:
    """Such as a curtain or a screen that fills most of the picture."""
    left = ((0.0, 0.0), (0.65, 0.0), (0.65, 1.0), (0.0, 1.0))
    watch = Watch(MotionSettings(ignore=(left,)))
    watch.settle()
    moved = []
    for k in range(30):
        pixels = picture(box=(106 + k, 50, 14, 40))
        if k % 3 == 0:
            pixels[:, : SIZE[0] * 5 // 8] = 40 + 60 * (k % 4)
        report = watch.see(pixels)
        assert not report.gate
        moved += [k] if any(not blob.failed for blob in report.blobs) else []
    assert len(moved) >= 20


def test_masks_that_cover_most_of_a_row_do_not_keep_the_rest_from_being_evened_out() -> None:
    watch = Watch()
    mask = np.ones_like(TEXTURE, dtype=np.uint8)
    mask[:, : SIZE[0] * 3 // 4] = 0
    for _ in range(60):
        watch.see(picture() * mask)
    for k in range(14):
        report = watch.see(picture(gain=1 + k / 100) * mask)
        assert not report.gate
        assert not report.blobs
    assert report.light > 1.1


def test_overexposed_places_are_no_blobs_when_the_light_grows() -> None:
    """They stay white, and divided by the light they would be darker than before."""
    watch = Watch()
    white = np.ones(TEXTURE.shape)
    white[20:50, 30:70] = 3.0
    for _ in range(70):
        watch.see(np.minimum(picture() * white, 255).astype(np.uint8))
    for k in range(12):
        brighter = np.minimum(picture(gain=1 + k / 100) * white, 255).astype(np.uint8)
        report = watch.see(brighter)
        assert not report.gate
        assert not report.blobs
    assert report.light > 1.08


@pytest.mark.parametrize("sensitivity", [1, 50, 100])
def test_every_sensitivity_works(sensitivity: int) -> None:
    detector = MotionDetector(SIZE, MotionSettings(sensitivity=sensitivity))
    assert detector.analyse(picture(), 1.0, 2.0).gate == "start"
