"""Published states are true during switches, late frames, floods, refusals, and lost jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config, Format
from pi_cam_node.core.commands import pictures
from pi_cam_node.core.commands.pictures import STREAM_BYTES, STREAM_FRAMES
from pi_cam_node.core.events import (
    BrightnessMeasured,
    CameraChanged,
    FaultReported,
    FramesSent,
    ModeWanted,
    PictureSaved,
    Replied,
)
from pi_cam_node.core.inbox import MESSAGES_IN_A_ROW, Inbox
from pi_cam_node.core.inputs import (
    CameraFailed,
    CameraOpened,
    CommandArrived,
    HomeAssistantStarted,
    WorkAdvanced,
    WorkEnded,
)
from pi_cam_node.core.picture import Picture
from pi_cam_node.imaging.frame import Frame, Sensor
from pi_cam_node.imaging.jpeg import encode
from tests.support.core_harness import CoreHarness


def config_of(**sections: dict[str, Any]) -> Config:
    return Config.model_validate(sections)


def online(harness: CoreHarness) -> list[bool]:
    return [fact.online for fact in harness.said(CameraChanged)]


def finals(harness: CoreHarness) -> list[dict[str, Any]]:
    return [dict(reply.body) for reply in harness.said(Replied) if reply.body["stage"] == "final"]


def wait_in_steps(harness: CoreHarness, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        harness.wait(0.5)


# ------------------------------------------------------------------ is the camera there?


def test_a_switch_into_a_long_exposure_is_no_loss() -> None:
    harness = CoreHarness(config_of(night={"exposure_us": 2_000_000}))
    harness.see(10)
    harness.send("set", "night.override night")
    assert harness.said(ModeWanted) == [ModeWanted("night")]
    wait_in_steps(harness, 19)  # picamera2: three seconds for the change and eight frames until the first good one
    harness.step(harness.frame(mode="night"))
    assert online(harness) == [True]


def test_a_switch_back_into_the_day_is_no_loss() -> None:
    harness = CoreHarness(config_of(night={"exposure_us": 2_000_000, "override": "night"}))
    harness.see(5, mode="night", every_s=2.0)
    harness.send("set", "night.override day")
    wait_in_steps(harness, 7)
    harness.see()
    assert online(harness) == [True]


def test_a_camera_that_dies_in_a_switch_is_away_all_the_same() -> None:
    harness = CoreHarness(config_of(night={"exposure_us": 2_000_000}))
    harness.see(10)
    harness.send("set", "night.override night")
    wait_in_steps(harness, 25)
    assert online(harness) == [True, False]


def test_after_a_switch_the_usual_deadline_holds_again() -> None:
    harness = CoreHarness(config_of(night={"exposure_us": 2_000_000, "override": "night"}))
    harness.see(3, mode="night", every_s=2.0)
    wait_in_steps(harness, 5.5)
    assert online(harness) == [True]
    harness.wait(0.5)
    assert online(harness) == [True, False]


@pytest.mark.parametrize(
    ("sections", "mode", "interval_s", "change"),
    [
        ({"camera": {"framerate": 0.1}}, "day", 10.0, "camera.framerate 10"),
        (
            {"night": {"exposure_us": 20_000_000, "override": "night"}},
            "night",
            20.0,
            "night.exposure_us 1000000",
        ),
    ],
)
def test_a_faster_camera_is_not_lost_while_its_slow_frame_is_under_way(
    sections: dict[str, Any], mode: Any, interval_s: float, change: str
) -> None:
    harness = CoreHarness(config_of(**sections))
    harness.see(3, mode=mode, every_s=interval_s)
    wait_in_steps(harness, interval_s - 1)
    harness.send("set", change)
    wait_in_steps(harness, 1)
    assert online(harness) == [True]


def test_a_slower_camera_is_not_lost_before_its_first_slow_frame() -> None:
    harness = CoreHarness()
    harness.see(10)
    harness.send("set", "camera.framerate 0.1")
    wait_in_steps(harness, 12)
    assert online(harness) == [True]


def test_settings_that_grow_again_and_again_do_not_keep_a_dead_camera_alive() -> None:
    harness = CoreHarness()
    harness.see(10)
    for rate in (1, 0.5, 0.25) * 20:
        harness.send("set", f"camera.framerate {rate}")
        wait_in_steps(harness, 3)
    assert online(harness) == [True, False]


def test_frames_that_waited_behind_the_news_of_a_loss_do_not_bring_the_camera_back() -> None:
    harness = CoreHarness()
    harness.see(10)
    harness.clock.advance(0.1)
    late = harness.frame()
    harness.clock.advance(0.01)
    harness.step(CameraFailed("the camera process was ended by SIGKILL", "respawn", 1))
    harness.step(late)
    assert online(harness) == [True, False]
    assert harness.core.latest is None
    assert [frame.seq for frame in harness.core.ring.last(1)] == [late.seq]
    harness.see()
    assert online(harness) == [True, False, True]


def test_a_flood_of_messages_leaves_frames_their_turn() -> None:
    inbox, harness = Inbox(), CoreHarness()
    for _ in range(1000):
        inbox.put(HomeAssistantStarted())
    frames = [harness.frame() for _ in range(3)]
    for frame in frames:
        inbox.put_frame(frame)
    taken = [inbox.take(0) for _ in range(4 * (MESSAGES_IN_A_ROW + 1))]
    assert [message for message in taken if isinstance(message, Frame)] == frames
    assert isinstance(taken[0], HomeAssistantStarted)


def test_a_frame_that_cannot_be_worked_on_stops_no_deadline(mocker: MockerFixture) -> None:
    harness = CoreHarness()
    harness.see()
    harness.send("save", '{"id":"x"}')
    mocker.patch.object(harness.core._pipeline, "process", side_effect=ZeroDivisionError("division by zero"))
    for _ in range(60):
        with pytest.raises(ZeroDivisionError):
            harness.see()
    assert harness.core.figures()["commands_waiting"] == 0
    mocker.stopall()
    harness.step()
    assert [(reply["id"], reply["code"]) for reply in finals(harness)] == [("x", "timeout")]


# ------------------------------------------------------------------ published brightness


def lit(harness: CoreHarness, lux: float) -> Frame:
    return replace(harness.frame(level=118), sensor=Sensor(lux=lux))


def test_lux_is_told_although_the_exposure_keeps_the_brightness() -> None:
    harness = CoreHarness()
    for lux in (20_000.0, 20_100.0, 15_000.0, 900.0, 890.0):
        harness.clock.advance(2.0)
        harness.step(lit(harness, lux))
    assert [fact.lux for fact in harness.said(BrightnessMeasured)] == [20_000, 15_000, 900]


def test_lux_that_is_no_longer_known_is_told() -> None:
    harness = CoreHarness()
    harness.step(lit(harness, 100.0))
    harness.see(1, level=118, every_s=2.0)
    assert [fact.lux for fact in harness.said(BrightnessMeasured)] == [100, None]


# ------------------------------------------------------------------ pictures of the past


def test_a_picture_of_long_ago_is_not_given_out_as_one_of_just_now() -> None:
    harness = CoreHarness()
    harness.see(100)
    harness.step(CameraFailed("unplugged", "wait", 0))
    harness.clock.advance(3600)
    assert [r["message"] for r in harness.send("pastStack")] == ["NO_FRAMES"]
    assert harness.send("pastStack", '{"at":3605}') == []
    assert [r["ok"] for r in harness.work()] == [True]


@pytest.mark.parametrize("at", ["nan", "inf", "-inf", "NaN"])
def test_a_moment_that_is_no_number_means_no_frames(at: str) -> None:
    harness = CoreHarness()
    harness.see(100)
    replies = harness.send("pastStack", json.dumps({"at": at, "span_s": 1}))
    assert [reply["code"] for reply in replies] == ["bad_request"]
    assert harness.jobs == []


@pytest.mark.parametrize("origin", ["mqtt", "http", "tcp"])
def test_a_stream_counts_as_sent_only_what_the_link_can_take(origin: str, mocker: MockerFixture) -> None:
    mocker.patch.object(pictures, "CLIENT_STREAM_BYTES", STREAM_BYTES)
    harness = CoreHarness(config_of(ring={"size": 2000, "quality": 100}))
    noise = encode(np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8), "bgr", 100)
    harness.see(5)
    for _ in range(30):
        harness.clock.advance(0.1)
        harness.step(replace(harness.frame(), jpeg=noise))
    reply = harness.send("shortstream", "30", origin=origin)[0]
    sent = harness.said(FramesSent)
    assert sum(len(fact.jpeg) for fact in sent) <= STREAM_BYTES
    assert [fact.seq for fact in sent] == list(range(36 - len(sent), 36))
    assert reply["data"] == {"sent": len(sent), "skipped": 30 - len(sent), "available": 30}
    assert 0 < len(sent) < 30


def test_a_stream_of_small_frames_is_bounded_by_their_number() -> None:
    harness = CoreHarness(config_of(ring={"size": 2000}))
    harness.see(600)
    assert harness.send("shortstream", "600")[0]["data"]["sent"] == STREAM_FRAMES


# ------------------------------------------------------------------ replies


@pytest.mark.parametrize(
    ("payload", "code"),
    [('{"id":"mine","expires":"tomorrow"}', "bad_request"), ('{"id":"mine","expires":1}', "expired")],
)
def test_a_refusal_bears_the_id_of_its_request(payload: str, code: str) -> None:
    replies = CoreHarness().send("health", payload)
    assert [(reply["id"], reply["code"]) for reply in replies] == [("mine", code)]


def test_a_retained_command_is_refused_under_its_id_and_the_id_stays_free() -> None:
    harness = CoreHarness()
    assert [(r["id"], r["code"]) for r in harness.send("health", '{"id":"mine"}', retained=True)] == [
        ("mine", "retained")
    ]
    assert [(r["id"], r["code"]) for r in harness.send("health", '{"id":"mine"}')] == [("mine", "ok")]
    assert [r["code"] for r in harness.send("health", '{"id":"mine"}', retained=True)] == ["retained"]
    assert [r["code"] for r in harness.send("health", "{", retained=True)] == ["retained"]


def test_a_command_that_expired_in_the_queue_is_not_carried_out() -> None:
    harness = CoreHarness()
    harness.see()
    queued = CommandArrived("save", b'{"expires":"2026-11-20T19:45:02Z"}', harness.clock.monotonic())
    harness.clock.advance(10)
    harness.step(queued)
    assert [reply["code"] for reply in finals(harness)] == ["expired"]


def test_work_is_accepted_before_it_advances() -> None:
    harness = CoreHarness()
    harness.see(100)
    harness.send("pastStack", '{"id":"p"}')
    harness.clock.advance(1.0)
    harness.step(WorkAdvanced(1, 2, 4))
    assert [fact.body["stage"] for fact in harness.said(Replied)] == ["accepted", "progress"]


@pytest.mark.parametrize(
    ("verb", "message"),
    [("pastStack", "NOT_SAVED"), ("overwrite_config", "ERROR: failed to dump configuration: ")],
)
def test_a_full_worker_is_told_in_the_words_of_the_contract(verb: str, message: str) -> None:
    harness = CoreHarness()
    harness.see(100)
    harness.worker_full = True
    replies = harness.send(verb)
    assert [reply["code"] for reply in replies] == ["busy"]
    assert replies[0]["message"].startswith(message)
    assert harness.core.figures()["commands_waiting"] == 0


def test_a_save_waits_for_the_end_of_a_switch() -> None:
    harness = CoreHarness(config_of(night={"exposure_us": 2_000_000}))
    harness.see(10)
    harness.send("set", "night.override night")
    harness.send("save", "jpg")
    wait_in_steps(harness, 19)
    harness.step(harness.frame(mode="night"))
    harness.work()
    assert finals(harness)[-1]["ok"]


@pytest.mark.parametrize("verb", ["set", "get", "save", "pastStack", "shortstream", "help"])
def test_no_depth_of_nesting_is_a_bug(verb: str) -> None:
    harness = CoreHarness()
    for depth in (*range(1, 200, 40), *range(200, 1100, 3)):
        nested = "[" * depth + "]" * depth
        for key in ("key", "formats", "n", "verb", "value", "x"):
            payload = f'{{"{key}":{nested}}}'
            codes = [reply["code"] for reply in harness.send(verb, payload)]
            assert "internal" not in codes, (depth, key)


def test_work_that_fails_for_nobody_is_told() -> None:
    harness = CoreHarness()
    harness.step(WorkEnded(99, error=NotSaved("cannot read /captures: permission denied")))
    assert harness.said(FaultReported) == [FaultReported("not_saved", "cannot read /captures: permission denied")]
    harness.step(WorkEnded(98, result=3))
    assert len(harness.said(FaultReported)) == 1


def test_a_picture_saved_after_its_asker_was_given_up_is_still_the_last_one(mocker: MockerFixture) -> None:
    harness = CoreHarness()
    harness.see(100)
    normal = harness.archive.save

    def hang(picture: Picture, formats: Sequence[Format], config: Config) -> PictureSaved:
        harness.wait(121)
        return normal(picture, formats, config)

    mocker.patch.object(harness.archive, "save", hang)
    harness.send("pastStack")
    harness.work()
    assert [reply["code"] for reply in finals(harness)] == ["timeout"]
    assert [saved.id for saved in harness.said(PictureSaved)] == ["stack-0001"]


def test_a_picture_that_took_too_long_is_no_fault_any_more_once_one_was_saved(mocker: MockerFixture) -> None:
    harness = CoreHarness()
    harness.see(100)
    slow = mocker.patch.object(harness.archive, "save", side_effect=lambda *_: harness.wait(121))
    harness.send("pastStack")
    harness.work()
    assert harness.said(FaultReported)[-1].code == "timeout"
    mocker.stop(slow)
    harness.see(100)
    harness.send("pastStack")
    harness.work()
    harness.see(10)
    assert harness.said(FaultReported)[-1].code == "ok"


# ------------------------------------------------------------------ memory


@pytest.mark.promise("C7")
def test_a_camera_that_delivers_larger_frames_than_asked_for_shrinks_the_ring(figure: Callable[[str], None]) -> None:
    harness = CoreHarness(budget_bytes=192 * MIB)
    before = harness.core.ring._limits.size_bytes
    harness.step(CameraOpened("rtsp://porch/live", (2560, 1440), controls=False))
    after = harness.core.ring._limits.size_bytes
    figure(
        f"frames of 2560x1440 instead of what was asked for: the ring went from {before // MIB} to {after // MIB} MiB"
    )
    assert after < before
    harness.send("set", "ring.quality 80")
    assert harness.core.ring._limits.size_bytes == after
    assert [r["code"] for r in harness.send("set", f"ring.max_bytes {before + 1}")] == ["out_of_range"]


@pytest.mark.promise("C7")
def test_set_refuses_a_picture_that_the_budget_cannot_hold() -> None:
    harness = CoreHarness(budget_bytes=128 * MIB)
    assert harness.send("set", "camera.width 2048")[0]["ok"]
    assert harness.send("set", "camera.height 3456")[0]["code"] == "out_of_range"
    assert harness.core.config.camera.height == 768
    assert harness.send("set", "camera.width 1024")[0]["ok"]
