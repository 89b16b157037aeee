"""Stored state of runs, and retries of the camera in safe mode."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pi_cam_node.base.errors import Busy, Code
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.events import CameraChanged, FaultReported, SettingChanged
from pi_cam_node.core.rules.fault_state import Subject
from pi_cam_node.runtime.crash_loop_guard import PROBES_S, CrashLoopGuard
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import PROVEN_S, StartCounter
from pi_cam_node.runtime.startup import Start, checked
from tests.support.fakes.clock import FakeClock, run_due

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ON, OFF = CameraChanged(online=True, reason="", at=NOW), CameraChanged(online=False, reason="", at=NOW)


class Bench:
    def __init__(self, folder: Path, number: int = 1, *, is_safe: bool = False) -> None:
        self.clock = FakeClock()
        self.file = folder / "my.yaml"
        self.file.write_bytes(b"camera: {source: synthetic}\n")
        self.loaded: LoadedConfig = checked(self.file, {})
        self.starts, self.good = folder / "starts", folder / "good"
        counter = StartCounter(self.starts)
        counter.begin()
        self.busy = False
        why = ("safe mode: the camera is left alone",) if is_safe else ()
        start = Start(number, is_safe, False, why, counter, LastGood(self.good))
        self.camera_starts = 0
        self.noted: list[tuple[Subject, Code, str]] = []
        self.repair = self.guard(self.loaded, start)
        self.repair.announce()

    def guard(self, loaded: LoadedConfig, start: Start) -> CrashLoopGuard:
        return CrashLoopGuard(
            loaded, start, self.clock, self._submit, lambda: loaded.config, self._start_camera, self._note
        )

    def _note(self, subject: Subject, code: Code, message: str) -> None:
        self.noted.append((subject, code, message))

    def _start_camera(self) -> None:
        self.camera_starts += 1

    def _submit(self, job: Callable[[Callable[[int, int], None]], object]) -> int:
        if self.busy:
            raise Busy("16 jobs are waiting already")
        job(lambda _done, _total: None)
        return 1

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.advance(1)
            run_due(self.repair, self.clock)

    @property
    def on_disk(self) -> tuple[int, bool]:
        told = json.loads(self.starts.read_bytes())
        return told["start"], told["had_frames"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_frames_are_noted_at_once(bench: Bench) -> None:
    bench.go_on(1)
    assert bench.on_disk == (1, False)
    bench.repair.on_event(ON)
    bench.go_on(1)
    assert bench.on_disk == (1, True)


def test_frames_for_a_minute_prove_the_life_and_the_settings(bench: Bench) -> None:
    bench.repair.on_event(ON)
    bench.go_on(PROVEN_S - 1)
    assert bench.on_disk == (1, True)
    assert not bench.good.exists()
    bench.go_on(2)
    assert bench.on_disk == (0, True)
    assert bench.good.read_bytes() == bench.loaded.content


def test_a_loss_begins_the_minute_anew(bench: Bench) -> None:
    bench.repair.on_event(ON)
    bench.go_on(50)
    bench.repair.on_event(OFF)
    bench.repair.on_event(ON)
    bench.go_on(50)
    assert not bench.good.exists()
    bench.go_on(11)
    assert bench.good.exists()


def test_changed_settings_have_to_prove_themselves_too(bench: Bench) -> None:
    bench.repair.on_event(ON)
    bench.go_on(61)
    bench.good.unlink()
    bench.repair.on_event(SettingChanged("night.gain", 3.0))
    bench.go_on(50)
    assert not bench.good.exists()
    bench.go_on(11)
    assert bench.good.exists()


def test_no_camera_that_is_known_and_said_is_no_crash_loop_and_proves_no_settings(bench: Bench) -> None:
    bench.repair.on_event(FaultReported("camera_down", "no camera was found"))
    bench.go_on(61)
    assert bench.on_disk[0] == 0
    assert not bench.good.exists()


def test_a_life_that_neither_delivers_nor_says_why_proves_nothing(bench: Bench) -> None:
    bench.go_on(300)
    assert bench.on_disk == (1, False)


def test_a_busy_worker_is_asked_again(bench: Bench) -> None:
    bench.repair.on_event(ON)
    bench.busy = True
    bench.go_on(70)
    assert bench.on_disk == (1, False)
    bench.busy = False
    bench.go_on(10)
    assert bench.on_disk[0] == 0
    assert bench.good.exists()


def test_giving_up_and_an_end_in_order_are_noted(bench: Bench) -> None:
    bench.repair.give_up("the thread worker hangs")
    assert json.loads(bench.starts.read_bytes())["failed"] == "the thread worker hangs"
    bench.repair.end_in_order()
    assert bench.on_disk[0] == 0


def test_a_usual_start_is_no_news(bench: Bench) -> None:
    assert bench.noted == []
    assert bench.repair.facts() == {"start": 1, "safe_mode": False, "settings_from": "file", "trouble": None}


@pytest.mark.parametrize(("number", "pause_s"), [*zip(range(5, 10), PROBES_S, strict=True), (60, PROBES_S[-1])])
def test_safe_mode_tries_the_camera_the_later_the_more_starts_failed(
    tmp_path: Path, number: int, pause_s: float
) -> None:
    bench = Bench(tmp_path, number, is_safe=True)
    assert bench.repair.leaves_camera
    bench.clock.advance(pause_s - 1)
    run_due(bench.repair, bench.clock)
    assert bench.camera_starts == 0
    bench.clock.advance(2)
    assert run_due(bench.repair, bench.clock)
    assert not run_due(bench.repair, bench.clock)
    assert bench.camera_starts == 1
    assert not bench.repair.leaves_camera


def test_safe_mode_says_so_and_proves_nothing_until_the_camera_was_tried(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 5, is_safe=True)
    assert bench.noted == [("start", "camera_down", "safe mode: the camera is left alone")]
    bench.repair.on_event(FaultReported("camera_down", "safe mode"))
    bench.go_on(PROBES_S[0] - 1)
    assert (bench.on_disk[0], bench.camera_starts) == (1, 0)
    bench.go_on(1)
    assert (bench.on_disk[0], bench.camera_starts) == (1, 1)
    assert bench.noted[1:] == [("start", "ok", "")]
    bench.repair.on_event(ON)
    bench.go_on(PROVEN_S + 1)
    assert bench.on_disk[0] == 0


def test_a_life_in_privacy_is_worth_living_though_no_frame_comes(bench: Bench) -> None:
    bench.go_on(PROVEN_S + 5)
    assert bench.on_disk == (1, False), "neither frames nor a reason for their absence"
    bench.repair.on_event(SettingChanged("privacy.enable", value=True))
    bench.go_on(1)
    assert bench.on_disk == (0, True)


def test_a_start_in_privacy_is_worth_living_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.file.write_bytes(b"privacy: {enable: on}\n")
    counter = StartCounter(tmp_path / "starts")
    counter.begin()
    bench.repair = bench.guard(checked(bench.file, {}), Start(2, file=counter))
    bench.go_on(PROVEN_S + 5)
    assert bench.on_disk == (0, True)


def test_a_private_life_that_is_killed_at_once_does_not_count(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.file.write_bytes(b"privacy: {enable: on}\n")
    bench.starts.unlink()
    for _ in range(5):
        counter = StartCounter(tmp_path / "starts")
        assert counter.begin() == 1
        run_due(bench.guard(checked(bench.file, {}), Start(file=counter)), bench.clock)
        assert bench.on_disk == (1, True)


def test_a_life_that_became_private_before_a_frame_came_does_not_count_either(bench: Bench) -> None:
    bench.repair.on_event(SettingChanged("privacy.enable", value=True))
    bench.go_on(1)
    assert bench.on_disk == (1, True)


def test_privacy_is_no_way_out_of_safe_mode(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 5, is_safe=True)
    bench.repair.on_event(SettingChanged("privacy.enable", value=True))
    bench.go_on(1)
    assert bench.on_disk == (1, False)


def test_what_is_erased_is_not_counted_again(bench: Bench) -> None:
    bench.starts.unlink()
    bench.repair._start.file.forget()
    bench.repair.on_event(ON)
    bench.go_on(PROVEN_S + 5)
    bench.repair.end_in_order()
    assert not bench.starts.exists()
