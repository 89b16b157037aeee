"""The day/night rule: transitions, counts, and a simulated night."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from pi_cam_node.config import NightConfig
from pi_cam_node.core.rules.night import CONFIRM_FRAMES, CONFIRM_S, RETRY_S, TRANSITIONS, Input, NightController, State
from pi_cam_node.imaging.frame import Mode, Sensor
from pi_cam_node.imaging.lux import lux_of

QUICK = NightConfig(min_dark_frames=3, min_bright_frames=3, dwell_s=100, settle_s=0)


class Night:
    """A controller and a camera that follows it one frame later, or refuses."""

    def __init__(self, settings: NightConfig = QUICK) -> None:
        self.controller = NightController(settings, 0.0)
        self.now_s = 0.0
        self.camera: Mode = "day"
        self.asked: list[Mode] = []
        self.obeys = True

    def see(self, *levels: float, every_s: float = 1.0) -> None:
        for level in levels:
            self.now_s += every_s
            wanted = self.controller.observe(self.camera, level, self.now_s)
            if wanted is not None:
                self.asked.append(wanted)
                self.camera = wanted if self.obeys else self.camera

    @property
    def mode(self) -> str:
        return self.controller.mode


def test_night_is_asked_for_after_enough_dark_frames_in_a_row() -> None:
    night = Night()
    night.see(10, 10, 200, 10, 10)
    assert night.asked == []
    night.see(10)
    assert night.asked == ["night"]


def test_the_mode_changes_only_when_a_frame_shows_it() -> None:
    night = Night()
    night.see(10, 10, 10)
    assert (night.asked, night.mode) == (["night"], "day")
    night.see(100)
    assert night.mode == "night"


def test_day_needs_as_many_bright_frames_in_a_row_as_night_needs_dark_ones() -> None:
    night = Night()
    night.see(10, 10, 10, 100)
    night.now_s += 200
    night.see(250, 250, 100, 250, 250)
    assert night.mode == "night"
    assert night.asked == ["night"]
    night.see(250, 100)
    assert night.mode == "day"


def test_no_switch_before_the_dwell_has_passed() -> None:
    night = Night()
    night.see(10, 10, 10, 100)
    night.see(*[250] * 90)
    assert night.asked == ["night"]
    night.see(*[250] * 20)
    assert night.asked == ["night", "day"]


def test_the_first_night_does_not_wait_for_a_dwell() -> None:
    night = Night(NightConfig(min_dark_frames=2, dwell_s=3600, settle_s=0))
    night.see(10, 10, 10)
    assert night.mode == "night"


def test_frames_do_not_count_while_the_exposure_settles() -> None:
    night = Night(NightConfig(min_dark_frames=2, settle_s=10, dwell_s=0))
    night.see(*[10] * 9)
    assert night.asked == []
    night.see(10, 10, 10)
    assert night.asked == ["night"]


def test_frames_after_a_switch_settle_too() -> None:
    night = Night(NightConfig(min_dark_frames=1, min_bright_frames=1, settle_s=10, dwell_s=0))
    night.see(*[10] * 12)
    assert night.mode == "night"
    night.see(*[250] * 7)
    assert night.asked == ["night"]


@pytest.mark.parametrize("wanted", ["day", "night"])
def test_an_override_needs_neither_counts_nor_dwell(wanted: Mode) -> None:
    night = Night()
    night.controller.configure(QUICK.model_copy(update={"override": "night"}))
    night.see(128, 128)
    assert night.mode == "night"
    night.controller.configure(QUICK.model_copy(update={"override": wanted}))
    night.see(128, 128)
    assert night.mode == wanted


def test_a_disabled_controller_returns_to_day_and_stays() -> None:
    night = Night()
    night.see(10, 10, 10, 10)
    assert night.mode == "night"
    night.controller.configure(QUICK.model_copy(update={"enable": False}))
    night.see(*[10] * 50)
    assert night.mode == "day"
    assert night.asked == ["night", "day"]


def test_a_refused_switch_is_tried_again_and_never_claimed() -> None:
    night = Night()
    night.obeys = False
    night.see(10, 10, 10)
    night.controller.refused(night.now_s)
    night.see(10, 10)
    assert (night.asked, night.mode) == (["night"], "day")
    night.see(10, 10, 10, 10)
    assert (night.asked, night.mode) == (["night", "night"], "day")
    night.controller.refused(night.now_s)
    night.obeys = True
    night.see(*[10] * 15)
    assert (night.asked, night.mode) == (["night"] * 3, "night")


def test_a_camera_that_neither_obeys_nor_refuses_is_asked_again() -> None:
    night = Night()
    night.obeys = False
    night.see(*[10] * int(CONFIRM_S + CONFIRM_FRAMES * QUICK.exposure_us / 1e6 + 20))
    assert len(night.asked) == 2
    assert night.mode == "day"


def test_a_camera_that_comes_back_in_another_mode_is_believed() -> None:
    night = Night()
    night.camera = "night"
    night.see(128)
    assert (night.mode, night.controller.cause) == ("night", "camera")


def test_what_is_not_in_the_table_changes_nothing() -> None:
    steady = {(s, i) for s in State for i in Input} - set(TRANSITIONS)
    assert (State.DAY, Input.REFUSED) in steady
    assert (State.DAY, Input.DAY_SEEN) in steady
    assert all(TRANSITIONS[key] is not key[0] for key in TRANSITIONS)


def test_the_explanation_names_the_inputs() -> None:
    night = Night()
    night.see(10, 10)
    why = night.controller.explain(night.now_s)
    assert (why["state"], why["dark_frames"], why["dwell_left_s"], why["override"]) == ("day", 2, 0.0, "auto")
    night.see(10, 128)
    assert night.controller.explain(night.now_s)["dwell_left_s"] == pytest.approx(100, abs=1)


# ------------------------------------------------------------------ whole nights, with a camera that behaves like one

FRAMERATE_HZ, GAIN_LIMIT = 10.0, 8.0
NOISE = random.Random(7)


def level_of(lux: float, exposure_s: float, gain: float) -> float:
    """Return the mean luma of a scene: the inverse of `lux.lux_of`, clipped, with a little noise."""
    share = min(1.0, lux * exposure_s * 100 * gain / (250 * 4) * 0.18)
    encoded = 12.92 * share if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055
    return min(255.0, max(0.0, encoded * 255 + NOISE.gauss(0, 1.0)))


def day_level(lux: float) -> float:
    """Automatic exposure: mid-grey while light lasts, at most one frame interval and the greatest gain."""
    limit = GAIN_LIMIT / FRAMERATE_HZ
    wanted = min(limit, 250 * 4 / (100 * max(lux, 1e-9)))
    return level_of(lux, wanted, 1.0)


def dusk(hours: float) -> float:
    """Lux from 4 h before midnight to 4 h after: a clear evening falls tenfold in about 12 minutes."""
    return 1e-3 + 400 * 10 ** (-max(0.0, hours + 4) * 5)


def dawn(hours: float) -> float:
    return 1e-3 + 400 * 10 ** (-max(0.0, 4 - hours) * 5)


def whole_night(hours: float) -> float:
    return dusk(hours) + dawn(hours)


def headlights(hours: float) -> float:
    passing = math.modf((hours + 4) * 12)[0] < 0.02  # six seconds every five minutes
    return whole_night(hours) + (30.0 if passing else 0.0)


def lightning(hours: float) -> float:
    return whole_night(hours) + (5000.0 if NOISE.random() < 0.01 else 0.0)


def lamp(hours: float) -> float:
    """A lamp with a motion sensor: lit for 90 s, a dozen times a night, far above the bright threshold."""
    return whole_night(hours) + (20.0 if math.modf((hours + 4) * 2)[0] < 0.05 else 0.0)


def clouds(hours: float) -> float:
    return whole_night(hours) * (1 + 0.6 * math.sin(hours * 400))


def moon(hours: float) -> float:
    return whole_night(hours) + 0.2


@pytest.mark.parametrize("light", [whole_night, headlights, lightning, lamp, clouds, moon])
def test_a_night_has_two_switches(light: Callable[[float], float]) -> None:
    settings = NightConfig()
    controller = NightController(settings, 0.0)
    camera: Mode = "day"
    switches: list[tuple[float, Mode]] = []
    now_s, exposure_s = 0.0, settings.exposure_us / 1e6
    while now_s < 8 * 3600:
        lux = light(now_s / 3600 - 4)
        level = day_level(lux) if camera == "day" else level_of(lux, exposure_s, settings.gain)
        wanted = controller.observe(camera, level, now_s)
        if wanted is not None:
            camera = wanted
            switches.append((round(now_s / 3600 - 4, 2), wanted))
        now_s += 1.0 if camera == "day" else exposure_s  # by day every tenth frame is enough to see it
    assert [mode for _, mode in switches] == ["night", "day"], switches


@pytest.mark.parametrize("light", [dusk, dawn])
def test_dusk_and_dawn_have_one_switch_each(light: Callable[[float], float]) -> None:
    controller = NightController(NightConfig(), 0.0)
    camera: Mode = "day" if light is dusk else "night"
    asked: list[Mode] = []
    for second in range(0, 8 * 3600, 2):
        lux = light(second / 3600 - 4)
        level = day_level(lux) if camera == "day" else level_of(lux, 2.0, 6.0)
        wanted = controller.observe(camera, level, float(second))
        if wanted is not None:
            camera = wanted
            asked.append(wanted)
    assert asked == (["night"] if light is dusk else ["day"])


def test_lux_is_the_same_whichever_exposure_measured_it() -> None:
    by_day = lux_of(level_of(0.9, 0.1, 8.0), Sensor(100_000, 8.0))
    by_night = lux_of(level_of(0.9, 2.0, 3.0), Sensor(2_000_000, 3.0))
    assert by_day == pytest.approx(0.9, rel=0.2)
    assert by_night == pytest.approx(0.9, rel=0.2)


@pytest.mark.parametrize("level", [0.0, 255.0])
def test_black_and_white_frames_tell_no_lux(level: float) -> None:
    assert lux_of(level, Sensor(100_000, 1.0)) is None
    assert lux_of(100.0, Sensor(None, 1.0)) is None


def test_the_pauses_between_refused_switches_grow_and_end_with_a_switch() -> None:
    night = Night()
    night.obeys = False
    night.see(10, 10, 10)
    pauses_s = []
    for _ in range(len(RETRY_S) + 1):
        night.controller.refused(night.now_s)
        asked, refused_s = len(night.asked), night.now_s
        for _ in range(100):
            if len(night.asked) == asked:
                night.see(10)
        pauses_s.append(round(night.now_s - refused_s))
    assert pauses_s == [round(pause_s) for pause_s in (*RETRY_S, RETRY_S[-1])]


def test_a_late_refusal_of_the_other_mode_is_not_taken_for_one_of_this() -> None:
    night = Night()
    night.obeys = False
    night.see(10, 10, 10)
    assert night.controller.wanted == "night"
    night.controller.refused(night.now_s, "day")
    assert night.controller.explain(night.now_s)["state"] == "to_night", "still on its way"
    night.controller.refused(night.now_s, "night")
    assert night.controller.explain(night.now_s)["state"] == "day"


def test_it_says_when_it_may_decide_without_a_frame() -> None:
    night = Night()
    night.obeys = False
    night.see(10, 10, 10)
    assert night.controller.due_s == pytest.approx(night.now_s + CONFIRM_S + CONFIRM_FRAMES * QUICK.exposure_us / 1e6)
    night.controller.refused(night.now_s)
    assert night.controller.due_s == night.now_s + RETRY_S[0]
